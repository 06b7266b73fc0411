"""What a person chooses when applying an IP-Adapter, checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...preprocessors.images.checks import check_choice, check_range, check_span, check_type
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
            check_range(f"{WHO}, input {name}", getattr(self, name), LEAST_WEIGHT, MOST_WEIGHT)
        for name in ("start_percent", "end_percent"):
            check_range(f"{WHO}, input {name}", getattr(self, name), 0.0, 1.0)
        check_span(WHO, self.start_percent, self.end_percent)
        check_choice(f"{WHO}, input combine", self.combine, COMBINES)
        check_choice(f"{WHO}, input embeds_scaling", self.embeds_scaling, SCALINGS)
        kinds = {"layer_weights": LayerWeights, "frame_weights": FrameWeights, "face_embeds": FaceEmbeds}
        for name, kind in kinds.items():
            if getattr(self, name) is not None:
                check_type(f"{WHO}, input {name}", getattr(self, name), kind, f"{kind.__name__} are")
