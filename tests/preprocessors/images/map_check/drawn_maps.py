"""Maps drawn by recipe, and maps made from photographs, for checking what is said about them."""

from __future__ import annotations

import cv2
import numpy as np
import skimage.data
import torch

SIZE = 384


def photo(name: str = "astronaut") -> np.ndarray:
    """uint8 RGB [384,384,3]."""
    return cv2.resize(np.asarray(getattr(skimage.data, name)())[..., :3], (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def canny(name: str = "astronaut") -> np.ndarray:
    return grey(cv2.Canny(photo(name), 100, 200))


def grey(one: np.ndarray) -> np.ndarray:
    return np.repeat(one[..., None], 3, 2).astype(np.uint8)


def straight_lines() -> np.ndarray:
    drawn = np.zeros((SIZE, SIZE), np.uint8)
    rng = np.random.default_rng(1)
    for _ in range(24):
        start, end = rng.integers(0, SIZE, (2, 2)).tolist()
        cv2.line(drawn, start, end, 255, 1)
    return grey(drawn)


def scribble() -> np.ndarray:
    drawn = np.zeros((SIZE, SIZE), np.uint8)
    rng = np.random.default_rng(2)
    for _ in range(12):
        points = (rng.integers(20, SIZE - 20, 2) + rng.normal(0, 18, (30, 2)).cumsum(0)).astype(np.int32)
        cv2.polylines(drawn, [points], False, 255, 7)
    return grey(drawn)


def soft_edges() -> np.ndarray:
    edges = cv2.GaussianBlur(cv2.Canny(photo(), 60, 140).astype(np.float32), (0, 0), 1.6)
    return grey(np.clip(edges * 1.8, 0, 255))


def heights() -> np.ndarray:
    """A ground that rises to the front, with three balls on it; near is large."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    ground = np.clip((y - 160) / SIZE, 0, 1) * 140
    for cx, cy, r in ((110, 190, 60), (250, 240, 80), (190, 130, 40)):
        inside = np.clip(r**2 - (x - cx) ** 2 - (y - cy) ** 2, 0, None)
        ground = np.maximum(ground, np.where(inside > 0, np.sqrt(inside) + 40, 0))
    return ground


def depth() -> np.ndarray:
    z = cv2.GaussianBlur(heights(), (0, 0), 2)
    return grey(z / z.max() * 255)


def normals(axes: str = "bae") -> np.ndarray:
    """Normals of a floor that faces up with balls on it. bae: red left, green up; the others as they are called."""
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    nx, ny, nz = np.zeros_like(x), np.where(y > 200, 0.6, 0.0), np.where(y > 200, 0.8, 1.0)
    for cx, cy, r in ((110, 190, 70), (250, 230, 90), (190, 110, 50)):
        dx, dy = (x - cx) / r, (y - cy) / r
        inside = dx**2 + dy**2 < 0.9
        nx, ny = np.where(inside, dx, nx), np.where(inside, -dy, ny)
        nz = np.where(inside, np.sqrt(np.clip(1 - dx**2 - dy**2, 0, 1)), nz)
    right, up = {"bae": (-1, 1), "opengl": (1, 1), "directx": (1, -1), "green_down": (-1, -1)}[axes]
    return np.stack([(right * nx + 1) * 127.5, (up * ny + 1) * 127.5, (nz + 1) * 127.5], -1).round().astype(np.uint8)


# A standing figure, in shares of the picture: nose, neck, right arm, left arm, right leg, left leg, eyes, ears.
_BODY = [(0.5, 0.14), (0.5, 0.25), (0.4, 0.25), (0.34, 0.4), (0.3, 0.53), (0.6, 0.25), (0.66, 0.4), (0.7, 0.53)]
_BODY += [(0.44, 0.52), (0.43, 0.72), (0.42, 0.92), (0.56, 0.52), (0.57, 0.72), (0.58, 0.92)]
_BODY += [(0.48, 0.12), (0.52, 0.12), (0.45, 0.14), (0.55, 0.14)]
_LIMBS = [(1, 2), (1, 5), (2, 3), (3, 4), (5, 6), (6, 7), (1, 8), (8, 9), (9, 10), (1, 11), (11, 12), (12, 13)]
_LIMBS += [(1, 0), (0, 14), (14, 16), (0, 15), (15, 17)]


def pose() -> np.ndarray:
    from armature_pack.preprocessors.images.map_check.pixel_statistics import POSE_COLOURS

    drawn = np.zeros((SIZE, SIZE, 3), np.uint8)
    points = [(round(x * SIZE), round(y * SIZE)) for x, y in _BODY]
    for number, (a, b) in enumerate(_LIMBS):
        cv2.line(drawn, points[a], points[b], tuple(int(0.6 * v) for v in POSE_COLOURS[number]), 8)
    for point, colour in zip(points, POSE_COLOURS, strict=True):
        cv2.circle(drawn, point, 4, tuple(int(v) for v in colour), -1)
    return drawn


def segmentation() -> np.ndarray:
    rng = np.random.default_rng(3)
    seeds, colours = rng.integers(0, SIZE, (14, 2)), rng.integers(20, 256, (14, 3))
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    nearest = np.stack([(y - a) ** 2 + (x - b) ** 2 for a, b in seeds]).argmin(0)
    return colours[nearest].astype(np.uint8)


def jpeg(picture: np.ndarray, quality: int = 40) -> np.ndarray:
    decoded = cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)
    assert decoded is not None
    return decoded


def image(*pictures: np.ndarray) -> torch.Tensor:
    """IMAGE [B,384,384,3]."""
    return torch.from_numpy(np.stack(pictures)).float() / 255
