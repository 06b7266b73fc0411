"""A control map, put where the model reads it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import comfy.lora
import torch
from comfy.ldm.flux.model import Flux
from comfy.ldm.qwen_image.model import QwenImageTransformer2DModel

from ....common.report_lines import warning, warnings_first
from ....preprocessors.images.checks import check_choice
from ....preprocessors.images.tensors import check_image, to_rgb
from ...host import tell
from ..decision import blank
from .patching import with_maps
from .weights import WAYS, WHO, MapWeights, Way, further_reference, second_latent

CHOICES: tuple[Literal["auto"] | Way, ...] = ("auto", *WAYS)
_MODELS = (
    "concat is for Flux with a control LoRA (depth, canny) or Flux Depth and Canny dev; reference for Flux Kontext, Flux.2 and "
    "Qwen-Image-Edit"
)
_INPUT = "diffusion_model.img_in.weight"


@dataclass(frozen=True)
class Applied:
    """A MODEL and conditionings with the map, and lines on what was done."""

    model: Any
    positive: list[Any]
    negative: list[Any]
    report: tuple[str, ...]


def apply_map(
    model: Any,
    positive: list[Any],
    negative: list[Any],
    image: torch.Tensor,
    vae: Any,
    weights: MapWeights,
    way: str = "auto",
) -> Applied:
    """Put a map [B,H,W,C] in 0..1 into both conditionings, in the way of the model; nothing upstream changes.

    ValueError for a model that has no such way, for one asked for that is not its own, for no VAE or one of another model,
    and for what is no picture.
    """
    check_choice(f"{WHO}, input way", way, CHOICES)
    own = way_of(model)
    if way not in ("auto", own):
        raise ValueError(_other_way(own))
    picture = to_rgb(check_image(image, f"{WHO}, input image"))
    _check_vae(vae, picture)
    said = [] if (found := blank(picture)) is None else [warning(found)]
    for one in said:
        tell(one)
    if own == "concat":
        picture, cut = _whole_cells(picture)
        latent = _encoded(vae, picture, model)
        weights = replace(weights, who=f"{WHO} (second latent)")
        place = "is the second latent"
        replaces = any("concat_latent_image" in one[1] for one in (*positive, *negative))
        said += ["It replaces the second latent that the conditioning had."] if replaces else []
        put = second_latent
    else:
        latent, cut = _encoded(vae, picture, model), ""
        number = max((len(one[1].get("reference_latents") or ()) for one in positive), default=0) + 1
        weights = replace(weights, who=f"{WHO} (reference {number})")
        place = f"is reference {number}"
        put = further_reference
    size = f"{picture.shape[2]}x{picture.shape[1]}"
    latent_size = f"{latent.shape[-1]}x{latent.shape[-2]}"
    line = f"{WHO}, way {own}: the map of {size}{cut} {place}, a latent of {latent_size}; {_told(weights)}."
    return Applied(
        with_maps(model),
        put(positive, latent, weights),
        put(negative, latent, weights),
        tuple(warnings_first((line, *said))),
    )


def way_of(model: Any) -> Way:
    """By how many channels the input of a MODEL takes, its patches counted, and by its family."""
    network, name = model.model.diffusion_model, type(model.model).__name__
    if isinstance(network, QwenImageTransformer2DModel):
        return "reference"
    if not isinstance(network, Flux):
        raise ValueError(
            f"{WHO}: the model ({name}) reads no map, neither as second latent nor as reference. {_MODELS}."
        )
    # As the network was made: its weight may be that of another MODEL's LoRA, until this one is loaded in its place.
    made = torch.empty(network.hidden_size, network.in_channels, device="meta")
    shape = comfy.lora.calculate_shape(model.patches.get(_INPUT, []), made, _INPUT)
    taken, own = shape[1] // network.patch_size**2, model.model.model_config.unet_config["out_channels"]
    if taken <= own:
        return "reference"
    if taken <= 2 * own:
        return "concat"
    raise ValueError(
        f"{WHO}: the model ({name}, {taken} channels) is one for inpainting, and reads the masked picture where a control model "
        f"reads the map. {_MODELS}."
    )


def _other_way(own: Way) -> str:
    if own == "reference":
        return (
            f"{WHO}: way is concat, but the input of the model has no room for a second latent. Load the control LoRA before "
            "this node, or set way to auto."
        )
    return (
        f"{WHO}: way is reference, but the input of the model takes a second latent with the picture's own, which a reference "
        "lacks. Take the control LoRA out, or set way to auto."
    )


def _whole_cells(picture: torch.Tensor) -> tuple[torch.Tensor, str]:
    """Cut to multiples of 8 around the centre, as the host's InstructPixToPixConditioning does; and words on it."""
    height, width = picture.shape[1] // 8 * 8, picture.shape[2] // 8 * 8
    if (height, width) == picture.shape[1:3]:
        return picture, ""
    top, left = picture.shape[1] % 8 // 2, picture.shape[2] % 8 // 2
    told = f" (cut from {picture.shape[2]}x{picture.shape[1]} to whole cells of 8)"
    return picture[:, top : top + height, left : left + width], told


def _check_vae(vae: Any, picture: torch.Tensor) -> None:
    """ValueError for what is no VAE, and for a picture [B,H,W,3] that has no whole cell of its latents."""
    if not hasattr(vae, "encode"):
        raise ValueError(f"{WHO}, input vae: a VAE is wanted, not {type(vae).__name__}. Link the VAE of your model.")
    cell = vae.spacial_compression_encode()
    if min(picture.shape[1:3]) < cell:
        raise ValueError(
            f"{WHO}, input image: a map of {picture.shape[2]}x{picture.shape[1]} is smaller than the {cell}x{cell} pixels that "
            "make one cell of the latent. Make it about as large as the picture."
        )


def _encoded(vae: Any, picture: torch.Tensor, model: Any) -> torch.Tensor:
    """The latent [B,C,H,W] or [B,C,1,H,W] of pictures [B,H,W,3]; a VAE for video takes them one by one."""
    wanted = model.model.latent_format
    frames = wanted.latent_dimensions == 3
    latent = torch.cat([vae.encode(one) for one in picture.split(1)]) if frames else vae.encode(picture)
    if latent.shape[1] != wanted.latent_channels or latent.ndim != wanted.latent_dimensions + 2:
        raise ValueError(
            f"{WHO}, input vae: this VAE makes latents of {latent.shape[1]} channels and {latent.ndim - 2} dimensions, the model "
            f"({type(model.model).__name__}) has {wanted.latent_channels} and {wanted.latent_dimensions}. Link the VAE of your "
            "model."
        )
    return latent


def _told(weights: MapWeights) -> str:
    told = f"weight {weights.weight:g}"
    if (weights.start, weights.end) != (0.0, 1.0):
        told += f", from {weights.start:.0%} to {weights.end:.0%} of the noise schedule"
    if not weights.schedule.is_constant or weights.schedule.value(0.0) != 1.0:
        told += f", schedule {weights.schedule.to_text()}"
    return told
