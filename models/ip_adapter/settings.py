"""What a person chooses when applying an IP-Adapter, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..guidance.frame_weights import FrameWeights
from ..guidance.layer_weights import LayerWeights
from .embeds import COMBINES, CONCAT
from .faces import FaceEmbeds
from .scaling import EXACT, SCALINGS, VALUES
from .weight_types import LINEAR

WHO = "Apply IP-Adapter"
LEAST_WEIGHT, MOST_WEIGHT = -1.0, 5.0


@dataclass(frozen=True, eq=False)
class Settings:
    """Everything beside model and adapter, by the names of the node's inputs; what came in unchecked is checked here."""

    weight: float = 0.6
    start_percent: float = 0.0
    end_percent: float = 1.0
    weight_type: str = LINEAR
    combine: str = CONCAT
    schedule: Any = ""
    clip_vision: Any = None
    image: Any = None
    negative_image: Any = None
    mask: Any = None
    embeds: Any = None
    composition_image: Any = None
    composition_weight: float = 0.6
    embeds_scaling: str = VALUES
    layer_weights: Any = None
    frame_weights: Any = None
    face_embeds: Any = None
    face_structure: float = 1.0
    face_lora_strength: float = 0.6
    compatible_with: str = EXACT

    def __post_init__(self) -> None:
        for name in ("weight", "composition_weight"):
            _check_range(name, getattr(self, name), LEAST_WEIGHT, MOST_WEIGHT)
        for name in ("start_percent", "end_percent"):
            _check_range(name, getattr(self, name), 0.0, 1.0)
        if self.start_percent > self.end_percent:
            raise ValueError(
                f"{WHO}: it starts at {self.start_percent:g} and ends at {self.end_percent:g}, so it would never act. "
                "Set start_percent below end_percent."
            )
        _check_choice("combine", self.combine, COMBINES)
        _check_choice("embeds_scaling", self.embeds_scaling, tuple(SCALINGS))
        _check_type("layer_weights", self.layer_weights, LayerWeights)
        _check_type("frame_weights", self.frame_weights, FrameWeights)
        _check_type("face_embeds", self.face_embeds, FaceEmbeds)


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # false for NaN too
        raise ValueError(f"{WHO}, input {name}: {value} lies outside {low:g} to {high:g}.")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f'{WHO}, input {name}: "{value}" is not one of {", ".join(choices)}.')


def _check_type(name: str, value: Any, wanted: type) -> None:
    if value is not None and not isinstance(value, wanted):
        raise ValueError(f"{WHO}, input {name}: {wanted.__name__} are wanted, not {type(value).__name__}.")
