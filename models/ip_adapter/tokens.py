"""From embeddings to the tokens of an adapter."""

from __future__ import annotations

from typing import Any

import torch

from ...preprocessors.images.checks import check_type
from ..files.layouts.ip_adapter import V2
from .adapter import IPAdapter
from .embeds import PER_PICTURE, ImageEmbeds
from .image_prompt import Tokens


def project(
    adapter: IPAdapter,
    embeds: ImageEmbeds,
    combine: str,
    composition: ImageEmbeds | None = None,
    face_structure: float = 1.0,
) -> Tokens:
    """Tokens of embeddings that fit the adapter (see `check_embeds`).

    face_structure: for FaceID Plus v2 the share of the face's picture beside the face's embedding.
    """

    def made(one: ImageEmbeds, negative: bool = False) -> torch.Tensor:
        return _tokens(adapter, one, negative, face_structure)

    return Tokens(
        made(embeds), made(embeds, True), None if composition is None else made(composition), combine == PER_PICTURE
    )


def check_embeds(adapter: IPAdapter, embeds: Any) -> ImageEmbeds:
    """The embeddings, or ValueError that names both sides when they are not of the kind or width that the adapter reads."""
    advice = "Make them with Encode IP-Adapter Image."
    check_type(f"{adapter.who}, input embeds", embeds, ImageEmbeds, "IP_ADAPTER_EMBEDS are", advice)
    embeds = embeds.settled(adapter.layout.reads)
    if embeds.reads != adapter.layout.reads or (embeds.image is not None and embeds.width != adapter.feature_width):
        wanted = f"{adapter.layout.reads} embeddings" + (
            f" of width {adapter.feature_width}" if adapter.feature_width else ""
        )
        raise ValueError(
            f"{adapter.who} reads {wanted}, but the embeddings ({embeds.source or 'input embeds'}) are {embeds.reads}"
            f"{f' of width {embeds.width}' if embeds.width else ''}. Encode the pictures again with this adapter, or load "
            "the adapter that they were made for."
        )
    return embeds


def _tokens(adapter: IPAdapter, embeds: ImageEmbeds, negative: bool, face_structure: float) -> torch.Tensor:
    image = embeds.negative if negative else embeds.image
    face = None if embeds.face is None else (torch.zeros_like(embeds.face[:1]) if negative else embeds.face)
    if adapter.layout.follows_timestep:  # projected in every step
        return _given(image, adapter).float()
    if adapter.layout.reads in ("pooled", "hidden"):
        return adapter.tokens(_given(image, adapter))
    if adapter.layout.reads == "face":
        return adapter.tokens(_given(face, adapter))
    seen = _given(image, adapter)
    faces = _given(face, adapter)
    rows = max(seen.shape[0], faces.shape[0])
    faces, seen = (one.expand(rows, *one.shape[1:]) for one in (faces, seen))
    return adapter.tokens(faces, seen, shortcut=face_structure if adapter.variant == V2 else None)


def _given(features: torch.Tensor | None, adapter: IPAdapter) -> torch.Tensor:
    if features is None:
        raise ValueError(f"{adapter.who}: its embeddings are incomplete. Encode the pictures again with this adapter.")
    return features
