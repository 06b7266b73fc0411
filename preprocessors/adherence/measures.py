"""The measures of ControlNet++ (ECCV 2024, arXiv 2404.07987) and of pose estimation, one map against another.

Each takes what was found and what was wanted, [H,W,3] in 0..1, and gives a score where 1 is a perfect fit, with its details.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.nn.functional import conv2d, max_pool2d

_SSIM_SIDE, _SSIM_SIGMA = 11, 1.5  # Wang et al. 2004
_SSIM_C1, _SSIM_C2 = 0.01**2, 0.03**2
_CLOSE_ANGLE = 30.0  # degrees; one of the usual bounds for normals
_VISIBLE = 0.05  # of a key point's score


@dataclass(frozen=True)
class Measured:
    """score: 1 is perfect, comparable only within one measure; details: named numbers for the report."""

    score: float
    details: dict[str, float] = field(default_factory=dict)


def edge_f1(found: torch.Tensor, wanted: torch.Tensor, tolerance: int) -> Measured:
    """F1 of edge pixels (above one half). A pixel counts as matched when the other map has one within `tolerance` pixels
    along both axes. Two empty maps fit perfectly; an empty one against lines scores 0.
    """
    ours, theirs = _lines(found), _lines(wanted)
    if not ours.any() and not theirs.any():
        return Measured(1.0, {"precision": 1.0, "recall": 1.0})
    precision = _share(ours, reached(theirs, tolerance))
    recall = _share(theirs, reached(ours, tolerance))
    both = precision + recall
    score = 2 * precision * recall / both if both else 0.0
    return Measured(score, {"precision": precision, "recall": recall})


def reached(lines: torch.Tensor, tolerance: int) -> torch.Tensor:
    """Pixels [H,W] within `tolerance` of a line pixel."""
    grown = max_pool2d(lines.float()[None, None], 2 * tolerance + 1, 1, tolerance)
    return grown[0, 0] > 0


def _lines(picture: torch.Tensor) -> torch.Tensor:
    return picture.amax(-1) > 0.5


def _share(lines: torch.Tensor, area: torch.Tensor) -> float:
    return float((lines & area).sum() / lines.sum()) if lines.any() else 0.0


def ssim(found: torch.Tensor, wanted: torch.Tensor, _tolerance: int) -> Measured:
    """Structural similarity of the grey maps: Gaussian window of 11 pixels, sigma 1.5 (smaller on smaller maps)."""
    x, y = (picture.mean(-1).double()[None, None] for picture in (found, wanted))
    side = min(_SSIM_SIDE, x.shape[-1], x.shape[-2])
    offsets = torch.arange(side, dtype=torch.float64, device=x.device) - (side - 1) / 2
    line = torch.exp(-(offsets**2) / (2 * _SSIM_SIGMA**2))
    window = (line[:, None] * line / line.sum() ** 2)[None, None]
    mean_x, mean_y = conv2d(x, window), conv2d(y, window)
    var_x, var_y = conv2d(x * x, window) - mean_x**2, conv2d(y * y, window) - mean_y**2
    both = conv2d(x * y, window) - mean_x * mean_y
    top = (2 * mean_x * mean_y + _SSIM_C1) * (2 * both + _SSIM_C2)
    bottom = (mean_x**2 + mean_y**2 + _SSIM_C1) * (var_x + var_y + _SSIM_C2)
    return Measured(float((top / bottom).mean()))


def depth_order(found: torch.Tensor, wanted: torch.Tensor, _tolerance: int) -> Measured:
    """Spearman's rank correlation of the depths, which any monotone scale leaves alone; details: the RMSE (in 0..1) after the
    best scale and shift. A map of one depth has no order: 0, or 1 when both are flat.
    """
    x, y = (picture.mean(-1).flatten().double().cpu().numpy() for picture in (found, wanted))
    flat_x, flat_y = np.ptp(x) < 1e-6, np.ptp(y) < 1e-6
    if flat_x or flat_y:
        return Measured(float(flat_x and flat_y), {"rmse": float(np.std(y))})
    slope, offset = np.polyfit(x, y, 1)
    rmse = math.sqrt(float(np.mean((slope * x + offset - y) ** 2)))
    return Measured(float(np.corrcoef(_ranks(x), _ranks(y))[0, 1]), {"rmse": rmse})


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks from 0; equal values share the mean of theirs."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts + 1) / 2)[places.reshape(-1)]


def mean_iou(found: torch.Tensor, wanted: torch.Tensor, _tolerance: int) -> Measured:
    """Intersection over union of each colour of the wanted map, averaged over these colours."""
    ours, theirs = _colour_codes(found), _colour_codes(wanted)
    shares = []
    for colour in torch.unique(theirs):
        here, there = ours == colour, theirs == colour
        shares.append(float((here & there).sum() / (here | there).sum()))
    accuracy = float((ours == theirs).float().mean())
    return Measured(sum(shares) / len(shares), {"classes": float(len(shares)), "pixel_accuracy": accuracy})


def _colour_codes(picture: torch.Tensor) -> torch.Tensor:
    values = (picture * 255).round().long()
    return values[..., 0] * 65536 + values[..., 1] * 256 + values[..., 2]


def normal_angles(found: torch.Tensor, wanted: torch.Tensor, _tolerance: int) -> Measured:
    """Share of pixels whose normals differ by at most 30 degrees; details: mean and median angle in degrees."""
    angles = angles_between(found, wanted)
    details = {"mean_degrees": float(angles.mean()), "median_degrees": float(angles.median())}
    return Measured(float((angles <= _CLOSE_ANGLE).float().mean()), details)


def angles_between(found: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """Degrees [H,W] between the normals of two normal maps."""
    ours, theirs = (torch.nn.functional.normalize(picture.double() * 2 - 1, dim=-1) for picture in (found, wanted))
    return torch.rad2deg(torch.acos((ours * theirs).sum(-1).clamp(-1, 1)))


def similarity(found: torch.Tensor, wanted: torch.Tensor, _tolerance: int) -> Measured:
    """1 minus the root of the mean squared difference of the values: for colours, tiles, greys."""
    rmse = float(((found - wanted).double() ** 2).mean().sqrt())
    return Measured(1 - rmse, {"rmse": rmse})


def pck(found: Sequence[np.ndarray], wanted: Sequence[np.ndarray], share: float = 0.1) -> Measured:
    """Percentage of correct key points: of the wanted visible points, those found within `share` of the person's size
    (the longer side of the box around the wanted points). People are [N,3] arrays of x, y, score; each wanted person is
    compared with the found one that fits best.
    """
    total, right = 0, 0
    for person in wanted:
        seen = person[:, 2] > _VISIBLE
        if not seen.any():
            continue
        size = float(np.ptp(person[seen, :2], axis=0).max())
        total += int(seen.sum())
        right += max((_points_right(other, person, seen, share * size) for other in found), default=0)
    if not total:
        return Measured(float(not found), {"points": 0.0})
    return Measured(right / total, {"points": float(total), "people": float(len(wanted))})


def _points_right(other: np.ndarray, person: np.ndarray, seen: np.ndarray, within: float) -> int:
    apart = np.linalg.norm(other[:, :2] - person[:, :2], axis=1)
    return int((seen & (other[:, 2] > _VISIBLE) & (apart <= within)).sum())
