"""A signal of several maps of different kinds, which one union net takes in a single pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .collect import signals_in_slots
from .frame_weights import FrameWeights
from .layer_weights import LayerWeights
from .signal import ControlSignal
from .union import takes_several_maps

WHO = "Union Signal"


@dataclass(frozen=True, eq=False)
class UnionSignal(ControlSignal):
    """Immutable record of several signals of one union net.

    Each part has a map, weight, range, curve and mask of its own; weight, mask, layer_weights and frame_weights of the whole
    act on what the pass gives. control_net and image are those of the first part.
    """

    parts: tuple[ControlSignal, ...] = ()

    def strength_at(self, progress: float) -> float:
        """The whole's weight times that of its strongest part."""
        return self.weight * max((part.weight_at(progress) for part in self.parts), default=0.0)

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
            "ProMax) take several; all others, the union nets of Flux too, run once for each map: link them to a Control Stack."
        )
    if part.control_net.control_model is not first.control_net.control_model:
        raise ValueError(
            f"{who}: its control net is another one than that of signal 1. A pass belongs to one net: link one Load Control Net "
            "to all of them, or link the signals to a Control Stack."
        )
    for name, given in (("layer_weights", part.layer_weights), ("frame_weights", part.frame_weights)):
        if given is not None:
            raise ValueError(
                f"{who}: it has {name}, which act on what the net gives, and all maps of a pass share that. "
                f"Link them to {name} of the Union Signal."
            )
