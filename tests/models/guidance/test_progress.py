"""Finding the progress of a sigma, on the schedules of the host's own model kinds."""

from __future__ import annotations

import comfy.model_sampling as sampling
import pytest
from armature_pack.models.guidance.progress import progress_of


@pytest.mark.parametrize(
    "kind",
    [
        sampling.ModelSamplingDiscrete,
        sampling.ModelSamplingDiscreteFlow,
        sampling.ModelSamplingFlux,
        sampling.ModelSamplingContinuousEDM,
    ],
)
@pytest.mark.parametrize("progress", [0.001, 0.25, 0.5, 0.999])
def test_it_undoes_percent_to_sigma(kind, progress):
    schedule = kind()
    assert progress_of(float(schedule.percent_to_sigma(progress)), schedule.percent_to_sigma) == pytest.approx(
        progress, abs=1e-3
    )


def test_the_ends_of_the_schedule():
    schedule = sampling.ModelSamplingDiscrete()
    assert progress_of(float(schedule.sigma_max), schedule.percent_to_sigma) < 1e-3
    assert progress_of(0.0, schedule.percent_to_sigma) == pytest.approx(1, abs=1e-5)
