"""DWPose's own arithmetic: boxes out of YOLOX, points out of SimCC, with answers that are known."""

from __future__ import annotations

import numpy as np
import torch
from armature_pack.preprocessors.pose.dwpose import DETECTOR_SIZE, POSE_SIZE, STRIDES, find_people, points_of
from armature_pack.preprocessors.pose.keypoints import person_of


def yolox(boxes: list[tuple[float, float, float, float, float]]):
    """A detector that finds these boxes (centre x, y, width, height in pixels of its square, score)."""
    cells = sum((DETECTOR_SIZE // stride) ** 2 for stride in STRIDES)

    def run(values: np.ndarray) -> list[np.ndarray]:
        assert values.shape == (1, 3, DETECTOR_SIZE, DETECTOR_SIZE) and values.dtype == np.float32
        found = np.full((1, cells, 85), -9.0, np.float32)
        found[..., 4:] = 0
        for x, y, width, height, score in boxes:
            column, row = int(x // 8), int(y // 8)
            place = row * (DETECTOR_SIZE // 8) + column
            found[0, place, :4] = x / 8 - column, y / 8 - row, np.log(width / 8), np.log(height / 8)
            found[0, place, 4:6] = score, 1.0
        return [found]

    return run


def test_boxes_come_back_in_the_pixels_of_the_picture():
    picture = torch.zeros(3, 320, 480)
    boxes = find_people(yolox([(200, 160, 80, 160, 0.9), (212, 160, 80, 160, 0.8), (500, 200, 60, 100, 0.5), (300, 300, 50, 50, 0.1)]), picture, 0.3)  # fmt: skip  # noqa: E501
    scale = 640 / 480
    expected = np.array([[160, 80, 240, 240], [470, 150, 530, 250]]) / scale
    assert np.allclose(boxes, expected, atol=1e-3), "the second lies on the first, the last is too faint"
    assert find_people(yolox([]), picture, 0.3).shape == (0, 4)


def test_the_detector_sees_the_picture_at_the_top_left_in_blue_green_red():
    seen = {}

    def run(values: np.ndarray) -> list[np.ndarray]:
        seen["values"] = values
        return yolox([])(values)

    find_people(run, torch.tensor([200.0, 100.0, 50.0]).view(3, 1, 1).expand(3, 320, 640), 0.3)
    assert (
        seen["values"][0, :, 100, 100].tolist() == [50, 100, 200]
        and seen["values"][0, :, 500, 100].tolist() == [114] * 3
    )


def test_points_come_back_in_the_pixels_of_the_picture():
    """A bright dot at a known place is what the 'network' names."""
    picture = torch.zeros(3, 400, 600)
    picture[:, 199:202, 299:302] = 255

    def run(values: np.ndarray) -> list[np.ndarray]:
        height, width = POSE_SIZE
        assert values.shape == (1, 3, height, width)
        row, column = np.unravel_index(values[0, 0].argmax(), POSE_SIZE)
        x, y = np.zeros((1, 133, 2 * width), np.float32), np.zeros((1, 133, 2 * height), np.float32)
        x[..., 2 * column], y[..., 2 * row] = 0.7, 0.6
        return [x, y]

    points = points_of(run, picture, np.array([220.0, 120.0, 360.0, 260.0]))
    assert points.shape == (133, 3) and np.allclose(points[:, :2], (300, 200), atol=1.2)
    assert np.allclose(points[:, 2], 0.6)


def test_coco_whole_body_becomes_openposes_parts():
    from comfy_extras.nodes_sdpose import _to_openpose_frames

    points = np.random.default_rng(4).uniform(1, 100, (133, 3))
    points[:, 2] = np.random.default_rng(5).uniform(0.4, 1, 133)
    ours = person_of(points)
    (frame,) = _to_openpose_frames([[points[:, :2]]], [[points[:, 2]]], 100, 100)
    (theirs,) = frame["people"]
    for part in ("pose_keypoints_2d", "foot_keypoints_2d", "face_keypoints_2d"):
        assert np.allclose(ours[part].ravel(), theirs[part], atol=1e-3), part
    # COCO-WholeBody names the left hand first.
    assert np.allclose(ours["hand_left_keypoints_2d"], points[91:112], atol=1e-4)
