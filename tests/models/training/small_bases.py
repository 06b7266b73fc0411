"""Small transformers of the host's own classes, with random weights and a text and a picture encoder to train them with."""

from __future__ import annotations

import hashlib
from types import SimpleNamespace
from typing import Any

import comfy.model_base
import comfy.model_patcher
import comfy.supported_models
import torch
from armature_pack.tests.latest import latest
from armature_pack.tests.packs.armature_test_models import networks
from torch import nn

CPU = torch.device("cpu")
SD3 = {
    "in_channels": 16,
    "patch_size": 2,
    "depth": 2,
    "input_size": None,
    "adm_in_channels": 16,
    "pos_embed_max_size": 16,
    "num_patches": 256,
    "pos_embed_scaling_factor": None,
    "qk_norm": "rms",
    "context_embedder_config": {"target": "torch.nn.Linear", "params": {"in_features": 32, "out_features": 128}},
}
Z_IMAGE = {**networks.Z_IMAGE, "n_layers": 2, "n_refiner_layers": 1, "cap_feat_dim": 32}
BASES: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "sd3": (comfy.supported_models.SD3, SD3, comfy.model_base.SD3),
    "flux": networks.FAMILIES["flux"],
    "z_image": (comfy.supported_models.ZImage, Z_IMAGE, comfy.model_base.Lumina2),
    "qwen_image": networks.FAMILIES["qwen_image"],
}


@latest(4)
def base_model(base: str, dtype: torch.dtype = torch.float32) -> Any:
    """MODEL, with weights that carry a signal through every layer, made as the host's loader does: in inference mode."""
    settings, config, kind = BASES[base]
    with torch.inference_mode():
        made = settings({**config})
        made.unet_config = {**config}
        made.set_inference_dtype(dtype, None)
        network = kind(made, device=CPU)
        generator = torch.Generator().manual_seed(3)
        for name, value in [*network.diffusion_model.named_parameters(), *network.diffusion_model.named_buffers()]:
            if value.ndim > 1:
                value.copy_(torch.randn(value.shape, generator=generator) * value[0].numel() ** -0.5)
            else:
                value.fill_(float("norm" in name and name.endswith(("weight", "scale"))))
        network.diffusion_model.to(dtype)
    return comfy.model_patcher.ModelPatcher(network, CPU, CPU)


class Words:
    """Stands for a CLIP: as many words as the text has, and one more; each a fixed vector."""

    layer_idx = None

    def __init__(self) -> None:
        self.cond_stage_model = nn.Linear(4, 4)
        nn.init.ones_(self.cond_stage_model.weight)
        nn.init.zeros_(self.cond_stage_model.bias)

    def tokenize(self, text: str) -> list[str]:
        return ["", *text.split()]

    def encode_from_tokens_scheduled(self, words: list[str]) -> Any:
        vectors = [torch.randn(32, generator=_generator(word)) for word in words]
        return [[torch.stack(vectors)[None], {"pooled_output": torch.stack(vectors).mean(0)[None, :16]}]]


def _generator(word: str) -> torch.Generator:
    return torch.Generator().manual_seed(int(hashlib.md5(word.encode()).hexdigest()[:8], 16))


class Cells:
    """Stands for a VAE: cells of 8x8 pixels to 16 numbers and back. frames: whether its latents have them."""

    def __init__(self, frames: bool) -> None:
        self.frames = frames
        maps = torch.linalg.qr(torch.randn(192, 16, generator=torch.Generator().manual_seed(8)))[0].T
        maps[:3] = 0
        for channel in range(3):  # the mean colour is kept
            maps[channel, channel * 64 : (channel + 1) * 64] = 1 / 8
        self.maps = torch.linalg.qr(maps.T)[0].T
        weights = {"maps": self.maps, "frames": torch.tensor([float(frames)])}
        self.first_stage_model = SimpleNamespace(state_dict=lambda: weights)

    def encode(self, pictures: torch.Tensor) -> torch.Tensor:
        cells = nn.functional.unfold(pictures.movedim(-1, 1) - 0.5, 8, stride=8)
        latent = (self.maps @ cells).unflatten(2, (pictures.shape[1] // 8, pictures.shape[2] // 8)) / 4
        return latent.unsqueeze(2) if self.frames else latent

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        latent = latent.squeeze(2) if self.frames else latent
        height, width = latent.shape[-2:]
        cells = self.maps.T @ (latent.float() * 4).flatten(2)
        pictures = (nn.functional.fold(cells, (height * 8, width * 8), 8, stride=8) + 0.5).movedim(1, -1)
        return pictures[:, None] if self.frames else pictures


def parts(base: str) -> tuple[Any, Any, Any]:
    """MODEL, CLIP and VAE."""
    return base_model(base), Words(), Cells(base == "qwen_image")
