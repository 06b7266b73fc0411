"""Tiny models of the host's transformer families, and the model patches that control them: real classes, seeded weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import comfy.ldm.anima.lllite
import comfy.ldm.anima.model
import comfy.ldm.lumina.controlnet
import comfy.ldm.wan.uni3c
import comfy.model_base
import comfy.model_patcher
import comfy.ops
import comfy.sample
import comfy.supported_models
import torch
from armature_pack.models.control.model_patch.flux2_fun import load_flux2_fun
from armature_pack.tests.latest import latest
from armature_pack.tests.models.control.sampling import picture
from comfy_extras import nodes_model_patch

CPU = torch.device("cpu")
OPERATIONS: Any = comfy.ops.manual_cast  # as the host's loader of model patches
# Embeddings of the text as wide as each model reads them.
TEXT = {"flux2": 32, "qwen_image": 32, "z_image": 64, "anima": 32, "wan": 32, "wan_i2v": 32}
QWEN = {
    "image_model": "qwen_image",
    "in_channels": 64,
    "out_channels": 16,
    "num_layers": 3,
    "attention_head_dim": 32,
    "num_attention_heads": 2,
    "joint_attention_dim": 32,
    "axes_dims_rope": (8, 12, 12),
    "patch_size": 2,
}
Z_IMAGE = {
    "image_model": "lumina2",
    "patch_size": 2,
    "in_channels": 16,
    "dim": 256,
    "n_layers": 11,  # of 30, which reach the first control layers
    "n_refiner_layers": 2,
    "n_heads": 4,
    "n_kv_heads": 4,
    "multiple_of": 32,
    "ffn_dim_multiplier": 0.5,
    "qk_norm": True,
    "cap_feat_dim": 64,
    "axes_dims": [16, 24, 24],
    "axes_lens": [1536, 512, 512],
    "rope_theta": 256.0,
    "z_image_modulation": True,
    "time_scale": 1000.0,
    "pad_tokens_multiple": 32,
}
ANIMA = {
    "image_model": "anima",
    "max_img_h": 240,
    "max_img_w": 240,
    "max_frames": 128,
    "in_channels": 16,
    "out_channels": 16,
    "patch_spatial": 2,
    "patch_temporal": 1,
    "model_channels": 64,
    "crossattn_emb_channels": 32,
    "pos_emb_cls": "rope3d",
    "use_adaln_lora": True,
    "adaln_lora_dim": 16,
    "num_blocks": 3,
    "num_heads": 2,
}
WAN = {
    "image_model": "wan2.1",
    "model_type": "t2v",
    "dim": 48,
    "ffn_dim": 96,
    "freq_dim": 32,
    "text_dim": 32,
    "num_heads": 2,
    "num_layers": 3,
}
FLUX2 = {
    "image_model": "flux2",
    "in_channels": 128,
    "out_channels": 128,
    "vec_in_dim": None,
    "context_in_dim": 32,
    "hidden_size": 64,
    "mlp_ratio": 3.0,
    "num_heads": 2,
    "depth": 4,
    "depth_single_blocks": 2,
    "axes_dim": [8, 8, 8, 8],
    "theta": 2000,
    "patch_size": 1,
    "qkv_bias": False,
    "guidance_embed": True,
    "txt_ids_dims": [3],
    "global_modulation": True,
    "mlp_silu_act": True,
    "ops_bias": False,
    "default_ref_method": "index",
    "ref_index_scale": 10.0,
}
FAMILIES: dict[str, tuple[Any, dict[str, Any], Any]] = {
    "qwen_image": (comfy.supported_models.QwenImage, QWEN, comfy.model_base.QwenImage),
    "z_image": (comfy.supported_models.ZImage, Z_IMAGE, comfy.model_base.Lumina2),
    "anima": (comfy.supported_models.Anima, ANIMA, comfy.model_base.Anima),
    "flux2": (comfy.supported_models.Flux2, FLUX2, comfy.model_base.Flux2),
    "wan": (comfy.supported_models.WAN21_T2V, WAN, comfy.model_base.WAN21),
    "wan_i2v": (comfy.supported_models.WAN21_I2V, {**WAN, "in_dim": 36}, comfy.model_base.WAN21),
}


def seeded(module: Any, spread: float = 0.05, seed: int = 0) -> Any:
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * spread)
    return module.eval()


@latest(5)
def model(family: str, dtype: torch.dtype = torch.float32) -> Any:
    """MODEL."""
    settings, config, kind = FAMILIES[family]
    made = settings(dict(config))
    made.unet_config = {**config, **({"disable_unet_model_creation": True} if family == "anima" else {})}
    made.set_inference_dtype(dtype, None)
    base = kind(made, image_to_video=True) if family == "wan_i2v" else kind(made)
    if family == "anima":
        base.diffusion_model = _anima(config)
    seeded(base.diffusion_model.to(dtype))
    if dtype != torch.float32 and hasattr(base.diffusion_model, "patch_embedding"):
        base.diffusion_model.patch_embedding.float()  # as the host makes it
    return comfy.model_patcher.ModelPatcher(base, CPU, CPU)


def _anima(config: dict[str, Any]) -> Any:
    """The host's network, with a small text adapter in place of one that has the same size in every Anima."""
    factory = {"device": CPU, "dtype": torch.float32, "operations": OPERATIONS}
    network: Any = comfy.ldm.anima.model.Anima.__new__(comfy.ldm.anima.model.Anima)
    comfy.ldm.anima.model.MiniTrainDIT.__init__(network, **config, **factory)
    network.llm_adapter = comfy.ldm.anima.model.LLMAdapter(32, 32, 32, num_layers=1, num_heads=2, **factory)
    return network


LLLITE = ("self_attn_q_proj", "self_attn_k_proj", "self_attn_v_proj", "cross_attn_q_proj", "mlp_layer1")


def lllite_shapes(channels: int = 3, width: int = 64, targets: tuple[str, ...] = LLLITE) -> dict[str, tuple[int, ...]]:
    """The header of an Anima LLLite file, as far as the host builds its network by it."""
    shapes: dict[str, tuple[int, ...]] = {
        "lllite_conditioning1.conv1.weight": (8, channels, 4, 4),
        "lllite_conditioning1.conv3.weight": (16, 8, 4, 4),
        "lllite_conditioning1.proj.weight": (8, 16, 1, 1),
        "lllite_conditioning1.resblocks.0.conv1.weight": (16, 16, 3, 3),
        "lllite_conditioning1.aspp.proj.0.weight": (16, 80, 1, 1),
    }
    for block in range(3):
        for target in targets:
            shapes[f"lllite_dit_blocks_{block}_{target}.down.weight"] = (8, width)
            shapes[f"lllite_dit_blocks_{block}_{target}.cond_to_film.weight"] = (16, 8)
    return shapes


def lllite(channels: int = 3, width: int = 64, targets: tuple[str, ...] = LLLITE) -> Any:
    header = {
        name: torch.empty(shape, device="meta") for name, shape in lllite_shapes(channels, width, targets).items()
    }
    metadata = {"lllite.inpaint_masked_input": "true"} if channels == 4 else {}
    factory = {"device": CPU, "dtype": torch.float32, "operations": OPERATIONS}
    return comfy.ldm.anima.lllite.AnimaLLLite(header, metadata, **factory)


def uni3c(width: int = 48) -> Any:
    factory = {"device": CPU, "dtype": torch.float32, "operations": OPERATIONS}
    return comfy.ldm.wan.uni3c.WanUni3CControlnet(
        conv_out_dim=48, dim=24, ffn_dim=48, num_heads=2, num_layers=2, time_embed_dim=width, out_proj_dim=width,
        mid_channels=16, **factory,
    )  # fmt: skip


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


def as_patch(module: Any, seed: int = 1) -> Any:
    """MODEL_PATCH of a network."""
    return comfy.model_patcher.ModelPatcher(seeded(module, 0.2, seed), CPU, CPU)


@latest(8)
def model_patch(name: str, seed: int = 1) -> Any:
    """MODEL_PATCH."""
    factory = {"device": "cpu", "dtype": torch.float32, "operations": OPERATIONS}
    if name.startswith("qwen"):
        extra = 4 if name.endswith("inpaint") else 0
        module: Any = nodes_model_patch.QwenImageBlockWiseControlNet(
            num_layers=3, dim=64, additional_in_dim=extra, **factory
        )
    elif name.startswith("anima"):
        module = lllite(4 if name.endswith("inpaint") else 3)
    elif name.startswith("uni3c"):
        module = uni3c()
    elif name.startswith("flux2"):
        return load_flux2_fun(flux2_fun_weights(seed))
    else:
        config = {
            "dim": 256,
            "n_heads": 4,
            "n_kv_heads": 4,
            "multiple_of": 32,
            "ffn_dim_multiplier": 0.5,
            "n_control_layers": 6,
        }
        if name == "z_image_refiner":
            config |= {"n_control_layers": 3, "additional_in_dim": 17, "refiner_control": True}
        module = comfy.ldm.lumina.controlnet.ZImage_Control(**config, **factory)
    return as_patch(module, seed)


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
            frames = [latent[:1], *(part.mean(0, keepdim=True) for part in latent[1:].split(4))]
            return torch.stack(frames, 2)
        return latent.unsqueeze(2) if self.video else latent

    def temporal_compression_decode(self) -> int | None:
        return 4 if self.clip else None

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
