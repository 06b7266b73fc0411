"""A signal of several maps of different kinds, which one union net takes in a single pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ...preprocessors.images.kinds import MAP_KINDS, MapKind, map_kind
from ...preprocessors.images.tags import tag_of
from ..guidance.frame_weights import FrameWeights
from ..guidance.layer_weights import LayerWeights
from ..guidance.progress import Progress
from .signal import ControlSignal
from .stack import signals_in_slots

# Union control nets: one net for many kinds of maps, which must be told the kind of the map that it gets.

# The modes of Flux union nets by number, as the model cards of InstantX's Union and Shakker's Union Pro list them. The host does
# not name them: its Set Union ControlNet Type writes the numbers of SDXL union nets, which mean other things to a Flux net.
FLUX_MODES: tuple[str, ...] = ("canny", "tile", "depth", "blur", "pose", "gray", "low quality")


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
    found = _number_of(control_net, map_kind(kind))
    if found is None:
        by_hand_too = ", or set its type with Set Union ControlNet Type" if takes_several_maps(control_net) else ""
        if kind:
            told = f"this net has no type for maps of the kind {kind}, so it runs untyped"
        else:
            told = (
                "nothing is known about what made the map, so the net runs untyped. Link a Control Map directly"
                + by_hand_too
            )
        return UnionType(None, f"union type auto: {told}")
    number, name = found
    return UnionType(number, f"union type {name}, because the map was made as {kind}")


def kind_set_by_hand(control_net: Any) -> str | None:
    """The kind of map that a union net was told by hand to expect, where its type means one kind alone."""
    numbers = control_net.extra_args.get("control_type")
    if not numbers or not takes_several_maps(control_net):
        return None
    from comfy.cldm.control_types import UNION_CONTROLNET_TYPES

    names = {number: name for name, number in UNION_CONTROLNET_TYPES.items()}
    told = names.get(numbers[0])
    return next((kind.name for kind in MAP_KINDS.values() if kind.promised_by_type and kind.union_type == told), None)


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


def _number_of(control_net: Any, kind: MapKind) -> tuple[int, str] | None:
    """The number and the name of the type for a kind of map, where the net has one."""
    network = control_net.control_model
    if getattr(network, "num_union_modes", 0):
        number = FLUX_MODES.index(kind.flux_mode) if kind.flux_mode else None
        return None if number is None or number >= network.num_union_modes else (number, kind.flux_mode)
    from comfy.cldm.control_types import UNION_CONTROLNET_TYPES

    number = UNION_CONTROLNET_TYPES.get(kind.union_type)
    return None if number is None or number >= network.num_control_type else (number, kind.union_type)


WHO = "Union Signal"


@dataclass(frozen=True, eq=False)
class UnionSignal(ControlSignal):
    """Immutable record of several signals of one union net.

    Each part has a map, weight, range, curve and mask of its own; weight, mask, layer_weights and frame_weights of the whole
    act on what the pass gives. control_net and image are those of the first part.
    """

    parts: tuple[ControlSignal, ...] = ()

    def strength_at(self, at: Progress) -> float:
        """The whole's weight times that of its strongest part."""
        return self.weight * max((part.weight_at(at) for part in self.parts), default=0.0)

    @property
    def has_mask(self) -> bool:
        return self.mask is not None or any(part.has_mask for part in self.parts)

    @property
    def kind(self) -> str:
        return f"union of {len(self.parts)} maps"


def make_union_signal(
    slots: Mapping[str, Any],
    weight: float = 1.0,
    mask: Any = None,
    layer_weights: LayerWeights | None = None,
    frame_weights: FrameWeights | None = None,
) -> UnionSignal | None:
    """A union signal of the CONTROL_SIGNALs in `signal_0`, `signal_1`, …; None when all slots are empty.

    ValueError for nets that differ, that are no union nets, or that cannot take several maps at once, and for weights that
    only the whole can have.
    """
    parts = signals_in_slots(slots, WHO)
    if not parts:
        return None
    for number, part in enumerate(parts, start=1):
        _check(part, parts[0], number)
    first = parts[0]
    return UnionSignal(
        first.control_net,
        first.image,
        weight,
        mask=mask,
        layer_weights=layer_weights,
        frame_weights=frame_weights,
        parts=parts,
    )


def _check(part: ControlSignal, first: ControlSignal, number: int) -> None:
    who = f"{WHO}, signal {number}"
    if isinstance(part, UnionSignal):
        raise ValueError(f"{who}: it is a union signal already. Link its control signals here directly.")
    if not takes_several_maps(part.control_net):
        raise ValueError(
            f"{who}: its control net ({part.kind}) takes one map in a pass. Union nets of the ControlNetPlus kind (SDXL Union, "
            "ProMax) take several; all others, the union nets of Flux too, run once for each map: link them to a ControlNet "
            "Stack."
        )
    if part.control_net.control_model is not first.control_net.control_model:
        raise ValueError(
            f"{who}: its control net is another one than that of signal 1. A pass belongs to one net: link one Load ControlNet "
            "to all of them, or link the signals to a ControlNet Stack."
        )
    for name, given in (("layer_weights", part.layer_weights), ("frame_weights", part.frame_weights)):
        if given is not None:
            raise ValueError(
                f"{who}: it has {name}, which act on what the net gives, and all maps of a pass share that. "
                f"Link them to {name} of the Union Signal."
            )
    if part.adaptation is not None:
        raise ValueError(
            f"{who}: it has an adaptation, which corrects the weight of a net, and all maps of a pass share that. Unlink it, or "
            "link the signal to the ControlNet Stack as one of its own."
        )
