"""Seeing to it that a signal which acts does act: its residuals fit the network, and are not all zero."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args

import torch

from ..host import tell

Guard = Literal["error", "warn"]
GUARDS: tuple[Guard, ...] = get_args(Guard)

Shape = tuple[int, ...]


def silent_shapes(
    residuals: Mapping[str, Sequence[torch.Tensor | None]], blocks: Mapping[str, Sequence[Shape]]
) -> tuple[list[str], int]:
    """Residuals that the host would drop with no more than a log line, in words, and how many it would add.

    blocks: (channels, height, width) of what each list is added to, in the order in which the UNet takes residuals from
    the end of that list (`openaimodel.apply_control`).
    """
    dropped: list[str] = []
    added = 0
    for group, places in blocks.items():
        taken = list(residuals.get(group, ()))[::-1]
        for residual, place in zip(taken, places, strict=False):
            if residual is None:
                continue
            shape = tuple(residual.shape[1:])
            if all(have in (1, want) for have, want in zip(shape, place, strict=True)):
                added += 1
            else:
                dropped.append(f"{group} {'x'.join(map(str, shape))} onto {'x'.join(map(str, place))}")
    return dropped, added


def unet_blocks(model: Any, height: int, width: int) -> dict[str, list[Shape]] | None:
    """What the residuals of each list are added to in the host's UNet; None for a model of another kind.

    The way down is read from the network itself: the width of each input block, and where it halves the picture.
    """
    unet = model.diffusion_model
    if not hasattr(unet, "input_blocks") or not hasattr(unet, "output_blocks"):
        return None
    down: list[Shape] = []
    for block in unet.input_blocks:
        if any(type(layer).__name__ == "Downsample" for layer in block):
            height, width = -(-height // 2), -(-width // 2)
        channels = next((layer.out_channels for layer in reversed(block) if hasattr(layer, "out_channels")), None)
        if channels is None:
            return None
        down.append((channels, height, width))
    return {"input": down, "middle": [down[-1]], "output": down[::-1]}


class Watch:
    """What one signal contributed over a sampling; shared by all links of the signal."""

    def __init__(self, label: str, policy: Guard = "error") -> None:
        self.label = label
        self.policy: Guard = policy
        self._lock = threading.Lock()  # with several GPUs the host runs links in threads
        self.reset()

    def reset(self) -> None:
        """Before a sampling."""
        self._flags: dict[torch.device, torch.Tensor] = {}
        self._checked: set[tuple[int, int]] = set()

    def check_shapes(self, residuals: Any, model: Any, latent: torch.Tensor) -> None:
        """Before the first call of each size: residuals that do not fit the network are an error, or told."""
        size = (latent.shape[-2], latent.shape[-1])
        if size in self._checked or model is None:
            return
        self._checked.add(size)
        blocks = unet_blocks(model, *size)
        if blocks is None:
            return
        dropped, added = silent_shapes(residuals, blocks)
        if not dropped:
            return
        told = (
            f"{self.label}: {len(dropped)} of {len(dropped) + added} of its residuals do not fit the model being sampled "
            f"(for example {dropped[0]}), and ComfyUI leaves those out. "
            "The control net is made for another family of checkpoints; choose one that fits yours."
        )
        if added == 0 and self.policy == "error":
            raise ValueError(f"{told} Set guard to warn on Apply Control Stack to sample all the same.")
        tell(told)

    def saw(self, residuals: Mapping[str, Sequence[torch.Tensor | None]]) -> None:
        """Note whether the residuals of a call hold anything at all; never waits for the device.

        All of them on the first call, after that the last one: a control net that is silent is silent in every layer.
        """
        given = [one for group in residuals.values() for one in group if one is not None]
        if not given:
            return
        device = given[0].device
        with self._lock:
            known = self._flags.get(device)
            looked_at = given if known is None else given[-1:]
            flag = torch.stack([one.any() for one in looked_at]).any()
            self._flags[device] = flag if known is None else known | flag

    def finish(self) -> None:
        """After the sampling: an error, or a line, when the control net ran and gave nothing but zeros."""
        flags, self._flags = self._flags, {}
        if not flags or any(bool(flag) for flag in flags.values()):
            return
        told = (
            f"{self.label}: its control net ran but gave nothing but zeros, so the picture was made without it. "
            "The file is untrained, damaged or empty; load another."
        )
        if self.policy == "error":
            raise ValueError(f"{told} Set guard to warn on Apply Control Stack to keep such pictures.")
        tell(told)
