"""Cutting turned squares out of pictures, and finding things with MediaPipe's detectors."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import grid_sample

from .tflite import Run


@dataclass(frozen=True)
class Square:
    """A turned square in a picture: centre x, y, side in pixels, angle in radians by which its top leans right."""

    x: float
    y: float
    side: float
    angle: float = 0.0

    def to_picture(self, points: np.ndarray) -> np.ndarray:
        """Points [N,2] in 0..1 of the square as pixels of the picture."""
        turned = (points - 0.5) * self.side
        cosine, sine = math.cos(self.angle), math.sin(self.angle)
        across = turned[:, 0] * cosine - turned[:, 1] * sine
        down = turned[:, 0] * sine + turned[:, 1] * cosine
        return np.stack([across + self.x, down + self.y], 1)


@dataclass(frozen=True)
class Found:
    """Something a detector found: score, box (x, y of the centre, width, height) and key points [N,2], in pixels."""

    score: float
    box: tuple[float, float, float, float]
    points: np.ndarray


def cut(picture: torch.Tensor, square: Square, size: int) -> torch.Tensor:
    """[H,W,3] -> [1,size,size,3]; what lies outside of the picture is black."""
    height, width = picture.shape[:2]
    steps = (torch.arange(size) + 0.5) / size
    points = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1).reshape(-1, 2).numpy()
    places = torch.from_numpy(square.to_picture(points)).float() / torch.tensor([width, height]) * 2 - 1
    grid = places.view(1, size, size, 2).to(picture)
    return grid_sample(picture.movedim(-1, 0).unsqueeze(0), grid, align_corners=False).movedim(1, -1)


def whole(picture: torch.Tensor) -> Square:
    """The square around the whole picture."""
    height, width = picture.shape[:2]
    return Square(width / 2, height / 2, float(max(height, width)))


def detected(run: Run, picture: torch.Tensor, size: int, strides: tuple[int, ...], threshold: float) -> list[Found]:
    """What a detector (single shot, anchors of one size) finds in a picture [H,W,3], the surest first."""
    square = whole(picture)
    outputs = run(cut(picture, square, size) * 2 - 1)
    boxes, scores = sorted(outputs, key=lambda one: -one.shape[-1])
    sure = 1 / (1 + np.exp(-np.clip(scores[0, :, 0], -80, 80)))
    chosen: list[Found] = []
    for number in sorted(np.nonzero(sure > threshold)[0], key=lambda one: -sure[one]):
        found = _found(boxes[0, number] / size, _anchors(size, strides)[number], float(sure[number]), square)
        if all(_overlap(found.box, other.box) < 0.3 for other in chosen):
            chosen.append(found)
    return chosen


def _found(values: np.ndarray, anchor: np.ndarray, score: float, square: Square) -> Found:
    points = square.to_picture(values[4:].reshape(-1, 2) + anchor)
    (x, y), (width, height) = square.to_picture((values[:2] + anchor)[None])[0], values[2:4] * square.side
    return Found(score, (float(x), float(y), float(width), float(height)), points)


def _anchors(size: int, strides: tuple[int, ...]) -> np.ndarray:
    """Centres [N,2] in 0..1: two at each place for each stride, strides that repeat share their places."""
    anchors = []
    for stride in dict.fromkeys(strides):
        cells = -(-size // stride)
        rows, columns = np.mgrid[:cells, :cells]
        centres = np.stack([columns.ravel(), rows.ravel()], 1) + 0.5
        anchors.append(np.repeat(centres / cells, 2 * strides.count(stride), 0))
    return np.concatenate(anchors).astype(np.float32)


def _overlap(first: tuple[float, ...], second: tuple[float, ...]) -> float:
    """Intersection over union of two boxes."""
    sides = []
    for axis in (0, 1):
        left = max(first[axis] - first[axis + 2] / 2, second[axis] - second[axis + 2] / 2)
        right = min(first[axis] + first[axis + 2] / 2, second[axis] + second[axis + 2] / 2)
        sides.append(max(0.0, right - left))
    shared = sides[0] * sides[1]
    return shared / max(first[2] * first[3] + second[2] * second[3] - shared, 1e-9)
