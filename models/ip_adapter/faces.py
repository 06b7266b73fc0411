"""Faces for IP-Adapters: embeddings by insightface (optional), the LoRA that FaceID files bring, how alike faces are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.lora
import torch
from torch.nn.functional import normalize

from ...preprocessors.images.checks import check_choice
from ...preprocessors.images.tensors import check_image, to_rgb, to_uint8
from ..files.layouts.ip_adapter import FACE_WIDTH
from .adapter import IPAdapter
from .layers import CrossAttention

# Face embeddings: what FaceID adapters read in place of, or beside, a picture.


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


MODELS = ("buffalo_l", "antelopev2")
PROVIDERS = ("CPU", "CUDA", "ROCM", "DirectML", "OpenVINO", "CoreML")
CROP_SIZES = (224, 256, 336)
_WHO = "Face Embeddings"
_DETECTION = (640, 512, 384, 256)  # large faces are found at the smaller sizes


def face_embeds(image: Any, model_name: str = MODELS[0], provider: str = "CPU", crop_size: int = 224) -> FaceEmbeds:
    """The largest face of each picture of an IMAGE.

    Raises ValueError when insightface or its models are not installed (saying how to), or a picture shows no face.
    """
    pictures = to_rgb(check_image(image, f"{_WHO}, input image"))
    analysis = _analysis(model_name, provider)
    from insightface.utils import face_align  # type: ignore[import-not-found]

    vectors, crops, names = [], [], []
    for number, picture in enumerate(to_uint8(pictures), start=1):
        bgr = picture[..., ::-1].copy()
        face = _largest(analysis, bgr)
        if face is None:
            raise ValueError(
                f"{_WHO}: no face was found in picture {number} of {pictures.shape[0]}. Give a picture that shows a face from "
                "the front, large enough and not cut off."
            )
        vectors.append(torch.from_numpy(face.embedding.copy()).float())
        crop = face_align.norm_crop(bgr, landmark=face.kps, image_size=crop_size)
        crops.append(torch.from_numpy(crop[..., ::-1].copy()).float() / 255)
        names.append(f"picture {number}")
    return FaceEmbeds(torch.stack(vectors), torch.stack(crops), tuple(names))


def _largest(analysis: Any, picture: Any) -> Any:
    for side in _DETECTION:
        analysis.det_model.input_size = (side, side)
        faces = analysis.get(picture)
        if faces:
            return max(faces, key=lambda face: (face.bbox[2] - face.bbox[0]) * (face.bbox[3] - face.bbox[1]))
    return None


def _analysis(model_name: str, provider: str) -> Any:
    import folder_paths

    for name, value, choices in (("model_name", model_name, MODELS), ("provider", provider, PROVIDERS)):
        check_choice(f"{_WHO}, input {name}", value, choices)
    try:
        from insightface.app import FaceAnalysis  # type: ignore[import-not-found]
    except ImportError as error:
        raise ValueError(
            f"{_WHO} needs the package insightface, which is not installed. Install it into ComfyUI's Python with "
            '"python -m pip install insightface onnxruntime", or load embeddings that were saved elsewhere. Mind that its '
            "models may be used for research only."
        ) from error
    root = Path(folder_paths.models_dir) / "insightface"
    if not list((root / "models" / model_name).glob("*.onnx")):
        # insightface would fetch them now; nothing is fetched while a graph runs.
        raise ValueError(
            f"{_WHO}: the models of insightface are missing. Unpack {model_name}.zip of its releases, so that the .onnx files "
            f"lie in {root / 'models' / model_name}."
        )
    analysis = FaceAnalysis(name=model_name, root=str(root), providers=[f"{provider}ExecutionProvider"])
    analysis.prepare(ctx_id=0, det_size=(640, 640))
    return analysis


# The low-rank changes of the attention weights that FaceID files bring along.

_PARTS = {"to_q": "to_q", "to_k": "to_k", "to_v": "to_v", "to_out": "to_out.0"}


def with_face_lora(model: Any, adapter: IPAdapter, layers: tuple[CrossAttention, ...], strength: float) -> Any:
    """A clone of a MODEL with the file's low-rank changes; the model itself where there are none. The maths is the host's."""
    if not adapter.loras or strength == 0.0:
        return model
    patches = comfy.lora.load_lora(dict(_named(adapter.loras)), _targets(layers))
    clone = model.clone()
    clone.add_patches(patches, strength)
    return clone


def _named(loras: Mapping[str, torch.Tensor]) -> list[tuple[str, torch.Tensor]]:
    """'0.to_q_lora.down.weight' -> '0.to_q.lora_down.weight', as the host reads it."""
    return [
        (key.replace("_lora.down.", ".lora_down.").replace("_lora.up.", ".lora_up."), one) for key, one in loras.items()
    ]


def _targets(layers: tuple[CrossAttention, ...]) -> dict[str, str]:
    """What each low-rank change is for. Files count self- and cross-attentions alternately, in the order of `layers`."""
    return {
        f"{2 * index + cross}.{part}": f"diffusion_model.{layer.path}.attn{cross + 1}.{name}.weight"
        for index, layer in enumerate(layers)
        for cross in (0, 1)
        for part, name in _PARTS.items()
    }


# How alike embeddings are, and which of them stand apart.

_DEVIATIONS = 3.5  # of the robust z-score (Iglewicz and Hoaglin)
_LEAST_GAP = 0.05  # of a cosine: a set of near-copies has no outliers


def similarities(rows: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Cosines [N,M] of rows [N,...] and others [M,...]; hidden states are compared by their mean over the patches."""
    return _flat(rows) @ _flat(others).T


def to_the_rest(rows: torch.Tensor) -> torch.Tensor:
    """Cosine [N] of each row to the mean of the others; ones for a single row."""
    flat = _flat(rows)
    if flat.shape[0] == 1:
        return torch.ones(1)
    rest = normalize(flat.sum(0, keepdim=True) - flat, dim=-1)
    return (flat * rest).sum(-1)


def outliers(scores: Sequence[float]) -> tuple[int, ...]:
    """Which scores lie far below the others, by their distance from the median in median deviations."""
    values = torch.tensor(list(scores), dtype=torch.float64)
    if len(values) < 3:
        return ()
    median = values.median()
    spread = (values - median).abs().median().clamp_min(1e-9)
    far = (0.6745 * (median - values) / spread > _DEVIATIONS) & (median - values > _LEAST_GAP)
    return tuple(int(index) for index in far.nonzero().flatten())


def _flat(rows: torch.Tensor) -> torch.Tensor:
    return normalize((rows.mean(1) if rows.ndim == 3 else rows).float(), dim=-1)
