"""Hints for inpaint control nets: the picture with the part that is to be drawn marked."""

from __future__ import annotations

import torch

from .entry import Detected, Option, Options, Preprocessor
from .images.kinds import MAP_KINDS

# What a marked pixel holds, by the convention of the net.
FILLS = {"minus_one": -1.0, "black": 0.0, "gray": 0.5}

_LITTLE = "Less than 1% of the picture is marked for drawing."


def detect_inpaint_hint(pictures: torch.Tensor, options: Options) -> Detected:
    """Pictures and mask [B,h,w,4] to pictures [B,h,w,3] whose masked pixels hold the fill of the convention."""
    masked = pictures[..., 3:] > options["mask_threshold"]
    hint = torch.where(masked, FILLS[options["masked_is"]], pictures[..., :3])
    share = float(masked.float().mean())
    return Detected(hint, (_told(share, pictures[..., 3:]),))


def _told(share: float, mask: torch.Tensor) -> str:
    if share == 1:
        return "The mask marks everything, so nothing of the picture is left: check it, or invert it."
    if share:
        return f"{share:.0%} of the picture is marked for drawing." if share >= 0.01 else _LITTLE
    if bool(mask.any()):
        return f"The mask marks nothing: it is {float(mask.max()):.2f} at most, so lower mask_threshold, or paint it in white."
    return (
        "The mask marks nothing, because it is all black. Load Image gives such a mask for a picture without "
        "transparency: paint what is to be drawn in its mask editor, or link another mask."
    )


INPAINT_HINT = Preprocessor(
    method="inpaint_hint",
    node_id="ArmatureInpaintHint",
    title="Inpaint Hint",
    summary="The picture with the masked part marked, for inpaint control nets: they draw what fits its surroundings.",
    version=2,
    makes=MAP_KINDS["inpaint"],
    wanted_by=("inpaint",),
    detect=detect_inpaint_hint,
    mask="needed",
    options=(
        Option(
            "masked_is",
            "minus_one",
            "How the net marks what is to be drawn. minus_one: SD1.5's control_v11p_sd15_inpaint; black: xinsir's SDXL nets; "
            "gray: nets trained on 0.5.",
            choices=tuple(FILLS),
        ),
        Option(
            "mask_threshold",
            0.5,
            "Pixels whose mask is above this are marked.",
            minimum=0.0,
            maximum=1.0,
            step=0.01,
        ),
    ),
    search_aliases=("inpaint preprocessor", "InpaintPreprocessor", "outpaint", "inpaint controlnet"),
    mistakes=(
        "**A black preview with minus_one.** -1 cannot be shown; the net gets it. Do not save and load such a hint.",
        "**The wrong part is drawn.** The mask is white where something new is wanted; invert it otherwise.",
    ),
    sample_options={"masked_is": "black"},
)
