"""From a file to an IP_ADAPTER."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import comfy.ops
import comfy.utils
import torch

from ..files.identity import below, shapes_of
from ..files.layouts.ip_adapter import (
    ATTENTION,
    AUTO,
    IMAGE_PROJECTION,
    VARIANTS,
    Layout,
    Shapes,
    attention_numbers,
    family_of,
    find_layout,
    is_ip_adapter,
    plain_key,
)
from ..files.layouts.ip_adapter_transformers import find_transformer, with_usual_names
from ..files.reading import read_state_dict, refuse_non_finite
from ..files.wrong_kind import describe_keys, told_kind
from ..host import find_file, put_under_management
from .adapter import IPAdapter, IPAdapterModule, KeyValue, attention_key
from .builders import build_joint_layer, build_projection
from .identity_from_folder import NAME as FOLDER
from .identity_from_folder import register

_TRAINED_PROJECTION = "image_proj_model."  # what the authors' training code calls the image projection
_STORED = (torch.float32, torch.float16, torch.bfloat16)


def path_of(name: str) -> Path:
    """Where a file of the host's folder `ipadapter` lies. Raises ValueError when there is none."""
    register()
    return find_file(name, FOLDER, what="IP-Adapter")


def load_ip_adapter(path: str | Path, variant: str = AUTO) -> IPAdapter:
    """Read an IP-Adapter file (safetensors, or a weights-only torch file).

    variant: what keys and shapes do not tell, one of `registry.VARIANTS`. Raises ValueError for anything that is no
    IP-Adapter that can be applied, is damaged, or contradicts `variant`.
    """
    return adapter_from_state_dict(read_state_dict(path), Path(path).name, variant)


def adapter_from_state_dict(state_dict: Mapping[str, torch.Tensor], file_name: str, variant: str = AUTO) -> IPAdapter:
    """The same from tensors in memory; `file_name` is used in messages."""
    weights = with_usual_names({plain_key(key): value for key, value in state_dict.items()})
    shapes: Shapes = shapes_of(weights)
    layout = _layout(shapes, file_name)
    chosen = _variant(layout, variant, file_name)
    for key, value in weights.items():
        refuse_non_finite(file_name, key, value)
    numbers, transformer = attention_numbers(shapes), find_transformer(shapes)
    module = _module(weights, shapes, layout, numbers, file_name)
    return IPAdapter(
        file_name,
        layout,
        chosen,
        transformer[0].family if transformer else family_of(shapes, layout),
        layout.feature_width(shapes),
        layout.encoder(shapes),
        numbers,
        tuple((shapes[attention_key(n, "to_k_ip")][1], shapes[attention_key(n, "to_k_ip")][0]) for n in numbers),
        module,
        put_under_management(module),
        {key.removeprefix(ATTENTION): value for key, value in weights.items() if "_lora." in key},
    )


def _layout(shapes: Shapes, file_name: str) -> Layout:
    transformer = find_transformer(shapes)
    if not is_ip_adapter(shapes) or (transformer and transformer[0].layout is None):
        raise ValueError(_refusal(shapes, file_name))
    layout = transformer[0].layout if transformer else find_layout(shapes)
    if layout is None:
        raise ValueError(
            f"The IP-Adapter file '{file_name}' has an image projection of a layout that is not known "
            f"({describe_keys(key for key in shapes if key.startswith(IMAGE_PROJECTION))}). Choose a published file."
        )
    if layout.refusal:
        raise ValueError(
            f"The file '{file_name}' is {layout.title}, which cannot be applied: {layout.refusal}. "
            "Choose another IP-Adapter for this model."
        )
    return layout


def _refusal(shapes: Shapes, file_name: str) -> str:
    transformer = find_transformer(shapes)
    if transformer and transformer[0].layout is None:
        return (
            f"The file '{file_name}' is an {transformer[0].title}, which cannot be applied: {transformer[0].refusal}. Choose "
            "a file for a UNet (SD 1.5, SDXL, Kolors), in XLabs' layout for Flux, or in InstantX' layout for SD 3.5 Large."
        )
    if any(key.startswith(_TRAINED_PROJECTION) for key in shapes):
        return (
            f"The file '{file_name}' is a checkpoint of the training code, not an IP-Adapter yet. Save its tensors "
            f"{_TRAINED_PROJECTION}* as {IMAGE_PROJECTION}* and adapter_modules.* as {ATTENTION}* to a file of their own."
        )
    if any(key.startswith((IMAGE_PROJECTION, ATTENTION)) for key in shapes):
        return (
            f"The IP-Adapter file '{file_name}' is incomplete: it needs an image projection (image_proj.*) and attention "
            f"layers (ip_adapter.*), and has {describe_keys(shapes)}. Download it again."
        )
    instead = f"choose an IP-Adapter here (its keys: {describe_keys(shapes)})."
    return told_kind(file_name, shapes, "an IP-Adapter", instead)


def _variant(layout: Layout, variant: str, file_name: str) -> str:
    if variant not in VARIANTS:
        raise ValueError(f"variant '{variant}' is unknown to IP-Adapter. Choose one of: {', '.join(VARIANTS)}.")
    if variant == AUTO:
        return layout.variants[0] if layout.variants else layout.name
    if variant not in layout.variants:
        choices = ", ".join((AUTO, *layout.variants))
        raise ValueError(
            f"variant is set to '{variant}', but '{file_name}' is {layout.title}, for which it can be {choices}. "
            "Set variant to auto, or choose another file."
        )
    return variant


def _module(
    weights: Mapping[str, torch.Tensor], shapes: Shapes, layout: Layout, numbers: tuple[int, ...], file_name: str
) -> IPAdapterModule:
    used = {key: value for key, value in weights.items() if key.startswith(IMAGE_PROJECTION)}
    stored = comfy.utils.weight_dtype(used)
    factory = {"operations": comfy.ops.manual_cast, "dtype": stored if stored in _STORED else torch.float32}
    try:
        parts = [_of_layer(weights, number, layout) for number in numbers]
        module = IPAdapterModule(
            build_projection(layout, shapes, **factory), [_layer(part, layout, **factory) for part in parts]
        )
        for index, part in enumerate(parts):
            used |= {f"layers.{index}.{name}": value for name, value in part.items()}
        module.load_state_dict(used)
    except (RuntimeError, KeyError, ZeroDivisionError, ValueError, IndexError) as error:
        raise ValueError(
            f"The IP-Adapter file '{file_name}' is incomplete or was changed: it has the signs of {layout.title}, but "
            f"{_short(error)}. Download it again."
        ) from error
    return module.eval()


def _of_layer(weights: Mapping[str, torch.Tensor], number: int, layout: Layout) -> dict[str, torch.Tensor]:
    """The tensors of one attention layer, by their names in its module: keys and values, or all where it has more."""
    if layout.attention_layer == "joint":
        return below(weights, f"{ATTENTION}{number}.")
    kinds = ("weight", "bias") if attention_key(number, "to_k_ip", "bias") in weights else ("weight",)
    names = product(("to_k_ip", "to_v_ip"), kinds)
    return {f"{part}.{kind}": weights[attention_key(number, part, kind)] for part, kind in names}


def _layer(part: Mapping[str, torch.Tensor], layout: Layout, **factory: Any) -> KeyValue:
    out, width = part["to_k_ip.weight"].shape
    if layout.attention_layer == "key_value":
        return KeyValue(width, out, bias="to_k_ip.bias" in part, **factory)
    return build_joint_layer(width, out, shapes_of(part), **factory)


def _short(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = " ".join(lines[1:3] if len(lines) > 1 else lines)[:300]
    return f"{told} is missing" if isinstance(error, KeyError) else told or type(error).__name__
