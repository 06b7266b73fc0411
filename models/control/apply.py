"""Turning a stack into conditioning: a flat chain of the host's control objects, one link per signal, on copies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from ...preprocessors.image_tensor import BrokenImage, check_image, to_rgb
from ..host import host_nodes
from .fit import Fit
from .link import SignalControl
from .signal import ControlSignal
from .stack import ControlStack

Conditioning = list[list[Any]]


@dataclass(frozen=True)
class Applied:
    """Conditioning with the stack in it, and one line per signal on what was done with it."""

    positive: Conditioning
    negative: Conditioning
    report: tuple[str, ...]


def apply_stack(positive: Conditioning, negative: Conditioning, stack: ControlStack, vae: Any = None) -> Applied:
    """Chain every signal of the stack onto what the conditioning carries already; nothing upstream changes.

    The balance counts the signals that act: one that is skipped takes no share from the others.
    """
    report: list[str] = []
    acting: list[tuple[ControlSignal, torch.Tensor, str]] = []
    for number, signal in enumerate(stack.signals, start=1):
        label = f"Control signal {number} of {len(stack.signals)} ({signal.kind})"
        decision = _decide(signal, label)
        report.append(f"{label}: {decision.told}")
        if decision.image is not None:
            # A record of its own, so that a signal linked twice is two signals to the balance.
            acting.append((replace(signal), decision.image, label))
    sharing = replace(stack, signals=tuple(signal for signal, _, _ in acting))
    for signal, image, label in acting:
        positive, negative = _chain(positive, negative, signal, sharing, image, vae, label)
    return Applied(positive, negative, tuple(report))


@dataclass(frozen=True)
class _Decision:
    image: torch.Tensor | None
    told: str


def _decide(signal: ControlSignal, label: str) -> _Decision:
    """Whether the signal is applied, by its weight, its image and its policy for an unusable image."""
    if signal.weight == 0.0:
        return _Decision(None, "not applied, its weight is 0")
    if signal.start == signal.end:
        return _Decision(None, f"not applied, its range is empty (it starts and ends at {signal.start:g})")
    try:
        image = to_rgb(check_image(signal.image, f"{label}, control image"))
    except BrokenImage as broken:
        if signal.on_invalid == "skip":
            return _Decision(None, f"skipped (on_invalid is skip): {broken}")
        raise
    complaint = _complaint(image)
    if complaint is None:
        return _Decision(image, _summary(signal))
    if signal.on_invalid == "error":
        raise ValueError(f"{label}: {complaint} Change the image, or set on_invalid to warn or skip.")
    if signal.on_invalid == "skip":
        return _Decision(None, f"skipped (on_invalid is skip): {complaint}")
    return _Decision(image, f"{_summary(signal)}. Warning: {complaint}")


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
        parts.append("weights per layer")
    return "applied, " + ", ".join(parts)


def _fit(fit: Fit) -> str:
    return "crop (to the centre)" if fit == "crop" else fit


def _chain(
    positive: Conditioning,
    negative: Conditioning,
    signal: ControlSignal,
    stack: ControlStack,
    image: torch.Tensor,
    vae: Any,
    label: str,
) -> tuple[Conditioning, Conditioning]:
    if signal.control_net.latent_format is not None and vae is None:
        raise ValueError(
            f"{label}: this control net works on encoded images and needs a VAE. "
            "Link the VAE of your checkpoint to the input vae of Apply Control Stack."
        )
    link = SignalControl(signal.control_net, signal, stack, label)
    # The host's own apply: one copy per distinct chain, so positive and negative stay in one batch.
    return (
        host_nodes()
        .ControlNetApplyAdvanced()
        .apply_controlnet(positive, negative, link, image, signal.weight, signal.start, signal.end, vae=vae)
    )
