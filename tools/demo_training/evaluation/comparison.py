"""Two claims of the ControlNeXt paper, small: how many steps each way of adding a map needs, and what a step costs.

The ways take turns on the same batches, so that neither luck nor a busy machine favours one (arXiv 2408.06070, figure 3).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from ....common.atomic_write import write_text
from ....models.demo import codes
from ....preprocessors.adherence.measures import edge_f1
from ....preprocessors.canny import detect_canny
from ..networks.diffusion import sample, weighted_error
from ..training import lessons
from ..training.control_parts import ControlNetPart, ControlNeXtPart, PlainAdditionPart, ZeroConvolutionPart
from ..training.lessons import Lessons
from ..training.loop import Training
from ..training.part import Workplace
from .artist import GUIDANCE
from .measures import TOLERANCE
from .origin import origin

_LOOK_EVERY, _DRAW_EVERY = 25, 100  # steps
_HELD_OUT, _SEED, _NOISY_TIMES = 64, 5, 0.6
_DRAWN, _SAMPLED_STEPS = 16, 10
_CANNY = {"thresholds": "fixed", "low_threshold": 100, "high_threshold": 200}
NOTHING, CONTROL_NET = "without a map", "ControlNet"
_Part = ControlNetPart | ControlNeXtPart


def compare(
    folder: Path,
    place: Workplace,
    steps: int,
    say: Callable[[str], None],
    seeds: Iterable[int] = (0,),
    control_net_steps: int = 0,
) -> dict[str, Any]:
    """Train all four ways for so many steps with each seed; the UNet must be finished in `folder`.

    control_net_steps: how many the ControlNet gets, where that is more. A seed that was done before, for as many steps, is read
    from `folder`. Returns, by way and seed, the error on held-out scenes after every 25 steps and the edge F1 of drawn ones after
    every 100, and the median seconds of a step and of a prediction of the first seed.
    """
    school, exam = lessons.load(folder, place), _Exam(folder, lessons.held_out(folder, place, _HELD_OUT))
    runs = []
    for seed in seeds:
        path = folder / f"comparison-{place.batch}-{steps}-{control_net_steps}-{seed}.json"
        if not path.is_file():
            found = _Run(folder, school, exam, seed).trained(steps, max(steps, control_net_steps), say)
            write_text(path, json.dumps(found) + "\n")
        runs.append(json.loads(path.read_text(encoding="utf-8")))
    return {
        **origin(),
        "batch": place.batch * 3 // 4,
        "scenes": {"training": place.scenes, "error": _HELD_OUT, "drawn": _DRAWN},
        NOTHING: exam.without(ControlNetPart("canny", folder, school)),
        **{name: runs[0][name] for name in ("seconds_per_step", "seconds_per_prediction", "trained_numbers")},
        "runs": [{name: run[name] for name in ("seed", "error", "edge_f1")} for run in runs],
    }


class _Exam:
    """Held-out scenes: the same noise for everybody, in what is predicted and in what is drawn."""

    def __init__(self, folder: Path, held_out: Lessons) -> None:
        self._lessons, place = held_out, held_out.place
        count = len(held_out.latents)
        self.batch = held_out.batch(place.generator(_SEED), count=count, without_text=0.0, noisy_times=_NOISY_TIMES)
        self._hint = held_out.bank.hints("canny", self.batch.chosen).contiguous(memory_format=torch.channels_last)
        self._drawn = min(_DRAWN, count)
        shape = (_SAMPLED_STEPS, self._drawn, *held_out.latents.shape[1:])
        self._noise = torch.randn(shape, generator=place.generator(_SEED), device=place.device)
        self._vae = lessons.autoencoder(folder, place.device)

    @torch.no_grad()
    def error(self, part: _Part) -> float:
        return round(float(part.error(self.batch, self._hint)), 5)

    @torch.no_grad()
    def without(self, part: ControlNetPart) -> dict[str, float]:
        """Error and edge F1 of the UNet that was there before."""
        bias = self._lessons.bias
        found = part.unet(self.batch.noisy, self.batch.timesteps, self.batch.text, bias)
        drawn = self._f1(lambda noisy, timesteps, text, _hint: part.unet(noisy, timesteps, text, bias))
        error = weighted_error(found, self.batch.noise, self.batch.timesteps)
        return {"error": round(float(error), 5), "edge_f1": drawn}

    def edge_f1(self, part: _Part) -> float:
        """Of pictures that are drawn with captions and maps, mean over the scenes."""
        return self._f1(part.noise)

    @torch.no_grad()
    def _f1(self, noise: Callable[..., torch.Tensor]) -> float:
        held, rows = self._lessons, torch.arange(self._drawn, device=self._noise.device)
        hint = held.bank.hints("canny", rows)
        empty = codes.empty(self._drawn).to(held.place.device)
        text = codes.context(torch.cat((empty, held.tokens[: self._drawn])))

        def guided(x: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
            twice = [torch.cat((one, one)) for one in (x, timesteps, hint)]
            plain, worded = noise(twice[0], twice[1], text, twice[2]).chunk(2)
            return plain + GUIDANCE * (worded - plain)

        pictures = self._vae.decode(sample(guided, self._noise)).clamp(0, 1).cpu()
        scores = []
        for picture, edges in zip(pictures, held.bank.edges.cpu(), strict=False):
            drawn = detect_canny(picture.movedim(0, -1)[None], _CANNY).maps[0]
            scores.append(edge_f1(drawn, edges[0].float()[..., None].expand(-1, -1, 3), TOLERANCE).score)
        return round(sum(scores) / len(scores), 4)


class _Run:
    """All ways with one seed, which decides their first weights and their batches."""

    def __init__(self, folder: Path, school: Lessons, exam: _Exam, seed: int) -> None:
        self._exam, self._seed = exam, seed
        self._parts: dict[str, _Part] = {
            "cross normalization": ControlNeXtPart(folder, school, seed),
            "zero convolution": ZeroConvolutionPart(folder, school, seed),
            "plain addition": PlainAdditionPart(folder, school, seed),
            CONTROL_NET: ControlNetPart("canny", folder, school, seed),
        }
        self._errors: dict[str, list[list[float]]] = {name: [] for name in self._parts}
        self._f1: dict[str, list[list[float]]] = {name: [] for name in self._parts}
        self._seconds: dict[str, list[float]] = {name: [] for name in self._parts}
        self._predicting: dict[str, list[float]] = {name: [] for name in self._parts}
        self._place = school.place
        self._folder = folder

    def trained(self, steps: int, control_net_steps: int, say: Callable[[str], None]) -> dict[str, Any]:
        """[step, value] of each look."""
        ends = {name: control_net_steps if name == CONTROL_NET else steps for name in self._parts}
        trainings = {name: self._training(part, ends[name]) for name, part in self._parts.items()}
        for step in range(control_net_steps + 1):
            at_work = {name: one for name, one in trainings.items() if step <= ends[name]}
            for name in at_work:
                self._look(name, step, step == ends[name])
            if step % _LOOK_EVERY == 0:
                now = ", ".join(f"{name} {self._errors[name][-1][1]:.4f}" for name in at_work)
                say(f"seed {self._seed}, step {step}: {now}")
            for name, training in at_work.items():
                if step < ends[name]:
                    self._seconds[name].append(_timed(training))
        return {
            "seed": self._seed,
            "error": self._errors,
            "edge_f1": self._f1,
            "seconds_per_step": {name: round(median(values), 4) for name, values in self._seconds.items()},
            "seconds_per_prediction": {name: round(median(values), 4) for name, values in self._predicting.items()},
            "trained_numbers": {name: _count(part) for name, part in self._parts.items()},
        }

    def _look(self, name: str, step: int, is_last: bool) -> None:
        part = self._parts[name]
        if is_last or step % _LOOK_EVERY == 0:
            start = time.process_time()
            self._errors[name].append([step, self._exam.error(part)])
            self._predicting[name].append(time.process_time() - start)
        if is_last or step % _DRAW_EVERY == 0:
            self._f1[name].append([step, self._exam.edge_f1(part)])

    def _training(self, part: _Part, steps: int) -> Training:
        """Its clock counts steps; nothing of it is written."""
        return Training(part, self._folder / "comparison", float(steps), self._place.device, stream=self._seed)


def _timed(training: Training) -> float:
    start = time.process_time()
    training.step()
    training.progress.seconds += 1
    return time.process_time() - start


def _count(part: _Part) -> int:
    return sum(value.numel() for value in part.parameters.values())
