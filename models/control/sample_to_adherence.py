"""Sampling the same noise at several weights of a stack, until the smallest that the picture follows well enough is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from ...common.report_lines import warning, warnings_first
from ...preprocessors.adherence.sheet import curve
from ...preprocessors.adherence.sweep import Swept
from ...preprocessors.images.checks import check_choice, check_range
from ..host import host_extra, host_nodes
from .apply import apply_stack
from .guard import Guard
from .savings import NONE, Savings
from .signal import MAXIMUM_WEIGHT, ControlSignal
from .stack import ControlStack
from .stack_adherence import TOGETHER, Measured, Together, measure_stack, signals_of
from .weight_search import WeightSearch

WHO = "Sample to Adherence"
MOST_TRIES = 12


@dataclass(frozen=True)
class Sampling:
    """What a try is drawn with. noise: a NOISE; sigmas: [N]; the rest as the host's nodes take it."""

    model: Any
    positive: Any
    negative: Any
    latent_image: Any
    vae: Any
    noise: Any
    sampler: Any
    sigmas: torch.Tensor
    cfg: float
    guard: Guard = "error"
    savings: Savings = NONE


@dataclass(frozen=True)
class Wanted:
    """adherence: relative, that is enough; together: how those of several signals count; most: the largest weight of the
    strongest signal; tries: the most of them.
    """

    adherence: float = 0.8
    tries: int = 4
    most: float = 1.0
    together: Together = "mean"


@dataclass(frozen=True, eq=False)
class Found:
    """latent, image [B,H,W,3] and adherence at the weight that was chosen, which is that of the strongest signal.

    plot: IMAGE [1,h,w,3], adherence over the weights that were tried.
    """

    latent: Any
    image: torch.Tensor
    weight: float
    adherence: float
    report: str
    plot: torch.Tensor


@dataclass(frozen=True, eq=False)
class _Try:
    weight: float
    latent: Any
    image: torch.Tensor
    measured: Measured
    lines: tuple[str, ...]


def sample_to_adherence(
    sampling: Sampling, stack: ControlStack | None, wanted: Wanted, source: torch.Tensor | None = None
) -> Found:
    """Raises ValueError for a stack without signals that act, for numbers out of range, and, after the first try, where the
    adherence to no signal can be told.
    """
    check_range(f"{WHO}, input adherence", wanted.adherence, 0.0, 1.0)
    check_range(f"{WHO}, input tries", wanted.tries, 1, MOST_TRIES)
    check_range(f"{WHO}, input maximum_weight", wanted.most, 0.01, MAXIMUM_WEIGHT)
    check_choice(f"{WHO}, input together", wanted.together, TOGETHER)
    strongest = max((signal.weight for signal in (stack.signals if stack else ())), default=0.0)
    if stack is None or not strongest or not any(signals_of(stack)):
        raise ValueError(
            f"{WHO}, input stack: no signal with a weight above 0 is in it, so there is no weight to find. Link a ControlNet "
            "Stack with at least one Control Signal; its weights say how the signals stand to each other."
        )
    search, kept = WeightSearch(wanted.adherence, wanted.most, wanted.tries), {}
    while (weight := search.following()) is not None:
        kept[weight] = _try(sampling, stack, weight, weight / strongest, source)
        search.saw(weight, _value(kept[weight].measured, wanted.together))
        # One picture at a time is kept beside the best: a batch of clips is large.
        kept = {search.best[0]: kept[search.best[0]]}
    weight, value = search.best
    chosen = kept[weight]
    points = tuple(sorted(search.points))
    swept = Swept(points, wanted.adherence, None if search.enough is None else search.enough[0])
    report = "\n".join(warnings_first((*_told(search, chosen, stack), *chosen.lines)))
    return Found(chosen.latent, chosen.image, weight, value, report, curve(swept))


def scaled(stack: ControlStack, factor: float) -> ControlStack:
    """The stack with all weights times a factor, those of the signals' ratio kept; of a shared budget too."""
    signals = tuple(_scaled(signal, factor) for signal in stack.signals)
    budget = stack.budget * factor if stack.balance == "normalize" else stack.budget
    return replace(stack, signals=signals, budget=budget)


def _scaled(signal: ControlSignal, factor: float) -> ControlSignal:
    # `replace` would tag nothing anew: the map stays the very tensor that its kind is known of.
    return replace(signal, weight=min(signal.weight * factor, MAXIMUM_WEIGHT))


def _try(sampling: Sampling, stack: ControlStack, weight: float, factor: float, source: torch.Tensor | None) -> _Try:
    at_weight = scaled(stack, factor)
    applied = apply_stack(
        sampling.positive, sampling.negative, at_weight, sampling.vae, sampling.guard, sampling.savings
    )
    custom = host_extra("nodes_custom_sampler")
    (guider,) = custom.CFGGuider.execute(sampling.model, applied.positive, applied.negative, sampling.cfg).args
    latent = custom.SamplerCustomAdvanced.execute(
        sampling.noise, guider, sampling.sampler, sampling.sigmas, sampling.latent_image
    ).args[0]
    image = host_nodes().VAEDecode().decode(sampling.vae, latent)[0]
    return _Try(weight, latent, image, measure_stack(image, at_weight, source), applied.report)


def _value(measured: Measured, together: Together) -> float:
    if not measured.values:
        why = "; ".join(f"{name}: {reason}" for name, reason in measured.unmeasured.items())
        raise ValueError(f"{WHO}: adherence to no signal can be told, so no weight can be found. {why}")
    return measured.together(together)


def _told(search: WeightSearch, chosen: _Try, stack: ControlStack) -> list[str]:
    weight, value = search.best
    tried = f"{len(search.points)} of at most {search.tries} tries"
    if search.enough is None:
        lines = [
            warning(
                f"no weight up to {search.most:g} reaches an adherence of {search.wanted:g}: {value:.2f} at {weight:g}, "
                "which was taken. Raise maximum_weight, end_percent of the signals or the steps, try another seed, or want less."
            )
        ]
    else:
        known = search.known_to or 0.0
        lines = [
            f"Weight {weight:.3g} reaches an adherence of {value:.2f} ({search.wanted:g} wanted); the smallest that does lies at "
            f"most {known:.2g} below it ({tried})."
        ]
    if len(stack.signals) > 1:
        lines.append("The weight is that of the strongest signal; the others keep their ratio to it.")
    lines += [f"Tried: weight {at:.3g}, adherence {seen:.2f}." for at, seen in sorted(search.points)]
    if len(chosen.measured.values) > 1:
        lines.append("At it: " + ", ".join(f"{name} {one:.2f}" for name, one in chosen.measured.values.items()) + ".")
    lines += [f"Not measured, {name}: {why}" for name, why in chosen.measured.unmeasured.items()]
    return lines
