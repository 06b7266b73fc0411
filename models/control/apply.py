"""Turning a stack into conditioning: a flat chain of the host's control objects, one link per signal, on copies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...preprocessors.images.checks import check_choice
from ..controlnext.control import ControlNeXt
from ..guidance.regions import map_in_area
from ..host import host_nodes, tell
from .decision import Decided, decide
from .guard import GUARDS, Guard, Watch
from .savings import NONE, Savings
from .signal_control import SignalControl
from .stack import ControlStack

Conditioning = list[list[Any]]


@dataclass(frozen=True)
class Applied:
    """Conditioning with the stack in it, and one line per signal on what was done with it."""

    positive: Conditioning
    negative: Conditioning
    report: tuple[str, ...]


def apply_stack(
    positive: Conditioning,
    negative: Conditioning,
    stack: ControlStack,
    vae: Any = None,
    guard: Guard = "error",
    savings: Savings = NONE,
) -> Applied:
    """Chain every signal of the stack onto what the conditioning carries already; nothing upstream changes.

    The balance counts the signals that act: one that is skipped takes no share from the others.
    """
    check_choice("Apply Control Stack, input guard", guard, GUARDS)
    decided = decide(stack)
    for part in decided:
        if part.has_complaint:
            tell(f"{part.label}: {part.told}")
    acting = tuple(part for part in decided if part.image is not None)
    sharing = replace(stack, signals=tuple(part.signal for part in acting))
    notes = _savings_note(acting, savings)
    areas = ("Note: " + map_in_area(),) if acting and _has_areas(positive, negative) else ()
    for part in acting:
        positive, negative = _chain(positive, negative, part, sharing, vae, Watch(part.label, guard), savings)
    return Applied(
        positive, negative, (*stack.notes, *(f"{part.label}: {part.told}" for part in decided), *notes, *areas)
    )


def _savings_note(acting: tuple[Decided, ...], savings: Savings) -> tuple[str, ...]:
    if not savings.conditional_only or not any(isinstance(part.signal.control_net, ControlNeXt) for part in acting):
        return ()
    return ("Note: conditional_only does not concern ControlNeXt, which acts on both halves of the guidance.",)


def _has_areas(*conditionings: Conditioning) -> bool:
    return any(one[1].get("area") is not None for conditioning in conditionings for one in conditioning)


def _chain(
    positive: Conditioning,
    negative: Conditioning,
    one: Decided,
    sharing: ControlStack,
    vae: Any,
    watch: Watch,
    savings: Savings,
) -> tuple[Conditioning, Conditioning]:
    signal = one.signal
    if signal.control_net.latent_format is not None and vae is None:
        raise ValueError(
            f"{watch.label}: this control net works on encoded images and needs a VAE. "
            "Link the VAE of your checkpoint to the input vae of Apply Control Stack."
        )
    link = SignalControl(signal.control_net, signal, sharing, watch, savings)
    # A range of steps is kept by the link itself: the host's own is one of the noise schedule.
    start, end = (0.0, 1.0) if signal.counts_steps else (signal.start, signal.end)
    # The host's own apply: one copy per distinct chain, so positive and negative stay in one batch.
    return (
        host_nodes()
        .ControlNetApplyAdvanced()
        .apply_controlnet(positive, negative, link, one.image, signal.weight, start, end, vae=vae)
    )
