"""Hints for inpaint control nets: the picture with the part that is to be drawn marked."""

from __future__ import annotations

import torch

from .entry import Detected, Option, Options, Preprocessor
from .images.kinds import MAP_KINDS

# What a marked pixel holds, by the convention of the net.
FILLS = {"minus_one": -1.0, "black": 0.0, "gray": 0.5}


def detect_inpaint_hint(pictures: torch.Tensor, options: Options) -> Detected:
    """Pictures and mask [B,h,w,4] to pictures [B,h,w,3] whose masked pixels hold the fill of the convention."""
    masked = pictures[..., 3:] > options["mask_threshold"]
    hint = torch.where(masked, FILLS[options["masked_is"]], pictures[..., :3])
    share = float(masked.float().mean())
    notes = (f"{share:.0%} of the picture is marked for drawing.",)
    if share in (0.0, 1.0):
        notes = (f"The mask marks {'nothing' if share == 0 else 'everything'}: check it, or invert it.",)
    return Detected(hint, notes)


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
