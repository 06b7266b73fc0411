"""What is measured of a drawn picture: its edges, its colours, its floor, its ink."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn.functional import max_pool2d

from ....preprocessors.adherence.measures import edge_f1
from ....preprocessors.canny import detect_canny
from ..scenes.layout import Scene
from ..scenes.vocabulary import COLOURS

TOLERANCE = 2  # pixels
_CANNY = {"thresholds": "fixed", "low_threshold": 100, "high_threshold": 200}
_SHADES = torch.linspace(0.4, 1.1, 15)  # brightness of a lit solid against its colour
_RIM = 3  # pixels at an object's outline that are not its own colour


@dataclass(frozen=True)
class PictureMeasures:
    """Per picture, [N] each: edge_f1 against the wanted edges; colours: share of the objects in their caption's colour;
    floor: mean distance of the floor's colour from the reference's; ink: how much darker its edges are than the rest.
    """

    edge_f1: torch.Tensor
    colours: torch.Tensor
    floor: torch.Tensor
    ink: torch.Tensor


def mean_and_error(values: torch.Tensor) -> list[float]:
    """[mean, standard error] of numbers [N]; the error of one alone counts as 0."""
    values = values.double()
    error = float(values.std()) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return [round(float(values.mean()), 4), round(error, 4)]


def measure_pictures(
    pictures: torch.Tensor,
    scenes: list[Scene],
    edges: torch.Tensor,
    segmentation: torch.Tensor,
    reference: torch.Tensor,
) -> PictureMeasures:
    """pictures, reference [N,3,S,S]; edges, segmentation [N,1,S,S]."""
    rows = zip(pictures, scenes, edges, segmentation, reference, strict=True)
    found = [_one(*row) for row in rows]
    return PictureMeasures(*(torch.tensor(column) for column in zip(*found, strict=True)))


def _one(
    picture: torch.Tensor, scene: Scene, edges: torch.Tensor, parts: torch.Tensor, reference: torch.Tensor
) -> tuple[float, float, float, float]:
    canny = detect_canny(picture.movedim(0, -1)[None], _CANNY).maps[0]
    wanted = edges[0].float()[..., None].expand(-1, -1, 3)
    right = [
        _colour(picture[:, inside].mean(1)) == placed.colour
        for number, placed in enumerate(scene.objects)
        if (inside := _inside(parts[0] == number + 1)).any()
    ]
    border = torch.ones(picture.shape[1:], dtype=torch.bool)
    border[6:-6, 6:-6] = False
    floor = (picture[:, border].median(1).values - reference[:, border].median(1).values).abs().mean()
    lines, brightness = canny[..., 0] > 0.5, picture.mean(0)
    ink = 1 - brightness[lines].mean() / brightness.mean() if lines.any() else torch.tensor(0.0)
    return (
        edge_f1(canny, wanted, TOLERANCE).score,
        sum(right) / len(right) if right else 1.0,
        float(floor),
        float(ink),
    )


def _inside(mask: torch.Tensor) -> torch.Tensor:
    """The mask without its rim."""
    return max_pool2d((~mask).float()[None, None], 2 * _RIM + 1, 1, _RIM)[0, 0] == 0


def _colour(found: torch.Tensor) -> str:
    """The colour name whose shade comes closest."""
    shades = {name: torch.tensor(colour)[:, None] * _SHADES for name, colour in COLOURS.items()}
    return min(shades, key=lambda name: float((shades[name] - found[:, None]).abs().sum(0).min()))
