"""Tiny models that read a control map themselves, of the host's own classes, and what is sampled with them."""

from __future__ import annotations

from typing import Any

import comfy.lora
import comfy.model_base
import comfy.model_patcher
import comfy.supported_models
import torch
from armature_pack.tests.latest import latest
from armature_pack.tests.packs.armature_test_models.networks import CPU, FLUX, FLUX2, QWEN, seeded

from .model_patch.small_transformers import Encoder
from .model_patch.small_transformers import sampled as sampled_at

FAMILIES: dict[str, tuple[Any, Any, dict[str, Any]]] = {
    "flux": (comfy.supported_models.Flux, comfy.model_base.Flux, FLUX),
    "flux_control": (comfy.supported_models.Flux, comfy.model_base.Flux, FLUX | {"in_channels": 32}),
    "flux_fill": (comfy.supported_models.Flux, comfy.model_base.Flux, FLUX | {"in_channels": 96}),
    "flux2": (comfy.supported_models.Flux2, comfy.model_base.Flux2, FLUX2),
    "qwen": (comfy.supported_models.QwenImage, comfy.model_base.QwenImage, QWEN),
    "qwen_2511": (
        comfy.supported_models.QwenImage,
        comfy.model_base.QwenImage,
        QWEN | {"default_ref_method": "index_timestep_zero"},
    ),
}
READ_REFERENCES = ("flux", "flux2", "qwen", "qwen_2511")


@latest(6)
def map_model(family: str, dtype: torch.dtype = torch.float32) -> Any:
    """MODEL."""
    settings, kind, config = FAMILIES[family]
    made = settings(dict(config))
    made.unet_config = dict(config)
    made.set_inference_dtype(dtype, None)
    base = kind(made)
    seeded(base.diffusion_model, 0.1)
    return comfy.model_patcher.ModelPatcher(base, CPU, CPU)


def with_control_lora() -> Any:
    """MODEL of Flux with a control LoRA as Black Forest Labs' are: it widens the input to take a second latent."""
    generator = torch.Generator().manual_seed(4)
    lora = {
        "diffusion_model.img_in.lora_A.weight": torch.randn(4, 128, generator=generator),
        "diffusion_model.img_in.lora_B.weight": torch.randn(64, 4, generator=generator) * 0.1,
        "diffusion_model.img_in.reshape_weight": torch.tensor([64, 128]),
    }
    model = map_model("flux").clone()
    keys = comfy.lora.model_lora_keys_unet(model.model, {})
    assert model.add_patches(comfy.lora.load_lora(lora, keys), 1.0)
    return model


def vae_of(family: str) -> Any:
    return Encoder(False, channels=128, cell=16) if family == "flux2" else Encoder(family.startswith("qwen"))


def picture(seed: int, height: int = 64, width: int = 64, batch: int = 1) -> torch.Tensor:
    return torch.rand(batch, height, width, 3, generator=torch.Generator().manual_seed(seed))


def prompts(family: str) -> tuple[Any, Any]:
    """Two CONDITIONINGs."""
    more = {} if family.startswith("qwen") else {"pooled_output": torch.ones(1, 16)}
    texts = (torch.randn(1, 6, 32, generator=torch.Generator().manual_seed(seed)) for seed in (1, 2))
    positive, negative = ([[text, dict(more)]] for text in texts)
    return positive, negative


def sampled(
    family: str,
    model: Any,
    positive: Any,
    negative: Any,
    steps: int = 2,
    cfg: float = 2.0,
    batch: int = 1,
    size: tuple[int, int] = (8, 8),
) -> torch.Tensor:
    """The latent after some Euler steps; size: of the latent."""
    if family == "flux2":
        shape: tuple[int, ...] = (batch, 128, size[0] // 2, size[1] // 2)
    else:
        shape = (batch, 16, 1, *size) if family.startswith("qwen") else (batch, 16, *size)
    return sampled_at(model, positive, negative, shape, steps, cfg)
