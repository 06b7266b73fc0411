"""Drawing a sweep: labelled pictures on one sheet, and the curve of adherence over weight."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..images.tensors import check_image, to_rgb, to_uint8
from .sweep import Swept, evaluate

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

_BACKGROUND, _INK, _FAINT, _GOOD = (24, 24, 26), (235, 235, 235), (90, 90, 96), (90, 210, 120)
_LEAST_SIDE, _GAP, _LINE = 192, 8, 22  # pixels
_PLOT, _MARGIN = (640, 400), 56


def contact_sheet(pictures: list[torch.Tensor], weights: list[float], adherences: list[float]) -> torch.Tensor:
    """Pictures [H,W,3] in 0..1, all of one size, with weight and adherence under each: one IMAGE [1,H,W,3]."""
    from PIL import Image, ImageDraw, ImageFont

    columns = math.ceil(math.sqrt(len(pictures)))
    height, width = pictures[0].shape[:2]
    scale = max(1, math.ceil(_LEAST_SIDE / width))
    cell_width, cell_height = width * scale + _GAP, height * scale + 2 * _LINE + _GAP
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * cell_width + _GAP, rows * cell_height + _GAP), _BACKGROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=16)
    for number, (picture, weight, value) in enumerate(zip(pictures, weights, adherences, strict=True)):
        left, top = number % columns * cell_width + _GAP, number // columns * cell_height + _GAP
        panel = Image.fromarray(to_uint8(picture)).resize((width * scale, height * scale), Image.Resampling.NEAREST)
        sheet.paste(panel, (left, top))
        middle, below = left + width * scale // 2, top + height * scale
        draw.text((middle, below + _LINE // 2 + 2), f"weight {weight:g}", _INK, font, anchor="mm")
        draw.text((middle, below + _LINE * 3 // 2), f"adherence {value:.2f}", _INK, font, anchor="mm")
    return _image(sheet)


def curve(swept: Swept) -> torch.Tensor:
    """Adherence over weight as an IMAGE [1,400,640,3], with a line at the wanted adherence."""
    from PIL import Image, ImageDraw, ImageFont

    plot = Image.new("RGB", _PLOT, _BACKGROUND)
    draw, font = ImageDraw.Draw(plot), ImageFont.load_default(size=14)
    lowest, highest = min(0.0, *(value for _, value in swept.points)), max(1.0, *(value for _, value in swept.points))
    first, last = swept.points[0][0], swept.points[-1][0]

    def place(weight: float, value: float) -> tuple[float, float]:
        across = (weight - first) / (last - first) if last > first else 0.5
        up = (value - lowest) / (highest - lowest)
        return _MARGIN + across * (_PLOT[0] - 2 * _MARGIN), _PLOT[1] - _MARGIN - up * (_PLOT[1] - 2 * _MARGIN)

    for value in (0.0, 0.5, 1.0):
        _level(draw, place(first, value)[1], f"{value:g}", _FAINT, font)
    _level(draw, place(first, swept.wanted)[1], f"{swept.wanted:g}", _GOOD, font)
    draw.line([place(*point) for point in swept.points], fill=_INK, width=2)
    for weight, value in swept.points:
        x, y = place(weight, value)
        colour = _GOOD if weight == swept.enough else _INK
        draw.ellipse((x - 5, y - 5, x + 5, y + 5), fill=colour)
        draw.text((x, _PLOT[1] - _MARGIN / 2), f"{weight:g}", _INK, font, anchor="mm")
    draw.text((_PLOT[0] / 2, _MARGIN / 2), "adherence over weight", _INK, font, anchor="mm")
    return _image(plot)


def _level(draw: ImageDraw, y: float, label: str, colour: tuple[int, int, int], font: object) -> None:
    draw.line([(_MARGIN, y), (_PLOT[0] - _MARGIN, y)], fill=colour)
    draw.text((_MARGIN - 8, y), label, colour, font, anchor="rm")  # type: ignore[arg-type]


def _image(picture: object) -> torch.Tensor:
    return (torch.from_numpy(np.array(picture)).float() / 255)[None]


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
