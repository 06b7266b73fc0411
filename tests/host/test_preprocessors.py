"""Preprocessor and pose nodes through the real server: by their own node, by Control Map, and what is told when weights lack."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from armature_pack.preprocessors.registry import ENTRIES
from armature_pack.runs.api import use_client
from armature_pack.runs.errors import RunFailed
from PIL import Image

pytestmark = pytest.mark.host
PHOTO = {"1": {"class_type": "ArmatureExamplePicture", "inputs": {"name": "astronaut"}}}
# One of each kind: exact, seeded, with a mask, a drawing in space.
BOTH_WAYS = ("lineart_standard", "shuffle", "color_grid", "normal_from_depth", "recolor_luminance")


def saved(server, prompt: dict[str, Any], node: str) -> tuple[np.ndarray, Any]:
    prompt = {**prompt, "save": {"class_type": "SaveImage", "inputs": {"images": [node, 0], "filename_prefix": "map"}}}
    result = server.run(prompt)
    (picture,) = result.images("save")
    png = use_client(server.address, lambda client: client.fetch(picture))
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB")), result


def test_control_map_and_the_methods_own_node_give_the_same(server):
    for method in BOTH_WAYS:
        (entry,) = [entry for entry in ENTRIES if entry.method == method]
        own = {**PHOTO, "2": {"class_type": entry.node_id, "inputs": {"image": ["1", 0]}}}
        all_in_one = {
            **PHOTO,
            "2": {"class_type": "ArmatureControlMap", "inputs": {"image": ["1", 0], "method": method}},
        }
        first, second = saved(server, own, "2")[0], saved(server, all_in_one, "2")[0]
        assert first.shape == (512, 512, 3) and np.array_equal(first, second), method


def test_options_and_a_target_arrive(server):
    inputs = {
        "image": ["1", 0],
        "target": ["3", 0],
        "resolution_mode": "pixel_perfect",
        "method": "binary",
        "method.white_is": "bright",
    }
    prompt = {
        **PHOTO,
        "3": {"class_type": "EmptyLatentImage", "inputs": {"width": 256, "height": 384, "batch_size": 1}},
        "2": {"class_type": "ArmatureControlMap", "inputs": inputs},
        "4": {"class_type": "PreviewAny", "inputs": {"source": ["2", 1]}},
    }
    picture, result = saved(server, prompt, "2")
    assert set(np.unique(picture)) == {0, 255}
    (report,) = result.texts("4")
    assert "saw the picture at 384x384" in report and "white_is bright" in report


def test_missing_weights_fail_the_run_with_the_command_that_gets_them(server):
    for inputs in ({"class_type": "ArmatureSoftEdgeHED", "inputs": {"image": ["1", 0]}}, {"class_type": "ArmatureControlMap", "inputs": {"image": ["1", 0], "method": "dwpose"}}):  # fmt: skip  # noqa: E501
        with pytest.raises(RunFailed, match=r"(?s)is missing .*armature\.py fetch"):
            saved(server, {**PHOTO, "2": inputs}, "2")


def test_poses_go_to_json_and_back_and_are_drawn(server):
    prompt = {
        "1": {"class_type": "ArmatureExamplePoses", "inputs": {"name": "wave", "frames": 1}},
        "2": {"class_type": "ArmaturePosesToJSON", "inputs": {"poses": ["1", 0]}},
        "3": {"class_type": "ArmaturePosesFromJSON", "inputs": {"text": ["2", 0]}},
        "4": {"class_type": "ArmatureDrawPoses", "inputs": {"poses": ["3", 0], "width": 768}},
    }
    picture, result = saved(server, prompt, "4")
    assert picture.shape == (1024, 768, 3) and picture.max() == 255
    assert result.texts("3") == ("1 pose, 1 person in all, canvas 384x512.",)


def test_a_batch_shows_a_preview_of_each_map(server):
    prompt = {
        **PHOTO,
        "2": {"class_type": "RepeatImageBatch", "inputs": {"image": ["1", 0], "amount": 3}},
        "3": {"class_type": "ArmatureLineartStandard", "inputs": {"image": ["2", 0]}},
        "4": {"class_type": "PreviewImage", "inputs": {"images": ["3", 0]}},
    }
    assert len(server.run(prompt).images("3")) == 3
