"""Segmentation by transformers' universal models, in the colours that control nets know."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from .backends import need
from .entry import Detected, Option, Options, Preprocessor
from .images.kinds import MAP_KINDS
from .inference import by_imagenet
from .model_files import UNKNOWN, ModelFile
from .network import load_once
from .segment_colours import ade_palette, coco_palette
from .sizing import as_channels
from .transformers_model import load_transformers, transformers_files

MAKES = MAP_KINDS["segmentation"]
_BYTES = 6000
_TASK_TOKENS = 77
_PALETTES = {"ade20k": ade_palette, "coco": coco_palette}
_SQUARE_STEP = 16  # EoMT looks at a square of whole patches


def detect_segments(method: str, files: tuple[ModelFile, ...], pictures: torch.Tensor, options: Options) -> Detected:
    """Each pixel of [B,h,w,3] in the colour of its class; the method's name tells the model and the palette."""
    model, palette = method.removeprefix("seg_").split("_")
    height, width = pictures.shape[1:3]
    side = options["network_size"]
    kind = "OneFormerForUniversalSegmentation" if model == "oneformer" else "EomtForUniversalSegmentation"
    network, device = load_transformers(method, kind, files, _BYTES * side * side * len(pictures))
    if model == "oneformer":
        found, masks = _oneformer(network, as_channels(pictures, device), side)
    else:
        found, masks = _eomt(network, as_channels(pictures, device), side)
    classes = _classes(found, masks, (height, width)).cpu().numpy()
    return Detected(torch.from_numpy(_PALETTES[palette]()[classes]).float() / 255, (_names(network, classes),))


def _oneformer(network: Any, pictures: torch.Tensor, side: int) -> tuple[Any, torch.Tensor]:
    """What the model finds with the short side at `side`, and its masks [B,queries,h,w] of the picture, not yet 0..1."""
    scale = side / min(pictures.shape[-2:])
    size = [max(32, round(length * scale)) for length in pictures.shape[-2:]]
    seen = interpolate(pictures, size, mode="bilinear", antialias=True)
    task = _task_tokens(pictures.device).expand(len(pictures), -1)
    found = network(pixel_values=by_imagenet(seen), task_inputs=task)
    return found, found.masks_queries_logits


def _eomt(network: Any, pictures: torch.Tensor, _side: int) -> tuple[Any, torch.Tensor]:
    """The same with the long side at the size that the model is made for, and the square filled up with black.

    The black is cut off the masks at that size, as the model's own processor does: they are coarser than that.
    """
    side = getattr(network.config, "image_size", 640) // _SQUARE_STEP * _SQUARE_STEP
    scale = side / max(pictures.shape[-2:])
    height, width = (max(1, round(length * scale)) for length in pictures.shape[-2:])
    seen = torch.zeros(len(pictures), 3, side, side, device=pictures.device)
    seen[..., :height, :width] = interpolate(pictures, (height, width), mode="bilinear", antialias=True)
    found = network(pixel_values=by_imagenet(seen))
    masks = interpolate(found.masks_queries_logits, (side, side), mode="bilinear")
    return found, masks[..., :height, :width]


def _classes(found: Any, masks: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """[B,h,w] of class numbers: each query's classes, the null class left out, spread over its mask."""
    classes = found.class_queries_logits.softmax(-1)[..., :-1]
    scores = torch.einsum("bqc,bqhw->bchw", classes, masks.sigmoid())
    return interpolate(scores.float(), size, mode="bilinear", align_corners=False).argmax(1)


def _task_tokens(device: torch.device) -> torch.Tensor:
    """ "the task is semantic" as OneFormer reads it: CLIP's tokens, zeros after the end. The host has the vocabulary."""
    return load_once(("oneformer task",), _tokenized).to(device)


def _tokenized() -> torch.Tensor:
    import inspect
    from pathlib import Path

    import comfy.sd1_clip

    folder = Path(inspect.getfile(comfy.sd1_clip)).parent / "sd1_tokenizer"
    tokenizer = need("OneFormer", "transformers", "transformers").CLIPTokenizer.from_pretrained(str(folder))
    tokens = tokenizer("the task is semantic")["input_ids"]
    return torch.tensor([tokens + [0] * (_TASK_TOKENS - len(tokens))])


def _names(network: Any, classes: np.ndarray) -> str:
    labels = getattr(network.config, "id2label", {})
    counts = np.bincount(classes.ravel())
    largest = [int(number) for number in counts.argsort()[::-1][:8] if counts[number]]
    return "Found: " + ", ".join(str(labels.get(number, number)) for number in largest) + "."


def _segmentation(
    model: str, title: str, palette: str, name: str, words: str, files: tuple[ModelFile, ...]
) -> Preprocessor:
    method = f"seg_{model}_{palette}"
    return Preprocessor(
        method=method,
        node_id=f"ArmatureSeg{title}{name}",
        title=f"Segmentation {title} {name}",
        summary=f"Every pixel in the colour of what it shows, by {title} in the classes of {name}{words}",
        version=2 if model == "eomt" else 1,
        makes=MAKES,
        wanted_by=("segmentation",),
        detect=partial(detect_segments, method, files),
        options=(
            Option(
                "network_size",
                640,
                "Side in pixels at which OneFormer looks; EoMT always looks at its own size. More finds smaller things.",
                minimum=128,
                maximum=2048,
                step=32,
            ),
        ),
        files=files,
        search_aliases=("segmentation", "seg", model, palette, f"{title}-{name}-SemSegPreprocessor"),
        bytes_per_pixel=_BYTES,
        mistakes=(
            "**Colours between the classes.** Never resize such a map smoothly; its fit keeps the exact colours.",
        ),
    )


SEG_ONEFORMER_ADE20K = _segmentation(
    "oneformer",
    "OneFormer",
    "ade20k",
    "ADE20K",
    ": what segmentation nets want.",
    transformers_files("oneformer_ade20k", "shi-labs/oneformer_ade20k_swin_large", "MIT", 880, "pytorch_model.bin"),
)
SEG_ONEFORMER_COCO = _segmentation(
    "oneformer",
    "OneFormer",
    "coco",
    "COCO",
    ".",
    transformers_files("oneformer_coco", "shi-labs/oneformer_coco_swin_large", "MIT", 880, "pytorch_model.bin"),
)
SEG_EOMT_ADE20K = _segmentation(
    "eomt",
    "EoMT",
    "ade20k",
    "ADE20K",
    ": newer and faster than OneFormer.",
    transformers_files("eomt_ade20k", "tue-mps/ade20k_panoptic_eomt_large_640", UNKNOWN, 1270),
)
SEG_EOMT_COCO = _segmentation(
    "eomt",
    "EoMT",
    "coco",
    "COCO",
    ".",
    transformers_files("eomt_coco", "tue-mps/coco_panoptic_eomt_large_640", UNKNOWN, 1270),
)
