"""In which steps of a sampling something acted, and how to say so at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from .progress import progress_of


def step_of(sigma: float, sigmas: Sequence[float]) -> int:
    """The step, from 0, that a call at `sigma` belongs to; sigmas: those of the sampling, the last one included.

    A sampler may call the network between two steps, or a little above the first sigma: the nearest start of a step counts.
    """
    return min(range(max(1, len(sigmas) - 1)), key=lambda index: abs(sigmas[index] - sigma))


def steps_in_words(steps: Iterable[int], total: int) -> str:
    """Steps counted from 0 -> 'step 3 of 10', 'steps 1, 3 to 5 of 10', 'no step of 10'."""
    numbers = sorted(step + 1 for step in set(steps))
    if not numbers:
        return f"no step of {total}"
    breaks = [0, *(i for i, (a, b) in enumerate(pairwise(numbers), start=1) if b != a + 1), len(numbers)]
    runs = [(numbers[first], numbers[last - 1]) for first, last in pairwise(breaks)]
    words = ", ".join(f"{low}" if low == high else f"{low} to {high}" for low, high in runs)
    return f"step{'s' if len(numbers) > 1 else ''} {words} of {total}"


@dataclass(frozen=True)
class Acting:
    """steps: those in which it acted, from 0; sigmas: of the sampling, the last one included; called: whether at all."""

    steps: tuple[int, ...]
    sigmas: tuple[float, ...]
    called: bool

    @property
    def total(self) -> int:
        """Steps of the sampling."""
        return max(0, len(self.sigmas) - 1)

    @property
    def in_words(self) -> str:
        """'acted in 3 of 10 steps (steps 3 to 5 of 10)'"""
        return f"acted in {len(self.steps)} of {self.total} steps ({steps_in_words(self.steps, self.total)})"

    def never(
        self, start: float, end: float, percent_to_sigma: Callable[[float], Any] | None, counts_steps: bool = False
    ) -> str:
        """Why something that is set to act from start to end had no step, and what to do.

        start, end: shares of the noise schedule, or of the sampling's steps where it counts those.
        """
        if not self.called:
            return (
                "never acted: no conditioning that carries it was run. At cfg 1 the negative prompt is left out, and a "
                "conditioning with a range of its own is run only there."
            )
        of = "steps" if counts_steps else "noise schedule"
        told = f"never acted: it is set to act from {start:.0%} to {end:.0%} of the {of}"
        if percent_to_sigma is None or self.total == 0:
            return f"{told}. Change its range or its schedule."
        first, last = (progress_of(sigma, percent_to_sigma) for sigma in (self.sigmas[0], self.sigmas[-2]))
        told += (
            f", and this sampling took {self.total} step{'s' if self.total > 1 else ''}, the first at {first:.0%} and the "
            f"last at {last:.0%} of the noise schedule"
        )
        if counts_steps:
            return f"{told}. Make its range wider than one step in {self.total}, or change its schedule."
        if end < first:
            return f"{told}. Set its end above {first:.0%}, or denoise more."
        if start > last:
            return f"{told}. Set its start below {last:.0%}."
        return f"{told}. No step lies where it has a weight: change its range, its schedule, or the number of steps."


class ActingRecord:
    """Filled during a sampling, read at its end."""

    def __init__(self) -> None:
        self._open = False
        self._clear()

    def _clear(self) -> None:
        self._sigmas: tuple[float, ...] = ()
        self._steps: set[int] = set()
        self._said: set[str] = set()
        self._called = False

    def begin(self, sigmas: Any = None) -> None:
        """Before a sampling; sigmas: a tensor or numbers, where they are known so early."""
        self._clear()
        self._open = True
        if sigmas is not None:
            self._sigmas = tuple(float(sigma) for sigma in sigmas)

    def saw(self, sigma: float, options: Mapping[str, Any], acted: bool) -> None:
        """One call of the network; options: the host's of this call, with `sample_sigmas`."""
        self._called = True
        if not self._sigmas:
            sigmas = options.get("sample_sigmas")
            if sigmas is None or len(sigmas) < 2:
                return
            self._sigmas = tuple(sigmas.tolist())
        if acted:
            self._steps.add(step_of(sigma, self._sigmas))

    def first_time(self, told: str) -> bool:
        """Whether this was not said yet in this sampling."""
        is_new = told not in self._said
        self._said.add(told)
        return is_new

    def step_share(self, sigma: float, options: Mapping[str, Any]) -> float | None:
        """Share of the sampling's steps that lie before the one at `sigma`; None where its sigmas are not known."""
        if not self._sigmas:
            sigmas = options.get("sample_sigmas")
            if sigmas is None or len(sigmas) < 2:
                return None
            self._sigmas = tuple(sigmas.tolist())
        return step_of(sigma, self._sigmas) / (len(self._sigmas) - 1)

    def finish(self) -> Acting | None:
        """After a sampling; None when nothing was recorded since the last one, or its steps are not known."""
        was_open, self._open = self._open, False
        acting = Acting(tuple(sorted(self._steps)), self._sigmas, self._called)
        self._clear()
        return acting if was_open and (acting.total or not acting.called) else None
