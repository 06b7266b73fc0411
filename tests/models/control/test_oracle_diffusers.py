"""ControlNet through a stack gives what the diffusers library gives on the same seeded weights."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import comfy.controlnet
import comfy.model_sampling
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.layer_weights import make_layer_weights
from armature_pack.tests.latest import latest

from . import oracle

TOLERANCE = 1e-4
WEIGHTS = [0.8, 0.5]


def images(given: oracle.Inputs) -> list[torch.Tensor]:
    return [hint.movedim(1, -1) for hint in given.hints]


def stack_of(nets: list[Any], given: oracle.Inputs) -> ControlStack:
    return ControlStack(
        tuple(ControlSignal(net, image, weight=w) for net, image, w in zip(nets, images(given), WEIGHTS, strict=False))
    )


@pytest.mark.parametrize("count", [1, 2])
@pytest.mark.parametrize("family", [oracle.SD15, oracle.SDXL], ids=["SD1.5", "SDXL"])
def test_ldm_layout(family, count):
    """The whole way: the host's loader, our stack, the host's sampler and UNet against UNet2DConditionModel."""
    given = oracle.inputs(family, count)
    unet = oracle.diffusers_unet(family, 1)
    theirs = [oracle.diffusers_control(family, 10 + i) for i in range(count)]
    ours = [comfy.controlnet.load_controlnet_state_dict(oracle.control_state(net, family)) for net in theirs]
    cond = [[given.context, {} if given.pooled is None else {"pooled_output": given.pooled}]]
    applied = apply_stack(cond, [], stack_of(ours, given))
    model = oracle.host_model(unet, family)
    expected = oracle.diffusers_noise(unet, theirs, given, WEIGHTS[:count])
    made = oracle.host_noise(model, applied.positive, given)
    without = oracle.host_noise(model, cond, given)
    assert (without - expected).abs().max() > 100 * TOLERANCE, "control must act for the comparison to mean anything"
    assert (made - expected).abs().max() < TOLERANCE


PUBLISHED = {
    "SD1.5": (
        oracle.SD15,
        {
            "block_out_channels": (320, 640, 1280, 1280),
            "layers_per_block": 2,
            "down_block_types": (*["CrossAttnDownBlock2D"] * 3, "DownBlock2D"),
        },
    ),
    "SDXL": (oracle.SDXL, {"block_out_channels": (320, 640, 1280), "attention_head_dim": (5, 10, 20)}),
}


@latest()
def published(name: str) -> tuple[Any, Any]:
    """The net in diffusers and in the host; gigabytes."""
    family, size = PUBLISHED[name]
    theirs = oracle.diffusers_control(family, 20, **size)
    return theirs, comfy.controlnet.load_controlnet_state_dict(dict(theirs.state_dict()))


@pytest.mark.parametrize("name", PUBLISHED)
def test_diffusers_layout(name):
    """The host reads this layout at full size only, so the residuals of two signals are compared, before any UNet."""
    given = oracle.inputs(PUBLISHED[name][0], len(WEIGHTS))
    theirs, net = published(name)
    with torch.no_grad():
        downs, middle = oracle.control_residuals([theirs] * len(WEIGHTS), given, WEIGHTS)
        made = residuals_of(stack_of([net] * len(WEIGHTS), given), given)
    for mine, expected in zip([*made["output"], *made["middle"]], [*downs, middle], strict=True):
        assert expected.abs().max() > 100 * TOLERANCE
        assert (mine - expected).abs().max() < TOLERANCE


@pytest.mark.parametrize("pooled", [False, True], ids=["", "pooled"])
@pytest.mark.parametrize("family", [oracle.SD15, oracle.SDXL], ids=["SD1.5", "SDXL"])
def test_guess_mode(family, pooled):
    """The residuals of both halves; the pipelines of diffusers join zeros to those of the prompt's half."""
    given = oracle.inputs(family, 1)
    theirs = oracle.diffusers_control(family, 10, global_pool_conditions=pooled)
    net = comfy.controlnet.load_controlnet_state_dict(oracle.control_state(theirs, family))
    net.global_average_pooling = pooled
    weights = make_layer_weights("guess_mode", 0.825, "")
    signal = ControlSignal(net, images(given)[0], weight=0.8, layer_weights=weights)
    with torch.no_grad():
        downs, middle = oracle.control_residuals([theirs], given, [0.8], guess_mode=True)
        balanced, _ = oracle.control_residuals([theirs], given, [0.8])
        made = residuals_of(ControlStack((signal,)), given, halves=(1, 0))
    for mine, expected in zip([*made["output"], *made["middle"]], [*downs, middle], strict=True):
        negative, prompt = mine.chunk(2)
        assert negative.abs().max() == 0
        assert (prompt - expected).abs().max() < TOLERANCE * expected.abs().max()
    assert torch.allclose(balanced[0], downs[0]) == pooled, "softened, and only where the net does not pool"


def residuals_of(stack: ControlStack, given: oracle.Inputs, halves: tuple[int, ...] = (0,)) -> Any:
    """What the chain of a stack gives the UNet, called as the host calls it."""
    from comfy.ldm.modules.diffusionmodules.openaimodel import Timestep

    sampling = comfy.model_sampling
    schedule: Any = type("Schedule", (sampling.ModelSamplingDiscrete, sampling.EPS), {})()
    chain = apply_stack([[given.context, {}]], [], stack).positive[0][1]["control"]
    chain.pre_run(SimpleNamespace(model_sampling=schedule, diffusion_model=object()), schedule.percent_to_sigma)
    sigma = schedule.sigmas[oracle.STEP]
    rows = oracle.LATENT[0]
    cond = {"c_crossattn": given.context.expand(rows, -1, -1)}
    if given.pooled is not None:
        added = given.conditions["added_cond_kwargs"]
        times = Timestep(256)(added["time_ids"].flatten()).reshape(rows, -1)
        cond["y"] = torch.cat([added["text_embeds"], times], 1)
    noisy = given.noisy * (sigma**2 + 1) ** 0.5
    count = len(halves)
    cond = {name: torch.cat([one] * count) for name, one in cond.items()}
    options = {"cond_or_uncond": list(halves)}
    return chain.get_control(torch.cat([noisy] * count), sigma * torch.ones(rows * count), cond, count, options)
