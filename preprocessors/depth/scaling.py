"""From a network's own depth to the map that control nets want."""

from __future__ import annotations

import torch

from ..entry import Detected, Option, Options
from ..grey import as_grey_maps
from ..images.kinds import MAP_KINDS

MAKES = MAP_KINDS["depth"]
WANTED_BY = ("depth",)

OVER = Option(
    "normalize_over",
    "picture",
    "Over what near becomes white and far black. picture: each for itself; clip: the whole batch together, so that a clip "
    "does not flicker.",
    choices=("picture", "clip"),
)
MISTAKES = (
    "**Depth of a clip flickers.** Set `normalize_over` to clip.",
    "**White is far in maps of other tools.** Control nets want near as white, as this map has it.",
)
_ROUNDING = 1e-5  # of the values, which the networks' half precision cannot tell apart
_SAMPLES = 1_000_000  # torch.quantile takes no more than 16 million values, and needs no more than these


def near_is_white(
    detected: Detected, options: Options, low: float = 0.0, high: float = 1.0, far_is_large: bool = False
) -> Detected:
    """Depth in any unit to 0..1, from the quantile `low` to `high` over each picture or the whole clip.

    `far_is_large` turns distances round; values that are not finite are sky, and black.
    """
    depth = detected.maps[..., 0].float()
    sky = ~torch.isfinite(depth)
    groups = [slice(None)] if options["normalize_over"] == "clip" else [slice(n, n + 1) for n in range(len(depth))]
    result = torch.empty_like(depth)
    for group in groups:
        bottom, top = _bounds(depth[group][~sky[group]], low, high)
        result[group] = ((depth[group] - bottom) / _span(bottom, top)).clamp(0, 1)
    result = torch.where(sky, 0.0, 1 - result if far_is_large else result)
    return Detected(as_grey_maps(result), detected.notes, detected.poses)


def _span(bottom: float, top: float) -> float:
    """The range, or 1 where it is only the rounding of equal values: a flat wall must not become noise."""
    return top - bottom if top - bottom > _ROUNDING * max(abs(top), abs(bottom)) else 1.0


def _bounds(known: torch.Tensor, low: float, high: float) -> tuple[float, float]:
    if not known.numel():
        return 0.0, 1.0
    if low <= 0 and high >= 1:
        return float(known.amin()), float(known.amax())
    sample = known[:: max(1, known.numel() // _SAMPLES)]
    bottom, top = torch.quantile(sample, torch.tensor([low, high]).to(sample)).tolist()
    return bottom, top
