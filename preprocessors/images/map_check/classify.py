"""Looking at one map: its measures, the kind it looks like, and the kind it should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..kinds import map_kind
from .findings import Map, SaidBy
from .pixel_statistics import Measures, measure

# The kind of a control map, from its measures: a list of rules, of which the first that holds decides. Maps with colours are
# judged by the rules of kinds that may have some, all others by those of kinds that never have.

Test = Callable[[Measures], bool]


@dataclass(frozen=True)
class Rule:
    """A kind of map, what must hold for it, and what must hold besides for it to be certain: that lies outside of all that
    other kinds showed, on the maps of all own methods of ten photographs, as they are, resized, and as JPEG.
    """

    kind: str
    holds: Test
    certain: Test = lambda _: False


def _binary(m: Measures) -> bool:
    return m.tones.binary > 0.985 or m.tones.levels <= 3 or m.lines.clear


def _worn_lines(m: Measures) -> bool:
    """Lines that were black and white before they went through lossy coding or resizing."""
    return m.tones.black > 0.82 and m.lines.thickness < 1.2 and m.tones.mid < 0.12


_RULES: tuple[Rule, ...] = (
    Rule(
        "colour_grid",
        lambda m: m.tones.changing_columns < 0.12 and m.tones.changing_rows < 0.12 and m.tones.even > 0.85,
        lambda m: m.tones.colours >= 12 and m.surface.unit < 0.5,
    ),
    Rule(
        "openpose",
        lambda m: m.tones.black > 0.6 and m.tones.vivid > 0.35 and m.tones.hues >= 4 and m.lines.share < 0.35,
        lambda m: m.tones.black < 0.985 and m.tones.pose > 0.85 and m.tones.hues >= 5,
    ),
    Rule(
        "segmentation",
        lambda m: m.tones.colours <= 150 and m.tones.even > 0.75,
        lambda m: m.tones.black < 0.6 and m.tones.colours >= 5 and m.tones.even > 0.9 and m.tones.hues >= 3,
    ),
    Rule(
        "normal",
        lambda m: m.surface.unit > 0.8 and max(m.surface.front_in_blue, m.surface.front_in_red) > 0.85,
        lambda m: m.surface.unit > 0.9,
    ),
    Rule("flow", lambda m: m.tones.full_value > 0.9),
    Rule("tile", lambda m: m.surface.detail < 0.95 and m.surface.gradient_high < 26),
    Rule("photo", lambda _: True),
    Rule(
        "qr",
        lambda m: (
            m.tones.changing_columns < 0.3
            and m.tones.changing_rows < 0.3
            and m.tones.levels <= 6
            and m.lines.thickness > 2
            and 0.3 < m.lines.share < 0.75
            and m.lines.pieces > 5
        ),
    ),
    Rule(
        "mlsd",
        lambda m: _binary(m) and m.lines.thickness < 1.35 and m.lines.straight > 0.45 and m.lines.pieces < 60,
    ),
    Rule("canny", lambda m: _binary(m) and 0 < m.lines.thickness < 1.12),
    Rule("mask", lambda m: _binary(m) and m.lines.largest > 0.2 and m.lines.thickness > 6 and m.lines.pieces < 6),
    Rule("scribble", _binary),
    Rule("mlsd", lambda m: _worn_lines(m) and m.lines.straight > 0.6 and m.lines.pieces < 60),
    Rule("canny", _worn_lines),
    Rule("softedge", lambda m: m.surface.detail < 1.25 and m.surface.gradient_high > 32 and m.lines.pieces > 3),
    Rule("lineart", lambda m: m.tones.black > 0.35 and m.surface.gradient_high > 60),
    Rule(
        "depth",
        lambda m: m.surface.gradient_median < 1.6 and (m.lines.pieces < 12 or m.surface.gradient_high < 22),
    ),
    Rule("grey_photo", lambda _: True),
)

_GREY = tuple(rule for rule in _RULES if map_kind(rule.kind).colours == "never")
_COLOURED = tuple(rule for rule in _RULES if map_kind(rule.kind).colours != "never")


def kind_of(m: Measures) -> str:
    """The name of the kind that the measures speak for."""
    return _rule_of(m).kind


_BLANK = Rule("blank", lambda m: m.tones.brightest < 16, lambda _: True)


def _rule_of(m: Measures) -> Rule:
    if _BLANK.holds(m):
        return _BLANK
    return next(rule for rule in (_COLOURED if m.tones.chroma >= 8 else _GREY) if rule.holds(m))


def classify(picture: np.ndarray, wanted: str | None, said_by: SaidBy = "person") -> Map:
    """picture: uint8 RGB [H,W,3]; wanted: the kind it should be, None for what it looks like; said_by: whoever said it.

    Needs OpenCV.
    """
    measures = measure(picture)
    flat = int(picture.max()) - int(picture.min()) < 4
    rule = _BLANK if flat else _rule_of(measures)
    certain = flat or rule.certain(measures)
    if wanted is not None:
        return Map(picture, measures, rule.kind, wanted, said_by, certain)
    upright, sure = _upright(rule.kind, certain, picture)
    return Map(picture, measures, rule.kind, upright, "nobody", sure)


def _upright(looks_like: str, certain: bool, picture: np.ndarray) -> tuple[str, bool]:
    """The kind of a map whose kind nobody said, and whether that is certain; of what may be inverted, those of its inverse."""
    if map_kind(looks_like).hides_lines and (picture > 245).mean() > 0.5:
        measures = measure(255 - picture)
        rule = _rule_of(measures)
        if map_kind(rule.kind).lines:
            return rule.kind, rule.certain(measures)
    return looks_like, certain
