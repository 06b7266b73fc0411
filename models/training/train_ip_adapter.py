"""Training an IP-Adapter from a few views of a thing to a file, and what a node gives of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import comfy.clip_vision
import torch

from ...common.report_lines import warnings_first
from ...preprocessors.images.checks import check_choice, check_type
from ..files.families import family_of_host_class
from ..files.fingerprint import fingerprint
from ..files.trained import Trained
from ..host import tell
from ..ip_adapter.adapter import IPAdapter
from ..ip_adapter.encoding import check_encoder
from ..ip_adapter.identity_from_folder import NAME as FOLDER
from ..ip_adapter.identity_from_folder import register
from ..ip_adapter.layers import CrossAttention, check_fit
from .drawing import Drawing
from .files import check_name, header, model_path, training_folder, write
from .ip_adapter import LAYOUTS, WHO, IPAdapterLearner, Plan, layers_of
from .ip_adapter_weights import TOKENS, Weights, fresh_weights, trainable, weights_of
from .lessons import Lessons
from .likeness import LikenessExamination, Look
from .loop import Pace
from .references import look_at
from .session import Session, check_set
from .state import Course, StateFile
from .trainee import Trainee, check_trainable, training_mode
from .training_set import TrainingSet
from .validation import held_out_of

_ONE_PICTURE = (
    "one picture teaches no adapter what is the same in another one. Put 10 to 20 views of the thing into the folder: from other "
    "sides, in other light, before other grounds."
)


@dataclass(frozen=True, eq=False)
class Made:
    """adapter: an IP_ADAPTER; losses: of each step; sheet: IMAGE."""

    adapter: IPAdapter
    losses: tuple[float, ...]
    sheet: torch.Tensor
    report: str


def train_ip_adapter(
    model: Any,
    clip: Any,
    vae: Any,
    clip_vision: Any,
    chosen: TrainingSet,
    name: str,
    plan: Plan,
    pace: Pace,
    drawing: Drawing,
    start_from: Any = None,
    pictures: int = 4,
    resume: bool = True,
) -> Made:
    """Train on a set and write `name` into the host's folder for IP-Adapters.

    start_from: an IP_ADAPTER to go on from, whose layout and tokens then count; pictures: how many are held out and looked at.
    Raises ValueError, before anything is loaded, for a base, an encoder, an adapter or a set that cannot be trained with; what
    came in stays as it is.
    """
    name = check_name(name, WHO)
    check_set(WHO, chosen, _ONE_PICTURE)
    check_choice(f"{WHO}, input layout", plan.layout, LAYOUTS)
    family = family_of_host_class(type(model.model.model_config).__name__).id
    layers = layers_of(model, family)
    check_trainable(model)
    check_type(
        f"{WHO}, input clip_vision",
        clip_vision,
        comfy.clip_vision.ClipVisionModel,
        "CLIP_VISION is",
        "Link Load CLIP Vision.",
    )
    _check_start(start_from, clip_vision, layers, model)
    with training_mode():
        lessons = Lessons(chosen, model, clip, vae, with_maps=False)
        trainee = Trainee(model, lambda _key: False)
        try:
            weights = _begin(plan, layers, trainee, clip_vision, start_from, pace.seed)
            adapter = trainable(weights, WHO)
            seen = look_at(chosen, adapter, clip_vision)
            held_out = held_out_of(chosen, pictures)
            learner = IPAdapterLearner(lessons, trainee, adapter, seen, plan, pace, held_out)
            facts = Trained(
                base=family,
                base_hash=fingerprint(model.model.diffusion_model),
                encoder_hash=seen.encoder_hash,
                settings={**asdict(plan), **asdict(pace), "start_from": start_from.file_name if start_from else ""},
            )
            about = {
                "kind": "ip-adapter",
                "layout": adapter.layout.name,
                "tokens": plan.tokens or TOKENS[plan.layout],
                "start_from": fingerprint(start_from.module) if start_from else "",
                "base_hash": facts.base_hash,
                "encoder_hash": facts.encoder_hash,
                "set": chosen.key,
                "validation_pictures": len(held_out),
                "seed": pace.seed,
            }
            state = StateFile(training_folder(name) / f"{name}.state.safetensors", about)
            examination = LikenessExamination(lessons, seen, learner.references, held_out, drawing, vae, clip_vision)
            return _Session(name, learner, lessons, held_out, facts, pace, examination, state, resume).made()
        finally:
            trainee.release()


def _check_start(start: Any, clip_vision: Any, layers: tuple[CrossAttention, ...], model: Any) -> None:
    """ValueError for an adapter that cannot be gone on with."""
    if start is None:
        return
    check_type(f"{WHO}, input start_from", start, IPAdapter, "an IP_ADAPTER is", "Link Load IP-Adapter.")
    if start.layout.name not in LAYOUTS:
        raise ValueError(
            f"{WHO}, input start_from: {start.who} is of another layout than those that are trained here "
            f"({', '.join(LAYOUTS)}). Load such a one, or unlink it to begin anew."
        )
    check_fit(start, layers, model.model)
    check_encoder(clip_vision, start)


def _begin(
    plan: Plan,
    layers: tuple[CrossAttention, ...],
    trainee: Trainee,
    clip_vision: Any,
    start: IPAdapter | None,
    seed: int,
) -> Weights:
    if start is not None:
        return weights_of(start)
    weights = fresh_weights(plan.layout, layers, trainee.network, clip_vision, plan.tokens, seed)
    found = trainable(weights, WHO).layout
    if found.name != plan.layout:
        raise ValueError(
            f"{WHO}, input clip_vision: a file of layout {plan.layout} for an encoder of these widths would be taken for "
            f"{found.title}. Choose another encoder, or the other layout."
        )
    return weights


class _Session(Session):
    """One run of the node: from the state that there is to the file."""

    def __init__(
        self,
        name: str,
        learner: IPAdapterLearner,
        lessons: Lessons,
        held_out: Sequence[int],
        facts: Trained,
        pace: Pace,
        examination: LikenessExamination,
        state: StateFile,
        resume: bool,
    ) -> None:
        self._learner, self._facts, self._examination = learner, facts, examination
        views = learner.references.views
        wanted = min(max(2, len(held_out)), len(views))
        self._compared = [views[place * len(views) // wanted] for place in range(wanted)]
        super().__init__(name, learner, lessons, held_out, pace, state, resume)

    def enough(self) -> bool:
        """Held-out views have got no better for some looks."""
        patience = self._learner.plan.patience
        return bool(patience and self.held_out) and self.course.looks_since_best >= patience

    @torch.no_grad()
    def look(self, course: Course) -> None:
        """Take the errors, keep what is best on held-out views, and draw these."""
        error = self.error(self.held_out)
        if self.held_out:
            course.saw(error, self._learner.parameters())
        self._draw(course.step, error)

    @torch.no_grad()
    def _draw(self, step: int, error: float) -> Look:
        self._learner.load()
        learned = self.error(self._compared)
        adapter = self._learner.made(self.name)
        found = self._examination.look(step, self._learner.trainee.patcher, adapter, error, learned)
        self.log.write(
            {
                "step": step,
                "held_out_error": round(error, 6),
                "training_error": round(learned, 6),
                "likeness": found.likeness,
                "likeness_without": found.without,
                "seconds": self.seconds(),
            }
        )
        if found.drawn:
            self.show(step, self._examination.preview())
        return found

    def made(self) -> Made:
        """Run to the end, and write the file of what was best on held-out views."""
        course = self.run()
        ended, looks = course.step, self._examination.looks
        kept = self._kept(course)
        likeness = None if kept.likeness is None else round(min(max(kept.likeness, -1.0), 1.0), 4)
        facts = replace(self._facts, steps=kept.step, likeness=likeness)
        register()
        path = model_path(FOLDER, f"{self.name}.safetensors")
        write(path, self._learner.tensors(), header(self.name, facts, "ip-adapter"))
        lines = [f"{self.name}: {self.steps_words(course)}", f"File: {path}"]
        if kept.step < ended:
            lines.append(f"Kept: what it was at step {kept.step}, where held-out views came out best.")
        if ended < self.pace.steps:
            lines.append(
                f"It stopped at step {ended} of {self.pace.steps}: {course.looks_since_best} looks in a row held-out views came "
                "out no better (patience)."
            )
        advice = self._examination.advice(kept)
        for one in advice:
            tell(one)
        lines += [one.line() for one in looks]
        lines.append(self.set_words("whether it shows more than what it has learned by heart"))
        lines.append("Apply it at weight 1, at which it was trained.")
        report = "\n".join(warnings_first((*lines, *advice)))
        return Made(self._learner.made(self.name), tuple(course.losses), self._examination.sheet(), report)

    def _kept(self, course: Course) -> Look:
        """The look at what is kept, which the learner has from then on; taken now where it was in an earlier run."""
        looks, best = self._examination.looks, course.best_look
        if best is None:
            return looks[-1]
        self._learner.restore(course.best)
        found = next((look for look in looks if look.step == best[0]), None)
        if found is None:
            found = self._draw(*best)
            looks.sort(key=lambda look: look.step)
        return found
