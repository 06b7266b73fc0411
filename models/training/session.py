"""One run of a training, whatever is trained: its loop, its log, the progress that a person sees, and what is told of it."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import comfy.utils
import torch

from .files import training_folder
from .lessons import Lessons
from .log import Log
from .loop import Dice, Learner, Loop, Pace
from .state import Course, StateFile
from .training_set import TrainingSet

_LIKE_LAST = 50  # steps whose mean loss is told
_MOMENTS = (0.1, 0.4, 0.7)  # of the noise schedule, at which the error is taken
_MOST = 4  # pictures whose error is taken where none are held out


def check_set(who: str, chosen: Any, one_picture: str) -> None:
    """ValueError for what is no TRAINING_SET, and for one picture alone; one_picture: why that is too few, and what to do."""
    if not isinstance(chosen, TrainingSet):
        raise ValueError(f"{who}, input set: a TRAINING_SET is needed, from Training Folder.")
    if len(chosen) < 2:
        raise ValueError(f"{who}, input set: {one_picture}")


class Session(ABC):
    """From the state that there is to the last step. `run` returns there; the files are written by what is made of it."""

    def __init__(
        self,
        name: str,
        learner: Learner,
        lessons: Lessons,
        held_out: Sequence[int],
        pace: Pace,
        state: StateFile,
        resume: bool,
    ) -> None:
        self.name, self.lessons, self.held_out, self.pace = name, lessons, list(held_out), pace
        self.learner = learner
        self.log = Log(training_folder(name) / f"{name}.log.jsonl", anew=not resume)
        self._bar = comfy.utils.ProgressBar(pace.steps)
        self._begun = time.monotonic()
        self._loop = Loop(learner, pace, state, self._told, self.look, lambda _: self.enough())
        if resume:
            self._loop.resume()
        self.first = self.course.step  # what was done before

    def run(self) -> Course:
        """All steps that are left, with a look at the end in any case, for the sheet."""
        course = self._loop.run()
        if course.step == self.first:
            self.look(course)
        return course

    @abstractmethod
    def look(self, course: Course) -> None:
        """Look at the held-out pictures."""

    @property
    def course(self) -> Course:
        """What it has been through so far."""
        return self._loop.course

    def enough(self) -> bool:
        """Whether it shall end before its last step."""
        return False

    def error(self, numbers: Sequence[int]) -> float:
        """On these pictures, always at the same moments with the same noise; without any, on the first ones of the set."""
        numbers = list(numbers) or list(range(min(_MOST, len(self.lessons.latents))))
        total, count = 0.0, len(_MOMENTS)
        for place, number in enumerate(numbers):
            dice, shape = Dice.of(0, place), (1, *self.lessons.latents[number].shape)
            noise = torch.cat([dice.noise(shape) for _ in range(count)])
            total += float(self.learner.error(self.lessons.batch([number] * count, _MOMENTS, noise, [False] * count)))
        return total / len(numbers)

    def seconds(self) -> float:
        """Since it began."""
        return round(time.monotonic() - self._begun, 1)

    def show(self, step: int, picture: Any) -> None:
        """A picture of Pillow on the node."""
        self._bar.update_absolute(step, self.pace.steps, ("JPEG", picture, 512))

    def steps_words(self, course: Course) -> str:
        """'500 steps, 100 of them now (1.20 s each, ...); loss ...' for a report."""
        done = course.step - self.first
        told = f"{course.step} steps"
        if self.first:
            told += f", {done} of them now" if done else ", all of them done before"
        if done:
            told += f" ({self.seconds() / done:.2f} s each, with looking at the pictures)"
        recent = course.losses[-_LIKE_LAST:]
        return f"{told}; loss {sum(recent) / len(recent):.5f} over the last {len(recent)}." if recent else f"{told}."

    def set_words(self, unknown: str) -> str:
        """How many pictures are held out; unknown: what is not known where none is."""
        held, count = len(self.held_out), len(self.lessons.latents)
        if not held:
            return f"{count} pictures, too few to hold any out: {unknown} is not known."
        return f"{count - held} pictures to learn from, {held} held out."

    def _told(self, course: Course) -> None:
        self.log.write({"step": course.step, "loss": round(course.losses[-1], 6)})
        self._bar.update_absolute(course.step, self.pace.steps)
