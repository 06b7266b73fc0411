"""The control network against the reference classes' outputs."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.controlnext.module import ControlNeXtModule, TimeEmbedding
from comfy.ldm.modules.diffusionmodules.util import timestep_embedding
from controlnext_recipes import (
    BY_NAME,
    OPERATIONS,
    assert_reference,
    control_weights,
    fixture,
    module,
    module_inputs,
    rounding,
)

CASES = fixture("control_module.json")["variants"]


@pytest.mark.parametrize("name", CASES)
def test_outputs_equal_the_reference(name: str) -> None:
    network = module(name)
    assert sum(parameter.numel() for parameter in network.parameters()) == CASES[name]["param_count"]
    for case, expected in CASES[name]["cases"].items():
        pixels, times = module_inputs(case, expected["input_shape"])
        output = network(pixels, times, BY_NAME[name].stem_padding)
        assert_reference(output, expected, case)


@pytest.mark.parametrize(("side", "merged"), [(128, False), (256, True)])
def test_published_layout_merges_convolutions_of_large_images_only(side: int, merged: bool) -> None:
    network, pixels, time = module("sd15"), torch.rand(1, 3, side, side), torch.tensor([500.0])
    apart = network.endings(pixels, merged=False)
    expected = network.finish(network.prepare(pixels, 0, apart), time, apart)
    output = network(pixels, time, 0)
    assert torch.equal(output, expected) != merged
    torch.testing.assert_close(output, expected, atol=rounding(expected), rtol=0)


def test_time_embedding_equals_the_reference() -> None:
    weights = control_weights(BY_NAME["sdxl"].layout)
    embedding = TimeEmbedding(OPERATIONS)
    prefix = "time_embedding."
    embedding.load_state_dict({key.removeprefix(prefix): weights[key] for key in weights if key.startswith(prefix)})
    for time, expected in fixture("timestep_embedding.json")["cases"].items():
        steps = torch.tensor([float(time)])
        sinusoid = timestep_embedding(steps, 128)[0]
        # The sine is taken of time times frequency, and the last bit of a frequency is its processor's.
        tolerance = 1e-5 + abs(float(time)) * 2**-23
        torch.testing.assert_close(sinusoid[:4], torch.tensor(expected["sinusoid_first4"]), atol=tolerance, rtol=0)
        torch.testing.assert_close(sinusoid[64:68], torch.tensor(expected["sinusoid_64_67"]), atol=tolerance, rtol=0)
        made = embedding(steps, torch.float32)
        assert_reference(made, expected["time_embedding_seed1234"], time, tolerance)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_weights_stored_in_half_run_in_the_inputs_dtype(dtype: Any) -> None:
    layout = BY_NAME["sdxl"].layout
    network = ControlNeXtModule(layout, OPERATIONS, dtype)
    network.load_state_dict(control_weights(layout))
    output = network(torch.rand(1, 3, 32, 32), torch.tensor([500.0]))
    assert output.dtype == torch.float32 and bool(output.isfinite().all())
