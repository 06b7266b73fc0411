"""Two claims of the ControlNeXt paper, small: how many steps each way of adding a map needs, and what a step costs.

The ways take turns on the same batches, so that neither luck nor a busy machine favours one (arXiv 2408.06070).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from . import lessons
from .control_parts import ControlNetPart, ControlNeXtPart, ZeroConvolutionPart
from .lessons import Batch, Lessons
from .loop import Training
from .part import Part, Workplace

_LOOK_EVERY = 25  # steps
_HELD_OUT, _SEED, _NOISY_TIMES = 64, 5, 0.6
NOTHING = "without a map"


def compare(folder: Path, place: Workplace, steps: int, say: Callable[[str], None]) -> dict[str, Any]:
    """Train all three ways for so many steps; the UNet must be finished in `folder`.

    Returns the error on held-out scenes after every 25 steps, and the median seconds of a step and of a prediction.
    """
    school = lessons.load(folder, place)
    parts = {
        "cross normalization": ControlNeXtPart(folder, school),
        "zero convolution": ZeroConvolutionPart(folder, school),
        "ControlNet": ControlNetPart("canny", folder, school),
    }
    trainings = {name: _training(part, folder, steps, place) for name, part in parts.items()}
    exam = lessons.held_out(folder, place, _HELD_OUT)
    batch = exam.batch(place.generator(_SEED), count=_HELD_OUT, without_text=0.0, noisy_times=_NOISY_TIMES)
    hint = exam.bank.hints("canny", batch.chosen).contiguous(memory_format=torch.channels_last)
    errors: dict[str, list[float]] = {name: [] for name in parts}
    seconds: dict[str, list[float]] = {name: [] for name in parts}
    predicting: dict[str, list[float]] = {name: [] for name in parts}
    at: list[int] = []
    for step in range(steps + 1):
        if step % _LOOK_EVERY == 0 or step == steps:
            at.append(step)
            for name, part in parts.items():
                start = time.process_time()
                with torch.no_grad():
                    errors[name].append(round(float(part.error(batch, hint)), 5))
                predicting[name].append(time.process_time() - start)
            say(f"step {step}: " + ", ".join(f"{name} {values[-1]:.4f}" for name, values in errors.items()))
        if step < steps:
            for name, training in trainings.items():
                seconds[name].append(_timed(training))
    return {
        "batch": place.batch * 3 // 4,
        "steps": at,
        "error": errors | {NOTHING: [_without(parts["ControlNet"], exam, batch)]},
        "seconds_per_step": {name: round(median(values), 4) for name, values in seconds.items()},
        "seconds_per_prediction": {name: round(median(values), 4) for name, values in predicting.items()},
        "trained_numbers": {name: _count(part) for name, part in parts.items()},
    }


def _training(part: Part, folder: Path, steps: int, place: Workplace) -> Training:
    """Its clock counts steps; nothing of it is written."""
    return Training(part, folder / "comparison", float(steps), place.device, stream=0)


def _timed(training: Training) -> float:
    start = time.process_time()
    training.step()
    training.progress.seconds += 1
    return time.process_time() - start


@torch.no_grad()
def _without(part: ControlNetPart, exam: Lessons, batch: Batch) -> float:
    found = part.unet(batch.noisy, batch.timesteps, batch.text, exam.bias)
    return round(float(torch.nn.functional.mse_loss(found, batch.noise)), 5)


def _count(part: Part) -> int:
    return sum(value.numel() for value in part.parameters.values())
