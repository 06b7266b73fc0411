"""The same seeded weights in the diffusers library and in the host, for comparing what the two compute."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import comfy.sample
import comfy.samplers
import comfy.sd
import torch
from armature_pack.tests.generated.controlnet_diffusers import _diffusers_name, _diffusers_names
from armature_pack.tests.generated.unet import UNet
from diffusers.models.controlnets.controlnet import ControlNetModel
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

STEP = 501  # of the thousand that the networks were made for
LATENT = (2, 4, 8, 8)


@dataclass(frozen=True)
class Family:
    """A small network of a family: for the host, and the settings that say the same to diffusers."""

    unet: UNet
    context: int
    settings: Mapping[str, Any]
    pooled: int = 0


SD15 = Family(
    UNet("SD15", (1, 1), (1, 1), (1, 1), (1, 1, 1, 1), 1),
    768,
    {
        "block_out_channels": (320, 320),
        "layers_per_block": 1,
        "cross_attention_dim": 768,
        "attention_head_dim": 8,
        "down_block_types": ("CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    },
)
SDXL = Family(
    UNet("Segmind_Vega", (2, 2, 2), (1, 1, 1), (0, 0, 1, 1, 2, 2), (0, 0, 0, 1, 1, 1, 2, 2, 2), -1),
    2048,
    {
        "block_out_channels": (320, 320, 320),
        "layers_per_block": 2,
        "cross_attention_dim": 2048,
        "attention_head_dim": (5, 5, 5),
        "transformer_layers_per_block": (1, 1, 2),
        "mid_block_type": "UNetMidBlock2D",
        "use_linear_projection": True,
        "addition_embed_type": "text_time",
        "addition_time_embed_dim": 256,
        "projection_class_embeddings_input_dim": 2816,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    },
    pooled=1280,
)


def seeded(network: Any, seed: int) -> Any:
    """Fill a network on the meta device with weights of a size that keeps activations near 1."""
    network = network.to_empty(device="cpu").eval()
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            if parameter.ndim == 1:
                base = 1.0 if "norm" in name and name.endswith("weight") else 0.0
                parameter.normal_(base, 0.02, generator=generator)
            else:
                parameter.normal_(0, 0.7 * parameter[0].numel() ** -0.5, generator=generator)
    return network


def diffusers_unet(family: Family, seed: int) -> UNet2DConditionModel:
    up = tuple(name.replace("Down", "Up") for name in reversed(family.settings["down_block_types"]))
    with torch.device("meta"):
        network = UNet2DConditionModel(sample_size=16, **family.settings, up_block_types=up)
    return seeded(network, seed)


def diffusers_control(family: Family, seed: int, **changes: Any) -> ControlNetModel:
    with torch.device("meta"):
        network = ControlNetModel(**{**family.settings, **changes})
    return seeded(network, seed)


def in_host_names(network: Any, family: Family, host_names: list[str]) -> dict[str, torch.Tensor]:
    """The state dict of a diffusers network under the host's (LDM) names."""
    names = _diffusers_names(family.unet.model_config().unet_config)
    for place, name in (("0", "linear_1"), ("2", "linear_2")):
        for kind in ("weight", "bias"):
            names[f"label_emb.0.{place}.{kind}"] = f"add_embedding.{name}.{kind}"
    state = network.state_dict()
    return {name: state[_diffusers_name(name, names)] for name in host_names}


def host_model(network: UNet2DConditionModel, family: Family) -> Any:
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel

    config = {key: value for key, value in family.unet.model_config().unet_config.items() if key != "dtype"}
    outline = UNetModel(**config, device=torch.device("meta"))
    return comfy.sd.load_diffusion_model_state_dict(in_host_names(network, family, list(outline.state_dict())))


def control_state(network: ControlNetModel, family: Family) -> dict[str, torch.Tensor]:
    """A ControlNet file in the LDM layout."""
    from comfy.cldm.cldm import ControlNet

    config = family.unet.model_config().unet_config
    config = {key: value for key, value in config.items() if key not in {"out_channels", "dtype", "device"}}
    outline = ControlNet(**config, hint_channels=3, device=torch.device("meta"))
    return in_host_names(network, family, list(outline.state_dict()))


@dataclass(frozen=True)
class Inputs:
    """What both sides see at one step; hints: [2,3,8*h,8*w] for latents [2,4,h,w]."""

    noisy: torch.Tensor
    context: torch.Tensor
    pooled: torch.Tensor | None
    hints: tuple[torch.Tensor, ...]

    @property
    def conditions(self) -> dict[str, Any]:
        """The extra conditions of SDXL as diffusers takes them; sizes are those of the picture."""
        if self.pooled is None:
            return {}
        side = float(LATENT[-1] * 8)
        ids = torch.tensor([[side, side, 0.0, 0.0, side, side]] * LATENT[0])
        return {"added_cond_kwargs": {"text_embeds": self.pooled.expand(LATENT[0], -1), "time_ids": ids}}


def inputs(family: Family, hints: int, size: tuple[int, int] = LATENT[2:]) -> Inputs:
    generator = torch.Generator().manual_seed(7)
    return Inputs(
        torch.randn((*LATENT[:2], *size), generator=generator),
        torch.randn(1, 77, family.context, generator=generator),
        torch.randn(1, family.pooled, generator=generator) if family.pooled else None,
        tuple(torch.rand(LATENT[0], 3, 8 * size[0], 8 * size[1], generator=generator) for _ in range(hints)),
    )


def control_residuals(
    nets: list[ControlNetModel], given: Inputs, weights: list[float], guess_mode: bool = False
) -> tuple[list[Any], Any]:
    """Sum of the residuals of several nets, as MultiControlNetModel adds them up."""
    downs, middle = None, None
    for net, hint, weight in zip(nets, given.hints, weights, strict=True):
        down, mid = net(
            given.noisy,
            torch.tensor(STEP),
            given.context.expand(LATENT[0], -1, -1),
            controlnet_cond=hint,
            conditioning_scale=weight,
            guess_mode=guess_mode,
            return_dict=False,
            **given.conditions,
        )
        downs = down if downs is None else [a + b for a, b in zip(downs, down, strict=True)]
        middle = mid if middle is None else middle + mid
    assert downs is not None
    return list(downs), middle


def diffusers_noise(unet: Any, nets: list[ControlNetModel], given: Inputs, weights: list[float]) -> torch.Tensor:
    """The noise that the network predicts for `given.noisy`."""
    with torch.no_grad():
        downs, middle = control_residuals(nets, given, weights)
        return unet(
            given.noisy,
            torch.tensor(STEP),
            given.context.expand(LATENT[0], -1, -1),
            down_block_additional_residuals=downs,
            mid_block_additional_residual=middle,
            **given.conditions,
        ).sample


def host_noise(model: Any, positive: list[Any], given: Inputs) -> torch.Tensor:
    """The same by the host's sampler, which is stopped at one sigma; the host scales the latent down by it beforehand."""
    sigma = model.get_model_object("model_sampling").sigmas[STEP]
    seen: list[torch.Tensor] = []

    def one_call(denoiser: Any, x: torch.Tensor, sigmas: torch.Tensor, extra_args: Any, **_: Any) -> torch.Tensor:
        noisy = given.noisy.to(x) * (sigma**2 + 1) ** 0.5
        denoised = denoiser(noisy, sigma * torch.ones(len(x)), **extra_args)
        seen.append((noisy - denoised) / sigma)
        return denoised

    comfy.sample.sample_custom(
        model,
        torch.zeros(LATENT),
        1.0,
        comfy.samplers.KSAMPLER(one_call),
        torch.stack([sigma, torch.zeros(())]),
        positive,
        positive,
        torch.zeros(LATENT),
        disable_pbar=True,
    )
    return seen[0]
