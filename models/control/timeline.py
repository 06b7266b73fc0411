"""What each signal of a stack gets at each step of a sampler: the numbers behind the plot and the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...preprocessors.images.tags import tag_of
from ..guidance.acting import steps_in_words
from ..guidance.progress import Progress, in_range, progress_of
from .decision import Decided, decide
from .residuals import budget_factor
from .savings import NONE, Savings
from .signal import ControlSignal
from .stack import ControlStack


@dataclass(frozen=True)
class Step:
    """One step of the sampler: its sigma, and how far into the noise schedule, and into the steps, that is, 0 to 1."""

    sigma: float
    progress: float
    share: float

    @property
    def at(self) -> Progress:
        """The same as signals ask for it."""
        return Progress(self.progress, self.share)


@dataclass(frozen=True)
class Row:
    """One signal: its weight at each step, with the balance in it, and what else shapes it."""

    label: str
    weights: tuple[float, ...]
    notes: tuple[str, ...] = ()

    @property
    def steps_in_words(self) -> str:
        """'steps 3 to 5 of 10', 'no step of 10'"""
        return steps_in_words((i for i, weight in enumerate(self.weights) if weight), len(self.weights))


@dataclass(frozen=True)
class Timeline:
    """A stack over the steps of a sampler. budget: the limit of the balance `normalize`, None otherwise."""

    steps: tuple[Step, ...]
    rows: tuple[Row, ...]
    left_out: tuple[str, ...] = ()
    budget: float | None = None

    @property
    def totals(self) -> tuple[float, ...]:
        """Sum of the weights at each step."""
        return tuple(sum(row.weights[i] for row in self.rows) for i in range(len(self.steps)))


def timeline(stack: ControlStack, sigmas: Sequence[float], model_sampling: Any, savings: Savings = NONE) -> Timeline:
    """sigmas: those of the steps, without the one that ends the last; model_sampling: of the model being sampled."""
    decided = decide(stack)
    acting = [part for part in decided if part.image is not None]
    sharing = replace(stack, signals=tuple(part.signal for part in acting))
    to_sigma = model_sampling.percent_to_sigma
    steps = tuple(Step(sigma, progress_of(sigma, to_sigma), i / len(sigmas)) for i, sigma in enumerate(sigmas))
    rows = tuple(_row(part, sharing, steps, to_sigma, savings) for part in acting)
    left_out = tuple(f"{part.label}: {part.told}" for part in decided if part.image is None)
    return Timeline(steps, rows, left_out, stack.budget if stack.balance == "normalize" else None)


def _row(
    one: Decided, stack: ControlStack, steps: Sequence[Step], to_sigma: Callable[[float], float], savings: Savings
) -> Row:
    signal = one.signal

    def weight(step: Step) -> float:
        by_noise = in_range(step.sigma, signal.start, signal.end, to_sigma)
        inside = signal.has_in_range(step.at) if signal.counts_steps else by_noise
        if not inside or not in_range(step.sigma, 0.0, savings.until, to_sigma):
            return 0.0
        return signal.strength_at(step.at) * budget_factor(stack, step.at)

    return Row(_shown(signal), tuple(weight(step) for step in steps), _notes(signal, stack))


def _shown(signal: ControlSignal) -> str:
    """What a signal shows, how strongly, and where it comes from: 'canny 0.8 from Edges'.

    Where nothing is known of its map stands its net's kind.
    """
    parts = getattr(signal, "parts", ()) or (signal,)
    shown = " + ".join(tag_of(part.image) or part.kind for part in parts)
    sources = " + ".join(dict.fromkeys(part.source for part in parts if part.source))
    return f"{shown} {signal.weight:g} from {sources}" if sources else f"{shown} {signal.weight:g}"


def _notes(signal: ControlSignal, stack: ControlStack) -> tuple[str, ...]:
    notes = []
    if stack.balance == "strongest" and len(stack.signals) > 1:
        notes.append("where strongest")
    if signal.has_mask:
        notes.append("masked")
    if signal.layer_weights is not None:
        notes.append("per layer")
    if signal.frame_weights is not None:
        notes.append("per frame")
    if signal.adaptation is not None:
        notes.append("corrects itself")
    return tuple(notes)


def described(line: Timeline) -> str:
    """The timeline as a table in text."""
    if not line.rows:
        return "\n".join(("No signal of the stack acts.", *line.left_out))
    heads = [f"[{number}] {row.label}{_in_brackets(row.notes)}" for number, row in enumerate(line.rows, start=1)]
    columns = "".join(f"{f'[{number}]':>8}" for number in range(1, len(line.rows) + 1))
    table = [f"{'step':>4}{'sigma':>11}{'progress':>10}{columns}{'sum':>8}"]
    for index, (step, total) in enumerate(zip(line.steps, line.totals, strict=True)):
        weights = "".join(f"{row.weights[index]:>8.3f}" for row in line.rows)
        table.append(f"{index + 1:>4}{step.sigma:>11.4f}{step.progress:>10.1%}{weights}{total:>8.3f}")
    acting = [f"[{number}] acts in {row.steps_in_words}." for number, row in enumerate(line.rows, start=1)]
    return "\n".join((*heads, "", *table, *acting, *line.left_out))


def _in_brackets(notes: tuple[str, ...]) -> str:
    return f" ({', '.join(notes)})" if notes else ""
