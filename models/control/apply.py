"""Turning a stack into conditioning: a flat chain of the host's control objects, one link per signal, on copies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...common.report_lines import warning, warnings_first
from ...preprocessors.images.checks import check_choice
from ..controlnext.control import ControlNeXt
from ..guidance.regions import map_in_area
from ..host import host_nodes, tell
from .adaptive_weight import AdaptiveWeight
from .decision import Decided, decide
from .guard import GUARDS, Guard, Watch
from .inpaint import inpainting
from .model_patch.net import ModelPatchNet
from .savings import NONE, Savings
from .signal_control import SignalControl
from .stack import ControlStack

Conditioning = list[list[Any]]


@dataclass(frozen=True)
class Applied:
    """Conditioning with the stack in it, and lines on what was done with each signal."""

    positive: Conditioning
    negative: Conditioning
    report: tuple[str, ...]


def apply_stack(
    positive: Conditioning,
    negative: Conditioning,
    stack: ControlStack | None,
    vae: Any = None,
    guard: Guard = "error",
    savings: Savings = NONE,
) -> Applied:
    """Chain every signal of the stack onto what the conditioning carries already; nothing upstream changes.

    stack: None where none is linked, which is told and passes through as an empty one does. The balance counts the signals
    that act: one that is skipped takes no share from the others.
    """
    check_choice("Apply ControlNet Stack, input guard", guard, GUARDS)
    if stack is None or not stack.signals:
        return _uncontrolled(positive, negative, stack)
    decided = decide(stack)
    for part in decided:
        for line in part.warnings:
            tell(line)
    acting = tuple(part for part in decided if part.image is not None)
    sharing = replace(stack, signals=tuple(part.signal for part in acting))
    notes = _savings_note(acting, savings)
    areas = ("Note: " + map_in_area(),) if acting and _has_areas(positive, negative) else ()
    for part in acting:
        positive, negative = _chain(positive, negative, part, sharing, vae, Watch(part.label, guard), savings)
    lines = (*stack.notes, *(line for part in decided for line in part.lines), *notes, *areas)
    return Applied(positive, negative, tuple(warnings_first(lines)))


def _uncontrolled(positive: Conditioning, negative: Conditioning, stack: ControlStack | None) -> Applied:
    why = (
        "no ControlNet Stack is linked. Link one to the input stack"
        if stack is None
        else "its ControlNet Stack holds no signals. Link Control Signal nodes to that stack, or wake those that are bypassed"
    )
    line = warning(f"nothing controls this picture: {why}.")
    tell(line)
    return Applied(positive, negative, (line, *(() if stack is None else stack.notes)))


def _check_layers(signal: Any, label: str) -> None:
    if isinstance(signal.control_net, ModelPatchNet):
        raise ValueError(
            f"{label}: weights per layer do not act on it: the host applies it as a whole. Use Layer Weights for its two "
            "halves alone (preset none, no text in layers), or unlink layer_weights."
        )


def _savings_note(acting: tuple[Decided, ...], savings: Savings) -> tuple[str, ...]:
    nets = [part.signal.control_net for part in acting]
    notes = []
    if savings.conditional_only and any(isinstance(net, ControlNeXt) for net in nets):
        notes.append("Note: conditional_only does not concern ControlNeXt, which acts on both halves of the guidance.")
    patches = dict.fromkeys(net.kind.title for net in nets if isinstance(net, ModelPatchNet))
    if patches and (savings.conditional_only or savings.every > 1):
        notes.append(
            f"Note: {', '.join(patches)} works inside the model, so it is computed in every step and for the whole batch: every "
            "does not concern it, and conditional_only lets it act on the prompt's half alone but saves no time."
        )
    return tuple(notes)


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
            "Link the VAE of your checkpoint to the input vae of Apply ControlNet Stack."
        )
    if signal.layer_weights is not None and signal.layer_weights.acts_on_layers:
        _check_layers(signal, watch.label)
    assert one.image is not None, "a signal that is left out is not chained"
    given = inpainting(signal, one.image, watch.label)
    link = SignalControl(given.net, signal, sharing, watch, savings, AdaptiveWeight.of(signal, watch.label))
    # A range of steps is kept by the link itself: the host's own is one of the noise schedule.
    start, end = (0.0, 1.0) if signal.counts_steps else (signal.start, signal.end)
    # The host's own apply: one copy per distinct chain, so positive and negative stay in one batch.
    return (
        host_nodes()
        .ControlNetApplyAdvanced()
        .apply_controlnet(
            positive, negative, link, given.image, signal.weight, start, end, vae=vae, extra_concat=given.extra
        )
    )
