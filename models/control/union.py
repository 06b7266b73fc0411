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

# The modes of Flux union nets by number, as the model cards of InstantX's Union and Shakker's Union Pro list them. The host does
# not name them: its Set Union ControlNet Type writes the numbers of SDXL union nets, which mean other things to a Flux net.
FLUX_MODES: tuple[str, ...] = ("canny", "tile", "depth", "blur", "pose", "gray", "low quality")

FLUX_MODE_OF_MAP: dict[str, str] = {
    "canny": "canny",
    "tile": "tile",
    "depth": "depth",
    "blur": "blur",
    "openpose": "pose",
    "dwpose": "pose",
    "pose": "pose",
    "gray": "gray",
    "low_quality": "low quality",
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


def takes_several_maps(control_net: Any) -> bool:
    """Whether a union net can take maps of several kinds in one pass: it has a transformer that fuses them."""
    network = getattr(control_net, "control_model", None)
    return is_union(control_net) and hasattr(network, "union_controlnet_merge")


def union_type(control_net: Any, image: torch.Tensor) -> UnionType | None:
    """The type for a signal, None where its net is no union net.

    A type that was set by hand (the host's Set Union ControlNet Type) stays. Left on auto, it follows the preprocessor that made
    the map, as the map's tag says; without a tag the net runs untyped, as the host's own auto does, and that is told.
    """
    if not is_union(control_net):
        return None
    by_hand = control_net.extra_args.get("control_type")
    if by_hand:
        return UnionType(None, f"union type {_name_of(control_net, by_hand[0])}, set by hand")
    kind = tag_of(image)
    found = _number_of(control_net, kind or "")
    if found is None:
        source = f"it is not known for maps of the kind {kind}" if kind else "nothing is known about what made the map"
        return UnionType(
            None, f"union type auto, and {source}: the net runs untyped. Set it with Set Union ControlNet Type"
        )
    number, name = found
    return UnionType(number, f"union type {name}, because the map was made as {kind}")


# Types that stand for one kind of map alone -> that kind, by its name in the check of control images.
_KIND_OF_TYPE = {"openpose": "openpose", "depth": "depth", "normal": "normal", "segment": "segmentation"}


def kind_set_by_hand(control_net: Any) -> str | None:
    """The kind of map that a union net was told by hand to expect, where its type means one kind alone."""
    numbers = control_net.extra_args.get("control_type")
    if not numbers or not takes_several_maps(control_net):
        return None
    from comfy.cldm.control_types import UNION_CONTROLNET_TYPES

    names = {number: name for name, number in UNION_CONTROLNET_TYPES.items()}
    return _KIND_OF_TYPE.get(names.get(numbers[0], ""))


def typed(control_net: Any, number: int) -> Any:
    """A copy of a union net that is told the type."""
    copied = control_net.copy()
    copied.set_extra_arg("control_type", [number])
    return copied


def _name_of(control_net: Any, number: int) -> str:
    """What a type that was set by hand means to this net."""
    from comfy.cldm.control_types import UNION_CONTROLNET_TYPES

    chosen = next((name for name, value in UNION_CONTROLNET_TYPES.items() if value == number), f"number {number}")
    if takes_several_maps(control_net):
        return chosen
    mode = FLUX_MODES[number] if number < len(FLUX_MODES) else "none of its modes"
    return (
        f"{chosen} (to this Flux net number {number} means {mode}: Set Union ControlNet Type writes the numbers of SDXL union "
        "nets; leave it on auto and link a Control Map directly)"
    )


def _number_of(control_net: Any, kind: str) -> tuple[int, str] | None:
    """The number and the name of the type for a kind of map, where the net has one."""
    network = control_net.control_model
    if getattr(network, "num_union_modes", 0):
        mode = FLUX_MODE_OF_MAP.get(kind)
        number = None if mode is None else FLUX_MODES.index(mode)
        return None if mode is None or number is None or number >= network.num_union_modes else (number, mode)
    from comfy.cldm.control_types import UNION_CONTROLNET_TYPES

    name = TYPE_OF_MAP.get(kind)
    number = UNION_CONTROLNET_TYPES.get(name or "")
    return None if name is None or number is None or number >= network.num_control_type else (number, name)
