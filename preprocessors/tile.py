"""Maps for tile control nets: the picture with less detail, or as it is where the colour fix does the rest."""

from __future__ import annotations

from typing import Any

import torch

from .entry import Detected, Option, Options, Preprocessor
from .filters import blurred, box_blurred
from .images.kinds import MAP_KINDS
from .images.tensors import check_image, to_rgb
from .sizing import resized_pictures

_CONVENTION = MAP_KINDS["tile"]
_ALIASES = ("tile", "tile upscale", "ultimate upscale", "TilePreprocessor", "detail")
_FIX = "Colours drift in the result; the node Fix Colors gives the drawn picture the colours of this map."


def detect_tile(pictures: torch.Tensor, options: Options) -> Detected:
    """Pictures [B,h,w,3] shrunk by the rate (averaged) and enlarged again (bilinear), on average over all places of the grid.

    With one grid, what moves by a part of a cell flickers and edges get steps. Averaging over a cell is one box as wide as the
    rate, enlarging is two; over all places of the grid that is a blur by three boxes, which has no grid.
    """
    return Detected(box_blurred(pictures.movedim(-1, 1), options["down_sampling_rate"]).movedim(1, -1).contiguous())


def detect_colorfix(pictures: torch.Tensor, _options: Options) -> Detected:
    """The pictures as they are."""
    return Detected(pictures.clone(), (_FIX,))


def detect_colorfix_sharp(pictures: torch.Tensor, options: Options) -> Detected:
    """The pictures with what lies above the blur raised by `sharpness`."""
    soft = blurred(pictures.movedim(-1, 1), options["variation"]).movedim(1, -1)
    return Detected((pictures + options["sharpness"] * (pictures - soft)).clamp(0, 1).contiguous(), (_FIX,))


def color_fixed(pictures: torch.Tensor, reference: torch.Tensor, variation: float, sharpness: float) -> torch.Tensor:
    """Pictures [B,h,w,3] with the coarse colours of `reference`, of the same size; their own detail times 1 + sharpness.

    x - blur(x) + blur(reference), the rule of the tile_colorfix preprocessors, on pixels instead of latents.
    """
    ours, theirs = (value.movedim(-1, 1) for value in (pictures, reference))
    detail = ours - blurred(ours, variation)
    return (blurred(theirs, variation) + (1 + sharpness) * detail).movedim(1, -1).clamp(0, 1).contiguous()


TILE_RESAMPLE = Preprocessor(
    method="tile_resample",
    node_id="ArmatureTileResample",
    title="Tile Resample",
    summary="The picture shrunk and enlarged again, for tile control nets: they keep what is there and add detail.",
    version=2,
    makes=_CONVENTION,
    wanted_by=("tile",),
    detect=detect_tile,
    options=(
        Option(
            "down_sampling_rate",
            8.0,
            "How many times smaller in between. 1: the picture itself; 8: only composition and colours are left.",
            minimum=1,
            maximum=64,
            step=0.1,
        ),
    ),
    search_aliases=_ALIASES,
    mistakes=("**The result does not follow the picture.** Lower `down_sampling_rate`; 1 to 2 keeps faces.",),
)

TILE_COLORFIX = Preprocessor(
    method="tile_colorfix",
    node_id="ArmatureTileColorFix",
    title="Tile Color Fix",
    summary="The picture as it is, for a tile control net whose result then goes through Fix Colors.",
    version=2,
    makes=_CONVENTION,
    wanted_by=("tile",),
    detect=detect_colorfix,
    search_aliases=(*_ALIASES, "color fix", "keep colours"),
    mistakes=("**The colours still drift.** This is only the map: link the drawn picture and this map to Fix Colors.",),
)

TILE_COLORFIX_SHARP = Preprocessor(
    method="tile_colorfix_sharp",
    node_id="ArmatureTileColorFixSharp",
    title="Tile Color Fix Sharp",
    summary="The picture with its detail raised, for a tile control net whose result then goes through Fix Colors.",
    version=2,
    makes=_CONVENTION,
    wanted_by=("tile",),
    detect=detect_colorfix_sharp,
    options=(
        Option(
            "variation",
            8.0,
            "What is smaller than this many pixels counts as detail.",
            minimum=0.5,
            maximum=32,
            step=0.5,
        ),
        Option("sharpness", 1.0, "How much the detail is raised. 0: not at all.", minimum=0, maximum=2, step=0.05),
    ),
    search_aliases=(*_ALIASES, "color fix", "sharpen"),
)


# The one function behind the node that fixes colours.


def fix_colors(image: Any, reference: Any, variation: float, sharpness: float) -> tuple[torch.Tensor, str]:
    """(pictures [B,H,W,3] with the coarse colours of `reference`, report). One reference serves a whole batch."""
    pictures = to_rgb(check_image(image, "Fix Colors, input image")).float()
    colours = to_rgb(check_image(reference, "Fix Colors, input reference")).float().to(pictures)
    if len(colours) not in (1, len(pictures)):
        raise ValueError(
            f"Fix Colors: {len(colours)} references came in for {len(pictures)} pictures. Give one, or one for each."
        )
    height, width = pictures.shape[1:3]
    told = ""
    if colours.shape[1:3] != pictures.shape[1:3]:
        told = f" The reference was resized from {colours.shape[2]}x{colours.shape[1]}."
        colours = resized_pictures(colours, (height, width))
    fixed = color_fixed(pictures.clamp(0, 1), colours.expand(len(pictures), -1, -1, -1), variation, sharpness)
    moved = float((fixed - pictures).mean((0, 1, 2)).abs().max())
    return fixed, f"Colours of {len(fixed)} pictures fixed; the largest mean change of a channel is {moved:.3f}.{told}"
