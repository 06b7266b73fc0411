"""What a stack did, as plain data for a job record."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from ...preprocessors.images.tags import tag_of
from ..guidance.layer_weights import LayerWeights
from .decision import Decided, decide
from .fit import fitted
from .signal import ControlSignal
from .stack import ControlStack


def stack_facts(stack: ControlStack, height: int, width: int) -> list[dict[str, Any]]:
    """For each signal its settings, what its policy decided, and its control images as they met a picture of this size.

    images: arrays [height, width, 3] of 0..255, none for a signal that was left out.
    """
    return [_facts(one, stack, height, width) for one in decide(stack)]


def _facts(part: Decided, stack: ControlStack, height: int, width: int) -> dict[str, Any]:
    signal = part.signal
    return {
        "label": part.label,
        "kind": signal.kind,
        "applied": part.image is not None,
        "told": part.told,
        "weight": signal.weight,
        "start_percent": signal.start,
        "end_percent": signal.end,
        **({"range_of": signal.range_of} if signal.counts_steps else {}),  # 0.1.0 knew the other alone
        "schedule": signal.schedule.to_text(),
        "fit": signal.fit,
        "on_invalid": signal.on_invalid,
        "masked": signal.has_mask,
        "layer_weights": None if signal.layer_weights is None else _layer_facts(signal.layer_weights),
        "frame_weights": None if signal.frame_weights is None else repr(signal.frame_weights),
        **({} if signal.adaptation is None else {"adaptation": signal.adaptation.in_words}),
        "balance": stack.balance,
        "budget": stack.budget,
        "images": [picture for image, of in _maps_of(part) for picture in _as_applied(image, height, width, of)],
    }


def _layer_facts(weights: LayerWeights) -> dict[str, Any]:
    """The fields. The one rule that 0.1.0 knew goes unsaid, so that records of both versions compare as equal."""
    facts = dataclasses.asdict(weights)
    if weights.rule == LayerWeights.rule:
        del facts["rule"]
    return facts


def _maps_of(one: Decided) -> list[tuple[torch.Tensor, ControlSignal]]:
    """Each control image with the signal that it belongs to."""
    return list(zip(one.images, one.parts or (one.signal,), strict=False))


def _as_applied(image: torch.Tensor, height: int, width: int, signal: ControlSignal) -> list[Any]:
    """[B,H,W,3] of 0..1 -> arrays [height, width, 3] of 0..255."""
    met = fitted(image.movedim(-1, 1), height, width, signal.fit, kind=tag_of(signal.image)).movedim(1, -1)
    return list((met.clamp(0, 1) * 255).round().to(torch.uint8).cpu().numpy())
