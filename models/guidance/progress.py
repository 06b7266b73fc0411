"""Where a sampling is: the progress that a sigma stands for, the sigmas of all steps, and the number of the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ...preprocessors.images.checks import check_choice
from .curve import Curve


@dataclass(frozen=True)
class Progress:
    """Where a sampling is. noise: share of the model's noise schedule that lies behind it, 0..1; steps: share of the
    sampling's own steps that do, None where they are not known.
    """

    noise: float
    steps: float | None = None


_HALVINGS = 20  # 1e-6 of the sampling: far finer than the difference between two steps


def progress_of(sigma: float, percent_to_sigma: Callable[[float], float]) -> float:
    """Progress 0..1 at which the model's schedule reaches `sigma`.

    `percent_to_sigma` falls with rising percent in every model of the host, so halving the interval finds the place
    for any kind of schedule without knowing its formula.
    """
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if float(percent_to_sigma(middle)) > sigma:
            low = middle
        else:
            high = middle
    middle = (low + high) / 2
    # An end of the schedule is met exactly, so that a curve that ends at 0 is 0 there.
    return float(round(middle)) if min(middle, 1 - middle) < 2**-_HALVINGS else middle


def in_range(sigma: float, start: float, end: float, percent_to_sigma: Callable[[float], Any]) -> bool:
    """Whether a sigma lies in a range of the noise schedule, both ends included, exactly as the host compares for control nets:
    its sigma is a tensor of single precision, and so the ends count in single precision too.
    """
    highest, lowest = (torch.tensor(float(percent_to_sigma(share)), dtype=torch.float32) for share in (start, end))
    return bool(lowest <= sigma) and bool(highest >= sigma)


def curve_at(
    sigma: float, start: float, end: float, schedule: Curve, percent_to_sigma: Callable[[float], Any]
) -> float:
    """Factor of a schedule at a sigma, 0 outside the range from start to end (see `in_range`)."""
    if not in_range(sigma, start, end, percent_to_sigma):
        return 0.0
    if schedule.is_constant:
        return schedule.points[0][1]
    return schedule.value(progress_of(sigma, percent_to_sigma))


# The sigmas that a sampler will step through, before it runs.


def step_sigmas(model: Any, scheduler: str, steps: int, denoise: float = 1.0, sigmas: Any = None) -> list[float]:
    """Sigma at the start of each step: of linked SIGMAS, or as the host's KSampler computes them for a scheduler."""
    if sigmas is None:
        import comfy.samplers

        check_choice("Input scheduler", scheduler, comfy.samplers.SCHEDULER_NAMES)
        total = steps if denoise >= 1.0 else int(steps / denoise) if denoise > 0 else 0
        if total == 0:
            return []
        sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), scheduler, total)
        sigmas = sigmas[-(steps + 1) :]
    elif not isinstance(sigmas, torch.Tensor) or sigmas.ndim != 1:
        raise ValueError(f"Input sigmas: SIGMAS are wanted, not {type(sigmas).__name__}. Link a scheduler node.")
    return [float(sigma) for sigma in sigmas[:-1]]


# Which step of a sampling this is: the host names no number, but its sigma changes from one step to the next.


class StepCounter:
    """number: of the step, from 0; -1 before the first."""

    def __init__(self) -> None:
        self.number = -1
        self._sigma: object = None

    def at(self, sigma: object) -> int:
        """sigma: anything that can be compared (one number, or a tuple of those of the batch); returns the step's number."""
        if sigma != self._sigma:
            self._sigma = sigma
            self.number += 1
        return self.number

    def clear(self) -> None:
        """Before and after a sampling."""
        self._sigma, self.number = None, -1
