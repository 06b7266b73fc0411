"""Encoding as a step of its own: pictures or faces to embeddings that can be kept."""

from __future__ import annotations

from typing import Any

from .adapter import IPAdapter
from .embeds import COMBINING, CONCAT, ImageEmbeds
from .encoding import encode
from .face import FaceEmbeds
from .reading_faces import encode_faces

_WHO = "Encode IP-Adapter Image"


def encode_image(
    adapter: Any, clip_vision: Any, image: Any, negative: Any = None, faces: Any = None, combine: str = CONCAT
) -> ImageEmbeds:
    """Embeddings of the kind that the adapter reads. Raises ValueError when what it reads is not linked or does not fit."""
    if not isinstance(adapter, IPAdapter):
        raise ValueError(f"{_WHO}, input ip_adapter: an IP_ADAPTER is wanted, not {type(adapter).__name__}.")
    if faces is not None and not isinstance(faces, FaceEmbeds):
        raise ValueError(f"{_WHO}, input face_embeds: FACE_EMBEDS are wanted, not {type(faces).__name__}.")
    if combine != CONCAT and combine not in COMBINING:
        raise ValueError(f'{_WHO}, input combine: "{combine}" is not one of {", ".join((CONCAT, *COMBINING))}.')
    if adapter.layout.needs_face:
        found = encode_faces(adapter, faces, clip_vision, image)
    elif image is None:
        raise ValueError(f"{_WHO}: there is no picture. Link image.")
    else:
        found = encode(adapter, clip_vision, image, negative)
    return found if combine == CONCAT else found.combined(combine)
