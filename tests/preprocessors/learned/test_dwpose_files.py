"""DWPose from ONNX files to POSE_KEYPOINT, on networks whose answers are written into them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import real_mlsd
import real_weights
import torch
from armature_pack.preprocessors.control_map import make_map
from armature_pack.preprocessors.pose.dwpose import DETECTOR_SIZE, POSE_SIZE, STRIDES
from armature_pack.preprocessors.registry import find_method

ENTRY = find_method("dwpose")
# Centre and sides in pixels of YOLOX's square, where a picture of 640 x 480 lies as it is.
BOX = (320.0, 240.0, 120.0, 160.0)


def write_network(path: Path, taken: tuple[int, ...], answers: dict[str, np.ndarray]) -> None:
    """An ONNX file that reads a picture and then says what it was going to say anyway."""
    real_weights.tools("onnx", *real_mlsd.ONNX_PACKAGES)
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes = [
        helper.make_node("GlobalAveragePool", ["picture"], ["mean"]),
        helper.make_node("Conv", ["mean", "nothing"], ["zero"]),
        helper.make_node("Reshape", ["zero", "shape"], ["flat"]),
        *(helper.make_node("Add", [f"{name}_table", "flat"], [name]) for name in answers),
    ]
    stored = [
        numpy_helper.from_array(np.zeros((1, 3, 1, 1), np.float32), "nothing"),
        numpy_helper.from_array(np.array([1, 1, 1]), "shape"),
        *(numpy_helper.from_array(values, f"{name}_table") for name, values in answers.items()),
    ]
    given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, values.shape) for name, values in answers.items()]
    graph = helper.make_graph(
        nodes, "known", [helper.make_tensor_value_info("picture", TensorProto.FLOAT, taken)], given, stored
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8), str(path))


@pytest.fixture
def files(annotators):
    pytest.importorskip("cv2")
    cells = sum((DETECTOR_SIZE // stride) ** 2 for stride in STRIDES)
    found = np.full((1, cells, 85), -9.0, np.float32)
    found[..., 4:] = 0
    column, row = int(BOX[0] // 8), int(BOX[1] // 8)
    place = row * (DETECTOR_SIZE // 8) + column
    found[0, place, :4] = BOX[0] / 8 - column, BOX[1] / 8 - row, np.log(BOX[2] / 8), np.log(BOX[3] / 8)
    found[0, place, 4:6] = 0.9, 1.0
    write_network(annotators / "yolox_l.onnx", (1, 3, DETECTOR_SIZE, DETECTOR_SIZE), {"output": found})
    height, width = POSE_SIZE
    x, y = np.zeros((1, 133, 2 * width), np.float32), np.zeros((1, 133, 2 * height), np.float32)
    columns, rows = np.random.default_rng(1).integers(100, 400, (2, 133))
    x[0, range(133), columns], y[0, range(133), rows] = 0.8, 0.7
    write_network(annotators / "dw-ll_ucoco_384.onnx", (1, 3, height, width), {"simcc_x": x, "simcc_y": y})
    return columns / 2, rows / 2


def test_a_person_is_found_and_drawn_with_hands_face_and_feet(files):
    made = make_map(ENTRY, torch.full((1, 480, 640, 3), 0.4), {"feet": True})
    (person,) = made.poses[0]["people"]
    columns, rows = files
    scale = 1.25 * BOX[3] / POSE_SIZE[0]  # the box is as high as the network's picture, and a quarter more
    x, y = (columns - POSE_SIZE[1] / 2) * scale + BOX[0], (rows - POSE_SIZE[0] / 2) * scale + BOX[1]
    nose = person["pose_keypoints_2d"][:3]
    assert np.allclose(nose, (x[0], y[0], 0.7), atol=1e-2)
    hand = np.reshape(person["hand_left_keypoints_2d"], (21, 3))
    assert np.allclose(hand[:, 0], x[91:112], atol=1e-2) and np.allclose(hand[:, 1], y[91:112], atol=1e-2)
    assert np.allclose(np.reshape(person["foot_keypoints_2d"], (6, 3))[:, 0], x[17:23], atol=1e-2)
    assert np.allclose(np.reshape(person["face_keypoints_2d"], (70, 3))[:68, 1], y[23:91], atol=1e-2)
    assert "People found: 1." in made.report and "Run by" in made.report and made.maps.max() == 1


def test_nobody_is_told_and_a_damaged_file_is_named(files, annotators):
    made = make_map(ENTRY, torch.full((1, 480, 640, 3), 0.4), {"detection_threshold": 0.95})
    assert made.poses[0]["people"] == [] and "Nobody in picture 0" in made.report and "blank" in made.report
    (annotators / "yolox_l.onnx").write_bytes(b"broken")
    with pytest.raises(ValueError, match=r"(?s)yolox_l\.onnx cannot be read.*fetch dwpose"):
        make_map(ENTRY, torch.full((1, 48, 64, 3), 0.4), {})
