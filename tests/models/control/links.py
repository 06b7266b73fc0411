"""A control link on a stand-in control net that gives residuals of ones, for looking at what the link does to them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from armature_pack.models.control.guard import Watch
from armature_pack.models.control.savings import NONE, Savings
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.signal_control import SignalControl
from armature_pack.models.control.stack import ControlStack
from comfy.context_windows import IndexListContextWindow
from comfy.controlnet import ControlNet

LATENT = (8, 8)
# An SD1.5 ControlNet in small: grids of twelve skips at four levels, and the middle.
GRIDS = (8, 8, 8, 4, 4, 4, 2, 2, 2, 1, 1, 1)


class Ones(ControlNet):
    """Residuals of ones times the strength; remembers what each call saw."""

    def __init__(self, tokens: bool = False) -> None:
        super().__init__(None)
        self.control_model_wrapped = None
        self.tokens = tokens
        self.calls: list[dict[str, Any]] = []

    def copy(self) -> Ones:
        copied = Ones(self.tokens)
        copied.control_model = self.control_model
        self.copy_to(copied)
        copied.calls = self.calls
        return copied

    def pre_run(self, model, percent_to_timestep_function) -> None:
        pass

    def get_control(self, x_noisy, t, cond, batched_number, transformer_options):
        assert self.cond_hint_original is not None
        self.calls.append(
            {
                "batch": x_noisy.shape[0],
                "chunks": batched_number,
                "maps": self.cond_hint_original.shape[0],
                "first": self.cond_hint_original[:, 0, 0, 0].tolist(),
                "strength": self.strength,
                "cond": {name: value.shape[0] for name, value in cond.items() if isinstance(value, torch.Tensor)},
            }
        )
        batch = x_noisy.shape[0]
        if self.tokens:
            grids = {"input": [torch.ones(batch, 16, 4) for _ in range(3)], "output": [torch.ones(batch, 16, 4)] * 2}
        else:
            grids = {
                "input": [],
                "output": [torch.ones(batch, 4, size, size) for size in GRIDS],
                "middle": [torch.ones(batch, 4, 1, 1)],
            }
        return self.control_merge(grids, None, None)


def link(
    images: int = 1,
    tokens: bool = False,
    stack: ControlStack | None = None,
    savings: Savings = NONE,
    inner: ControlNet | None = None,
    **settings: Any,
) -> SignalControl:
    """A link ready to be called; image number i has the grey i/100."""
    settings.setdefault("weight", 1.0)
    picture = (torch.arange(images) / 100).reshape(-1, 1, 1, 1).expand(-1, 64, 64, 3)
    signal = ControlSignal(Ones(tokens), picture, **settings)
    stack = stack or ControlStack((signal,))
    made = SignalControl(inner or Ones(tokens), signal, stack, Watch("Signal 1"), savings)
    made.set_cond_hint(picture.movedim(-1, 1), signal.weight, (signal.start, signal.end))
    made.pre_run(SimpleNamespace(diffusion_model=object()), lambda percent: 1000 * (1 - percent))
    return made


def window(frames: list[int], total: int, anchor: int | None = None) -> IndexListContextWindow:
    made = IndexListContextWindow(frames, dim=0, total_frames=total)
    if anchor is not None:
        made.causal_anchor_index = anchor  # type: ignore[attr-defined]  # set by the host in the same way
    return made


def call(
    made: SignalControl, pictures: int = 1, halves: tuple[int, ...] = (1, 0), sigma: float = 500.0, **options: Any
) -> Any:
    """One call of the network by the host."""
    batch = pictures * len(halves)
    x_noisy = torch.zeros(batch, 4, *LATENT)
    cond = {"c_crossattn": torch.zeros(batch, 77, 8), "y": torch.zeros(batch, 2), "number": 3}
    options = {"cond_or_uncond": list(halves), "uuids": list(halves), **options}
    return made.get_control(x_noisy, torch.full((batch,), sigma), cond, len(halves), options)


def seen(made: SignalControl) -> list[dict[str, Any]]:
    return made.inner.calls
