"""What the demo model is trained and measured on."""

from __future__ import annotations

import torch

from ...commands.terminal import Problem


def chosen_device(name: str | None) -> torch.device:
    """The device of that name; without one the graphics card, where there is one. ComfyUI is told. Raises Problem."""
    import comfy.cli_args

    name = name or ("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        raise Problem(f"--device {name}: {str(error).splitlines()[0]}") from None
    if device.type == "cpu":
        comfy.cli_args.args.cpu = True
    return device
