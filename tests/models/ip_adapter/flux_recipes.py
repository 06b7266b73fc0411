"""A tiny Flux with seeded weights, its twin in diffusers, and files of IP-Adapters for it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import comfy.model_patcher
import comfy.supported_models
import comfy.utils
import torch
from armature_pack.tests.generated.weights import random_weights
from diffusers_reference import Recorder
from ip_adapter_recipes import ENCODER

HIDDEN, HEADS, DEPTH, CONTEXT, POOLED, TOKENS = 64, 2, 3, 48, 32, 4
_CONFIG: dict[str, Any] = {
    "image_model": "flux",
    "guidance_embed": False,
    "in_channels": 16,
    "out_channels": 16,
    "patch_size": 2,
    "vec_in_dim": POOLED,
    "context_in_dim": CONTEXT,
    "hidden_size": HIDDEN,
    "mlp_ratio": 4.0,
    "num_heads": HEADS,
    "depth": DEPTH,
    "depth_single_blocks": 2,
    "axes_dim": [4, 14, 14],
    "theta": 10000,
    "qkv_bias": True,
    "txt_ids_dims": [],
}


@lru_cache(maxsize=1)
def tiny_flux() -> Any:
    """MODEL."""
    return seeded_model(comfy.supported_models.FluxSchnell(dict(_CONFIG)), 11)


def seeded_model(family: Any, seed: int) -> Any:
    """MODEL of a host's class of models."""
    family.set_inference_dtype(torch.float32, None)
    model = family.get_model({}, device="cpu")
    shapes = {key: tuple(value.shape) for key, value in model.diffusion_model.state_dict().items()}
    model.diffusion_model.load_state_dict(random_weights(shapes, seed, "float32"))
    return comfy.model_patcher.ModelPatcher(model, torch.device("cpu"), torch.device("cpu"))


def flux_adapter_weights(seed: int = 31) -> dict[str, torch.Tensor]:
    """State dict of a file as XLabs publish them."""
    shapes: dict[str, tuple[int, ...]] = {
        "ip_adapter_proj_model.proj.weight": (TOKENS * CONTEXT, ENCODER["projection_dim"]),
        "ip_adapter_proj_model.proj.bias": (TOKENS * CONTEXT,),
        "ip_adapter_proj_model.norm.weight": (CONTEXT,),
        "ip_adapter_proj_model.norm.bias": (CONTEXT,),
    }
    for block in range(DEPTH):
        for part in ("k", "v"):
            stem = f"double_blocks.{block}.processor.ip_adapter_double_stream_{part}_proj"
            shapes[f"{stem}.weight"], shapes[f"{stem}.bias"] = (HIDDEN, CONTEXT), (HIDDEN,)
    return random_weights(shapes, seed, "float32")


def with_foreign_block(model: Any) -> Any:
    """The MODEL as another pack leaves it that changes a block."""

    def foreign(given: dict[str, Any], extra: dict[str, Any]) -> dict[str, Any]:
        out = extra["original_block"](given)
        return {**out, "txt": out["txt"] * 1.1}

    clone = model.clone()
    clone.set_model_patch_replace(foreign, "dit", "double_block", 1)
    return clone


def flux_prompt(seed: int, tokens: int = 7, **options: Any) -> Any:
    """CONDITIONING."""
    generator = torch.Generator().manual_seed(seed)
    text = torch.randn(1, tokens, CONTEXT, generator=generator)
    return [[text, {"pooled_output": torch.randn(1, POOLED, generator=generator), **options}]]


def diffusers_flux(model: Any) -> Any:
    """FluxTransformer2DModel with the weights of the MODEL."""
    from diffusers.models.transformers.transformer_flux import FluxTransformer2DModel

    transformer = FluxTransformer2DModel(
        in_channels=64,
        num_layers=DEPTH,
        num_single_layers=2,
        attention_head_dim=HIDDEN // HEADS,
        num_attention_heads=HEADS,
        joint_attention_dim=CONTEXT,
        pooled_projection_dim=POOLED,
        guidance_embeds=False,
        axes_dims_rope=(4, 14, 14),
    )
    names, state = comfy.utils.flux_to_diffusers(_CONFIG), model.model.diffusion_model.state_dict()
    transformer.load_state_dict({key: taken(names[key], state) for key in transformer.state_dict()})
    return transformer.eval()


def taken(source: Any, state: dict[str, torch.Tensor]) -> torch.Tensor:
    """A tensor of the host by its name, or a part of it, or turned around: (name, part or None, function)."""
    if isinstance(source, str):
        return state[source]
    name, part, *turned = source
    value = state[name]
    if part is not None:
        dimension, start, length = part
        value = value.narrow(dimension, start, length)
    return turned[0](value) if turned else value


def load_flux_adapter(transformer: Any, weights: dict[str, torch.Tensor], scale: float) -> None:
    """By diffusers' own reading of a file."""
    from diffusers.loaders.ip_adapter import FluxIPAdapterMixin

    class Pipeline(FluxIPAdapterMixin):
        image_encoder = None
        feature_extractor = None

        def __init__(self) -> None:
            self.transformer = transformer

    parts: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "ip_adapter": {}}
    for key, value in weights.items():
        name = key.removeprefix("ip_adapter_proj_model.")
        if name != key:
            parts["image_proj"][name] = value
            continue
        name = name.removeprefix("double_blocks.").replace("processor.", "")
        for part in ("k", "v"):
            name = name.replace(f"ip_adapter_double_stream_{part}_proj", f"to_{part}_ip")
        parts["ip_adapter"][name] = value
    transformer._load_ip_adapter_weights([parts], low_cpu_mem_usage=False)
    Pipeline().set_ip_adapter_scale(scale)


class FluxRecorder(Recorder):
    """A Recorder for Flux, whose network gets guidance and reference latents besides."""

    def __call__(  # type: ignore[override]
        self, executor: Any, x: Any, t: Any, context: Any, y: Any, guidance: Any, ref: Any, control: Any, options: Any,
        **rest: Any,
    ) -> Any:  # fmt: skip
        out = executor(x, t, context, y, guidance, ref, control, options, **rest)
        halves = list(options["cond_or_uncond"])
        self.calls.append({"x": x, "t": t, "context": context, "y": y, "halves": halves, "out": out})
        return out


def by_diffusers_flux(
    transformer: Any, call: dict[str, Any], positive: torch.Tensor, negative: torch.Tensor
) -> torch.Tensor:
    """The network's output for a recorded call; positive, negative: [pictures,W] pooled embeddings."""
    x = call["x"]
    batch, channels, height, width = x.shape
    rows, columns = height // 2, width // 2
    tokens = x.unflatten(2, (rows, 2)).unflatten(4, (columns, 2)).permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
    ids = torch.zeros(rows, columns, 3)
    ids[..., 1], ids[..., 2] = torch.arange(rows)[:, None], torch.arange(columns)[None]
    pictures = batch // len(call["halves"])
    seen = torch.stack([positive if half == 0 else negative for half in call["halves"] for _ in range(pictures)])
    out = transformer(
        hidden_states=tokens,
        encoder_hidden_states=call["context"],
        pooled_projections=call["y"],
        timestep=call["t"],
        img_ids=ids.flatten(0, 1),
        txt_ids=torch.zeros(call["context"].shape[1], 3),
        joint_attention_kwargs={"ip_adapter_image_embeds": [seen]},
    ).sample
    grid = out.unflatten(1, (rows, columns)).unflatten(3, (channels, 2, 2))
    return grid.permute(0, 3, 1, 4, 2, 5).flatten(4).flatten(2, 3)
