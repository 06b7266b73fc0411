"""Face embeddings: what FaceID adapters read in place of, or beside, a picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .layouts.layout import FACE_WIDTH


@dataclass(frozen=True, eq=False)
class FaceEmbeds:
    """Faces as a recognition network sees them.

    vectors: [N,512], as the network gives them (their length tells how sure it is); crops: aligned pictures of the faces
    [N,H,W,3] or None; names: where each comes from, for messages.
    """

    vectors: torch.Tensor
    crops: torch.Tensor | None = None
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        shape = tuple(self.vectors.shape)
        if len(shape) != 2 or shape[1] != FACE_WIDTH or not shape[0]:
            raise ValueError(
                f"Face embeddings are vectors of {FACE_WIDTH} numbers, one for each face; this has the shape {list(shape)}. "
                "Make them with Face Embeddings (ArmatureFaceEmbeds)."
            )
        if not bool(torch.isfinite(self.vectors).all()):
            raise ValueError("Face embeddings: they hold NaN or infinite values. Repair the node that made them.")

    @property
    def normed(self) -> torch.Tensor:
        """Vectors of length 1 [N,512]."""
        return torch.nn.functional.normalize(self.vectors.float(), dim=-1)
