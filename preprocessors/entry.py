"""What a preprocessor declares: from it come its node, its place in the all-in-one node, its help, its contract."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch

from .host_part import HostPart
from .images.kinds import MapKind
from .model_files import ModelFile

OptionValue = int | float | bool | str
Options = Mapping[str, Any]


@dataclass(frozen=True)
class Option:
    """One setting of a method. The kind of widget follows from the default and the choices.

    Positions are part of saved graphs: a new option goes to the end of its method, and none ever moves.
    advanced: few need it, so the editor may show it on request alone.
    """

    name: str
    default: OptionValue
    help: str
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    advanced: bool = False


@dataclass(frozen=True)
class Detected:
    """What a method gives back: maps [B,h,w,3] in 0..1 and what a person should know about this run.

    poses: POSE_KEYPOINT frames, in pixels of what the method saw, from methods that find people.
    """

    maps: torch.Tensor
    notes: tuple[str, ...] = ()
    poses: tuple[dict[str, Any], ...] = ()


Detect = Callable[[torch.Tensor, Options], Detected]
Finish = Callable[[Detected, tuple[int, int], Options], Detected]
MaskUse = Literal["keep_inside", "needed"]
Sees = Literal["frames", "clip"]
Sample = Literal["portrait", "rocket", "depth_map", "mask", "qr_code", "clip", "floor_plan"]


@dataclass(frozen=True)
class Preprocessor:
    """A method that turns pictures into control maps.

    method: its value in the all-in-one node; node_id: its own node; version: rises whenever the output changes;
    makes: the kind of its maps, an entry of `MAP_KINDS`; wanted_by: the kinds of control nets trained on such maps;
    detect: pictures [B,h,w,3] in 0..1 and options to maps.

    mask: keep_inside (the map outside the mask is background) or needed (detect gets pictures [B,h,w,4], the mask last).
    sees: frames (any part of a batch at a time) or clip (the whole batch in one call).
    bytes_per_pixel: memory that detect takes for each pixel of a picture; a GPU gets as many pictures at a time as fit,
    and 0 means one at a time. finish: works on the whole batch afterwards, with the (height, width) of the pictures: maps
    that need all frames, or that are drawn at full size. gives_poses: its node has an output POSE_KEYPOINT.
    host_part: what the method is made of, where older hosts lack it; there, the method is left out.
    mistakes: sentences for the help page, "**What one sees.** What to do."
    sample, sample_options: the picture that the help page and the gallery show the method at work on, and its options there.
    help_by_hand: the help page is written by hand; else it is written from this.
    """

    method: str
    node_id: str
    title: str
    summary: str
    version: int
    makes: MapKind
    wanted_by: tuple[str, ...]
    detect: Detect
    options: tuple[Option, ...] = ()
    files: tuple[ModelFile, ...] = ()
    search_aliases: tuple[str, ...] = ()
    mask: MaskUse = "keep_inside"
    sees: Sees = "frames"
    bytes_per_pixel: int = 0
    finish: Finish | None = None
    gives_poses: bool = False
    packages: tuple[str, ...] = ()
    host_part: HostPart | None = None
    mistakes: tuple[str, ...] = ()
    sample: Sample = "portrait"
    sample_options: Options = field(default_factory=dict, hash=False)
    help_by_hand: bool = False

    def lack(self) -> str | None:
        """Why this host cannot run the method, in a sentence for people; None when it can."""
        if self.host_part is None or self.host_part.is_there():
            return None
        return self.host_part.missing(f'the node {self.title} (method "{self.method}")')
