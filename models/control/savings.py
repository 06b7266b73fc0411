"""Opt-in savings: what a control stack may leave out to be faster, at a measured cost in likeness."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from comfy.controlnet import ControlNet, StrengthType

from ...preprocessors.images.checks import check_choice, check_range, check_type
from ..controlnext.cache import MapSigmas
from ..controlnext.control import ControlNeXt
from ..guidance.batch_view import window_of
from ..guidance.progress import StepCounter
from .residuals import Residuals


@dataclass(frozen=True)
class Savings:
    """conditional_only: the control net runs on the prompt's half of the batch alone; every: its residuals are computed on every
    n-th step and kept for those between; until: it stops at this share of the noise schedule, 0..1.
    """

    conditional_only: bool = False
    every: int = 1
    until: float = 1.0

    def __post_init__(self) -> None:
        check_range("Savings, every", self.every, 1, 100)
        check_range("Savings, until", self.until, 0.0, 1.0)


NONE = Savings()


def check_savings(value: Any) -> Savings:
    """Return CONTROL_SAVINGS (nothing is none at all), or say what came in instead."""
    if value is None:
        return NONE
    return check_type("Input savings", value, Savings, "CONTROL_SAVINGS are", "Link the output of the node Profile.")


@dataclass(frozen=True)
class _StepResiduals:
    step: int
    strength: float
    residuals: Residuals


class ResidualMemory:
    """The residuals of the last computed step, for each part of the batch (conds and windows run apart)."""

    def __init__(self, every: int) -> None:
        self.every = every
        self._steps = StepCounter()
        self._kept: dict[Any, _StepResiduals] = {}

    def at(self, sigma: float) -> None:
        """Count a step whenever the sigma changes, and let go of what is too old: windows may never come again."""
        step = self._steps.at(sigma)
        self._kept = {key: kept for key, kept in self._kept.items() if step - kept.step < self.every}

    def recall(self, key: Any, inner: Any) -> Residuals | None:
        """Residuals of an earlier step at the strength of now, or None when they are to be computed."""
        kept = self._kept.get(key)
        if kept is None or kept.strength == 0.0:
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
        self._kept[key] = _StepResiduals(
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
    for residual in (residual for found in residuals.values() for residual in found):
        if id(residual) not in once:
            once[id(residual)] = spread(residual)
    return {group: [once[id(residual)] for residual in found] for group, found in residuals.items()}


# Running the control net of a signal: on the whole batch, on a part of it, or not at all on steps in between.

# What the host hands to get_control: latent, sigmas, conds, number of chunks, options.
Arguments = tuple[torch.Tensor, torch.Tensor, dict[str, Any], int, dict[str, Any]]


class InnerCall:
    """Calls `inner.get_control`, and leaves out what cannot act or what the savings allow to leave out."""

    def __init__(self, inner: Any, savings: Savings) -> None:
        self.inner = inner
        self._memory = ResidualMemory(savings.every) if savings.every > 1 else None
        if isinstance(inner, ControlNeXt):  # it returns no residuals to remember, but can keep its map
            inner.sigmas = MapSigmas(savings.every)

    def clear(self) -> None:
        """Before and after a sampling."""
        if self._memory is not None:
            self._memory.clear()

    def residuals(self, arguments: Arguments, items: tuple[float, ...] | None) -> Residuals | None:
        """The net's residuals with its weight in them. items: factor of each picture of the batch, which is not applied here."""
        # An adapter computes its features once per sampling, and from the image alone: there is nothing to save.
        if not isinstance(self.inner, ControlNet):
            return self.inner.get_control(*arguments)
        if self._memory is None:
            return self._computed(arguments, items)
        return self._remembered(self._memory, arguments, items)

    def _remembered(
        self, memory: ResidualMemory, arguments: Arguments, items: tuple[float, ...] | None
    ) -> Residuals | None:
        x_noisy, t, _cond, chunks, options = arguments
        memory.at(float(t[0]))
        window = options.get("context_window")
        key = (
            tuple(x_noisy.shape),
            tuple(options.get("uuids", ())),
            tuple(getattr(window, "index_list", ())),
            window_of(options, x_noisy.shape[0] // chunks),
            items is None,
            getattr(self.inner, "acting", None),
        )
        recalled = memory.recall(key, self.inner)
        if recalled is not None:
            return recalled
        computed = self._computed(arguments, items)
        if computed is not None:
            memory.keep(key, computed, self.inner)
        return computed

    def _computed(self, arguments: Arguments, items: tuple[float, ...] | None) -> Residuals | None:
        x_noisy, t, cond, chunks, options = arguments
        chosen = tuple(range(chunks)) if items is None else acting_chunks(items, chunks)
        if len(chosen) == chunks:
            return self.inner.get_control(*arguments)
        batch = x_noisy.shape[0]
        part = {name: part_of_batch(value, chosen, chunks, batch) for name, value in cond.items()}
        own = self.inner.get_control(
            part_of_batch(x_noisy, chosen, chunks, batch),
            part_of_batch(t, chosen, chunks, batch),
            part,
            len(chosen),
            options,
        )
        return None if own is None else whole_batch(own, chosen, chunks)


# Sets of settings that go together: how much to save on control, and which sampler in how many steps.


@dataclass(frozen=True)
class Profile:
    """Savings of the control stack, and the sampling that goes with them."""

    savings: Savings
    steps: int
    sampler: str
    scheduler: str


# Ending the control early costs most of the obedience and saves little; computing it on fewer steps saves as much and costs
# next to none (tests/bench/RESULTS.md).
PROFILES: dict[str, Profile] = {
    "fast": Profile(Savings(every=3), 12, "dpmpp_2m", "karras"),
    "balanced": Profile(Savings(every=2), 20, "dpmpp_2m", "karras"),
    "high_fidelity": Profile(NONE, 30, "dpmpp_2m", "karras"),
}


def find_profile(name: str) -> Profile:
    """The profile of a name, or a ValueError that lists the names there are."""
    check_choice("Profile", name, PROFILES)
    return PROFILES[name]


def described(profile: Profile) -> str:
    """A profile in words."""
    saved = profile.savings
    parts = [f"{profile.steps} steps, sampler {profile.sampler}, scheduler {profile.scheduler}"]
    if saved.conditional_only:
        parts.append("control on the prompt's half only")
    if saved.every > 1:
        parts.append(f"control computed on one step of {saved.every}")
    parts.append(
        "control throughout" if saved.until == 1.0 else f"control ends at {saved.until:.0%} of the noise schedule"
    )
    return "; ".join(parts) + "."
