"""Asking the host what a diffusion model is: its own detection, on tensors that have a shape and no numbers.

The host is imported when it is asked, and its log stays quiet: not knowing a file is no error here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from inspect import signature
from itertools import islice
from typing import Any

from .header import TORCH_DTYPES
from .identity import Shape, Tensors


@dataclass(frozen=True)
class HostModel:
    """What the host makes of a diffusion model: its class there, its configuration and its latents."""

    host_class: str
    config: Mapping[str, Any]
    latent_channels: int
    latent_format: str


def meta_tensors(tensors: Tensors) -> dict[str, Any]:
    """Torch tensors of the right shapes and types that hold nothing."""
    import torch

    made: dict[tuple[Shape, str], Any] = {}  # many tensors of a network are alike; each kind is made once

    def make(shape: Shape, dtype: str) -> Any:
        if (shape, dtype) not in made:
            torch_dtype = getattr(torch, TORCH_DTYPES.get(dtype, ""), torch.float32)
            made[shape, dtype] = torch.empty(shape, dtype=torch_dtype, device="meta")
        return made[shape, dtype]

    return {name: make(shape, tensors.dtypes.get(name, "")) for name, shape in tensors.shapes.items()}


_NUMBER = re.compile(r"(?:^|\.)(\d{1,9})(?=\.)")
_DEEPEST = 4  # numbers in a name by which the host counts
_MOST_STEPS = 1_000_000  # the largest models that it knows take a tenth
_MOST_SHAPES = 20_000


def _is_too_much(tensors: Tensors) -> bool:
    """Whether the host would look too long: it goes through all names once for each block that it counts."""
    if len({(shape, tensors.dtypes.get(name, "")) for name, shape in tensors.shapes.items()}) > _MOST_SHAPES:
        return True
    counts: dict[str, set[str]] = {}
    for name in tensors.shapes:
        for number in islice(_NUMBER.finditer(name), _DEEPEST):
            counts.setdefault(name[: number.start()], set()).add(number[1])
    blocks = max(map(len, counts.values()), default=0)
    return blocks * len(tensors.shapes) > _MOST_STEPS


def detect_model(tensors: Tensors) -> HostModel | None:
    """The diffusion model in a file, under the prefix that the host would look under, or none; None when unknown."""
    from comfy import model_detection

    if _is_too_much(tensors):
        return None
    state_dict = meta_tensors(tensors)
    prefix = model_detection.unet_prefix_from_state_dict(state_dict)
    found = _detect(state_dict, prefix, tensors.metadata)
    if found is not None or prefix not in ("", "model."):
        return found
    return _detect(state_dict, "", tensors.metadata) or _detect_diffusers(state_dict)


def _detect(state_dict: dict[str, Any], prefix: str, metadata: Mapping[str, str]) -> HostModel | None:
    from comfy import model_detection, supported_models

    where = {"unet_key_prefix": prefix} if _takes_prefix() else {}
    try:
        config = model_detection.detect_unet_config(state_dict, prefix, metadata=dict(metadata))
    except Exception:  # the host's detection reads keys that a file of another kind lacks
        return None
    if config is None:
        return None
    for host_class in supported_models.models:
        if host_class.matches(config, state_dict, **where):
            return _described(host_class, config)
    return None


@cache
def _takes_prefix() -> bool:
    """Whether the host's classes look for their keys under a prefix; older ones know them by their whole name."""
    from comfy.supported_models_base import BASE

    return "unet_key_prefix" in signature(BASE.matches).parameters


def _detect_diffusers(state_dict: dict[str, Any]) -> HostModel | None:
    from comfy import model_detection, supported_models

    try:
        converted = model_detection.convert_diffusers_mmdit(dict(state_dict), "")
        if converted is not None:
            return _detect(converted, "", {})
        config = model_detection.unet_config_from_diffusers_unet(state_dict)
    except Exception:  # as above
        return None
    if config is None:
        return None
    for host_class in supported_models.models:
        if host_class.matches(config):
            return _described(host_class, config)
    return None


def _described(host_class: type[Any], config: Mapping[str, Any]) -> HostModel:
    latent_format = host_class.latent_format
    return HostModel(
        host_class.__name__, config, int(getattr(latent_format, "latent_channels", 0)), latent_format.__name__
    )


def detect_text_encoder(tensors: Tensors) -> str | None:
    """The host's name for a text encoder in lower case, such as clip_l; None when it is none that the host knows."""
    from comfy.sd import detect_te_model

    if _is_too_much(tensors):
        return None
    try:
        found = detect_te_model(meta_tensors(tensors))
    except Exception:  # as above
        return None
    return None if found is None else found.name.lower()
