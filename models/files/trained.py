"""What a file that was trained in this pack says of itself: the keys `armature.*` in the metadata of its header."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .families import FAMILIES
from .header import Header
from .safetensors_header import is_safetensors, read_header

CROSS_NORMALIZATION, PLAIN, ZERO_CONVOLUTION = "cross normalization", "plain", "zero convolution"
ADDITIONS = (CROSS_NORMALIZATION, PLAIN, ZERO_CONVOLUTION)
CONTROL, UNET = "control", "unet"
PARTS = (CONTROL, UNET)
FORMATS = ("delta", "full")

_PREFIX = "armature."
_LONGEST = 200  # letters of a text
_SHOWN = 40  # of one that is not understood
_MOST_STEPS = 10**9


@dataclass(frozen=True)
class Trained:
    """The metadata of a trained file. What the file does not say, or says so that it cannot be read, is "", None or empty.

    variant: one of the variants of ControlNeXt. addition: one of ADDITIONS, how the map is added. map: the kind of map that
    it was trained on, by its name in the table of map kinds where that has it. base: family of the base model, by its id.
    base_hash: of the base's file. adherence: how well pictures that were held back follow their maps at the end. settings: of
    the training. part: one of PARTS. format: of the UNet's weights, one of FORMATS. problems: what could not be read, as
    parts of a sentence. likeness: how like their references pictures are that were drawn with it, 0 as unlike as pictures of
    other things, 1 the same. encoder_hash: of the image encoder whose embeddings it was trained on.
    """

    variant: str = ""
    addition: str = ""
    map: str = ""
    base: str = ""
    base_hash: str = ""
    steps: int | None = None
    adherence: float | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    part: str = ""
    format: str = ""
    problems: tuple[str, ...] = ()
    likeness: float | None = None
    encoder_hash: str = ""

    def metadata(self) -> dict[str, str]:
        """As it is written into a header; what is not known is left out."""
        known = {name: getattr(self, name) for name in _READERS}
        texts = {name: value for name, value in known.items() if value not in ("", None, {})}
        return {_PREFIX + name: _written(value) for name, value in texts.items()}

    def without(self, name: str, why: str) -> Trained:
        """The same without a value that does not fit the rest of the file; why: follows what the file says."""
        said = _told(_PREFIX + name, _written(getattr(self, name)), why)
        return replace(self, **{name: _EMPTY[name]}, problems=(*self.problems, said))

    def traits(self) -> dict[str, Any]:
        """What rules and reports ask about, as plain values; nothing for a file that says nothing."""
        told = {
            "variant": self.variant,
            "addition": self.addition,
            "trained_map": self.map,
            "steps": self.steps,
            "adherence": self.adherence,
            "likeness": self.likeness,
            "format": self.format,
            "part": self.part,
            "problems": list(self.problems),
            # The whole of it works without a part of the UNet.
            "works_alone": self.settings.get("subset") == "none",
        }
        return {name: value for name, value in told.items() if value not in ("", None, [], False)}


def of_file(path: str | Path) -> Trained:
    """The same of a file, by its header alone; only safetensors files have one. Raises BrokenFile for a damaged file."""
    return of_header(read_header(path)) if is_safetensors(path) else Trained()


def of_header(header: Header) -> Trained:
    """What a header says."""
    return of_metadata(header.metadata)


def of_metadata(metadata: Mapping[str, str]) -> Trained:
    """What texts by their keys say; a value that is damaged or not known counts as none, and is named in `problems`."""
    found: dict[str, Any] = {}
    problems = []
    for name, read in _READERS.items():
        text = metadata.get(_PREFIX + name)
        if text is None:
            continue
        try:
            found[name] = read(text)
        except _Unreadable as error:
            problems.append(_told(_PREFIX + name, text, str(error)))
    return Trained(**found, problems=tuple(problems))


def told_training(traits: Mapping[str, Any]) -> str:
    """', of variant …, plain addition, trained on canny maps, 600 steps, adherence 0.42': what follows a file's title; or ""."""
    trained = [
        f"{traits['trained_map']} maps" if "trained_map" in traits else "",
        f"{traits['steps']} steps" if "steps" in traits else "",
        f"adherence {traits['adherence']:.3g}" if "adherence" in traits else "",
        f"likeness {traits['likeness']:.3g}" if "likeness" in traits else "",
    ]
    how = ", ".join(part for part in trained if part)
    parts = [
        f"variant {traits['variant']}" if "variant" in traits else "",
        f"added by {traits['addition']}" if "addition" in traits else "",
        {"delta": "differences to the base", "full": "full weights"}.get(traits.get("format", ""), ""),
        f"trained {'on' if 'trained_map' in traits else 'with'} {how}" if how else "",
    ]
    return "".join(f", {part}" for part in parts if part)


def told_problems(problems: tuple[str, ...] | list[str]) -> str:
    """The line about what a file says and nobody understands; "" where there is nothing of the kind."""
    if not problems:
        return ""
    return f"Its metadata is read as if it did not say: {'; '.join(problems)}."


class _Unreadable(Exception):
    """Raised for a value that is damaged or not known; its text says what is wrong with it."""


def _text(text: str) -> str:
    if len(text) > _LONGEST or not text.isprintable():
        raise _Unreadable("no short text")
    return text.strip()


def _one_of(known: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise _Unreadable("not known here")
        return text

    return read


def _steps(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > len(str(_MOST_STEPS)):
        raise _Unreadable("no number of steps")
    return int(text)


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -1.0 <= value <= 1.0:
        raise _Unreadable("no number from -1 to 1")
    return value


def _settings(text: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise _Unreadable("no JSON object")
    return value


_READERS: dict[str, Callable[[str], Any]] = {
    "variant": _text,
    "addition": _one_of(ADDITIONS),
    "map": _text,
    "base": _one_of(tuple(family.id for family in FAMILIES)),
    "base_hash": _text,
    "steps": _steps,
    "adherence": _share,
    "settings": _settings,
    "part": _one_of(PARTS),
    "format": _one_of(FORMATS),
    "likeness": _share,
    "encoder_hash": _text,
}
KEYS = tuple(_PREFIX + name for name in _READERS)
_EMPTY = {name: getattr(Trained(), name) for name in _READERS}


def _written(value: Any) -> str:
    return json.dumps(value, sort_keys=True) if isinstance(value, Mapping) else str(value)


def _told(key: str, text: str, why: str) -> str:
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"{key} {shown!r} ({why})"
