"""What became of weights that correct themselves: a plot of weight and adherence over the steps, and the same as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from ...common.report_lines import warning, warnings_first
from ..host import running_prompt
from .adaptation import WHO, Adaptation, Adapted, check_adaptation
from .plot import Seen, plotted
from .timeline import Row, Step, Timeline

_NOTHING = (
    "no sampling with this adaptation has run. Link it to adaptation of a Control Signal or of Apply Control, and samples to the "
    "sampler's output"
)


def report_adaptation(value: Any) -> tuple[torch.Tensor, str]:
    """IMAGE [1,H,1200,3] and a text, for a CONTROL_ADAPTATION whose samplings have run."""
    adaptation = check_adaptation(value)
    adapted = () if adaptation is None else _of_this_run(adaptation)
    if not adapted:
        return plotted(Timeline((), ())), warning(f"{WHO}: {_NOTHING}.")
    several = len({one.node for one in adapted}) > 1
    pages = [_page([one for one in adapted if one.node == node]) for node in dict.fromkeys(one.node for one in adapted)]
    lines = [line for one in adapted for line in _lines(one, several)]
    return torch.cat(pages, 1), "\n".join(warnings_first(lines))


def _of_this_run(adaptation: Adaptation) -> tuple[Adapted, ...]:
    """Those whose sampler stands in the running prompt; all where none does, as in a loop with nodes of its own."""
    kept = tuple(adaptation.log.kept.values())
    prompt = running_prompt() or {}
    return tuple(one for one in kept if one.node in prompt) or kept


def _page(adapted: Sequence[Adapted]) -> torch.Tensor:
    """One sampling; the axis is that of the signal that saw most of its steps."""
    longest = max((one.steps for one in adapted), key=len)
    steps = tuple(Step(one.sigma, one.progress, index / len(longest)) for index, one in enumerate(longest))
    missing = [(0.0,) * (len(steps) - len(one.steps)) for one in adapted]
    rows = tuple(
        Row(one.label, (*(step.weight for step in one.steps), *rest))
        for one, rest in zip(adapted, missing, strict=True)
    )
    return plotted(Timeline(steps, rows), tuple(Seen(one.looks, one.wanted) for one in adapted))


def _lines(one: Adapted, several: bool) -> list[str]:
    who = f"{one.label}, sampler {one.node}" if several else one.label
    if one.why:
        return [warning(f"{who}: {one.in_words}.")]
    table = [f"{'step':>4}{'weight':>9}{'adherence':>11}"]
    for number, step in enumerate(one.steps, start=1):
        seen = "" if step.adherence is None else f"{step.adherence:.2f}"
        table.append(f"{number:>4}{step.weight:>9.3f}{seen:>11}".rstrip())
    return [f"{who}: {one.in_words}.", *table]
