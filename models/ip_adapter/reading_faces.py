"""Embeddings for FaceID adapters: of faces, and for FaceID Plus of their pictures as well."""

from __future__ import annotations

from typing import Any

from .adapter import IPAdapter
from .embeds import ImageEmbeds
from .encoding import encode
from .face import FaceEmbeds
from .layouts.portrait_unnormalised import PORTRAIT_UNNORMALISED


def encode_faces(
    adapter: IPAdapter, faces: FaceEmbeds | None, clip_vision: Any, image: Any, black_negative: bool = False
) -> ImageEmbeds:
    """Embeddings for a FaceID adapter. image: pictures of the faces; by default the crops that came with the faces.

    Raises ValueError when there are no faces, or no pictures where the adapter reads them too.
    """
    if faces is None:
        raise ValueError(
            f"{adapter.who} reads faces. Link face_embeds, from Face Embeddings (ArmatureFaceEmbeds) or from Load IP-Adapter "
            "Embeddings; a picture alone is not enough."
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
