"""Training a ControlNeXt from a set to files, and what a node gives of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import comfy.utils
import torch

from ...common.report_lines import warnings_first
from ..control.apply import apply_stack
from ..control.signal import ControlSignal
from ..control.stack import ControlStack
from ..files.families import family_of_host_class
from ..files.trained import CONTROL, UNET, Trained
from ..host import tell
from .controlnext import ControlNeXtLearner, Plan, is_learned, variant_for
from .files import check_name, header, model_path, training_folder, write
from .lessons import Lessons, fingerprint
from .log import Log
from .loop import Dice, Loop, Pace
from .state import Course, StateFile
from .trainee import Trainee, training_mode
from .training_set import TrainingSet
from .validation import Drawing, Examination, Look, held_out_of

WHO = "Train ControlNeXt"
_LIKE_LAST = 50  # steps whose mean loss is told


@dataclass(frozen=True, eq=False)
class Made:
    """control: a CONTROL_NET; differences: key of the base -> what is added to it; losses: of each step; sheet: IMAGE."""

    control: Any
    differences: Mapping[str, torch.Tensor]
    losses: tuple[float, ...]
    sheet: torch.Tensor
    report: str


def train_controlnext(
    model: Any,
    clip: Any,
    vae: Any,
    chosen: TrainingSet,
    name: str,
    plan: Plan,
    pace: Pace,
    drawing: Drawing,
    pictures: int = 4,
    resume: bool = True,
) -> Made:
    """Train on a set and write `name` and `name`_unet into the host's folder for controls.

    pictures: how many are held out and looked at. Raises ValueError, before anything is loaded, for a base or a set that
    cannot be trained; the MODEL, CLIP and VAE that came in stay as they were.
    """
    name = check_name(name, f"{WHO}, input name")
    variant = variant_for(model)
    _check_set(chosen)
    folder = training_folder(name)
    with training_mode():
        lessons = Lessons(chosen, model, clip, vae)
        held_out = held_out_of(chosen, pictures)
        trainee = Trainee(model, lambda key: is_learned(key, plan.subset), plan.rank if plan.subset == "LoRA" else None)
        try:
            learner = ControlNeXtLearner(lessons, trainee, plan, pace, frozenset(held_out))
            facts = Trained(
                variant=variant.name,
                addition=plan.addition,
                map=chosen.map_kind(),
                base=family_of_host_class(type(model.model.model_config).__name__).id,
                base_hash=fingerprint(model.model.diffusion_model),
                settings={**asdict(plan), **asdict(pace)},
            )
            told = ("variant", "addition", "map", "base_hash")
            about = {one: getattr(facts, one) for one in told} | {
                "set": chosen.key,
                "subset": plan.subset,
                "rank": plan.rank,
                "seed": pace.seed,
            }
            state = StateFile(folder / f"{name}.state.safetensors", about)
            return _Session(name, learner, lessons, held_out, vae, facts, pace, drawing, state, resume).run()
        finally:
            trainee.release()


def _check_set(chosen: Any) -> None:
    if not isinstance(chosen, TrainingSet):
        raise ValueError(f"{WHO}, input set: a TRAINING_SET is needed, from Training Folder.")
    if not chosen.has_maps:
        raise ValueError(
            f"{WHO}, input set: it has no maps. Choose a map in Training Folder: a method, or from folder."
        )
    if len(chosen) < 2:
        raise ValueError(
            f"{WHO}, input set: one picture teaches no map to be followed. Put at least 60 pictures into the folder; from "
            "about 10 on something may be seen."
        )


class _Session:
    """One run of the node: from the state that there is to the files."""

    def __init__(
        self,
        name: str,
        learner: ControlNeXtLearner,
        lessons: Lessons,
        held_out: tuple[int, ...],
        vae: Any,
        facts: Trained,
        pace: Pace,
        drawing: Drawing,
        state: StateFile,
        resume: bool,
    ) -> None:
        self._name, self._learner, self._lessons, self._facts, self._pace = name, learner, lessons, facts, pace
        self._held_out = held_out
        self._examination = Examination(lessons, held_out, drawing, vae, self._error)
        self._bar = comfy.utils.ProgressBar(pace.steps)
        self._log = Log(training_folder(name) / f"{name}.log.jsonl", anew=not resume)
        self._begun = time.monotonic()
        self._loop = Loop(learner, pace, state, self._told, self._look)
        if resume:
            self._loop.resume()
        self._first = self._loop.course.step

    def run(self) -> Made:
        begun_at = self._first
        course = self._loop.run()
        if begun_at == self._pace.steps:  # nothing was left to do: look once, for the sheet
            self._look(course)
        return self._finished(course, begun_at)

    def _error(self, numbers: list[int]) -> float:
        """On held-out pictures, always at the same moments with the same noise; of sets too small to hold any out, on all."""
        numbers = numbers or list(range(min(4, len(self._lessons.latents))))
        total = 0.0
        for place, number in enumerate(numbers):
            dice = Dice.of(0, place)
            for progress in (0.1, 0.4, 0.7):
                noise = dice.noise((1, *self._lessons.latents[number].shape))
                total += float(self._learner.error(self._lessons.batch([number], [progress], noise, [False])))
        return total / (3 * len(numbers))

    def _told(self, course: Course) -> None:
        self._log.write({"step": course.step, "loss": round(course.losses[-1], 6)})
        self._bar.update_absolute(course.step, self._pace.steps)

    def _look(self, course: Course) -> None:
        control = self._learner.control(self._name)

        def controlled(number: int, positive: Any, negative: Any) -> tuple[Any, Any]:
            signal = ControlSignal(control, self._lessons.set.maps([number]))
            applied = apply_stack(positive, negative, ControlStack((signal,)))
            return applied.positive, applied.negative

        found = self._examination.look(course.step, self._learner.trainee.patcher, controlled)
        self._log.write(
            {
                "step": course.step,
                "held_out_error": round(found.error, 6),
                "adherence": found.adherence,
                "adherence_without": found.without,
                "seconds": round(time.monotonic() - self._begun, 1),
            }
        )
        if found.drawn:
            self._bar.update_absolute(course.step, self._pace.steps, ("JPEG", self._examination.preview(), 512))

    def _finished(self, course: Course, begun_at: int) -> Made:
        look = self._examination.looks[-1]
        adherence = None if look.adherence is None else round(min(max(look.adherence, -1.0), 1.0), 4)
        facts = replace(self._facts, steps=course.step, adherence=adherence)
        differences = self._learner.trainee.differences()
        module_path = model_path("controlnet", f"{self._name}.safetensors")
        write(module_path, self._learner.tensors(), header(self._name, replace(facts, part=CONTROL)))
        lines = [f"{self._name}: {self._steps(course, begun_at)}", f"Module: {module_path}"]
        if differences:
            path = module_path.with_name(f"{self._name}_unet.safetensors")
            stored = {f"model.{key}": one for key, one in differences.items()}
            write(path, stored, header(f"{self._name} (weights)", replace(facts, part=UNET, format="delta")))
            lines.append(f"Weights of the base, for Apply ControlNeXt Weights: {path}")
        advice = self._examination.advice()
        for one in advice:
            tell(one)
        lines += [one.line() for one in self._examination.looks]
        lines += self._set_words()
        report = "\n".join(warnings_first((*lines, *advice)))
        return Made(
            self._learner.control(self._name), differences, tuple(course.losses), self._examination.sheet(), report
        )

    def _steps(self, course: Course, begun_at: int) -> str:
        seconds = time.monotonic() - self._begun
        done = course.step - begun_at
        told = f"{course.step} steps"
        if begun_at:
            told += f", {done} of them now" if done else ", all of them done before"
        if done:
            told += f" ({seconds / done:.2f} s each, with looking at the pictures)"
        recent = course.losses[-_LIKE_LAST:]
        return f"{told}; loss {sum(recent) / len(recent):.5f} over the last {len(recent)}." if recent else f"{told}."

    def _set_words(self) -> list[str]:
        held = len(self._held_out)
        count = len(self._lessons.latents)
        if not held:
            return [f"{count} pictures, too few to hold any out: whether it follows new maps is not known."]
        return [f"{count - held} pictures to learn from, {held} held out."]


def applied(model: Any, differences: Mapping[str, torch.Tensor]) -> Any:
    """A MODEL with the changes that were learned."""
    clone = model.clone()
    clone.add_patches({key: (one,) for key, one in differences.items()})
    return clone


__all__ = ["Drawing", "Look", "Made", "Plan", "applied", "train_controlnext"]
