"""What a preprocessor declares: from it come its node, its place in the all-in-one node, its help, its contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch

OptionValue = int | float | bool | str
Options = Mapping[str, Any]

Polarity = Literal["white_on_black", "black_on_white", "near_is_white", "colour"]
Enlarge = Literal["nearest-exact", "bilinear"]


@dataclass(frozen=True)
class Option:
    """One setting of a method. The kind of widget follows from the default and the choices.

    Positions are part of saved graphs: a new option goes to the end of its method, and none ever moves.
    """

    name: str
    default: OptionValue
    help: str
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class MapConvention:
    """What the map looks like, and so which control nets can read it.

    map_type: the field's name of the map (canny, depth, …); background: the value of "nothing here", used outside a
    mask; enlarge: how the map may be resized without breaking it.
    """

    map_type: str
    polarity: Polarity
    background: tuple[float, float, float] = (0.0, 0.0, 0.0)
    normal_convention: str | None = None
    enlarge: Enlarge = "nearest-exact"


@dataclass(frozen=True)
class ModelFile:
    """A weight file that a method needs; never fetched while a graph runs."""

    repository: str
    file: str
    folder: str
    licence: str
    bytes: int | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Detected:
    """What a method gives back: maps [B,h,w,3] in 0..1 and what a person should know about this run."""

    maps: torch.Tensor
    notes: tuple[str, ...] = ()


Detect = Callable[[torch.Tensor, Options], Detected]


@dataclass(frozen=True)
class Preprocessor:
    """A method that turns pictures into control maps.

    method: its value in the all-in-one node; node_id: its own node; version: rises whenever the output changes;
    wanted_by: the kinds of control nets trained on such maps; detect: pictures [B,h,w,3] in 0..1 and options to maps.
    """

    method: str
    node_id: str
    title: str
    summary: str
    version: int
    makes: MapConvention
    wanted_by: tuple[str, ...]
    detect: Detect
    options: tuple[Option, ...] = ()
    files: tuple[ModelFile, ...] = ()
    search_aliases: tuple[str, ...] = ()
