"""What a layout of IP-Adapter files is: how its header shows it, and what its image projection reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from ..families import FAMILY_OF_CONTEXT
from ..identity import Shape, Tensors

Shapes = Mapping[str, Shape]
Reads = Literal["pooled", "hidden", "face", "face_and_hidden"]
Projection = Literal["linear", "resampler", "time_resampler", "perceptron", "face_perceptron", "face_resampler"]
AttentionLayer = Literal["key_value", "joint"]

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
    image encoder; 0 where it reads faces alone). projection, attention_layer: which modules its tensors are for; the
    builders of models/ip_adapter make them. variants: what shares these keys and shapes and must be chosen, the default
    first. refusal: why it cannot be applied. follows_timestep: whether the projection reads the timestep too, and so runs
    in every step.
    """

    name: str
    title: str
    reads: Reads
    sign: Callable[[Shapes], bool]
    feature_width: Callable[[Shapes], int]
    projection: Projection
    variants: tuple[str, ...] = ()
    refusal: str = ""
    attention_layer: AttentionLayer = "key_value"
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
    return Tensors(shapes).size(IMAGE_PROJECTION + key, axis)


def has(shapes: Shapes, *keys: str) -> bool:
    """Whether the image projection has all of these tensors."""
    return Tensors(shapes).has(*(IMAGE_PROJECTION + key for key in keys))


def no_features(_shapes: Shapes) -> int:
    return 0


# The first IP-Adapter (also the light and the ViT-bigG ones): one linear layer makes a few tokens of a pooled embedding.

BASE = Layout(
    name="base",
    title="IP-Adapter",
    reads="pooled",
    sign=lambda shapes: has(shapes, "proj.weight", "norm.weight"),
    feature_width=lambda shapes: size(shapes, "proj.weight", 1),
    projection="linear",
)


# IP-Adapter FaceID: a face embedding in place of the image, and a LoRA for all attention layers in the same file.

LORA_SIGN = ATTENTION + "0.to_q_lora.down.weight"

FACE_ID = Layout(
    name="face_id",
    title="IP-Adapter FaceID",
    reads="face",
    sign=lambda shapes: LORA_SIGN in shapes and has(shapes, "proj.0.weight", "proj.2.weight", "norm.weight"),
    feature_width=no_features,
    projection="face_perceptron",
)


# IP-Adapter FaceID Plus: a face embedding asks, the patches of the face's picture answer.
#
# Versions 1 and 2 have the same keys and shapes. Version 2 adds the face's own tokens to the result.

V1, V2 = "face_id_plus_v1", "face_id_plus_v2"
FACE_RESAMPLER = "perceiver_resampler."

FACE_ID_PLUS = Layout(
    name="face_id_plus",
    title="IP-Adapter FaceID Plus",
    reads="face_and_hidden",
    sign=lambda shapes: has(shapes, f"{FACE_RESAMPLER}proj_in.weight"),
    feature_width=lambda shapes: size(shapes, f"{FACE_RESAMPLER}proj_in.weight", 1),
    projection="face_resampler",
    variants=(V2, V1),
)


# IP-Adapter Full Face: a perceptron for every patch, so as many tokens as the encoder has patches.

FULL_FACE = Layout(
    name="full_face",
    title="IP-Adapter Full Face",
    reads="hidden",
    sign=lambda shapes: has(shapes, "proj.0.weight", "proj.2.weight", "proj.3.weight"),
    feature_width=lambda shapes: size(shapes, "proj.0.weight", 1),
    projection="perceptron",
)


# IP-Adapter FaceID Plus for Kolors. Its tokens have the width of Kolors' text encoder, before the UNet's own projection.

_FACE_WIDTH = 4096

KOLORS_FACE_ID = Layout(
    name="kolors_face_id",
    title="IP-Adapter FaceID Plus for Kolors",
    reads="face_and_hidden",
    sign=lambda shapes: size(shapes, "perceiver_resampler.layers.0.0.to_out.weight", 0) == _FACE_WIDTH,
    feature_width=FACE_ID_PLUS.feature_width,
    projection="face_resampler",
    refusal="it needs Kolors' own projection of text features inside the UNet, which ComfyUI does not load",
)


# IP-Adapter Plus (also plus-face and composition): a resampler reads all patches of the image.

PLUS = Layout(
    name="plus",
    title="IP-Adapter Plus",
    reads="hidden",
    sign=lambda shapes: has(shapes, "latents", "proj_in.weight", "layers.0.0.to_kv.weight"),
    feature_width=lambda shapes: size(shapes, "proj_in.weight", 1),
    projection="resampler",
)


# IP-Adapter Plus for Kolors: the layout of Plus at a width of its own, read with CLIP ViT-L at 336 pixels.

_WIDTH = 2048  # of the resampler; SDXL's has 1280

KOLORS = Layout(
    name="kolors",
    title="IP-Adapter Plus for Kolors",
    reads="hidden",
    sign=lambda shapes: has(shapes, "proj_in.weight") and size(shapes, "latents", 2) == _WIDTH,
    feature_width=lambda shapes: size(shapes, "proj_in.weight", 1),
    projection="resampler",
)


# IP-Adapter FaceID Portrait: FaceID's projection with more tokens and without the LoRA.

PORTRAIT = Layout(
    name="portrait",
    title="IP-Adapter FaceID Portrait",
    reads="face",
    sign=lambda shapes: LORA_SIGN not in shapes and has(shapes, "proj.0.weight", "proj.2.weight", "norm.weight"),
    feature_width=no_features,
    projection="face_perceptron",
)


# IP-Adapter FaceID Portrait without normalisation: the resampler of Plus, reading face embeddings of any length.

PORTRAIT_UNNORMALISED = Layout(
    name="portrait_unnormalised",
    title="IP-Adapter FaceID Portrait (unnormalised)",
    reads="face",
    sign=lambda shapes: has(shapes, "latents") and size(shapes, "proj_in.weight", 1) == FACE_WIDTH,
    feature_width=no_features,
    projection="resampler",
)


# Every layout of IP-Adapter files. Adding one is one file beside this one and one line here.

# The first whose sign is there counts: the special ones stand before those that share some of their keys.
LAYOUTS: tuple[Layout, ...] = (
    KOLORS_FACE_ID,
    FACE_ID_PLUS,
    FULL_FACE,
    PORTRAIT_UNNORMALISED,
    KOLORS,
    PLUS,
    FACE_ID,
    PORTRAIT,
    BASE,
)

AUTO = "auto"
VARIANTS: tuple[str, ...] = (AUTO, *dict.fromkeys(variant for layout in LAYOUTS for variant in layout.variants))

FAMILY_TITLES = {"sd15": "SD 1.5", "sd2": "SD 2", "sdxl": "SDXL", "kolors": "Kolors", "flux": "Flux", "sd3": "SD 3.5"}


def plain_key(key: str) -> str:
    """The usual name of a tensor: `adapter_modules.` is what training code writes for `ip_adapter.`."""
    return ATTENTION + key.removeprefix("adapter_modules.") if key.startswith("adapter_modules.") else key


def is_ip_adapter(shapes: Shapes) -> bool:
    """Whether a header has the two parts of an IP-Adapter for UNets."""
    return any(key.startswith(IMAGE_PROJECTION) for key in shapes) and bool(attention_numbers(shapes))


def attention_numbers(shapes: Shapes) -> tuple[int, ...]:
    """The numbers of the attention layers that a file has keys and values for, ascending; keys as `plain_key` gives them."""
    numbers = {
        key.removeprefix(ATTENTION).partition(".")[0]
        for key in shapes
        if key.startswith(ATTENTION) and key.endswith(".to_k_ip.weight")
    }
    return tuple(sorted(int(number) for number in numbers if number.isdecimal()))


def find_layout(shapes: Shapes) -> Layout | None:
    """The layout that a header has, or None."""
    return next((layout for layout in LAYOUTS if layout.sign(shapes)), None)


def family_of(shapes: Shapes, layout: Layout | None) -> str:
    """Id of the base family by the width of the tokens; "" when no family has it."""
    if layout is not None and layout.name.startswith("kolors"):
        return "kolors"
    numbers = attention_numbers(shapes)
    return FAMILY_OF_CONTEXT.get(context_width(shapes, numbers), "") if numbers else ""


def context_width(shapes: Shapes, numbers: tuple[int, ...]) -> int:
    """Width of the tokens that the attention layers read; 0 for a file whose layers have no shape."""
    shape = shapes[f"{ATTENTION}{numbers[0]}.to_k_ip.weight"]
    return shape[-1] if shape else 0
