"""What speaks against a control map, given the kind that it is meant to be. One small function for each finding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from ..kinds import alike, map_kind
from .pixel_statistics import Measures
from .pose_and_normals import normal_axes, red_and_blue_swapped

# Repairs of control maps: each takes and gives a map [H,W,3] in 0..1.

Repair = Callable[[torch.Tensor], torch.Tensor]


def invert(picture: torch.Tensor) -> torch.Tensor:
    """Dark on white to white on black."""
    return 1 - picture


def swap_red_and_blue(picture: torch.Tensor) -> torch.Tensor:
    """BGR to RGB."""
    return picture.flip(-1)


def flip_red(picture: torch.Tensor) -> torch.Tensor:
    """Mirror the left-right axis of a normal map."""
    return _flipped(picture, 0)


def flip_green(picture: torch.Tensor) -> torch.Tensor:
    """Mirror the up-down axis of a normal map."""
    return _flipped(picture, 1)


def flip_red_and_green(picture: torch.Tensor) -> torch.Tensor:
    """Mirror both axes of a normal map."""
    return flip_green(flip_red(picture))


def threshold(picture: torch.Tensor) -> torch.Tensor:
    """To black and white, at one half of the brightest channel."""
    return (picture.amax(-1, keepdim=True) > 0.5).to(picture.dtype).expand_as(picture)


def _flipped(picture: torch.Tensor, channel: int) -> torch.Tensor:
    flipped = picture.clone()
    flipped[..., channel] = 1 - flipped[..., channel]
    return flipped


@dataclass(frozen=True)
class Finding:
    """Something wrong with a map, in words, and how to repair it where that is certain and needs no source picture.

    share: of the map, for which the words hold a place.
    """

    words: str
    repair: Repair | None = None
    repaired_by: str = ""
    share: float | None = None

    @property
    def told(self) -> str:
        """The words with the share."""
        return told_together((self,))


def told_together(found: Sequence[Finding]) -> str:
    """What is told of several maps for which the same words hold."""
    shares = sorted({f"{one.share:.0%}" for one in found if one.share is not None}, key=lambda text: int(text[:-1]))
    return found[0].words.format(share=" to ".join(dict.fromkeys((shares[0], shares[-1]))) if shares else "")


SaidBy = Literal["person", "maker", "nobody"]


@dataclass(frozen=True)
class Map:
    """One map as it is looked at: uint8 RGB [H,W,3], its measures, the kind it looks like, and the kind it should be.

    said_by: who said so; where nobody did it is a guess by its look. certain: whether its look fits no other kind.
    """

    picture: np.ndarray
    measures: Measures
    looks_like: str
    expected: str
    said_by: SaidBy = "nobody"
    certain: bool = False

    @property
    def guessed(self) -> bool:
        """Whether its kind is no more than what it looks most like."""
        return self.said_by == "nobody" and not self.certain


MAXIMUM_LINES = 0.25  # the densest canny maps of photographs have 0.15


def _blank(one: Map) -> Finding | None:
    if int(one.picture.max()) - int(one.picture.min()) >= 4:
        return None
    return Finding(
        "it is blank (one single colour), so there is no structure to follow; make it again with looser options"
    )


def _inverted(one: Map) -> Finding | None:
    tones, lines = one.measures.tones, one.measures.lines
    if not map_kind(one.expected).lines or not (tones.white > 0.5 and lines.inverted) or tones.chroma >= 8:
        return None
    strokes = lines.thickness < _STROKES and (lines.pieces < _SPECKS or map_kind(one.expected).lines == "thin")
    drawn_on_paper = one.said_by == "person" and strokes and tones.white > _PAPER
    if drawn_on_paper or (lines.thickness < _ONE_PIXEL and lines.clear):
        return Finding("its lines are dark on white; control nets want them white on black", invert, "inverted")
    if one.said_by == "maker" or tones.white < _PAPER:  # as it came from its method, or as much ink as paper
        return None
    return Finding(
        "its lines may be dark on white, which control nets want the other way round; if they are, choose their kind in "
        "expected, or invert it with Invert Image"
    )


# Shares of white; half widths in pixels; pieces in 100,000 pixels: dark blots of a photograph are thicker, or many.
_PAPER, _ONE_PIXEL, _STROKES, _SPECKS = 0.75, 1.12, 3.0, 60


def _channels_swapped(control_map: Map) -> Finding | None:
    surface = control_map.measures.surface
    normal = (
        control_map.expected == "normal" and surface.unit > 0.8 and surface.front_in_red > 0.85 > surface.front_in_blue
    )
    pose = control_map.expected == "openpose" and red_and_blue_swapped(control_map.picture)
    if not (normal or pose):
        return None
    return Finding("red and blue are swapped (BGR instead of RGB)", swap_red_and_blue, "red and blue swapped back")


_AXES = {
    "opengl": ("OpenGL's (red is right)", flip_red, "red flipped"),
    "directx": ("DirectX's (red is right, green is down)", flip_red_and_green, "red and green flipped"),
    "green_down": ("red is left, but green is down", flip_green, "green flipped"),
}


def _normal_axes(one: Map) -> Finding | None:
    if one.expected != "normal" or one.measures.surface.front_in_blue < 0.85:
        return None
    axes = normal_axes(one.picture)
    if axes.name not in _AXES:
        return None
    name, repair, done = _AXES[axes.name]
    words = f"look like {name}; ControlNet's normal maps have red to the left, green up and blue to the front"
    if axes.certain:
        return Finding(f"its axes {words}", repair, done)
    return Finding(f"its axes may {words}; there is too little ground in it to be sure")


def _no_person(one: Map) -> Finding | None:
    tones = one.measures.tones
    if one.expected != "openpose" or one.looks_like == "blank":
        return None
    if tones.vivid > 0.2 and tones.pose > 0.5:
        return None
    return Finding("there is no person in it: no limbs in the colours of a pose map")


def _worn(control_map: Map) -> Finding | None:
    tones, lines = control_map.measures.tones, control_map.measures.lines
    if not map_kind(control_map.expected).binary or tones.binary > 0.985 or tones.levels <= 3 or tones.white > 0.5:
        return None
    if not map_kind(control_map.looks_like).lines:
        return None
    grey = "{share} of it is grey where it should be black or white"
    if lines.clear:
        return Finding(f"{grey} (JPEG noise)", threshold, "set to black and white at one half", 1 - tones.binary)
    return Finding(
        f"{grey} (a smooth resize, or a map of another kind), and setting it to black and white would break lines; make it "
        "again, and resize it with Fit Control Image",
        share=1 - tones.binary,
    )


def _too_dense(one: Map) -> Finding | None:
    share = one.measures.lines.share
    if map_kind(one.expected).lines != "thin" or not MAXIMUM_LINES < share <= 0.5:
        return None
    return Finding(
        "{share} of it are lines, more than a picture can follow; raise the thresholds of the map's method", share=share
    )


def another_kind(one: Map) -> Finding:
    """That the map looks like another kind than it should be."""
    seen = map_kind(one.looks_like)
    words = f"it looks like {seen.looks_like}, not like {map_kind(one.expected).looks_like}"
    advice = (
        "make its map first, with Control Map or the map node for that kind"
        if seen.photograph
        else "make the map that the control net wants with Control Map, or choose a net for this one"
    )
    return Finding(f"{words}; {advice}")


def _misleads(one: Map) -> bool:
    """Whether it looks like a kind that a net for the expected one cannot follow."""
    if one.looks_like in (one.expected, "blank") or not map_kind(one.expected).looks_like:
        return False
    return not alike(one.expected, one.looks_like)


# What can be seen of a map whatever its kind, and what only a map of a certain kind can have wrong with it.
_OF_ANY_KIND = (_blank, _inverted)
_OF_ITS_KIND = (_channels_swapped, _normal_axes, _no_person, _worn, _too_dense)


def exact_findings(one: Map) -> tuple[Finding, ...]:
    """What speaks against the map as one of the kind that it is meant to be. Of a guess nothing is told that only its kind would
    have wrong with it, but noise, which is the same for all that is black and white.
    """
    noise = (_worn,) if one.measures.lines.clear else ()
    checks = (*_OF_ANY_KIND, *noise) if one.guessed else (*_OF_ANY_KIND, *_OF_ITS_KIND)
    return tuple(finding for check in checks if (finding := check(one)) is not None)


def findings(one: Map) -> tuple[Finding, ...]:
    """Everything that speaks against the map; another kind only where nothing more exact was found.

    Against what the map's own method made, another kind speaks only where it is certain, or one has colours that the other
    never has.
    """
    found = exact_findings(one)
    misled = _misleads(one) and (one.said_by != "maker" or one.certain or contradicted(one))
    return (another_kind(one),) if not found and misled else found


def contradicted(one: Map) -> bool:
    """Whether a map has colours where its kind never has any, or none where it always has."""
    expected, seen = map_kind(one.expected).colours, map_kind(one.looks_like).colours
    return (expected == "never" and seen in ("often", "always")) or (expected == "always" and seen == "never")
