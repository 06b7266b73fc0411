"""The image encoder inside a video checkpoint. The host builds it with fixed sizes, so it is all zeros."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from armature_pack.tests.generated.weights import shapes_of

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class ClipVisionH:
    """ViT-H/14 of zeros: its embedding of any picture is zero. Takes no room on the disk (the writer leaves holes)."""

    dtype: str

    def weights(self) -> dict[str, Tensor]:
        """The state dict under the names it has inside the host."""
        import comfy.clip_model
        import comfy.clip_vision
        import comfy.ops
        import torch

        sizes = Path(inspect.getfile(comfy.clip_vision)).with_name("clip_vision_config_h.json")
        network = comfy.clip_model.CLIPVisionModelProjection(
            json.loads(sizes.read_text(encoding="utf-8")),
            torch.float16,
            torch.device("meta"),
            comfy.ops.disable_weight_init,
        )
        return {
            name: torch.zeros(shape, dtype=getattr(torch, self.dtype)) for name, shape in shapes_of(network).items()
        }
