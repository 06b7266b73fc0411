"""A tiny Stable Diffusion 3.5 with seeded weights, its twin in diffusers, a tiny SigLIP, and files of IP-Adapters for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import comfy.clip_vision
import comfy.supported_models
import comfy.utils
import torch
from armature_pack.tests.generated.weights import random_weights
from flux_recipes import CONTEXT, POOLED, seeded_model, taken
from ip_adapter_recipes import ENCODER, encoder_weights

DEPTH, HEAD, GRID, QUERIES, INNER = 3, 64, 16, 4, 128
HIDDEN = DEPTH * HEAD
SIGLIP: dict[str, Any] = {
    **{key: value for key, value in ENCODER.items() if key != "projection_dim"},
    "model_type": "siglip_vision_model",
    "hidden_act": "gelu_pytorch_tanh",
    "image_mean": [0.5, 0.5, 0.5],
    "image_std": [0.5, 0.5, 0.5],
}
_CONFIG: dict[str, Any] = {
    "in_channels": 16,
    "patch_size": 2,
    "depth": DEPTH,
    "adm_in_channels": POOLED,
    "context_embedder_config": {
        "target": "torch.nn.Linear",
        "params": {"in_features": CONTEXT, "out_features": HIDDEN},
    },
    "num_patches": GRID * GRID,
    "pos_embed_max_size": GRID,
    "pos_embed_scaling_factor": None,
    "qk_norm": "rms",
}


@lru_cache(maxsize=1)
def tiny_sd3() -> Any:
    """MODEL."""
    return seeded_model(comfy.supported_models.SD3(dict(_CONFIG)), 13)


@lru_cache(maxsize=1)
def tiny_siglip() -> Any:
    """CLIP_VISION."""
    encoder = comfy.clip_vision.ClipVisionModel(dict(SIGLIP))
    encoder.load_sd(encoder_weights(config=SIGLIP))
    return encoder


def sd3_adapter_weights(seed: int = 37) -> dict[str, torch.Tensor]:
    """State dict of a file as InstantX publish it."""
    shapes: dict[str, tuple[int, ...]] = {"latents": (1, QUERIES, INNER)}

    def linear(name: str, out: int, width: int, bias: bool = True) -> None:
        shapes[f"{name}.weight"] = (out, width)
        shapes.update({f"{name}.bias": (out,)} if bias else {})

    def norm(name: str, width: int) -> None:
        shapes[f"{name}.weight"], shapes[f"{name}.bias"] = (width,), (width,)

    linear("proj_in", INNER, SIGLIP["hidden_size"])
    linear("proj_out", HIDDEN, INNER)
    norm("norm_out", HIDDEN)
    linear("time_embedding.linear_1", INNER, 32)
    linear("time_embedding.linear_2", INNER, INNER)
    for layer in range(4):  # as many as diffusers always builds
        for name in ("0.norm1", "0.norm2", "1.0"):
            norm(f"layers.{layer}.{name}", INNER)
        parts = {"0.to_q": (INNER, INNER), "0.to_kv": (2 * INNER, INNER), "0.to_out": (INNER, INNER)}
        for name, (out, width) in {**parts, "1.1": (4 * INNER, INNER), "1.3": (INNER, 4 * INNER)}.items():
            linear(f"layers.{layer}.{name}", out, width, bias=False)
        linear(f"layers.{layer}.2.1", 4 * INNER, INNER)
    shapes = {f"image_proj.{name}": shape for name, shape in shapes.items()}
    for block in range(DEPTH):
        stem = f"ip_adapter.{block}"
        linear(f"{stem}.norm_ip.linear", 2 * HIDDEN, INNER)
        for name in ("to_k_ip", "to_v_ip"):
            linear(f"{stem}.{name}", HIDDEN, HIDDEN, bias=False)
        shapes |= {f"{stem}.{name}.weight": (HEAD,) for name in ("norm_q", "norm_k", "norm_ip_k")}
    return random_weights(shapes, seed, "float32")


def diffusers_sd3(model: Any) -> Any:
    """SD3Transformer2DModel with the weights of the MODEL."""
    from diffusers.models.transformers.transformer_sd3 import SD3Transformer2DModel

    transformer = SD3Transformer2DModel(
        sample_size=2 * GRID,
        num_layers=DEPTH,
        attention_head_dim=HEAD,
        num_attention_heads=DEPTH,
        joint_attention_dim=CONTEXT,
        caption_projection_dim=HIDDEN,
        pooled_projection_dim=POOLED,
        pos_embed_max_size=GRID,
        qk_norm="rms_norm",
    )
    names, state = comfy.utils.mmdit_to_diffusers(_CONFIG), model.model.diffusion_model.state_dict()
    transformer.load_state_dict({key: taken(names[key], state) for key in transformer.state_dict()})
    return transformer.eval()


def load_sd3_adapter(transformer: Any, weights: dict[str, torch.Tensor], scale: float) -> None:
    """By diffusers' own reading of a file."""
    parts: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, value in weights.items():
        part, _, name = key.partition(".")
        parts[part][name] = value
    transformer._load_ip_adapter_weights(parts, low_cpu_mem_usage=False)
    for processor in transformer.attn_processors.values():
        processor.scale = scale


def siglip_features(pictures: torch.Tensor) -> torch.Tensor:
    """[N,H,W,3] -> hidden states [N,T,W] as diffusers' pipeline reads them."""
    from transformers import SiglipVisionConfig, SiglipVisionModel

    config = {key: value for key, value in SIGLIP.items() if key not in ("model_type", "image_mean", "image_std")}
    network = SiglipVisionModel(SiglipVisionConfig(**config, vision_use_head=False)).eval()
    weights = encoder_weights(config=SIGLIP)
    own = network.state_dict()
    names = {key: key if key in weights else f"vision_model.{key}" for key in own}
    network.load_state_dict({key: weights[name] for key, name in names.items()})
    pixels = (pictures.movedim(-1, 1) - 0.5) / 0.5
    return network(pixels, output_hidden_states=True).hidden_states[-2]


@contextmanager
def recorded(model: Any) -> Iterator[list[dict[str, Any]]]:
    """What the network of a MODEL gets and gives in every call; it has no place for the host's wrappers."""
    calls: list[dict[str, Any]] = []

    def keep(_module: Any, given: tuple[Any, ...], named: dict[str, Any], out: torch.Tensor) -> None:
        halves = list(named["transformer_options"]["cond_or_uncond"])
        calls.append(
            {"x": given[0], "t": given[1], "context": named["context"], "y": named["y"], "halves": halves, "out": out}
        )

    hook = model.model.diffusion_model.register_forward_hook(keep, with_kwargs=True)
    try:
        yield calls
    finally:
        hook.remove()


def by_diffusers_sd3(transformer: Any, call: dict[str, Any], positive: torch.Tensor) -> torch.Tensor:
    """The network's output for a recorded call; positive: [1,T,W] hidden states. What is not wanted is zeros."""
    pictures = call["x"].shape[0] // len(call["halves"])
    rows = [positive if half == 0 else torch.zeros_like(positive) for half in call["halves"] for _ in range(pictures)]
    return transformer(
        hidden_states=call["x"],
        encoder_hidden_states=call["context"],
        pooled_projections=call["y"],
        timestep=call["t"],
        joint_attention_kwargs={"ip_adapter_image_embeds": torch.cat(rows)},
    ).sample
