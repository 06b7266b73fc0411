"""Reading pictures with the host's image encoder, after checking that it is the one the adapter was trained with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import comfy.model_management
import torch

from ...preprocessors.images.checks import check_choice, check_type
from ...preprocessors.images.tensors import check_image, to_rgb
from ..files.kinds.clip_vision import ENCODERS, encoder_title
from ..files.layouts.ip_adapter import PORTRAIT_UNNORMALISED
from .adapter import IPAdapter
from .embeds import COMBINING, CONCAT, ImageEmbeds
from .faces import FaceEmbeds

_AT_ONCE = 16  # pictures in one run of the encoder


def check_encoder(clip_vision: Any, adapter: IPAdapter) -> None:
    """Raise ValueError, naming both widths and a file that fits, when the encoder is not the adapter's."""
    from comfy.clip_vision import ClipVisionModel

    wanted = _wanted(adapter)
    if not isinstance(clip_vision, ClipVisionModel):
        found = "nothing is linked" if clip_vision is None else f"{type(clip_vision).__name__} came in"
        raise ValueError(
            f"{adapter.who} reads pictures with {wanted}, but at input clip_vision {found}. "
            f"Link Load CLIP Vision{_file_that_fits(adapter)}."
        )
    hidden, pooled = widths(clip_vision)
    have = pooled if adapter.layout.reads == "pooled" else hidden
    if have != adapter.feature_width:
        what = _read_by(adapter)
        raise ValueError(
            f"{adapter.who} reads {what} of width {adapter.feature_width} ({wanted}), but the CLIP vision model gives "
            f"{what} of width {have} ({_name_of(hidden, pooled)}). Choose in Load CLIP Vision{_file_that_fits(adapter)}."
        )


def encode(
    adapter: IPAdapter, clip_vision: Any, image: Any, negative: Any = None, black_negative: bool = False
) -> ImageEmbeds:
    """Embeddings of an IMAGE [N,H,W,C], of the kind that the adapter reads.

    negative: an IMAGE of what is not wanted, else nothing: zeros for pooled embeddings and for adapters that follow the
    timestep (diffusers, `StableDiffusion3Pipeline`), and for the hidden states of the others the encoder's
    answer to a picture of zeros after normalisation, as in training; black_negative: to a black picture, as IPAdapter_plus.
    """
    check_encoder(clip_vision, adapter)
    pictures = to_rgb(check_image(image, "IP-Adapter, input image"))
    pooled = adapter.layout.reads == "pooled"
    found = features(clip_vision, pictures, pooled)
    unwanted = _unwanted(adapter, clip_vision, found, negative, black_negative)
    return ImageEmbeds("pooled" if pooled else "hidden", found, unwanted, source="input image")


def with_negative(
    adapter: IPAdapter, embeds: ImageEmbeds, clip_vision: Any, negative: Any = None, black_negative: bool = False
) -> ImageEmbeds:
    """Embeddings with the negative that `encode` gives, where they came without one, as other packs save them.

    Raises ValueError where only the encoder can tell what a picture of nothing looks like to it, and none is linked.
    """
    if embeds.image is None or embeds.negative is not None:
        return embeds
    if negative is not None or not _nothing_is_zero(adapter):
        if clip_vision is None:
            raise ValueError(
                f"{adapter.who}: the embeddings ({embeds.source or 'input embeds'}) came without their negative, which the "
                "encoder gives. Link clip_vision; or load the negative where it was saved too, and link it to negative_embeds of "
                "Combine IP-Adapter Embeddings."
            )
        check_encoder(clip_vision, adapter)
    return replace(embeds, negative=_unwanted(adapter, clip_vision, embeds.image, negative, black_negative))


def _unwanted(
    adapter: IPAdapter, clip_vision: Any, found: torch.Tensor, negative: Any, black_negative: bool
) -> torch.Tensor:
    pooled = adapter.layout.reads == "pooled"
    if negative is not None:
        return features(clip_vision, to_rgb(check_image(negative, "IP-Adapter, input negative_image")), pooled)
    if _nothing_is_zero(adapter):
        return torch.zeros_like(found[:1])
    if black_negative:
        side = clip_vision.image_size
        return features(clip_vision, torch.zeros(1, side, side, 3), pooled)
    return nothing_seen(clip_vision)


def _nothing_is_zero(adapter: IPAdapter) -> bool:
    return adapter.layout.reads == "pooled" or adapter.layout.follows_timestep


def features(clip_vision: Any, pictures: torch.Tensor, pooled: bool) -> torch.Tensor:
    """[N,H,W,3] -> pooled embeddings [N,W] or penultimate hidden states [N,T,W], cropped to the centre as the host does."""
    parts = []
    for part in pictures.split(_AT_ONCE):
        output = clip_vision.encode_image(part)
        parts.append(output["image_embeds"] if pooled else output["penultimate_hidden_states"])
    return torch.cat(parts).float()


def nothing_seen(clip_vision: Any) -> torch.Tensor:
    """Hidden states [1,T,W] of a picture that is zero after normalisation; the host's nodes cannot make such a picture."""
    comfy.model_management.load_models_gpu([clip_vision.patcher])
    side = clip_vision.image_size
    with torch.inference_mode():
        pixels = torch.zeros(1, 3, side, side, device=clip_vision.load_device)
        output = clip_vision.model(pixel_values=pixels, intermediate_output=-2)
    return output[1].float().to(comfy.model_management.intermediate_device()).clone()


def widths(clip_vision: Any) -> tuple[int, int]:
    """(width of the hidden states, of the pooled embeddings)."""
    hidden = clip_vision.config.get("hidden_size", 0)
    return hidden, clip_vision.config.get("projection_dim", hidden)


def _read_by(adapter: IPAdapter) -> str:
    return "image embeddings" if adapter.layout.reads == "pooled" else "hidden states"


def _wanted(adapter: IPAdapter) -> str:
    """The encoder that the adapter was trained with, by its name, or by what it gives where no published one gives that."""
    if adapter.encoder:
        return encoder_title(adapter.encoder)
    return f"an image encoder whose {_read_by(adapter)} have the width {adapter.feature_width}"


def _name_of(hidden: int, pooled: int) -> str:
    found = next((title for title, *widths in ENCODERS.values() if widths == [hidden, pooled]), "")
    return found or "another encoder"


def _file_that_fits(adapter: IPAdapter) -> str:
    """' the file NAME' from the host's folder, else which encoder to get."""
    import folder_paths

    from ..files.index import ModelIndex

    roots = {"clip_vision": [Path(path) for path in folder_paths.get_folder_paths("clip_vision")]}
    for file in ModelIndex(roots).files():
        traits = file.identity.traits if file.identity is not None else {}
        key = "projection" if adapter.layout.reads == "pooled" else "hidden"
        if traits.get(key) == adapter.feature_width and (
            not adapter.encoder or traits.get("encoder") == adapter.encoder
        ):
            return f" the file '{file.name}', which fits"
    return f" a file of {_wanted(adapter)}; there is none in models/clip_vision yet"


# Embeddings for FaceID adapters: of faces, and for FaceID Plus of their pictures as well.


def encode_faces(
    adapter: IPAdapter, faces: FaceEmbeds | None, clip_vision: Any, image: Any, black_negative: bool = False
) -> ImageEmbeds:
    """Embeddings for a FaceID adapter. image: pictures of the faces; by default the crops that came with the faces.

    Raises ValueError when there are no faces, or no pictures where the adapter reads them too.
    """
    if faces is None:
        raise ValueError(
            f"{adapter.who} reads faces. Link face_embeds, from Face Embeddings (ArmatureFaceEmbeds); a picture alone is not "
            "enough. Saved embeddings of faces go from Load IP-Adapter Embeddings to embeds of Apply IP-Adapter."
        )
    vectors = faces.vectors.float() if adapter.layout is PORTRAIT_UNNORMALISED else faces.normed
    if not adapter.layout.needs_encoder:
        return ImageEmbeds("face", face=vectors, source="input face_embeds")
    pictures = faces.crops if image is None else image
    if pictures is None:
        raise ValueError(
            f"{adapter.who} reads the face's picture too, but the face embeddings came without it. "
            "Link the picture of the face to image."
        )
    seen = encode(adapter, clip_vision, pictures, None, black_negative)
    if seen.count not in (1, vectors.shape[0]) and vectors.shape[0] != 1:
        raise ValueError(
            f"{adapter.who} got {vectors.shape[0]} faces and {seen.count} pictures of faces. Give one for each."
        )
    return ImageEmbeds("face_and_hidden", seen.image, seen.negative, vectors, source="faces and pictures")


# Encoding as a step of its own: pictures or faces to embeddings that can be kept.

_WHO = "Encode IP-Adapter Image"


def encode_image(
    adapter: Any, clip_vision: Any, image: Any, negative: Any = None, faces: Any = None, combine: str = CONCAT
) -> ImageEmbeds:
    """Embeddings of the kind that the adapter reads. Raises ValueError when what it reads is not linked or does not fit."""
    check_type(f"{_WHO}, input ip_adapter", adapter, IPAdapter, "an IP_ADAPTER is")
    if faces is not None:
        check_type(f"{_WHO}, input face_embeds", faces, FaceEmbeds, "FACE_EMBEDS are")
    check_choice(f"{_WHO}, input combine", combine, (CONCAT, *COMBINING))
    if adapter.layout.needs_face:
        found = encode_faces(adapter, faces, clip_vision, image)
    elif image is None:
        raise ValueError(f"{_WHO}: there is no picture. Link image.")
    else:
        found = encode(adapter, clip_vision, image, negative)
    return found if combine == CONCAT else found.combined(combine)
