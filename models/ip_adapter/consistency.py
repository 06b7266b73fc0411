"""Measuring whether pictures show the same: by an image encoder, and by faces where embeddings of them exist."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ...common.report_lines import warning
from ...preprocessors.images.checks import check_choice, check_type
from ...preprocessors.images.example_pictures import PHOTOGRAPHS, example_picture
from ...preprocessors.images.frame_numbers import in_ranges
from ...preprocessors.images.tensors import check_image, to_rgb
from .encoding import features
from .faces import FaceEmbeds, outliers, similarities

GATES = ("off", "filter", "error")
_WHO = "Consistency"


@dataclass(frozen=True)
class Measured:
    """One picture. likeness: cosine to the references (or to the other pictures); score: the same with unrelated pictures
    at 0 and the reference itself at 1; face: cosine of its face to the references', or None.
    """

    likeness: float
    score: float
    face: float | None
    apart: bool


@dataclass(frozen=True, eq=False)
class Consistency:
    """The verdict on a batch. unrelated: mean cosine to pictures of other things, the zero of the scores."""

    pictures: tuple[Measured, ...]
    unrelated: float
    has_reference: bool
    minimum: float
    image: torch.Tensor

    @property
    def passing(self) -> tuple[int, ...]:
        """Which pictures reach the minimum."""
        return tuple(index for index, one in enumerate(self.pictures) if one.score >= self.minimum)

    @property
    def ok(self) -> bool:
        return len(self.passing) == len(self.pictures)

    @property
    def score(self) -> float:
        """Mean score of the batch."""
        return sum(one.score for one in self.pictures) / len(self.pictures)

    def __str__(self) -> str:
        what = "the reference" if self.has_reference else "the other pictures"
        lines = [
            f"Score of each picture against {what}: 1 is the same picture, 0 is as unlike as pictures of other things "
            f"(their cosine here: {self.unrelated:.3f}). Minimum {self.minimum:g}.",
            *(self._line(number, one) for number, one in enumerate(self.pictures, start=1)),
            f"Mean {self.score:.3f}; {len(self.passing)} of {len(self.pictures)} reach the minimum.",
        ]
        below = [number for number, one in enumerate(self.pictures, start=1) if one.score < self.minimum]
        if below:
            lines.insert(0, warning(f"{in_ranges(below, 'picture')} below the minimum of {self.minimum:g}."))
        return "\n".join(lines)

    def _line(self, number: int, measured: Measured) -> str:
        face = "" if measured.face is None else f", face {measured.face:.3f}"
        marks = [
            *(["unlike the others"] if measured.apart else []),
            *(["below the minimum"] if measured.score < self.minimum else []),
        ]
        return f"{number}: {measured.score:.3f} (cosine {measured.likeness:.3f}{face})" + (
            f"  <- {', '.join(marks)}" if marks else ""
        )


def measure(
    image: Any,
    clip_vision: Any,
    reference: Any = None,
    faces: Any = None,
    reference_faces: Any = None,
    minimum: float = 0.5,
) -> Consistency:
    """Measure an IMAGE [B,H,W,C], against references or, without them, pairwise. Raises ValueError for broken inputs."""
    from comfy.clip_vision import ClipVisionModel

    check_type(f"{_WHO}, input clip_vision", clip_vision, ClipVisionModel, "CLIP_VISION is", "Link Load CLIP Vision.")
    pictures = to_rgb(check_image(image, f"{_WHO}, input image"))
    seen = features(clip_vision, pictures, pooled=True)
    if reference is None:
        likeness = _to_others(similarities(seen, seen))
    else:
        wanted = features(clip_vision, to_rgb(check_image(reference, f"{_WHO}, input reference")), pooled=True)
        likeness = similarities(seen, wanted).mean(1)
    unrelated, scores = scored(seen, likeness, of_other_things(clip_vision))
    apart = outliers(scores)
    by_face = _faces(faces, reference_faces, len(scores))
    measured = tuple(
        Measured(float(likeness[i]), scores[i], None if by_face is None else by_face[i], i in apart)
        for i in range(len(scores))
    )
    return Consistency(measured, unrelated, reference is not None, minimum, image)


def gated(consistency: Consistency, gate: str) -> torch.Tensor:
    """The pictures that go on. Raises ValueError when the gate is `error` and one is below the minimum, or none is left."""
    check_choice(f"{_WHO}, input gate", gate, GATES)
    if gate == "off" or consistency.ok:
        return consistency.image
    if gate == "error" or not consistency.passing:
        numbers = ", ".join(str(i + 1) for i in range(len(consistency.pictures)) if i not in consistency.passing)
        raise ValueError(
            f"{_WHO}: the score of picture {numbers} is below {consistency.minimum:g}. Generate again, raise the weight of the "
            f"IP-Adapter or LoRA, or lower minimum.\n{consistency}"
        )
    return consistency.image[list(consistency.passing)]


def _to_others(cosines: torch.Tensor) -> torch.Tensor:
    """Mean of each row without its own column."""
    count = cosines.shape[0]
    return torch.ones(1) if count == 1 else (cosines.sum(1) - cosines.diagonal()) / (count - 1)


def of_other_things(clip_vision: Any) -> torch.Tensor:
    """[N,W]: what the encoder sees in the photographs that come with the pack."""
    return torch.cat([features(clip_vision, example_picture(name), pooled=True) for name in PHOTOGRAPHS])


def scored(seen: torch.Tensor, likeness: torch.Tensor, others: torch.Tensor) -> tuple[float, list[float]]:
    """(mean cosine of the pictures to those of other things, the score of each): see `Measured`.

    seen, others: pooled embeddings [N,W] and [M,W]; likeness: [N].
    """
    unrelated = min(0.99, float(similarities(seen, others).mean()))
    return unrelated, [float((value - unrelated) / max(1e-6, 1 - unrelated)) for value in likeness]


def _faces(faces: Any, references: Any, count: int) -> list[float] | None:
    if faces is None:
        return None
    for name, face_embeds in (("face_embeds", faces), ("reference_face_embeds", references)):
        if face_embeds is not None:
            check_type(f"{_WHO}, input {name}", face_embeds, FaceEmbeds, "FACE_EMBEDS are")
    if faces.vectors.shape[0] != count:
        raise ValueError(f"{_WHO}: {faces.vectors.shape[0]} faces came in for {count} pictures. Give one for each.")
    cosines = faces.normed @ (faces if references is None else references).normed.T
    return [float(cosine) for cosine in (_to_others(cosines) if references is None else cosines.mean(1))]
