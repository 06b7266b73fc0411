"""Does a picture follow its control map: the same preprocessor looks at it, and its map is compared with the wanted one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch

from ...common.report_lines import warning, warnings_first
from ..control_map import MadeMap, make_map
from ..entry import Options, Preprocessor
from ..images.checks import check_choice
from ..images.resize import resized_map
from ..images.tags import tag_of
from ..images.tensors import check_image, to_rgb, to_uint8
from ..options import resolved_options
from ..pose.keypoints import BODY
from ..pose.reading import read_frames
from ..registry import ENTRIES, find_method
from .measures import Measured, pck
from .scoring import POSE, Family, Score, family_of, fit_picture, related, score

AUTO = "auto"
WHO = "Control Adherence"
_NO_KEY_POINTS = "poses are compared by key points, which a drawn map does not hold."
_OTHERS = 4  # maps of other pictures in the batch that take part in the shuffle


@dataclass(frozen=True)
class Adherence:
    """score, relative: means over the pictures; lowest: the smallest relative score; where relative cannot be told both are 0.

    pictures [B,H,W,3]: where each fits.
    """

    score: float
    relative: float
    lowest: float
    pictures: torch.Tensor
    report: str
    json: str


@dataclass(frozen=True)
class Request:
    """What to measure with. options: of the method; sizing: resolution inputs of Control Map; tolerance: pixels, for lines."""

    method: str
    options: Options
    sizing: Mapping[str, Any] = field(default_factory=lambda: {"resolution_mode": "native", "resolution": 512})
    tolerance: int = 2


def adherence(image: Any, control_image: Any, request: Request, source: Any = None) -> Adherence:
    """image [B,H,W,C]; control_image and source [B or 1,h,w,C], the picture that the map was made of.

    Raises ValueError for sizes of batches that do not match, unknown methods, and kinds that cannot be told.
    """
    pictures = to_rgb(check_image(image, f"{WHO}, input image")).float().clamp(0, 1)
    maps = to_rgb(check_image(control_image, f"{WHO}, input control_image")).float()
    entry = _entry(request.method, control_image, maps)
    family = family_of(entry.makes)
    notes = _notes(pictures, maps)
    wanted = _spread(_on_size(maps, pictures), len(pictures), "control_image")
    made = make_map(entry, pictures, request.options, **request.sizing)
    of_source = None if source is None else _source(source, pictures, entry, request)
    if family is POSE:
        scores = _poses(made, of_source, len(pictures))
    else:
        scores = [
            _score(index, made.maps, wanted, None if of_source is None else of_source.maps, family, request.tolerance)
            for index in range(len(pictures))
        ]
    shown = [
        fit_picture(*one, family, request.tolerance)
        for one in zip(pictures, made.maps.to(pictures), wanted, strict=True)
    ]
    return _result(entry, family, request, scores, torch.stack(shown).clamp(0, 1), notes, source is not None)


def method_for(control_image: Any) -> Preprocessor:
    """The method that AUTO looks with where these maps [B,h,w,C] are wanted and there is no source.

    ValueError where none can be told, or where that method needs the source.
    """
    entry = _entry(AUTO, control_image, to_rgb(check_image(control_image, f"{WHO}, input control_image")).float())
    if family_of(entry.makes) is POSE:
        raise ValueError(f"{WHO}: {_NO_KEY_POINTS}")
    return entry


def _entry(method: str, control_image: Any, maps: torch.Tensor) -> Preprocessor:
    """The method by name, or the first that makes such maps without weights (else the first that makes them)."""
    if method != AUTO:
        return find_method(method)
    shown = next((one for one in maps if float(one.amax() - one.amin()) >= 1 / 255), maps[0])  # clips begin with black
    kind = tag_of(control_image) or _looks_like(shown)
    makers = sorted((entry for entry in ENTRIES if entry.makes.name == kind), key=lambda entry: bool(entry.files))
    if not makers:
        raise ValueError(
            f"{WHO}, input method: the map looks like {kind!r}, which no method here makes. Choose the method that made it."
        )
    return makers[0]


def _looks_like(one: torch.Tensor) -> str:
    try:
        from ..images.map_check.classify import kind_of
        from ..images.map_check.pixel_statistics import measure
    except ImportError:
        raise ValueError(
            f"{WHO}, input method: telling a map by its look needs OpenCV, which is not here. Choose the method that made it."
        ) from None
    return kind_of(measure(to_uint8(one.clone())))


def _notes(pictures: torch.Tensor, maps: torch.Tensor) -> list[str]:
    notes = []
    if pictures.shape[1:3] != maps.shape[1:3]:
        (height, width), (map_height, map_width) = pictures.shape[1:3], maps.shape[1:3]
        notes.append(f"The map ({map_width} x {map_height}) was brought to the picture's {width} x {height}.")
    if float(maps.amax() - maps.amin()) < 1 / 255:
        notes.append(warning("the control map is blank: there is nothing to follow."))
    return notes


def _on_size(maps: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    height, width = pictures.shape[1:3]
    return resized_map(maps.movedim(-1, 1), (height, width)).movedim(1, -1).to(pictures)


def _spread(maps: torch.Tensor, count: int, name: str) -> torch.Tensor:
    if len(maps) not in (1, count):
        raise ValueError(
            f"{WHO}, input {name}: {len(maps)} came in for {count} pictures. Give one, or one for each picture."
        )
    return maps.expand(count, -1, -1, -1)


def _source(source: Any, pictures: torch.Tensor, entry: Preprocessor, request: Request) -> MadeMap:
    """What the preprocessor finds in the source picture, at the size of the pictures."""
    rgb = to_rgb(check_image(source, f"{WHO}, input source")).float().clamp(0, 1)
    height, width = pictures.shape[1:3]
    if rgb.shape[1:3] != pictures.shape[1:3]:
        rgb = torch.nn.functional.interpolate(
            rgb.movedim(-1, 1), (height, width), mode="bilinear", antialias=True
        ).movedim(1, -1)
    return make_map(entry, _spread(rgb, len(pictures), "source"), request.options, **request.sizing)


def _score(
    index: int,
    found: torch.Tensor,
    wanted: torch.Tensor,
    of_source: torch.Tensor | None,
    family: Family,
    tolerance: int,
) -> Score:
    def measure(ours: torch.Tensor, theirs: torch.Tensor) -> Measured:
        return family.measure(ours.to(theirs), theirs, tolerance)

    here = wanted[index]
    others = [other for other in wanted if not torch.equal(other, here)][:_OTHERS]
    reference = None if of_source is None else measure(of_source[index], here)
    return score(found[index], here, others, reference, measure)


def _poses(found: MadeMap, of_source: MadeMap | None, count: int) -> list[Score]:
    """PCK of the people found against those of the source, chance being the source's people turned upside down."""
    if of_source is None:
        raise ValueError(f"{WHO}, input source: {_NO_KEY_POINTS} Link the picture that the pose map was made of.")
    if len(found.poses) != count or len(of_source.poses) != count:
        raise ValueError(f"{WHO}, input method: this method gives no key points. Choose one that outputs poses.")
    scores = []
    for ours, theirs in zip(found.poses, of_source.poses, strict=True):
        people, wanted = _people(ours), _people(theirs)
        size = np.array([theirs["canvas_width"], theirs["canvas_height"], 0])
        turned = [np.abs(size - person) for person in wanted]
        scores.append(related(pck(people, wanted), 1.0, pck(people, turned).score))
    return scores


def _people(frame: dict[str, Any]) -> list[np.ndarray]:
    return [person[BODY] for person in read_frames(frame, f"{WHO}, poses")[0]["people"]]


def _result(
    entry: Preprocessor,
    family: Family,
    request: Request,
    scores: list[Score],
    pictures: torch.Tensor,
    notes: list[str],
    has_source: bool,
) -> Adherence:
    relatives = [score.relative for score in scores if score.relative is not None]
    mean = sum(score.absolute for score in scores) / len(scores)
    relative = sum(relatives) / len(relatives) if relatives else 0.0
    if len(relatives) < len(scores):
        notes.append(
            f"{len(scores) - len(relatives)} of {len(scores)}: a shuffled map fits about as well as the source's, so the "
            "relative score cannot be told."
        )
    against = "the source picture" if has_source else "a perfect fit (no source was linked)"
    lines = [
        f"{entry.title}: {family.name} {mean:.3f}, relative {relative:.2f} (0 is chance, 1 is {against}).",
        *(f"Picture {number}: {_line(score)}" for number, score in enumerate(scores)),
        *notes,
    ]
    facts = {
        "method": entry.method,
        "options": resolved_options(entry, request.options),
        "measure": family.name,
        "tolerance_pixels": request.tolerance if family.thin else None,
        "score": mean,
        "relative": relative if relatives else None,
        "pictures": [score.as_dict() for score in scores],
        "notes": notes,
    }
    report = "\n".join(warnings_first(lines))
    return Adherence(mean, relative, min(relatives, default=0.0), pictures, report, json.dumps(facts))


def _line(score: Score) -> str:
    details = "".join(f", {name.replace('_', ' ')} {value:.3g}" for name, value in score.details.items())
    relative = "cannot be told" if score.relative is None else f"{score.relative:.2f}"
    return f"{score.absolute:.3f} (chance {score.chance:.3f}, source {score.source:.3f}, relative {relative}{details})"


# A least score, and what happens below it.

POLICIES = ("report", "error")


def checked(made: Adherence, minimum: float, policy: str) -> Adherence:
    """The same, with a line about the minimum that every picture should reach; ValueError below it when policy is error."""
    check_choice(f"{WHO}, input policy", policy, POLICIES)
    if minimum <= 0:
        return made
    if made.lowest >= minimum:
        return replace(made, report=f"{made.report}\nEvery picture reaches the minimum of {minimum:g}.")
    line = f"the lowest relative adherence, {made.lowest:.2f}, lies below the minimum of {minimum:g}."
    if policy == "error":
        raise ValueError(
            f"{WHO}: {line} Raise the control signal's weight or its end_percent, try another seed, or lower the minimum.\n"
            f"{made.report}"
        )
    return replace(made, report=f"{warning(line)}\n{made.report}")
