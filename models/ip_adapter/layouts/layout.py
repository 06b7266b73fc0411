"""What a layout of IP-Adapter files is: how its header shows it, and what its image projection reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
Reads = Literal["pooled", "hidden", "face", "face_and_hidden"]

IMAGE_PROJECTION = "image_proj."
ATTENTION = "ip_adapter."
FACE_WIDTH = 512  # of the face embeddings (ArcFace) that all published FaceID files read

ENCODERS_BY_POOLED = {1024: "vit_h", 1280: "vit_bigg", 768: "vit_l"}
ENCODERS_BY_HIDDEN = {1280: "vit_h", 1664: "vit_bigg", 1024: "vit_l_336", 1152: "siglip_384"}


@dataclass(frozen=True)
class Layout:
    """One layout.

    sign: whether a header has it; the first of the registry counts. reads: pooled image embeddings [N,W], penultimate
    hidden states [N,T,W], face embeddings [N,512], or the last two together. feature_width: the W that it reads (of the
    image encoder; 0 where it reads faces alone). build: (shapes, operations, factory settings) -> the projection's module.
    variants: what shares these keys and shapes and must be chosen, the default first. refusal: why it cannot be applied.
    build_layer: (tokens' width, out, shapes of one attention layer, operations, factory settings) -> its module; None for
    keys and values alone. follows_timestep: whether the projection reads the timestep too, and so runs in every step.
    """

    name: str
    title: str
    reads: Reads
    sign: Callable[[Shapes], bool]
    feature_width: Callable[[Shapes], int]
    build: Callable[..., Any]
    variants: tuple[str, ...] = ()
    refusal: str = ""
    build_layer: Callable[..., Any] | None = None
    follows_timestep: bool = False

    @property
    def needs_face(self) -> bool:
        return self.reads in ("face", "face_and_hidden")

    @property
    def needs_encoder(self) -> bool:
        return self.reads != "face"

    @property
    def encoders(self) -> Mapping[int, str]:
        """The image encoders that files of this layout are made for, by the width that these give; none for faces alone."""
        if not self.needs_encoder:
            return {}
        return ENCODERS_BY_POOLED if self.reads == "pooled" else ENCODERS_BY_HIDDEN

    def encoder(self, shapes: Shapes) -> str:
        """Name of the image encoder (see files.kinds.clip_vision); "" for faces alone or a width that is not known."""
        return self.encoders.get(self.feature_width(shapes), "")


def size(shapes: Shapes, key: str, axis: int) -> int:
    """Length of a tensor of the image projection along an axis; 0 when there is none."""
    shape = shapes.get(IMAGE_PROJECTION + key, ())
    return shape[axis] if -len(shape) <= axis < len(shape) else 0


def has(shapes: Shapes, *keys: str) -> bool:
    """Whether the image projection has all of these tensors."""
    return all(IMAGE_PROJECTION + key in shapes for key in keys)


def no_features(_shapes: Shapes) -> int:
    return 0
