"""What a map weighs over the sampling, and how that travels in the conditioning."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

from ....preprocessors.images.checks import check_range, check_span
from ...guidance.curve import CONSTANT, Curve
from ...guidance.progress import curve_at

WHO = "Map Reference"
MAXIMUM_WEIGHT = 2.0
# In a conditioning, and for each call of the network: the maps that it carries.
MAPS = "armature_map_references"

Way = Literal["concat", "reference"]
WAYS: tuple[Way, ...] = get_args(Way)


@dataclass(frozen=True, eq=False)
class MapWeights:
    """who: which map this is, for messages; weight: 0..2; start, end: shares of the noise schedule; schedule: factor over it."""

    who: str = WHO
    weight: float = 1.0
    start: float = 0.0
    end: float = 1.0
    schedule: Curve = CONSTANT

    def __post_init__(self) -> None:
        check_range(f"{WHO}, input weight", self.weight, 0.0, MAXIMUM_WEIGHT)
        check_range(f"{WHO}, input start_percent", self.start, 0.0, 1.0)
        check_range(f"{WHO}, input end_percent", self.end, 0.0, 1.0)
        check_span(WHO, self.start, self.end)

    def at(self, sigma: float, percent_to_sigma: Callable[[float], Any]) -> float:
        """Factor at a sigma; 0 outside the range, whose ends are compared as the host compares those of a control net."""
        return self.weight * curve_at(sigma, self.start, self.end, self.schedule, percent_to_sigma)


@dataclass(frozen=True)
class Placed:
    """Weights of a map of one conditioning; place: among its references, from 0, None for the second latent."""

    weights: MapWeights
    place: int | None = None


def second_latent(conditioning: Iterable[Any], latent: Any, weights: MapWeights) -> list[Any]:
    """The conditioning with the map's latent to be concatenated, in place of any other."""

    def values(old: dict[str, Any]) -> dict[str, Any]:
        others = (one for one in old.get(MAPS, ()) if one.place is not None)
        return {"concat_latent_image": latent, MAPS: (*others, Placed(weights))}

    return [[text, {**old, **values(old)}, *rest] for text, old, *rest in conditioning]


def further_reference(conditioning: Iterable[Any], latent: Any, weights: MapWeights) -> list[Any]:
    """The conditioning with the map's latent behind the references that it has."""

    def values(old: dict[str, Any]) -> dict[str, Any]:
        present = old.get("reference_latents") or []
        maps = (*old.get(MAPS, ()), Placed(weights, len(present)))
        return {"reference_latents": [*present, latent], MAPS: maps}

    return [[text, {**old, **values(old)}, *rest] for text, old, *rest in conditioning]
