"""VACE controls with a weight over the sampling, per control, frame and place, on a tiny Wan VACE model of the host's classes."""

from __future__ import annotations

import logging
from typing import Any

import comfy.model_base
import comfy.model_patcher
import comfy.sample
import comfy.supported_models
import node_helpers
import pytest
import torch
from armature_pack.models.control.vace import VACEWeights, with_vace_weights
from armature_pack.models.guidance.curve import Curve
from armature_pack.models.guidance.frame_weights import FrameWeights
from armature_pack.nodes.vace import ArmatureVACEWeights
from armature_pack.tests.latest import latest

SHAPE = (1, 16, 3, 4, 6)
CONFIG: dict[str, Any] = {
    "image_model": "wan2.1",
    "model_type": "vace",
    "patch_size": (1, 2, 2),
    "text_len": 8,
    "in_dim": 16,
    "dim": 48,
    "ffn_dim": 64,
    "freq_dim": 32,
    "text_dim": 24,
    "out_dim": 16,
    "num_heads": 2,
    "num_layers": 4,
    "vace_layers": 2,
    "vace_in_dim": 96,
}


@latest(1)
def model() -> Any:
    settings = comfy.supported_models.WAN21_Vace(dict(CONFIG))
    settings.unet_config = dict(CONFIG)
    settings.set_inference_dtype(torch.float32, None)
    base = comfy.model_base.WAN21_Vace(settings)
    generator = torch.Generator().manual_seed(0)
    for parameter in base.diffusion_model.parameters():
        parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.1)
    cpu = torch.device("cpu")
    return comfy.model_patcher.ModelPatcher(base, cpu, cpu)


def prompts(*strengths: float) -> tuple[Any, Any]:
    """Two prompts with a VACE control for each strength, as chained WanVaceToVideo nodes make them."""
    made = []
    for seed in (1, 2):
        text = torch.randn(1, 8, 24, generator=torch.Generator().manual_seed(seed))
        conditioning: Any = [[text, {}]]
        for number, strength in enumerate(strengths):
            generator = torch.Generator().manual_seed(10 + number)
            frames = torch.randn(1, 32, *SHAPE[2:], generator=generator)
            values = {
                "vace_frames": [frames],
                "vace_mask": [torch.ones(1, 64, *SHAPE[2:])],
                "vace_strength": [strength],
            }
            conditioning = node_helpers.conditioning_set_values(conditioning, values, append=True)
        made.append(conditioning)
    return made[0], made[1]


def sampled(patched: Any, *strengths: float, steps: int = 3) -> torch.Tensor:
    return _sampled(patched, *prompts(*strengths), steps)


def _sampled(patched: Any, positive: Any, negative: Any, steps: int) -> torch.Tensor:
    noise = torch.randn(SHAPE, generator=torch.Generator().manual_seed(5))
    return comfy.sample.sample(
        patched,
        noise,
        steps,
        2.0,
        "euler",
        "simple",
        positive,
        negative,
        torch.zeros(SHAPE),
        denoise=1.0,
        disable_pbar=True,
        seed=5,
    )


def weighted(base: Any = None, **settings: Any) -> Any:
    return with_vace_weights(model() if base is None else base, VACEWeights(**settings))


def test_a_constant_weight_is_the_strength_of_the_hosts_node():
    assert torch.equal(sampled(weighted(), 0.8), sampled(model(), 0.8))
    assert torch.equal(sampled(weighted(weight=0.5), 0.8), sampled(model(), 0.4))
    assert torch.equal(sampled(weighted(schedule=Curve.from_text("0:0.5")), 0.8), sampled(model(), 0.4))
    assert not torch.equal(sampled(model(), 0.4), sampled(model(), 0.8))


def test_each_of_several_controls_has_its_own():
    second = weighted(number=2, weight=0.25)
    assert torch.equal(sampled(second, 0.8, 0.8), sampled(model(), 0.8, 0.2))
    both = weighted(second, number=1, weight=0.5)
    assert torch.equal(sampled(both, 0.8, 0.8), sampled(model(), 0.4, 0.2))
    assert torch.equal(sampled(second, 0.8, 0.8), sampled(model(), 0.8, 0.2))  # the branch before is as it was
    with pytest.raises(ValueError, match="number is 3, but the conditioning carries 2"):
        sampled(weighted(number=3), 0.8, 0.8)


def test_a_range_and_a_curve_over_the_steps(caplog):
    caplog.set_level(logging.INFO, logger="armature")
    early = sampled(weighted(end=0.5), 0.8)
    assert not torch.equal(early, sampled(model(), 0.8)) and not torch.equal(early, sampled(model(), 0.0))
    assert "VACE Weights of every control acted in" in caplog.text
    caplog.clear()
    assert torch.equal(sampled(weighted(schedule=Curve.from_text("0:0, 1:0")), 0.8), sampled(model(), 0.0))
    assert "never acted" in caplog.text


def test_masks_and_frames_act_on_the_tokens_that_they_name():
    whole, none = sampled(model(), 0.8, steps=1), sampled(model(), 0.0, steps=1)
    ones = sampled(weighted(mask=torch.ones(1, 8, 8), frames=FrameWeights.from_text("0: 1")), 0.8, steps=1)
    assert torch.allclose(ones, whole, atol=1e-5)
    black = sampled(weighted(mask=torch.zeros(1, 8, 8)), 0.8, steps=1)
    assert torch.allclose(black, none, atol=1e-6)
    left = torch.zeros(1, 4, 6)
    left[..., :2] = 1
    change = (sampled(weighted(mask=left), 0.8, steps=1) - none).abs().amax(dim=(0, 1, 2, 3))
    assert float(change[:2].min()) > float(change[2:].max())
    first = sampled(weighted(frames=FrameWeights.from_text("1, 0, 0, 0, 0, 0, 0, 0, 0")), 0.8, steps=1)
    over = (first - none).abs().amax(dim=(0, 1, 3, 4))
    assert float(over[0]) > 2 * float(over[1:].max())


def test_pictures_of_a_clip_in_the_frames_of_its_latent():
    frames = FrameWeights.from_text("0: 1, 8: 0")
    assert frames.over_latent(3, 4, "a") == pytest.approx((1.0, 0.6875, 0.1875))
    assert FrameWeights.from_text("0: 0.5").over_latent(2, 4, "a") == (0.5, 0.5)


def test_the_node():
    made = ArmatureVACEWeights.execute(model(), weight=0.5).args[0]
    assert torch.equal(sampled(made, 0.8), sampled(model(), 0.4))
    from armature_pack.tests.models.control.small import small_bench

    with pytest.raises(ValueError, match="has no VACE"):
        ArmatureVACEWeights.execute(small_bench().model)
    with pytest.raises(ValueError, match="start"):
        ArmatureVACEWeights.execute(model(), start_percent=0.8, end_percent=0.2)


def test_the_frame_of_a_reference_image_is_none_of_the_clip():
    from comfy_extras.nodes_wan import WanVaceToVideo

    from .model_patch.small_transformers import Encoder

    def run(base: Any, **settings: Any) -> torch.Tensor:
        clip = torch.rand(5, 32, 48, 3, generator=torch.Generator().manual_seed(3))
        conds = [[[torch.randn(1, 8, 24, generator=torch.Generator().manual_seed(seed)), {}]] for seed in (1, 2)]
        node: Any = WanVaceToVideo
        made = node.execute(*conds, Encoder(True, True), 48, 32, 5, 1, 1.0, clip, None, clip[:1]).args
        patched = with_vace_weights(base, VACEWeights(**settings)) if settings else base
        assert made[2]["samples"].shape == SHAPE and made[3] == 1
        return _sampled(patched, *made[:2], steps=1)

    whole = run(model())
    # Of five pictures the first is one frame of the latent, the others the next; the frame of the reference stands before.
    last = run(model(), frames=FrameWeights.from_text("1, 0, 0, 0, 0"))
    over = (last - whole).abs().amax(dim=(0, 1, 3, 4))
    assert float(over[2]) > 2 * float(over[:2].max())
    with pytest.raises(ValueError, match="5 frames"):
        run(model(), frames=FrameWeights.from_text("0: 1, 8: 0"))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"mask": torch.ones(9, 8, 8)}, "9 masks came in, and one holds for all frames"),
        ({"start": -1.0}, "start_percent: -1.0 lies outside 0 to 1"),
        ({"end": float("nan")}, "end_percent: nan lies outside 0 to 1"),
        ({"frames": "0: 1"}, "frame_weights"),
    ],
)
def test_what_it_refuses(settings, words):
    with pytest.raises(ValueError, match=words):
        VACEWeights(**settings)
