"""Control nets that paint into a picture: their mask through a signal, equal to the host's own node."""

from __future__ import annotations

from typing import Any

import comfy.cldm.mmdit
import comfy.controlnet
import comfy.latent_formats
import comfy.ldm.flux.controlnet
import comfy.ldm.qwen_image.controlnet
import comfy.model_base
import comfy.model_patcher
import comfy.ops
import comfy.supported_models
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.fit import fitted
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.nodes.preprocessors import METHOD_NODES
from armature_pack.tests.latest import latest
from armature_pack.tests.packs.armature_test_models.networks import CPU, FLUX, QWEN, seeded
from comfy_extras.nodes_controlnet import ControlNetInpaintingAliMamaApply

from .model_patch.small_transformers import Encoder
from .sampling import picture
from .small import small_bench, small_control_net
from .small_map_models import prompts, sampled

SD3: dict[str, Any] = {"in_channels": 16, "patch_size": 2, "depth": 2, "input_size": None, "adm_in_channels": 16}
SD3 |= {"context_embedder_config": {"target": "torch.nn.Linear", "params": {"in_features": 32, "out_features": 128}}}
SD3 |= {"pos_embed_scaling_factor": None, "pos_embed_max_size": 32, "num_patches": 1024, "qk_norm": None}
SD3 |= {"pos_embed_offset": None, "x_block_self_attn_layers": []}
KINDS: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "flux": (comfy.supported_models.Flux, comfy.model_base.Flux, FLUX),
    "sd3": (comfy.supported_models.SD3, comfy.model_base.SD3, SD3),
    "qwen": (comfy.supported_models.QwenImage, comfy.model_base.QwenImage, QWEN),
}
PLACE = torch.zeros(1, 64, 64)
PLACE[:, 16:48, 16:40] = 1


@latest(3)
def model(family: str) -> Any:
    """MODEL."""
    settings, kind, config = KINDS[family]
    made = settings(dict(config))
    made.unet_config = dict(config)
    made.set_inference_dtype(torch.float32, None)
    base = kind(made)
    seeded(base.diffusion_model, 0.1)
    return comfy.model_patcher.ModelPatcher(base, CPU, CPU)


@latest(3)
def inpaint_net(family: str) -> Any:
    """CONTROL_NET with a channel more for the mask, as the host's loader makes it of the released files."""
    factory: dict[str, Any] = {"operations": comfy.ops.manual_cast, "device": CPU, "dtype": torch.float32}
    formats = comfy.latent_formats
    if family == "flux":
        config = {name: value for name, value in FLUX.items() if name != "image_model"}
        network: Any = comfy.ldm.flux.controlnet.ControlNetFlux(
            latent_input=True, control_latent_channels=17, **config, **factory
        )
        network.main_model_double, network.main_model_single = 2, 2
        latents, conds = formats.Flux(), ["y", "guidance"]
    elif family == "sd3":
        network = comfy.cldm.mmdit.ControlNet(num_blocks=2, control_latent_channels=17, **SD3, **factory)
        latents, conds = formats.SD3(), ["y"]
        latents.shift_factor = 0
    else:
        config = {name: value for name, value in QWEN.items() if name != "image_model"}
        network = comfy.ldm.qwen_image.controlnet.QwenImageControlNetModel(
            extra_condition_channels=4, **config, **factory
        )
        latents, conds = formats.Wan21(), []
    return comfy.controlnet.ControlNet(
        seeded(network, 0.1, 2), compression_ratio=1, latent_format=latents, concat_mask=True, load_device=CPU,
        extra_conds=conds,
    )  # fmt: skip


def vae(family: str) -> Encoder:
    return Encoder(family == "qwen")


def by_signal(family: str, image: torch.Tensor, **settings: Any) -> tuple[torch.Tensor, str]:
    control = ControlSignal(inpaint_net(family), image, weight=0.7, **settings)
    applied = apply_stack(*prompts(family), ControlStack((control,)), vae=vae(family))
    return sampled(family, model(family), applied.positive, applied.negative), "\n".join(applied.report)


def by_host(family: str, image: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    node: Any = ControlNetInpaintingAliMamaApply
    made = node.execute(*prompts(family), inpaint_net(family), vae(family), image, mask, 0.7, 0.0, 1.0).args
    return sampled(family, model(family), made[0], made[1])


@pytest.mark.parametrize("family", KINDS)
def test_the_mask_equals_the_hosts_node(family):
    image = picture(3, 64, 64)
    ours, told = by_signal(family, image, inpaint_mask=PLACE)
    assert torch.equal(ours, by_host(family, image, PLACE)) and "inpaint mask" in told
    whole, told = by_signal(family, image)
    assert not torch.equal(ours, whole) and "Link the mask" in told


@pytest.mark.parametrize("family", ["flux", "qwen"])
@pytest.mark.parametrize("fit", ["pad", "stretch"])
def test_the_mask_lies_where_the_map_lies(family, fit):
    """What pad leaves free is drawn anew."""
    wide, place = picture(5, 64, 128), torch.zeros(1, 64, 128)
    place[:, 16:48, 32:80] = 1
    whole = torch.nn.functional.pad(1 - place, (0, 0, 32, 32)) if fit == "pad" else 1 - place
    free = torch.nn.functional.interpolate(whole[:, None], (64, 64), mode="nearest-exact")[:, 0]
    seen = fitted((wide * (1 - place[..., None])).movedim(-1, 1), 64, 64, fit).movedim(1, -1)
    ours, _ = by_signal(family, wide, inpaint_mask=place, fit=fit)
    host = by_host(family, seen, 1 - free)
    assert torch.allclose(ours, host, atol=1e-4)
    assert not torch.allclose(ours, by_signal(family, wide, fit=fit)[0], atol=0.01)


def test_a_net_that_reads_pixels_gets_the_place_marked():
    """Equal to the map of Inpaint Hint on the host's own apply node."""
    bench, image = small_bench(), picture(3, 128, 128)
    place = torch.nn.functional.interpolate(PLACE[None], (128, 128), mode="nearest")[0]
    signal = ControlSignal(small_control_net(), image, inpaint_mask=place)
    applied = apply_stack(bench.positive, bench.negative, ControlStack((signal,)))
    assert "marked with -1" in "\n".join(applied.report)
    (hint_node,) = (node for node in METHOD_NODES if node.__name__ == "ArmatureInpaintHint")
    hint = hint_node.execute(image=image, mask=place).args[0]
    by_hint = apply_stack(bench.positive, bench.negative, ControlStack((ControlSignal(small_control_net(), hint),)))
    assert torch.equal(
        bench.latent(applied.positive, applied.negative), bench.latent(by_hint.positive, by_hint.negative)
    )
    assert float(hint.min()) == -1.0
