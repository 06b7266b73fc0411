"""The published ControlNeXt checkpoints: what each needs around it. Data for the help page.

Source: README files, scripts and example pictures of github.com/dvlab-research/ControlNeXt and the model pages they name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...models.controlnext.variants import Base

UnetFile = Literal["none", "delta", "full"]


@dataclass(frozen=True)
class Released:
    """One published pair of files.

    base: the family it was trained on, base_model: the checkpoint it was made with. map_type: of the control image, by
    its name in the table of map kinds, map_words: for people. weight: the strength that the authors use.
    unet: what the UNet file that comes with it holds. negative: a word that belongs into the negative prompt.
    """

    name: str
    repository: str
    variant: str
    base: Base
    base_model: str
    map_type: str
    map_words: str
    weight: float
    unet: UnetFile
    negative: str = ""
    note: str = ""


_SD15 = "Pbihao/ControlNeXt"
_NO_CAPTION = "PBH"  # captions were replaced by it in training, as others leave them empty

RELEASED: tuple[Released, ...] = (
    Released(
        name="SD1.5 deepfashion_multiview",
        repository=_SD15,
        variant="sd15",
        base="sd15",
        base_model="Stable Diffusion 1.5",
        map_type="openpose",
        map_words="pose with hands and face, usual OpenPose colours",
        weight=1.0,
        unet="none",
        negative=_NO_CAPTION,
        note="works without UNet weights, also on other SD1.5 checkpoints",
    ),
    Released(
        name="SD1.5 deepfashion_caption",
        repository=_SD15,
        variant="sd15",
        base="sd15",
        base_model="Stable Diffusion 1.5",
        map_type="openpose",
        map_words="pose, body only, thin sticks in colours of its own",
        weight=1.0,
        unet="full",
        negative=_NO_CAPTION,
        note="the extractor was never published; usual pose maps fit it badly",
    ),
    Released(
        name="SD1.5 vidit_depth",
        repository=_SD15,
        variant="sd15",
        base="sd15",
        base_model="Stable Diffusion 1.5",
        map_type="depth_viridis",
        map_words="depth in viridis colours, near is dark",
        weight=1.0,
        unet="full",
        note="small, low-quality training data, say the authors",
    ),
    Released(
        name="SD1.5 deepfashoin_mask",
        repository=_SD15,
        variant="sd15",
        base="sd15",
        base_model="Stable Diffusion 1.5",
        map_type="mask",
        map_words="white garment on black",
        weight=1.0,
        unet="full",
        note="spelled so on the page",
    ),
    Released(
        name="SDXL anime-canny",
        repository="Eugeoter/controlnext-sdxl-anime-canny",
        variant="sdxl",
        base="sdxl",
        base_model="neta-art/neta-xl-2.0",
        map_type="canny",
        map_words="canny, thresholds from the median",
        weight=1.0,
        unet="delta",
        note="trained at 0.35, which suits softer control; prompts of danbooru tags",
    ),
    Released(
        name="SDXL vidit-depth",
        repository="Eugeoter/controlnext-sdxl-vidit-depth",
        variant="sdxl",
        base="sdxl",
        base_model="SDXL base 1.0",
        map_type="depth_viridis",
        map_words="depth in viridis colours, near is dark",
        weight=1.0,
        unet="delta",
        note="demonstration quality; follows weakly on other bases",
    ),
    Released(
        name="SVD v2",
        repository=_SD15,
        variant="svd_v2",
        base="svd",
        base_model="SVD-XT 1.1",
        map_type="pose_bgr",
        map_words="pose with body, hands and face, red and blue swapped; first that of the reference image",
        weight=1.0,
        unet="full",
        note="576x1024, 24 frames in a window, overlap 6, guidance 3",
    ),
    Released(
        name="SVD v1",
        repository=_SD15,
        variant="svd",
        base="svd",
        base_model="SVD-XT 1.1",
        map_type="pose_bgr",
        map_words="pose with body, hands and face, red and blue swapped",
        weight=1.0,
        unet="full",
        note="512x768, 14 frames in a window, overlap 4; files with the v2 layout are offered under this name too",
    ),
)

_UNET_WORDS: dict[UnetFile, str] = {"none": "not needed", "delta": "differences", "full": "whole weights"}


def released_list() -> str:
    """The list in Markdown, as it stands in the help page of Load ControlNeXt."""
    items = []
    for release in RELEASED:
        notes = [f"put **{release.negative}** into the negative prompt"] if release.negative else []
        notes += [release.note] if release.note else []
        items.append(
            f"- **{release.name}**, made on {release.base_model}. Map: {release.map_words}. Weight: {release.weight:g}. "
            f"UNet file: {_UNET_WORDS[release.unet]}. Note: {'; '.join(notes)}."
        )
    return "\n".join(items)
