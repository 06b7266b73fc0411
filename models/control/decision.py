"""Whether a signal of a stack is applied, and what is told about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from ...preprocessors.image_tensor import BrokenImage, check_image, to_rgb
from ..controlnext.control import ControlNeXt
from .fit import Fit
from .signal import ControlSignal
from .stack import ControlStack
from .union import typed, union_type


@dataclass(frozen=True)
class Decided:
    """What becomes of one signal of a stack: its image [B,H,W,3], or None where it is left out, and why in words."""

    signal: ControlSignal
    label: str
    image: torch.Tensor | None
    told: str


def decide(stack: ControlStack) -> tuple[Decided, ...]:
    """For each signal whether it acts, by its weight, its image and its policy for an unusable image.

    Each gets a record of its own, so that a signal linked twice is two signals to the balance.
    """
    made: list[Decided] = []
    for number, signal in enumerate(stack.signals, start=1):
        label = f"Control signal {number} of {len(stack.signals)} ({signal.kind})"
        image, told = _decide(signal, label)
        kind = None if image is None else union_type(signal.control_net, signal.image)
        if kind is not None:
            told = f"{told}, {kind.told}"
        net = signal.control_net if kind is None or kind.number is None else typed(signal.control_net, kind.number)
        made.append(Decided(replace(signal, control_net=net), label, image, told))
    return tuple(made)


def _decide(signal: ControlSignal, label: str) -> tuple[torch.Tensor | None, str]:
    idle = _idle(signal)
    if idle is not None:
        return None, f"not applied, {idle}"
    try:
        image = to_rgb(check_image(signal.image, f"{label}, control image"))
    except BrokenImage as broken:
        if signal.on_invalid == "skip":
            return None, f"skipped (on_invalid is skip): {broken}"
        raise
    complaint = _complaint(image)
    if complaint is None:
        return image, _summary(signal)
    if signal.on_invalid == "error":
        raise ValueError(f"{label}: {complaint} Change the image, or set on_invalid to warn or skip.")
    if signal.on_invalid == "skip":
        return None, f"skipped (on_invalid is skip): {complaint}"
    return image, f"{_summary(signal)}. Warning: {complaint}"


def _idle(signal: ControlSignal) -> str | None:
    """Why a signal cannot act whatever its image; None when it can."""
    if signal.weight == 0.0:
        return "its weight is 0"
    if signal.start == signal.end:
        return f"its range is empty (it starts and ends at {signal.start:g})"
    if signal.mask is not None and not bool(signal.mask.any()):
        return "its mask is all black"
    if signal.frame_weights is not None and not any(factor for _, factor in signal.frame_weights.keyframes):
        return "its weight is 0 on every frame"
    layers = signal.layer_weights
    if layers is None or layers.conditional or layers.unconditional or isinstance(signal.control_net, ControlNeXt):
        return None
    return "its layer weights are 0 on both halves of the guidance"


def _complaint(image: torch.Tensor) -> str | None:
    """Why an image that can be read is still no usable control image; None when nothing speaks against it."""
    flat = image.flatten(1)
    spread = flat.amax(1) - flat.amin(1)
    if float(spread.min()) < 1 / 255:
        index = int(spread.argmin())
        return f"control image {index} is blank (one single colour), so there is no structure to follow."
    low, high = float(flat.min()), float(flat.max())
    if low < -1 / 255 or high > 1 + 1 / 255:
        return f"the control image has values from {low:.3g} to {high:.3g}; control nets expect 0 to 1."
    return None


def _summary(signal: ControlSignal) -> str:
    parts = [f"weight {signal.weight:g}", f"from {signal.start:.0%} to {signal.end:.0%}", f"fit {_fit(signal.fit)}"]
    if not signal.schedule.is_constant:
        parts.append(f"schedule {signal.schedule.to_text()}")
    if signal.mask is not None:
        parts.append("masked")
    if signal.layer_weights is not None:
        parts.append(
            "layer weights have no effect (ControlNeXt acts in one place, on both halves alike)"
            if isinstance(signal.control_net, ControlNeXt)
            else "weights per layer and half"
        )
    if signal.frame_weights is not None:
        parts.append(f"weights per frame {signal.frame_weights.to_text()}")
    return "applied, " + ", ".join(parts)


def _fit(fit: Fit) -> str:
    return "crop (to the centre)" if fit == "crop" else fit
