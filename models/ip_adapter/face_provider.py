"""Face embeddings by insightface, for those who have installed it. Nothing here is needed by anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from ...preprocessors.image_tensor import check_image, to_rgb, to_uint8
from .face import FaceEmbeds

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
        if value not in choices:
            raise ValueError(f'{_WHO}, input {name}: "{value}" is not one of {", ".join(choices)}.')
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
