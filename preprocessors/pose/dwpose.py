"""DWPose (Yang et al. 2023): people by YOLOX, then 133 points of each by a SimCC network. Bodies, hands, faces and feet."""

from __future__ import annotations

import numpy as np
import torch

from ..entry import Detected, Option, Options, Preprocessor
from ..inference import IMAGENET_DEVIATION, IMAGENET_MEAN
from ..model_files import ANNOTATORS, ModelFile
from .keypoints import person_of
from .onnx import Run, load_onnx
from .people import MAKES, MISTAKES, OPTIONS, WANTED_BY, finish_poses, found_people

DETECTOR_SIZE, STRIDES = 640, (8, 16, 32)
POSE_SIZE = (384, 288)  # height, width
_GREY = 114.0  # around a picture that is not square, as YOLOX was trained
_PERSON = 0  # of YOLOX's classes
_OVERLAP = 0.45
_MARGIN = 1.25  # of the box around a person
_BINS = 2.0  # of SimCC, for each pixel

YOLOX_WEIGHTS = ModelFile("yolox", "yzd-v/DWPose", "yolox_l.onnx", ANNOTATORS, "Apache-2.0", 217)
POSE_WEIGHTS = ModelFile("dwpose", "yzd-v/DWPose", "dw-ll_ucoco_384.onnx", ANNOTATORS, "Apache-2.0", 134)

Box = np.ndarray  # left, top, right, bottom in pixels


def detect_dwpose(pictures: torch.Tensor, options: Options) -> Detected:
    """People in pictures [B,h,w,3]."""
    finder, runner = load_onnx("dwpose", YOLOX_WEIGHTS)
    estimator, _ = load_onnx("dwpose", POSE_WEIGHTS)
    people = []
    for picture in pictures.cpu().movedim(-1, 1) * 255:
        boxes = find_people(finder, picture, options["detection_threshold"])[: options["most_people"]]
        people.append([person_of(points_of(estimator, picture, box)) for box in boxes])
    return found_people(people, pictures, (f"Run by {runner}.",))


def find_people(run: Run, picture: torch.Tensor, threshold: float) -> np.ndarray:
    """Boxes [N,4] of the people in a picture [3,h,w] of 0..255, the surest first."""
    height, width = picture.shape[1:]
    scale = DETECTOR_SIZE / max(height, width)
    size = max(1, int(height * scale)), max(1, int(width * scale))
    square = torch.full((1, 3, DETECTOR_SIZE, DETECTOR_SIZE), _GREY)
    resized = torch.nn.functional.interpolate(picture[None], size, mode="bilinear", align_corners=False)
    square[..., : size[0], : size[1]] = resized.flip(1)  # blue, green, red
    found = run(square.numpy())[0][0]
    centres, sides = _decoded(found)
    scores = found[:, 4] * found[:, 5 + _PERSON]
    boxes = np.concatenate([centres - sides / 2, centres + sides / 2], 1) / scale
    return _distinct(boxes, scores, threshold)


def points_of(run: Run, picture: torch.Tensor, box: Box) -> np.ndarray:
    """[133,3] of x, y in pixels and score of the person in a box."""
    centre, side = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) * _MARGIN
    height, width = POSE_SIZE
    # The box grows to the shape of the network's input.
    across = max(side[0], side[1] * width / height)
    scale = across / width
    crop = _crop(picture, centre, scale)
    mean, deviation = (np.array(values, np.float32) * 255 for values in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    seen = (crop.numpy() - mean.reshape(-1, 1, 1)) / deviation.reshape(-1, 1, 1)
    simcc_x, simcc_y = run(np.ascontiguousarray(seen[None], np.float32))[:2]
    places = np.stack([simcc_x[0].argmax(1), simcc_y[0].argmax(1)], 1) / _BINS
    scores = np.minimum(simcc_x[0].max(1), simcc_y[0].max(1))
    places = (places - np.array([width, height]) / 2) * scale + centre
    return np.column_stack([places, np.clip(scores, 0, 1)])


def _crop(picture: torch.Tensor, centre: np.ndarray, scale: float) -> torch.Tensor:
    """[3,384,288] around `centre`, `scale` pixels of the picture for each of its own; outside is black."""
    height, width = POSE_SIZE
    rows = (torch.arange(height) - height / 2) * scale + float(centre[1])
    columns = (torch.arange(width) - width / 2) * scale + float(centre[0])
    tall, wide = picture.shape[1:]
    grid = torch.stack(torch.meshgrid(columns / max(wide - 1, 1), rows / max(tall - 1, 1), indexing="xy"), -1) * 2 - 1
    return torch.nn.functional.grid_sample(picture[None], grid[None].float(), align_corners=True)[0]


def _decoded(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres and sides [N,2] of YOLOX's boxes in pixels of its square: offsets to a cell, sides as logarithms."""
    cells, steps = [], []
    for stride in STRIDES:
        count = DETECTOR_SIZE // stride
        rows, columns = np.mgrid[:count, :count]
        cells.append(np.stack([columns.ravel(), rows.ravel()], 1))
        steps.append(np.full((count * count, 1), stride))
    grid, step = np.concatenate(cells), np.concatenate(steps)
    return (found[:, :2] + grid) * step, np.exp(found[:, 2:4]) * step


def _distinct(boxes: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """The boxes above the threshold without those that mostly lie on a surer one."""
    chosen: list[np.ndarray] = []
    for number in np.argsort(-scores):
        if scores[number] <= threshold:
            break
        if all(_shared(boxes[number], other) < _OVERLAP for other in chosen):
            chosen.append(boxes[number])
    return np.array(chosen).reshape(-1, 4)


def _shared(first: Box, second: Box) -> float:
    """Intersection over union."""
    sides = np.clip(np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2]), 0, None)
    areas = np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2])
    return float(sides.prod() / max(areas - sides.prod(), 1e-9))


DWPOSE = Preprocessor(
    method="dwpose",
    node_id="ArmatureDWPose",
    title="DWPose",
    summary="Bodies, hands, faces and feet by DWPose, drawn as OpenPose draws them. Finds many people.",
    version=2,
    makes=MAKES,
    wanted_by=WANTED_BY,
    detect=detect_dwpose,
    options=(
        *OPTIONS,
        Option("most_people", 32, "At most so many people, the surest first.", minimum=1, maximum=256, step=1),
        Option(
            "detection_threshold",
            0.3,
            "How sure YOLOX must be that somebody is there. Lower finds more people, and things that are none.",
            minimum=0.01,
            maximum=1.0,
            step=0.01,
            advanced=True,
        ),
    ),
    files=(YOLOX_WEIGHTS, POSE_WEIGHTS),
    search_aliases=("dwpose", "openpose", "whole body pose", "hands", "DWPreprocessor", "face keypoints"),
    finish=finish_poses,
    gives_poses=True,
    packages=("onnxruntime",),
    mistakes=MISTAKES,
)
