"""From the pictures of a sweep to its sheet, its curve and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ..image_tensor import check_image, to_rgb
from .sheet import contact_sheet, curve
from .sweep import evaluate


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
