"""Names of a LoRA's layers: bringing those that the host does not know to names that it does."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping

import torch

# What follows the layer's name in a file; the first group of alternatives are the low-rank pairs.
_PART = re.compile(
    r"(?:\.lora_(?:up|down|mid)\.weight|_lora\.(?:up|down)\.weight|\.lora\.(?:up|down)\.weight"
    r"|\.lora_linear_layer\.(?:up|down)\.weight|\.lora_[AB](?:\.[A-Za-z]\w*)?(?:\.weight)?|\.lora_magnitude_vector(?:\.\w+)*"
    r"|\.alpha|\.dora_scale|\.hada_\w+|\.lokr_\w+|\.oft_\w+|\.[ab][12]\.weight|\.diff(?:_b)?|\.set_weight"
    r"|\.[wb]_norm|\.reshape_weight)$"
)
_MAGNITUDES = re.compile(r"\.lora_magnitude_vector(?:\.\w+)*$")  # of PEFT; the host knows the next
_SCALE = ".dora_scale"
_ADAPTER_NAME = re.compile(r"\.lora_([AB])\.(?!weight$)[A-Za-z]\w*\.weight$")
_WRAPPERS = ("base_model.model.", "model.")
_TEXT = ("text_encoder", "text_encoder_2", "te1", "te2")
_OF_TEXT = ("lora_te", "text_encoder", "te1.", "te2.", "lora_prior_te")


def layer_of(key: str) -> str:
    """The name of the layer that a tensor of a LoRA belongs to."""
    return _PART.sub("", key)


def is_of_text(layer: str) -> bool:
    """Whether the name of a layer says that it belongs to a text encoder."""
    return _unwrapped(layer).startswith(_OF_TEXT)


def _unwrapped(layer: str) -> str:
    for wrapper in _WRAPPERS:
        layer = layer.removeprefix(wrapper)
    return layer


def with_known_names(
    weights: Mapping[str, torch.Tensor], known: Collection[str], metadata: Mapping[str, str] | None = None
) -> dict[str, torch.Tensor]:
    """The tensors under names that the host knows, where there are such.

    known: the host's names of layers. Names of PEFT and diffusers are found (`unet.down_blocks.0….to_q.lora_A.weight`, also
    with `base_model.model.` in front or an adapter's name before `.weight`); what is known already stays.
    """
    renamed: dict[str, torch.Tensor] = {}
    for key, value in weights.items():
        layer = layer_of(key)
        part = _ADAPTER_NAME.sub(r".lora_\1.weight", key)[len(layer) :]
        name = _known_layer(layer, known)
        if _MAGNITUDES.match(part):
            renamed[name + _SCALE] = value.flatten()
        else:
            renamed[name + part] = value
    return {**renamed, **_columns(renamed), **_alphas(renamed, metadata or {})}


def _columns(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Plain lists of a DoRA layer's magnitudes as [out,1,…], with the dimensions of the weight, as the host computes with them.

    PEFT has [out] for linear layers and [1,out,1,1] for convolutions; files that were converted from its names have the first.
    """
    flat = {layer_of(key): key for key, value in weights.items() if key.endswith(_SCALE) and value.ndim == 1}
    dimensions = dict.fromkeys(flat, 2)
    for key, value in weights.items() if flat else ():
        layer = layer_of(key)
        if layer in flat:
            dimensions[layer] = max(dimensions[layer], value.ndim)
    return {key: weights[key].reshape(-1, *[1] * (dimensions[layer] - 1)) for layer, key in flat.items()}


def _known_layer(layer: str, known: Collection[str]) -> str:
    if layer in known:
        return layer
    plain = _unwrapped(layer)
    network = plain.removeprefix("unet.").removeprefix("transformer.").removeprefix("diffusion_model.")
    flat = network.replace(".processor.", ".").replace(".", "_")
    candidates = [
        plain,
        f"unet.{network}",
        f"transformer.{network}",
        f"diffusion_model.{network}",
        f"lora_unet_{flat}",
        f"lora_unet_{flat}_0",  # diffusers' `to_out.0`, which some code writes as `to_out`
        f"lora_transformer_{flat}",
        *(f"{text}.{plain.partition('.')[2]}" for text in _TEXT if plain.startswith(f"{text}.")),
    ]
    return next((candidate for candidate in candidates if candidate in known), layer)


def _alphas(weights: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> dict[str, torch.Tensor]:
    """PEFT keeps alpha beside the weights: one number for all layers of the network, in the file's metadata."""
    try:
        told = json.loads(metadata.get("lora_adapter_metadata", "{}"))
        found = {part: told.get(f"{part}.lora_alpha", told.get("lora_alpha")) for part in ("unet", "transformer")}
    except (ValueError, AttributeError, RecursionError):
        return {}
    alpha = found["unet"] if found["unet"] is not None else found["transformer"]
    if not isinstance(alpha, int | float):
        return {}
    layers = {layer_of(key) for key in weights if not key.startswith(("text_encoder", "lora_te"))}
    return {f"{layer}.alpha": torch.tensor(float(alpha)) for layer in layers if f"{layer}.alpha" not in weights}
