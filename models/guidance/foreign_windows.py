"""Sliding windows that the pack AnimateDiff-Evolved lays over a clip: how it tells them, and what it asks of control objects.

The names in this file are that pack's own, written after its source (`animatediff/sampling.py`, version 1.5.7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comfy.controlnet import ControlBase

_OPTIONS = "ad_params"


def told_window(transformer_options: Mapping[str, Any]) -> tuple[tuple[int, ...], int] | None:
    """The frames of this call and the clip's length, or None where that pack tells no window.

    That pack puts `ad_params` into the options of each call of the model; `sub_idxs` is None while it samples a clip at once.
    The attributes of `WindowedControl` say the same, but they are of the object and not of the call, so they are not read.
    """
    told = transformer_options.get(_OPTIONS)
    if not isinstance(told, Mapping) or told.get("sub_idxs") is None:
        return None
    frames, total = told["sub_idxs"], told["full_length"]
    return tuple(int(frame) for frame in frames), int(total)


def tell_window(control: Any, frames: Sequence[int] | None, total: int) -> bool:
    """Write the window into a control object that stands inside one of ours, as that pack does with the links that it sees.

    frames: None outside such windows. Returns whether the object now knows a window: it then cuts its maps itself, as those of
    Advanced-ControlNet do, and wants the maps of the whole clip.
    """
    if not hasattr(control, "sub_idxs"):
        return False
    control.sub_idxs = None if frames is None else list(frames)
    control.full_latent_length, control.context_length = total, total if frames is None else len(frames)
    return frames is not None


class WindowedControl(ControlBase):
    """A control object that AnimateDiff-Evolved accepts in its windows.

    Before each window it refuses every object of the chain that has no `sub_idxs`, and writes the window into those that
    have one. For Advanced-ControlNet the same attribute marks an object of its own kind, with methods that its nodes then
    call. So the attributes are there while a sampling runs, and neither before nor behind it.
    """

    sub_idxs: list[int] | None
    full_latent_length: int
    context_length: int

    def pre_run(self, model: Any, percent_to_timestep_function: Any) -> None:
        super().pre_run(model, percent_to_timestep_function)
        self.sub_idxs, self.full_latent_length, self.context_length = None, 0, 0

    def cleanup(self) -> None:
        super().cleanup()
        self._forget_window()

    def abandon(self) -> None:
        """Let go of a sampling that ended by an error or an interrupt; called for each link of a chain."""
        self._forget_window()

    def _forget_window(self) -> None:
        for name in ("sub_idxs", "full_latent_length", "context_length"):
            self.__dict__.pop(name, None)
