"""Areas by SAM 2, without names: every area in a colour of its own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.nn.functional import interpolate

from .entry import Detected, Option, Options, Preprocessor
from .inference import by_imagenet
from .segment_colours import index_colours
from .segmentation import MAKES
from .sizing import as_channels
from .transformers_model import load_transformers, transformers_files

_BYTES_IN_ALL = 3_000_000_000
_POINTS_AT_ONCE = 64

FILES = transformers_files("sam2", "facebook/sam2.1-hiera-tiny", "Apache-2.0", 156)


def detect_sam(pictures: torch.Tensor, options: Options) -> Detected:
    """Areas of pictures [B,h,w,3], found from a grid of points; small ones lie on large ones."""
    network, device = load_transformers("seg_sam", "Sam2Model", FILES, _BYTES_IN_ALL)
    maps, counts = [], []
    for picture in as_channels(pictures, device).split(1):
        masks = _masks(network, picture, options)
        maps.append(coloured_masks(masks, tuple(picture.shape[-2:])))
        counts.append(str(len(masks)))
    return Detected(torch.from_numpy(np.stack(maps)).float() / 255, (f"Areas found: {', '.join(counts)}.",))


def coloured_masks(masks: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Masks [N,h,w] of bool as a picture [h,w,3] of uint8: the largest first, each in the colour of its place."""
    canvas = np.zeros((*size, 3), np.uint8)
    order = np.argsort(-masks.reshape(len(masks), -1).sum(1)) if len(masks) else []
    for colour, number in zip(index_colours(len(masks)), order, strict=True):
        canvas[masks[number]] = colour
    return canvas


def _masks(network: Any, picture: torch.Tensor, options: Options) -> np.ndarray:
    """[N,h,w] of bool: the best mask of each point, those that overlap a better one left out."""
    side = int(network.config.vision_config.backbone_config.image_size[0])
    seen = interpolate(by_imagenet(picture), (side, side), mode="bilinear", antialias=True)
    embeddings = network.get_image_embeddings(seen)
    steps = (torch.arange(options["points_per_side"], device=picture.device) + 0.5) / options["points_per_side"] * side
    points = torch.cartesian_prod(steps, steps).flip(1)
    found, scores = [], []
    for part in points.split(_POINTS_AT_ONCE):
        answer = network(
            image_embeddings=embeddings,
            input_points=part.view(1, -1, 1, 2),
            input_labels=torch.ones(1, len(part), 1, dtype=torch.int32, device=picture.device),
            multimask_output=True,
        )
        quality, best = answer.iou_scores[0].max(1)
        keep = quality > options["quality"]
        found.append(answer.pred_masks[0][torch.arange(len(part)), best][keep])
        scores.append(quality[keep])
    masks, quality = torch.cat(found), torch.cat(scores)
    chosen = _apart((masks > 0).cpu().numpy(), quality.cpu().numpy(), options["overlap"])
    if not chosen:
        return np.zeros((0, *picture.shape[-2:]), bool)
    full = interpolate(masks[chosen].unsqueeze(1).float(), picture.shape[-2:], mode="bilinear")[:, 0] > 0
    return full.cpu().numpy()


def _apart(masks: np.ndarray, quality: np.ndarray, overlap: float) -> list[int]:
    """Numbers of masks in the order of their quality, without those that are nearly the same as a better one."""
    flat = masks.reshape(len(masks), -1)
    chosen: list[int] = []
    for number in np.argsort(-quality):
        mine = flat[number]
        if mine.any() and all((mine & flat[other]).sum() < overlap * (mine | flat[other]).sum() for other in chosen):
            chosen.append(int(number))
    return chosen


SEG_SAM = Preprocessor(
    method="seg_sam",
    node_id="ArmatureSegSAM",
    title="Segmentation SAM",
    summary="Areas that belong together, each in a colour of its own, by SAM 2: for nets trained on such maps.",
    version=1,
    makes=MAKES,
    wanted_by=("segment_anything",),
    detect=detect_sam,
    options=(
        Option("points_per_side", 16, "Points asked for, along each side. More finds smaller areas.", 2, 64, 1),
        Option("quality", 0.7, "Areas that the network is less sure of are left out.", 0.0, 1.0, 0.01),
        Option("overlap", 0.7, "An area that covers another by this share is the same one.", 0.1, 1.0, 0.01),
    ),
    files=FILES,
    search_aliases=("sam", "segment anything", "SAMPreprocessor", "segmentation"),
    mistakes=("**Colours mean nothing here.** For a net that knows classes use a method with ADE20K or COCO.",),
)
