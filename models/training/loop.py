"""The loop of training: steps, rates, pauses, and a state that always goes on where it stopped, to the same bits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NoReturn

import comfy.model_management as management
import torch
from torch import nn

from ..host import note
from .lessons import Batch
from .optimisation import Curve, Group, NoNumber, Optimisation
from .state import Course, StateFile

_DICE = 1_000_003  # added to the step: all dice of a step come from its number and the seed


@dataclass(frozen=True)
class Pace:
    """steps: of the optimiser, each over `batch` pictures `accumulation` times; noisy_times: below 1, noisy moments come more
    often; without_text: share of pictures that come with no caption.
    """

    steps: int = 500
    batch: int = 4
    accumulation: int = 1
    noisy_times: float = 0.6
    without_text: float = 0.15
    seed: int = 0
    save_every: int = 100
    validate_every: int = 100


@dataclass(frozen=True)
class Dice:
    """Where all chance of a part of a step comes from."""

    generator: torch.Generator

    @classmethod
    def of(cls, seed: int, step: int, part: int = 0) -> Dice:
        """part: of the step's accumulation."""
        return cls(torch.Generator().manual_seed((_DICE + step) * 64 + part + seed * 2_000_003))

    def one_of(self, groups: list[list[int]]) -> list[int]:
        """A group, as often as it has numbers."""
        place = int(torch.randint(sum(map(len, groups)), (1,), generator=self.generator))
        for group in groups:
            place -= len(group)
            if place < 0:
                return group
        raise AssertionError("no group holds the place")

    def numbers(self, count: int) -> list[float]:
        """In 0..1."""
        return torch.rand(count, generator=self.generator).tolist()

    def choose(self, numbers: list[int], count: int) -> list[int]:
        """Some of the numbers, none twice while there are enough."""
        order = torch.randperm(len(numbers), generator=self.generator).tolist()
        return [numbers[order[place % len(order)]] for place in range(count)]

    def noise(self, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.randn(shape, generator=self.generator)


class Learner(ABC):
    """What learns: an objective with its parameters."""

    @abstractmethod
    def groups(self) -> list[tuple[str, float, Mapping[str, nn.Parameter]]]:
        """(name, rate, parameters by name) of each group that learns at a rate of its own."""

    @abstractmethod
    def loss(self, dice: Dice) -> torch.Tensor:
        """Of one batch, with its gradient."""

    @abstractmethod
    def error(self, batch: Batch) -> torch.Tensor:
        """Of a batch that was chosen elsewhere, to be compared over the steps."""

    @abstractmethod
    def load(self) -> None:
        """Onto the device, at the beginning and whenever others may have been loaded meanwhile."""


class Stopped(ValueError):
    """Training stopped by itself: its text says why, and that what was good is kept."""


class Loop:
    """Runs a learner to its last step, or on from its state.

    told: called after every step with the course. look: called with the course when it is time to validate. enough: whether
    a course shall end before its last step.
    """

    def __init__(
        self,
        learner: Learner,
        pace: Pace,
        state: StateFile,
        told: Callable[[Course], None],
        look: Callable[[Course], None],
        enough: Callable[[Course], bool] = lambda _course: False,
    ) -> None:
        self._learner, self._pace, self._state, self._told, self._look = learner, pace, state, told, look
        self._enough = enough
        self.course = Course()
        learner.load()  # before the optimiser gets a state, which is to be where the parameters are
        groups = [Group(list(parameters.values()), rate) for _, rate, parameters in learner.groups()]
        self._optimisation = Optimisation(groups, Curve())

    def resume(self) -> None:
        """Go on from the state file, where there is one. Raises what `StateFile.read` raises."""
        kept = self._state.read(self._named(), self._optimisation.adam)
        if kept is not None:
            self.course = kept

    def run(self) -> Course:
        """All steps that are left. An interrupt, or want of memory, is raised once the state is written."""
        course, pace = self.course, self._pace
        if course.step == 0 or self._was_broken_off(course):
            self._look(course)
            self._learner.load()
        try:
            while course.step < pace.steps and not self._enough(course):
                management.throw_exception_if_processing_interrupted()
                self._step(course)
                self._told(course)
                due = course.step == pace.steps
                if due or course.step % pace.validate_every == 0:
                    self._look(course)
                    self._learner.load()
                if due or course.step % pace.save_every == 0 or self._enough(course):
                    self.save()
        except (management.InterruptProcessingException, management.OOM_EXCEPTION):
            self.save()
            note(f"Training stopped at step {course.step} of {pace.steps}; the same again goes on from there.")
            raise
        return course

    def _was_broken_off(self, course: Course) -> bool:
        """Whether an interrupt came into the look of this very step: what that finds counts as it does without one."""
        looked = course.errors[-1][0] if course.errors else course.step
        return looked < course.step and course.step % self._pace.validate_every == 0

    def save(self) -> None:
        """Write the state, aside and then in its place."""
        self._state.write(self.course, self._named(), self._optimisation.adam)

    def _step(self, course: Course) -> None:
        pace = self._pace
        losses = [
            lambda part=part: self._learner.loss(Dice.of(pace.seed, course.step, part))
            for part in range(pace.accumulation)
        ]
        try:
            loss = self._optimisation.step(losses, course.step, course.step / pace.steps)
        except NoNumber as error:
            self._stop(course, str(error))
        course.step += 1
        course.losses.append(loss)

    def _stop(self, course: Course, why: str) -> NoReturn:
        """What was learned up to here is still good: the step that went wrong changed nothing."""
        self.save()
        raise Stopped(
            f"Training stopped in step {course.step + 1} of {self._pace.steps}, for {why}. What was learned before it is kept. "
            "Lower learning_rate (a third is a good next try), or load the model in bfloat16 or float32 where it is float16; "
            "then queue again."
        )

    def _named(self) -> dict[str, nn.Parameter]:
        """Every parameter by the name of its group and its own."""
        return {f"{group}.{name}": one for group, _, some in self._learner.groups() for name, one in some.items()}
