"""From a network's own depth to the map that control nets want."""

from __future__ import annotations

import torch
from torch.nn.functional import adaptive_avg_pool2d

from ..entry import Detected, Option, Options
from ..grey import as_grey_maps
from ..images.kinds import MAP_KINDS

MAKES = MAP_KINDS["depth"]
WANTED_BY = ("depth",)

OVER = Option(
    "normalize_over",
    "auto",
    "Over what near becomes white and far black. picture: each for itself; clip: the whole batch together, so that a clip "
    "does not flicker; auto: clip where each picture looks like the one before, else picture.",
    choices=("picture", "clip", "auto"),
)
MISTAKES = (
    "**Depth of a clip flickers.** Its pictures differ too much to be taken for a clip: set `normalize_over` to clip.",
    "**White is far in maps of other tools.** Control nets want near as white, as this map has it.",
)
_ROUNDING = 1e-5  # of the values, which the networks' half precision cannot tell apart
_SMALL = 32  # pixels of a side at which frames are compared
_ALIKE, _MOST = (
    0.9,
    0.75,
)  # correlation of frames that follow one another, in so many of the pairs: a cut or two is fine
_SAMPLES = 1_000_000  # torch.quantile takes no more than 16 million values, and needs no more than these


def near_is_white(
    detected: Detected, options: Options, low: float = 0.0, high: float = 1.0, far_is_large: bool = False
) -> Detected:
    """Depth in any unit to 0..1, from the quantile `low` to `high` over each picture or the whole clip.

    `far_is_large` turns distances round; values that are not finite are sky, and black.
    """
    depth = detected.maps[..., 0].float()
    sky = ~torch.isfinite(depth)
    over = options["normalize_over"]
    as_clip = over == "clip" or (over == "auto" and is_clip(depth))
    groups = [slice(None)] if as_clip else [slice(n, n + 1) for n in range(len(depth))]
    result = torch.empty_like(depth)
    for group in groups:
        bottom, top = _bounds(depth[group][~sky[group]], low, high)
        result[group] = ((depth[group] - bottom) / _span(bottom, top)).clamp(0, 1)
    result = torch.where(sky, 0.0, 1 - result if far_is_large else result)
    told = (f"The {len(depth)} pictures are a clip, so near and far are the same in all of them.",)
    notes = (*detected.notes, *(told if as_clip and over == "auto" else ()))
    return Detected(as_grey_maps(result), notes, detected.poses)


def is_clip(depth: torch.Tensor) -> bool:
    """Whether pictures, by their depth [B,h,w] in any unit, follow one another: most correlate with the one before."""
    if len(depth) < 2:
        return False
    finite = torch.isfinite(depth)
    if not bool(finite.any()):
        return False
    known = torch.where(finite, depth, depth[finite].amax())
    small = adaptive_avg_pool2d(known.unsqueeze(1), _SMALL).flatten(1)
    around = small - small.mean(1, keepdim=True)
    lengths = around.norm(dim=1).clamp(min=1e-12)
    alike = (around[1:] * around[:-1]).sum(1) / (lengths[1:] * lengths[:-1]) >= _ALIKE
    return float(alike.float().mean()) >= _MOST


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
