"""Drawing a sweep: labelled pictures on one sheet, and the curve of adherence over weight."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

from ..images.canvas import as_image
from ..images.picture_sheet import LIGHT, Colour, Sheet, cells
from ..images.tensors import check_image, to_rgb, to_uint8
from .sweep import Swept, evaluate

_FAINT, _GOOD = (90, 90, 96), (90, 210, 120)
_LEAST_SIDE, _GAP, _LINE = 192, 8, 22  # pixels
_PLOT, _MARGIN = (640, 400), 56


def contact_sheet(pictures: list[torch.Tensor], weights: list[float], adherences: list[float]) -> torch.Tensor:
    """Pictures [H,W,3] in 0..1, all of one size, with weight and adherence under each: one IMAGE [1,H,W,3]."""
    from PIL import Image

    columns = math.ceil(math.sqrt(len(pictures)))
    height, width = pictures[0].shape[:2]
    scale = max(1, math.ceil(_LEAST_SIDE / width))
    size = (width * scale, height * scale)
    cell = (size[0], size[1] + 2 * _LINE)
    rows = math.ceil(len(pictures) / columns)
    sheet = Sheet(columns * (cell[0] + _GAP) + _GAP, rows * (cell[1] + _GAP) + _GAP)
    places = cells(len(pictures), columns, *cell, _GAP)
    for (left, top), picture, weight, value in zip(places, pictures, weights, adherences, strict=True):
        sheet.put(Image.fromarray(to_uint8(picture)).resize(size, Image.Resampling.NEAREST), left, top)
        middle, below = left + size[0] // 2, top + size[1]
        sheet.words(middle, below + _LINE // 2 + 2, f"weight {weight:g}", 16)
        sheet.words(middle, below + _LINE * 3 // 2, f"adherence {value:.2f}", 16)
    return as_image(sheet.image)


def curve(swept: Swept) -> torch.Tensor:
    """Adherence over weight as an IMAGE [1,400,640,3], with a line at the wanted adherence."""
    plot = Sheet(*_PLOT)
    lowest, highest = min(0.0, *(value for _, value in swept.points)), max(1.0, *(value for _, value in swept.points))
    first, last = swept.points[0][0], swept.points[-1][0]

    def place(weight: float, value: float) -> tuple[float, float]:
        across = (weight - first) / (last - first) if last > first else 0.5
        up = (value - lowest) / (highest - lowest)
        return _MARGIN + across * (_PLOT[0] - 2 * _MARGIN), _PLOT[1] - _MARGIN - up * (_PLOT[1] - 2 * _MARGIN)

    for value in (0.0, 0.5, 1.0):
        _level(plot, place(first, value)[1], f"{value:g}", _FAINT)
    _level(plot, place(first, swept.wanted)[1], f"{swept.wanted:g}", _GOOD)
    plot.draw.line([place(*point) for point in swept.points], fill=LIGHT, width=2)
    for weight, value in swept.points:
        x, y = place(weight, value)
        colour = _GOOD if weight == swept.enough else LIGHT
        plot.draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=colour)
        plot.words(x, _PLOT[1] - _MARGIN / 2, f"{weight:g}", 14)
    plot.words(_PLOT[0] / 2, _MARGIN / 2, "adherence over weight", 14)
    return as_image(plot.image)


def _level(plot: Sheet, y: float, label: str, colour: Colour) -> None:
    plot.draw.line([(_MARGIN, y), (_PLOT[0] - _MARGIN, y)], fill=colour)
    plot.words(_MARGIN - 8, y, label, 14, colour, "rm")


# From the pictures of a sweep to its sheet, its curve and its answer.


@dataclass(frozen=True)
class SweepSheet:
    """sheet and curve [1,H,W,3]; weight: the smallest that is enough, else the best; report in words."""

    sheet: torch.Tensor
    curve: torch.Tensor
    weight: float
    report: str


def sweep_sheet(images: list[Any], weights: list[float], adherences: list[float], wanted: float) -> SweepSheet:
    """images: an IMAGE per weight, of which the first picture is shown. ValueError when the lists differ in length or the
    pictures in size.
    """
    if len(images) != len(weights):
        raise ValueError(
            f"Sweep Sheet: {len(images)} pictures and {len(weights)} weights came in. "
            "Link the same Weight Sweep to the signal and to the sheet."
        )
    swept = evaluate(weights, adherences, wanted)
    pictures = [to_rgb(check_image(image, "Sweep Sheet, input image"))[0].float().cpu().clamp(0, 1) for image in images]
    sizes = {tuple(picture.shape) for picture in pictures}
    if len(sizes) > 1:
        raise ValueError(
            f"Sweep Sheet, input image: the pictures differ in size: {sorted(sizes)}. Sweep one size at a time."
        )
    best = max(swept.points, key=lambda point: point[1])[0]
    weight = best if swept.enough is None else swept.enough
    return SweepSheet(contact_sheet(pictures, weights, adherences), curve(swept), weight, swept.report)
