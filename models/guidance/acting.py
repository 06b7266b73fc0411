"""In which steps of a sampling something acted, and how to say so at its end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...common.number_ranges import in_ranges
from ..host import note, tell
from .progress import progress_of


def step_of(sigma: float, sigmas: Sequence[float], after: int = 0) -> int:
    """The step, from 0, that a call at `sigma` belongs to; sigmas: those of the sampling, the last one included.

    A sampler may call the network between two steps, or a little above the first sigma: the nearest start of a step counts.
    Where a sigma comes more than once, the first that is not before the step `after` does.
    """
    steps = range(max(1, len(sigmas) - 1))
    nearest = min(abs(sigmas[index] - sigma) for index in steps)
    alike = [index for index in steps if abs(sigmas[index] - sigma) <= nearest]
    return next((index for index in alike if index >= after), alike[-1])


def steps_in_words(steps: Iterable[int], total: int) -> str:
    """Steps counted from 0 -> 'step 3 of 10', 'steps 1, 3 to 5 of 10', 'no step of 10'."""
    numbers = sorted(step + 1 for step in set(steps))
    if not numbers:
        return f"no step of {total}"
    return f"step{'s' if len(numbers) > 1 else ''} {in_ranges(numbers, ' to ')} of {total}"


# What keeps something from acting though it has a weight, as advice: half of the guidance, or a place in the picture.
HALF = "Raise cfg above 1, or give the other half of the guidance a weight: it acts on one half alone, and that one was not run."
PLACE = (
    "Look at its mask and its weight: no place is left to it. Its mask does not reach the picture (or the conditioning's "
    "area), or under balance strongest other signals are at least as strong wherever it could act."
)


@dataclass(frozen=True)
class Acting:
    """steps: those in which it acted, from 0; sigmas: of the sampling, the last one included; called: whether at all.
    lacked: HALF or PLACE, where that kept it from acting.
    """

    steps: tuple[int, ...]
    sigmas: tuple[float, ...]
    called: bool
    lacked: str = ""

    @property
    def total(self) -> int:
        """Steps of the sampling."""
        return max(0, len(self.sigmas) - 1)

    @property
    def in_words(self) -> str:
        """'acted in 3 of 10 steps (steps 3 to 5 of 10)'"""
        return f"acted in {len(self.steps)} of {self.total} steps ({steps_in_words(self.steps, self.total)})"

    def never(
        self,
        start: float,
        end: float,
        percent_to_sigma: Callable[[float], Any] | None,
        counts_steps: bool = False,
        until: float | None = None,
    ) -> str:
        """What to do about something that is set to act from start to end and had no step, and why; the advice first.

        start, end: shares of the noise schedule, or of the sampling's steps where it counts those; until: where savings end
        all control.
        """
        if not self.called:
            return (
                "never acted. Link both conditionings, or raise cfg above 1: none that carries it was run, and at cfg 1 the "
                "negative prompt is left out."
            )
        if self.lacked:
            return f"never acted. {self.lacked}"
        why = f"it is set to act from {start:.0%} to {end:.0%} of the {'steps' if counts_steps else 'noise schedule'}"
        if until is not None:
            why += f", savings end all control at {until:.0%}"
        if percent_to_sigma is None or self.total == 0:
            return f"never acted. Change its range or its schedule: {why}."
        first, last = (progress_of(sigma, percent_to_sigma) for sigma in (self.sigmas[0], self.sigmas[-2]))
        why += (
            f", and this sampling took {self.total} step{'s' if self.total > 1 else ''}, the first at {first:.0%} and the "
            f"last at {last:.0%} of the noise schedule"
        )
        return f"never acted. {self._advice(start, end, first, last, counts_steps, until)}: {why}."

    def _advice(
        self, start: float, end: float, first: float, last: float, counts_steps: bool, until: float | None
    ) -> str:
        is_falling = self.sigmas[0] >= self.sigmas[-1]  # else noise is added, not taken away
        if until is not None and is_falling and until < first:
            return f"Raise until of Control Savings (or take another Profile) above {first:.0%}"
        if counts_steps:
            return f"Make its range wider than one step in {self.total}, or change its schedule"
        if is_falling and end < first:
            return f"Set its end above {first:.0%}, or range_of to steps, or denoise more"
        if is_falling and start > last:
            return f"Set its start below {last:.0%}"
        return "Change its range, its schedule, or the number of steps, so that a step lies where it has a weight"


def tell_acting(who: str, acting: Acting | None, start: float, end: float, percent_to_sigma: Any) -> None:
    """The word at the end of a sampling: a note on the steps that something acted in, a told line where it never did."""
    if acting is not None and acting.steps:
        note(f"{who} {acting.in_words}.")
    elif acting is not None:
        tell(f"{who} {acting.never(start, end, percent_to_sigma)}")


class ActingRecord:
    """Filled during a sampling, read at its end."""

    def __init__(self) -> None:
        self._open = False
        self._clear()

    def _clear(self) -> None:
        self._sigmas: tuple[float, ...] = ()
        self._steps: set[int] = set()
        self._said: set[str] = set()
        self._called, self._lacked = False, ""
        self._last = 0

    def begin(self, sigmas: Any = None) -> None:
        """Before a sampling; sigmas: a tensor or numbers, where they are known so early."""
        self._clear()
        self._open = True
        if sigmas is not None:
            self._sigmas = tuple(float(sigma) for sigma in sigmas)

    @property
    def is_open(self) -> bool:
        """Whether a sampling has begun and not ended."""
        return self._open

    def saw(self, sigma: float, options: Mapping[str, Any], acted: bool, lacked: str = "") -> None:
        """One call of the network; options: the host's of this call, with `sample_sigmas`; lacked: see `Acting`."""
        self._called = True
        self._lacked = lacked or self._lacked
        if not self._knows_sigmas(options):
            return
        self._last = step_of(sigma, self._sigmas, self._last)
        if acted:
            self._steps.add(self._last)

    def first_time(self, told: str) -> bool:
        """Whether this was not said yet in this sampling."""
        is_new = told not in self._said
        self._said.add(told)
        return is_new

    def step_share(self, sigma: float, options: Mapping[str, Any]) -> float | None:
        """Share of the sampling's steps that lie before the one at `sigma`; None where its sigmas are not known."""
        if not self._knows_sigmas(options):
            return None
        return step_of(sigma, self._sigmas, self._last) / (len(self._sigmas) - 1)

    def _knows_sigmas(self, options: Mapping[str, Any]) -> bool:
        sigmas = options.get("sample_sigmas")
        if not self._sigmas and sigmas is not None and len(sigmas) > 1:
            self._sigmas = tuple(sigmas.tolist())
        return bool(self._sigmas)

    def finish(self) -> Acting | None:
        """After a sampling; None when nothing was recorded since the last one, or its steps are not known."""
        was_open, self._open = self._open, False
        acting = Acting(tuple(sorted(self._steps)), self._sigmas, self._called, "" if self._steps else self._lacked)
        self._clear()
        return acting if was_open and (acting.total or not acting.called) else None
