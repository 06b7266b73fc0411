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


def test_the_ends_of_a_range_are_compared_as_the_host_compares_them():
    """In single precision: on flow models a step lies exactly on the ends of usual ranges, and rounds to either side."""
    import torch
    from armature_pack.models.control.map_reference.weights import MapWeights
    from armature_pack.models.control.vace import VACEWeights
    from armature_pack.models.guidance.progress import in_range
    from armature_pack.models.ip_adapter.image_prompt import Strength

    def percent_to_sigma(percent: float) -> float:
        return 1.0 - percent

    for sigma in torch.linspace(1.0, 0.0, 11)[:-1]:
        for start in (0.1, 0.2, 0.3, 0.4, 0.6, 0.7, 0.9):
            host = not (sigma > percent_to_sigma(start) or sigma < percent_to_sigma(1.0))
            assert in_range(float(sigma), start, 1.0, percent_to_sigma) == host
            for kind in (MapWeights, VACEWeights, Strength):
                assert (kind(start=start).at(float(sigma), percent_to_sigma) != 0.0) == host
