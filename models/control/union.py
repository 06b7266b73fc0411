"""Union control nets: one net for many kinds of maps, which must be told the kind of the map that it gets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ...preprocessors.map_tags import tag_of

# Kind of map (as preprocessors tag it) -> the host's name for the type (`comfy.cldm.control_types`).
TYPE_OF_MAP: dict[str, str] = {
    "openpose": "openpose",
    "dwpose": "openpose",
    "pose": "openpose",
    "depth": "depth",
    "hed": "hed/pidi/scribble/ted",
    "softedge": "hed/pidi/scribble/ted",
    "pidinet": "hed/pidi/scribble/ted",
    "teed": "hed/pidi/scribble/ted",
    "scribble": "hed/pidi/scribble/ted",
    "canny": "canny/lineart/anime_lineart/mlsd",
    "lineart": "canny/lineart/anime_lineart/mlsd",
    "lineart_anime": "canny/lineart/anime_lineart/mlsd",
    "mlsd": "canny/lineart/anime_lineart/mlsd",
    "normal": "normal",
    "segmentation": "segment",
    "tile": "tile",
    "inpaint": "repaint",
}

# The modes of Flux union nets (InstantX, Shakker) have numbers of their own, which the host does not name.
FLUX_MODE_OF_MAP: dict[str, int] = {
    "canny": 0,
    "tile": 1,
    "depth": 2,
    "openpose": 4,
    "dwpose": 4,
    "pose": 4,
}


@dataclass(frozen=True)
class UnionType:
    """The type that a union net is told, and how that came about, in words."""

    number: int | None
    told: str


def is_union(control_net: Any) -> bool:
    """Whether a control net knows several kinds of maps: its network holds an embedding for each."""
    network = getattr(control_net, "control_model", None)
    return getattr(network, "num_control_type", None) is not None or bool(getattr(network, "num_union_modes", 0))


def union_type(control_net: Any, image: torch.Tensor) -> UnionType | None:
    """The type for a signal, None where its net is no union net.

    A type that was set by hand (the host's Set Union ControlNet Type) stays. Left on auto, it follows the preprocessor that made
    the map, as the map's tag says; without a tag the net runs untyped, as the host's own auto does, and that is told.
    """
    if not is_union(control_net):
        return None
    by_hand = control_net.extra_args.get("control_type")
    if by_hand:
        return UnionType(None, f"union type number {by_hand[0]}, set by hand")
    kind = tag_of(image)
    found = _number_of(control_net, kind or "")
    if found is None:
        source = f"it is not known for maps of the kind {kind}" if kind else "nothing is known about what made the map"
        return UnionType(
            None, f"union type auto, and {source}: the net runs untyped. Set it with Set Union ControlNet Type"
        )
    number, name = found
    return UnionType(number, f"union type {name}, because the map was made as {kind}")


def typed(control_net: Any, number: int) -> Any:
    """A copy of a union net that is told the type."""
    copied = control_net.copy()
    copied.set_extra_arg("control_type", [number])
    return copied


def _number_of(control_net: Any, kind: str) -> tuple[int, str] | None:
    """The number and the name of the type for a kind of map, where the net has one."""
    network = control_net.control_model
    if getattr(network, "num_union_modes", 0):
        number = FLUX_MODE_OF_MAP.get(kind)
        return None if number is None or number >= network.num_union_modes else (number, kind)
    from comfy.cldm.control_types import UNION_CONTROLNET_TYPES

    name = TYPE_OF_MAP.get(kind)
    number = UNION_CONTROLNET_TYPES.get(name or "")
    return None if name is None or number is None or number >= network.num_control_type else (number, name)
