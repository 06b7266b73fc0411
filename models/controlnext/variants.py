"""The variants of ControlNeXt as data, published ones and our own for transformers, and choosing one by file, setting and
base model.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import torch

from ..files.families import family_of_host_class
from ..files.layouts.controlnext import PLAIN, POOLED, POOLED_SCALED, STEM, TOKENS, VARIANT_BASES, Layout
from ..files.trained import Trained
from .cross_normalization import CrossNormalization

Base = Literal["sd15", "sdxl", "svd", "sd3", "flux", "z_image", "qwen_image"]
Site = Literal["first_convolution", "first_down_block", "last_down_block", "middle_block", "first_transformer_block"]

AUTO = "auto"
BASE_TITLES: dict[Base, str] = {
    "sd15": "Stable Diffusion 1.x",
    "sdxl": "SDXL",
    "svd": "Stable Video Diffusion",
    "sd3": "SD 3 / 3.5",
    "flux": "Flux",
    "z_image": "Z-Image / Lumina 2",
    "qwen_image": "Qwen-Image",
}


@dataclass(frozen=True)
class Variant:
    """How one variant is run.

    setting: the value of the node's `variant` that means it; `auto` for those that nothing but file and base can tell. site: the
    place in the network behind which the map is added; in a UNet the skip connection that starts there keeps the hidden state
    without it. stem_padding: of the second and third
    convolution of the stem. multiplier: (learned scale of the file, conditional half?) -> factor of the added map.
    pins_first_map: in a window of a long clip the first map is the clip's first (the reference image's).
    """

    name: str
    setting: str
    title: str
    base: Base
    layout: Layout
    site: Site
    cross_normalization: CrossNormalization
    multiplier: Callable[[float, bool], float]
    stem_padding: int = 0
    pins_first_map: bool = False
    automatic: bool = True


def _learned(scale: float, _conditional: bool) -> float:
    return scale


def _one(_scale: float, _conditional: bool) -> float:
    return 1.0


def _squashed(scale: float, conditional: bool) -> float:
    # The reference sets the unconditional half's scale to 0 before the sigmoid, so that half gets 0.65, not nothing.
    return 1.3 / (1.0 + math.exp(-scale if conditional else 0.0))


def _fifth(_scale: float, conditional: bool) -> float:
    return 0.2 if conditional else 0.0


_POOL_FIRST = CrossNormalization(pool_first=True, eps=1e-12)
_POOL_LAST = CrossNormalization(pool_first=False, eps=1e-12)
_VIDEO = CrossNormalization(pool_first=False, eps=1e-5)
_TRANSFORMERS: tuple[Base, ...] = ("sd3", "flux", "z_image", "qwen_image")

VARIANTS: tuple[Variant, ...] = (
    Variant("sd15", "sd15", "SD1.5 (published weights)", "sd15", PLAIN, "middle_block", _POOL_FIRST, _learned),
    Variant(
        "sd15_training",
        "sd15_training",
        "SD1.5 (trained with the training repository)",
        "sd15",
        STEM,
        "first_down_block",
        _POOL_FIRST,
        _one,
        stem_padding=1,
    ),
    Variant("sdxl", "sdxl", "SDXL", "sdxl", STEM, "first_convolution", _POOL_LAST, _one, stem_padding=1),
    Variant("sdxl_june_2024", "sdxl", "SDXL of June 2024", "sdxl", PLAIN, "middle_block", _POOL_FIRST, _learned),
    Variant("sdxl_july_2024", "sdxl", "SDXL of July 2024", "sdxl", POOLED, "middle_block", _POOL_FIRST, _one),
    Variant("svd", "svd", "SVD v1", "svd", POOLED_SCALED, "last_down_block", _VIDEO, _squashed),
    Variant("svd_v2", "svd_v2", "SVD v2", "svd", STEM, "first_down_block", _VIDEO, _fifth, pins_first_map=True),
    # The training code pads where the published inference code does not; keys and shapes are the same.
    Variant(
        "svd_v2_training",
        "svd_v2_training",
        "SVD v2 (own training, padded stem)",
        "svd",
        STEM,
        "first_down_block",
        _VIDEO,
        _fifth,
        stem_padding=1,
        pins_first_map=True,
        automatic=False,
    ),
    *(
        Variant(
            f"tokens_{base}",
            AUTO,
            f"{BASE_TITLES[base]} (trained in Armature)",
            base,
            TOKENS,
            "first_transformer_block",
            _POOL_FIRST,
            _one,
            stem_padding=1,
        )
        for base in _TRANSFORMERS
    ),
)

# The names are written into files, where models.files reads them without torch.
assert {one.name: one.layout for one in VARIANTS} == {name: layout for name, (layout, _) in VARIANT_BASES.items()}

SETTINGS: tuple[str, ...] = (AUTO, *dict.fromkeys(variant.setting for variant in VARIANTS))


def candidates(layout: Layout, setting: str, file_name: str) -> tuple[Variant, ...]:
    """The variants that a file's layout and the chosen setting leave open.

    Raises ValueError when the setting is unknown or contradicts the file.
    """
    if setting not in SETTINGS:
        raise ValueError(f"variant '{setting}' is unknown to ControlNeXt. Choose one of: {', '.join(SETTINGS)}.")
    fitting = [variant for variant in VARIANTS if variant.layout.is_like(layout)]
    if setting == AUTO:
        return tuple(variant for variant in fitting if variant.automatic)
    chosen = tuple(variant for variant in fitting if variant.setting == setting)
    if not chosen:
        others = dict.fromkeys(variant.setting for variant in fitting if variant.setting != AUTO)
        raise ValueError(
            f"variant is set to '{setting}', but the ControlNeXt file '{file_name}' holds the layout of "
            f"{_either(fitting)} ({layout.title}). "
            f"Set variant to auto{''.join(f' or {name}' for name in others)}, "
            "or choose another file."
        )
    return chosen


def told_variants(open_variants: tuple[Variant, ...], setting: str, says: Trained) -> tuple[Variant, ...]:
    """Those that are left of some variants by what a file says of itself: the one that it names, or those of its base.

    None are left where a setting contradicts the file.
    """
    if says.variant:
        named = VARIANTS if setting == AUTO else open_variants
        return tuple(variant for variant in named if variant.name == says.variant)
    if says.base:
        return tuple(variant for variant in open_variants if says.base in VARIANT_BASES[variant.name][1])
    return open_variants


def resolve(open_variants: tuple[Variant, ...], base: Base, setting: str, file_name: str) -> Variant:
    """The one variant that fits the base model; ValueError naming both when there is none."""
    for variant in open_variants:
        if variant.base == base:
            return variant
    chosen = "" if setting == AUTO else f", with variant set to '{setting}',"
    helps = setting != AUTO and any(
        one.automatic and one.base == base and one.layout.is_like(open_variants[0].layout) for one in VARIANTS
    )
    bases = " or ".join(dict.fromkeys(BASE_TITLES[variant.base] for variant in open_variants))
    raise ValueError(
        f"The ControlNeXt file '{file_name}'{chosen} is for {_either(open_variants)} and needs {bases}, "
        f"but the model being sampled is {BASE_TITLES[base]}. "
        f"Load a model of {bases}, or choose a ControlNeXt file made for {BASE_TITLES[base]}"
        f"{', or set variant to auto.' if helps else '.'}"
    )


def _either(variants: tuple[Variant, ...] | list[Variant]) -> str:
    named = [variant for variant in variants if variant.automatic] or variants
    return " or ".join(variant.title for variant in named)


# Reading off a host model which family it is, and where in its network a site lies.

_OF_FAMILY: dict[str, Base] = {
    family: variant.base
    for variant in VARIANTS
    if variant.base in _TRANSFORMERS
    for family in VARIANT_BASES[variant.name][1]
}
# The attributes of the host's transformers that hold the width of a token.
_TOKEN_WIDTHS: dict[Base, str] = {
    "sd3": "hidden_size",
    "flux": "hidden_size",
    "z_image": "dim",
    "qwen_image": "inner_dim",
}
_TIMES = 1000  # of a sampling; the networks themselves take 0 to 1 or 0 to 1000


@dataclass(frozen=True)
class Place:
    """A site in one network: the host's block id and the number of channels of the hidden state behind it.

    patch: side in cells of the latent of what one token stands for; 0 in a UNet, whose hidden state is a picture.
    """

    block: tuple[str, int]
    channels: int
    patch: int = 0


def base_of(model: Any, who: str) -> Base:
    """The family of a host model (comfy.model_base.BaseModel); ValueError when ControlNeXt has no variant for it.

    who: begins the error, such as "The ControlNeXt file 'a.safetensors'".
    """
    base = _OF_FAMILY.get(family_of_host_class(type(getattr(model, "model_config", None)).__name__).id)
    if base is not None:
        return base
    config = _unet_config(model)
    if config is None:
        raise ValueError(
            f"{who} is for {', '.join(BASE_TITLES.values())}, but the model is {type(model).__name__}. "
            "Load a checkpoint of one of these families, or take ControlNeXt out."
        )
    if config.get("use_temporal_resblock") or config.get("use_temporal_attention"):
        return "svd"
    # A class embedding is SDXL's size conditioning; of the models based on SD2 only unCLIP has one, too.
    embeds_class = config.get("num_classes") is not None or config.get("adm_in_channels") is not None
    return "sdxl" if embeds_class and type(model).__name__ != "SD21UNCLIP" else "sd15"


def place_of(variant: Variant, model: Any) -> Place:
    """Where a variant's site lies: the blocks of a UNet's first levels are counted, so that smaller ones work as well."""
    site = variant.site
    if site == "first_transformer_block":
        return _place_of_tokens(variant.base, model.diffusion_model)
    config = _unet_config(model) or {}
    levels = len(config["channel_mult"])
    blocks = config["num_res_blocks"]
    blocks = [blocks] * levels if isinstance(blocks, int) else list(blocks)
    channels = [config["model_channels"] * factor for factor in config["channel_mult"]]
    last = sum(blocks) + levels - 1  # one downsampler behind every level but the last
    if site == "first_convolution":
        return Place(("input", 0), config["model_channels"])
    if site == "first_down_block":
        return Place(("input", min(blocks[0] + 1, last)), channels[0])
    if site == "last_down_block":
        return Place(("input", last), channels[-1])
    return Place(("middle", 0), channels[-1])


def _place_of_tokens(base: Base, network: Any) -> Place:
    return Place(("double_block", 0), getattr(network, _TOKEN_WIDTHS[base]), network.patch_size)


def times_of(variant: Variant, sampling: Any, sigmas: torch.Tensor) -> torch.Tensor:
    """[B] what the control network's time embedding reads at these sigmas: the UNet's timestep, or for transformers, whose
    noise goes from 1 to 0, a thousand times that.
    """
    return (sigmas * _TIMES if variant.site == "first_transformer_block" else sampling.timestep(sigmas)).float()


def _unet_config(model: Any) -> dict[str, Any] | None:
    config = getattr(getattr(model, "model_config", None), "unet_config", None)
    is_unet = config is not None and "channel_mult" in config and "num_res_blocks" in config
    return config if is_unet else None
