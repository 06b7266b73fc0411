"""Training a ControlNeXt from a set to files, and what a node gives of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch

from ...common.report_lines import warnings_first
from ..control.apply import apply_stack
from ..control.signal import ControlSignal
from ..control.stack import ControlStack
from ..files.families import family_of_host_class
from ..files.fingerprint import fingerprint
from ..files.trained import CONTROL, UNET, Trained
from ..host import tell
from .controlnext import ControlNeXtLearner, Plan, is_learned, variant_for
from .drawing import Drawing
from .files import check_name, header, model_path, training_folder, write
from .lessons import Lessons
from .loop import Pace
from .session import Session, check_set
from .state import Course, StateFile
from .trainee import Trainee, training_mode
from .training_set import TrainingSet
from .validation import Examination, Look, held_out_of

WHO = "Train ControlNeXt"
_ONE_PICTURE = (
    "one picture teaches no map to be followed. Put at least 60 pictures into the folder; from about 10 on something may "
    "be seen."
)


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
                "validation_pictures": len(held_out),
                "subset": plan.subset,
                "rank": plan.rank,
                "seed": pace.seed,
            }
            state = StateFile(folder / f"{name}.state.safetensors", about)
            return _Session(name, learner, lessons, held_out, vae, facts, pace, drawing, state, resume).made()
        finally:
            trainee.release()


def _check_set(chosen: Any) -> None:
    check_set(WHO, chosen, _ONE_PICTURE)
    if not chosen.has_maps:
        raise ValueError(
            f"{WHO}, input set: it has no maps. Choose a map in Training Folder: a method, or from folder."
        )


class _Session(Session):
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
        self._learner, self._facts = learner, facts
        self._examination = Examination(lessons, held_out, drawing, vae, self.error)
        super().__init__(name, learner, lessons, held_out, pace, state, resume)

    def look(self, course: Course) -> None:
        """Draw the held-out pictures with and without their maps."""
        control = self._learner.control(self.name)

        def controlled(number: int, positive: Any, negative: Any) -> tuple[Any, Any]:
            signal = ControlSignal(control, self.lessons.set.maps([number]))
            applied = apply_stack(positive, negative, ControlStack((signal,)))
            return applied.positive, applied.negative

        found = self._examination.look(course.step, self._learner.trainee.patcher, controlled)
        self.log.write(
            {
                "step": course.step,
                "held_out_error": round(found.error, 6),
                "adherence": found.adherence,
                "adherence_without": found.without,
                "seconds": self.seconds(),
            }
        )
        if found.drawn:
            self.show(course.step, self._examination.preview())

    def made(self) -> Made:
        """Run to the end, and write the files."""
        course = self.run()
        look = self._examination.looks[-1]
        adherence = None if look.adherence is None else round(min(max(look.adherence, -1.0), 1.0), 4)
        facts = replace(self._facts, steps=course.step, adherence=adherence)
        differences = self._learner.trainee.differences()
        module_path = model_path("controlnet", f"{self.name}.safetensors")
        write(module_path, self._learner.tensors(), header(self.name, replace(facts, part=CONTROL)))
        lines = [f"{self.name}: {self.steps_words(course)}", f"Module: {module_path}"]
        path = module_path.with_name(f"{self.name}_unet.safetensors")
        path.unlink(missing_ok=True)  # of an earlier training of this name
        if differences:
            stored = {f"model.{key}": one for key, one in differences.items()}
            write(path, stored, header(f"{self.name} (weights)", replace(facts, part=UNET, format="delta")))
            lines.append(f"Weights of the base, for Apply ControlNeXt Weights: {path}")
        advice = self._examination.advice()
        for one in advice:
            tell(one)
        lines += [one.line() for one in self._examination.looks]
        lines.append(self.set_words("whether it follows new maps"))
        report = "\n".join(warnings_first((*lines, *advice)))
        return Made(
            self._learner.control(self.name), differences, tuple(course.losses), self._examination.sheet(), report
        )


def applied(model: Any, differences: Mapping[str, torch.Tensor]) -> Any:
    """A MODEL with the changes that were learned."""
    clone = model.clone()
    clone.add_patches({key: (one,) for key, one in differences.items()})
    return clone


__all__ = ["Drawing", "Look", "Made", "Plan", "applied", "train_controlnext"]
