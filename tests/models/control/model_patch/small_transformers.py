"""Small transformers, the controls for them, and what is sampled with both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.sample
import torch
from armature_pack.models.control.model_patch.flux2_fun import load_flux2_fun
from armature_pack.tests.latest import latest
from armature_pack.tests.models.control.sampling import picture
from armature_pack.tests.packs.armature_test_models import networks
from armature_pack.tests.packs.armature_test_models.networks import (  # noqa: F401
    CPU,
    FAMILIES,
    OPERATIONS,
    TEXT,
    as_patch,
    lllite,
    lllite_shapes,
    seeded,
    uni3c,
)


@latest(5)
def model(family: str, dtype: torch.dtype = torch.float32) -> Any:
    """MODEL."""
    return networks.small_model(family, dtype)


def flux2_fun_weights(seed: int = 1, width: int = 64, heads: int = 2, blocks: int = 2) -> dict[str, torch.Tensor]:
    """A file of FLUX.2 Fun control, by the released one's names."""
    head, inner = width // heads, 3 * width
    attention = [
        *((f"attn.{name}", (width, width)) for name in ("to_q", "to_k", "to_v", "to_out.0", "to_add_out")),
        *((f"attn.add_{name}_proj", (width, width)) for name in "qkv"),
        *((f"attn.norm_{name}", (head,)) for name in ("q", "k", "added_q", "added_k")),
    ]
    feed = [
        (f"{name}.{part}", shape)
        for name in ("ff", "ff_context")
        for part, shape in (("linear_in", (2 * inner, width)), ("linear_out", (width, inner)))
    ]
    generator = torch.Generator().manual_seed(seed)
    weights: dict[str, torch.Tensor] = {}

    def layer(name: str, shape: tuple[int, ...], bias: bool = False) -> None:
        weights[f"{name}.weight"] = torch.randn(shape, generator=generator) * 0.2
        if bias:
            weights[f"{name}.bias"] = torch.randn(shape[0], generator=generator) * 0.2

    layer("control_img_in", (width, 260), bias=True)
    for number in range(blocks):
        stem = f"control_transformer_blocks.{number}"
        for name, shape in (*attention, *feed):
            layer(f"{stem}.{name}", shape)
        for name in ("before_proj", "after_proj") if number == 0 else ("after_proj",):
            layer(f"{stem}.{name}", (width, width), bias=True)
    return weights


@latest(8)
def model_patch(name: str, seed: int = 1) -> Any:
    """MODEL_PATCH."""
    return load_flux2_fun(flux2_fun_weights(seed)) if name.startswith("flux2") else networks.small_patch(name, seed)


class Encoder:
    """Stands for a VAE where a test needs none of its weights: a fixed linear map of 8x8 cells to 16 channels.

    video: whether its latents have frames; clip: whether the pictures that it is given are one clip, four to a frame; cell: side
    of a cell in pixels.
    """

    def __init__(self, video: bool, clip: bool = False, channels: int = 16, cell: int = 8) -> None:
        self.video = video
        self.clip = clip
        self.cell = cell
        self.latent_channels = channels
        self.calls = 0
        inputs = 3 * cell * cell
        self.weights = torch.randn(channels, inputs, generator=torch.Generator().manual_seed(8)) / inputs**0.5

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        cells = torch.nn.functional.unfold(image.movedim(-1, 1), self.cell, stride=self.cell)
        rows, columns = image.shape[1] // self.cell, image.shape[2] // self.cell
        latent = (self.weights @ cells).reshape(image.shape[0], self.latent_channels, rows, columns)
        if self.clip:
            frames = [latent[:1], *(part.mean(0, keepdim=True) for part in latent[1:].split(4) if len(part))]
            return torch.stack(frames, 2)
        return latent.unsqueeze(2) if self.video else latent

    def temporal_compression_decode(self) -> int | None:
        return 4 if self.clip else None

    @property
    def latent_dim(self) -> int:
        return 3 if self.video or self.clip else 2

    def spacial_compression_encode(self) -> int:
        return self.cell


@dataclass(frozen=True)
class Case:
    """One kind of control on its model."""

    patch: str
    family: str

    @property
    def vae(self) -> Encoder:
        if self.family == "flux2":
            return Encoder(False, channels=128, cell=16)
        return Encoder(self.family == "qwen_image", self.family.startswith("wan"))

    def shape(self, pictures: int = 1, height: int = 8, width: int = 8, frames: int = 3) -> tuple[int, ...]:
        """Of a latent; one of a clip has `frames`."""
        if self.family == "flux2":
            return pictures, 128, height // 2, width // 2
        if self.family == "z_image":
            return pictures, 16, height, width
        return pictures, 16, frames if self.family.startswith("wan") else 1, height, width

    def image(self, seed: int, height: int = 8, width: int = 8, frames: int = 9) -> torch.Tensor:
        """A map for a latent of that size; of a clip, a map for each frame."""
        return picture(seed, height * 8, width * 8, frames if self.family.startswith("wan") else 1)


CASES = {
    "qwen": Case("qwen", "qwen_image"),
    "qwen_inpaint": Case("qwen_inpaint", "qwen_image"),
    "z_image": Case("z_image", "z_image"),
    "z_image_refiner": Case("z_image_refiner", "z_image"),
    "anima": Case("anima", "anima"),
    "anima_inpaint": Case("anima_inpaint", "anima"),
    "uni3c": Case("uni3c", "wan"),
    "uni3c_i2v": Case("uni3c", "wan_i2v"),
}


def prompt(family: str, seed: int) -> Any:
    """CONDITIONING."""
    return [[torch.randn(1, 6, TEXT[family], generator=torch.Generator().manual_seed(seed)), {}]]


def sampled(
    patched: Any,
    positive: Any,
    negative: Any,
    shape: tuple[int, ...],
    steps: int = 2,
    cfg: float = 2.0,
    callback: Any = None,
) -> Any:
    """The latent after some Euler steps."""
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(5))
    return comfy.sample.sample(
        patched,
        noise,
        steps,
        cfg,
        "euler",
        "simple",
        positive,
        negative,
        torch.zeros_like(noise),
        denoise=1.0,
        disable_pbar=True,
        callback=callback,
        seed=5,
    )
