"""Opt-in savings: what a control stack may leave out to be faster, at a measured cost in likeness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from comfy.controlnet import StrengthType

from .steps import StepCounter

Residuals = dict[str, list[torch.Tensor | None]]


@dataclass(frozen=True)
class Savings:
    """conditional_only: the control net runs on the prompt's half of the batch alone; every: its residuals are computed on every
    n-th step and kept for those between; until: it stops at this share of the sampling, 0..1.
    """

    conditional_only: bool = False
    every: int = 1
    until: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.every <= 100:
            raise ValueError(f"Savings, every: {self.every} lies outside 1 to 100.")
        if not 0.0 <= self.until <= 1.0:
            raise ValueError(f"Savings, until: {self.until} lies outside 0 to 1.")


NONE = Savings()


def check_savings(value: Any) -> Savings:
    """Return CONTROL_SAVINGS (nothing is none at all), or say what came in instead."""
    if value is None:
        return NONE
    if not isinstance(value, Savings):
        raise ValueError(
            f"Input savings: CONTROL_SAVINGS are wanted, not {type(value).__name__}. Link the output of the node Profile."
        )
    return value


@dataclass(frozen=True)
class _Kept:
    step: int
    strength: float
    residuals: Residuals


class ResidualMemory:
    """The residuals of the last computed step, for each part of the batch (conds and windows run apart)."""

    def __init__(self, every: int) -> None:
        self.every = every
        self._steps = StepCounter()
        self._kept: dict[Any, _Kept] = {}

    def at(self, sigma: float) -> None:
        """Count a step whenever the sigma changes."""
        self._steps.at(sigma)

    def recall(self, key: Any, inner: Any) -> Residuals | None:
        """Residuals of an earlier step at the strength of now, or None when they are to be computed."""
        kept = self._kept.get(key)
        if kept is None or self._steps.number - kept.step >= self.every or kept.strength == 0.0:
            return None
        ratio = inner.strength / kept.strength
        if ratio == 1.0:
            return {group: list(found) for group, found in kept.residuals.items()}
        if inner.strength_type != StrengthType.CONSTANT:
            return None
        return {
            group: [None if one is None else one * ratio for one in found] for group, found in kept.residuals.items()
        }

    def keep(self, key: Any, residuals: Residuals, inner: Any) -> None:
        """The residuals are only ever read afterwards, so they are kept as they are."""
        self._kept[key] = _Kept(
            self._steps.number, inner.strength, {group: list(found) for group, found in residuals.items()}
        )

    def clear(self) -> None:
        """After a sampling."""
        self._steps.clear()
        self._kept.clear()


def acting_chunks(items: tuple[float, ...], chunks: int) -> tuple[int, ...]:
    """The chunks of a batch in which any picture has a factor above 0."""
    pictures = len(items) // chunks
    return tuple(chunk for chunk in range(chunks) if any(items[chunk * pictures : (chunk + 1) * pictures]))


def part_of_batch(value: Any, chosen: tuple[int, ...], chunks: int, batch: int) -> Any:
    """The chosen chunks of a tensor [batch,...]; anything else stays as it is."""
    if not isinstance(value, torch.Tensor) or value.ndim == 0 or value.shape[0] != batch:
        return value
    parts = value.chunk(chunks)
    return torch.cat([parts[chunk] for chunk in chosen])


def whole_batch(residuals: Residuals, chosen: tuple[int, ...], chunks: int) -> Residuals:
    """Residuals of the chosen chunks laid into zeros for the others."""

    def spread(part: torch.Tensor | None) -> torch.Tensor | None:
        if part is None or (part.shape[0] == 1 and len(chosen) > 1):
            return part
        pieces = dict(zip(chosen, part.chunk(len(chosen)), strict=False))
        empty = torch.zeros_like(next(iter(pieces.values())))
        return torch.cat([pieces.get(chunk, empty) for chunk in range(chunks)])

    once: dict[int, torch.Tensor | None] = {}  # transformers list one tensor several times
    for one in (one for found in residuals.values() for one in found):
        if id(one) not in once:
            once[id(one)] = spread(one)
    return {group: [once[id(one)] for one in found] for group, found in residuals.items()}
