"""on_invalid goes by what Check Control Image finds: each finding is told, skips the signal, or stops, as was chosen."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from armature_pack.models.control import decision
from armature_pack.models.control.apply import Applied, apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.images.example_pictures import example_picture
from armature_pack.preprocessors.images.map_check import contradictions
from armature_pack.preprocessors.images.tags import tag
from armature_pack.preprocessors.registry import ENTRIES
from comfy.cldm.control_types import UNION_CONTROLNET_TYPES as TYPES

cv2 = pytest.importorskip("cv2")

from ...preprocessors.images.map_check import drawn_maps as drawn  # noqa: E402
from .links import Ones  # noqa: E402

PROMPT = [[torch.zeros(1, 77, 8), {}]]


def applied(image: torch.Tensor, policy: Any = "warn", net: Any = None) -> Applied:
    signal = ControlSignal(net or Ones(), image, on_invalid=policy)
    return apply_stack(PROMPT, PROMPT, ControlStack((signal,)))


def union_told(kind: str) -> Ones:
    """A union net that was told by hand which maps it gets."""
    net = Ones()
    net.control_model = SimpleNamespace(num_control_type=8, union_controlnet_merge=None)
    net.set_extra_arg("control_type", [TYPES[kind]])
    return net


def dense() -> np.ndarray:
    return drawn.grey(np.where(np.random.default_rng(0).random((128, 128)) > 0.6, 255, 0))


WRONG = {
    "blank": (lambda: drawn.image(np.zeros((64, 64, 3), np.uint8)), None, "is blank (one single colour)"),
    "inverted": (lambda: drawn.image(255 - drawn.canny()), None, "its lines are dark on white"),
    "channel order": (lambda: tagged(drawn.pose()[..., ::-1], "openpose"), None, "red and blue are swapped"),
    "normal convention": (lambda: tagged(drawn.normals("opengl"), "normal"), None, "OpenGL's"),
    "no person": (lambda: drawn.image(drawn.photo()), "openpose", "there is no person in it"),
    "JPEG noise": (lambda: tagged(drawn.jpeg(drawn.canny()), "canny"), None, "JPEG noise"),
    "too dense": (lambda: tagged(dense(), "canny"), None, "more than a picture can follow"),
    "another kind, by its maker": (
        lambda: tagged(drawn.photo(), "depth"),
        None,
        "it looks like a photograph, not like a depth",
    ),
    "another kind, by the union type": (lambda: drawn.image(drawn.canny()), "depth", "it looks like a canny map"),
    "values out of range": (lambda: drawn.image(drawn.canny()) * 3, None, "values from 0 to 3"),
}


def tagged(picture: np.ndarray, kind: str) -> torch.Tensor:
    return tag(drawn.image(np.ascontiguousarray(picture)), kind)


@pytest.mark.parametrize("name", WRONG)
def test_every_finding_is_told_skipped_or_an_error_as_asked(name, caplog):
    made, by_hand, words = WRONG[name]
    image, net = made(), union_told(by_hand) if by_hand else None
    warned = applied(image, "warn", net)
    assert warned.report[0].startswith("Warning: ") and words in warned.report[0] and "applied" in warned.report[1]
    assert "Warning" not in warned.report[1] and words not in warned.report[1]  # nothing is said twice
    assert warned.positive is not PROMPT and words in caplog.text
    skipped = applied(image, "skip", net)
    assert skipped.positive is PROMPT and "skipped" in skipped.report[0] and words in skipped.report[0]
    with pytest.raises(ValueError, match="Control signal 1 of 1 ") as error:
        applied(image, "error", net)
    assert words in str(error.value) and "on_invalid" in str(error.value)


FREE = [entry for entry in ENTRIES if not entry.files and entry.sees == "frames"]


@pytest.mark.parametrize("entry", FREE, ids=[entry.method for entry in FREE])
def test_maps_of_our_own_methods_raise_no_alarm(entry):
    picture = drawn.image(drawn.photo("coffee"))[:, ::2, ::2]
    options = {"camera_height": 9.0} if "camera_height" in {option.name for option in entry.options} else {}
    mask = torch.zeros(1, 64, 64)
    mask[:, 10:30, 10:30] = 1
    maps, _ = control_map(entry, picture, options, mask=mask if entry.mask == "needed" else None)
    assert "Warning" not in applied(maps, "error").report[0]


@pytest.mark.parametrize(
    ("name", "node"),
    [
        ("coffee", "ArmatureCanny"),
        ("floor_plan", "ArmatureFloorPlanDepth"),
        ("still_life_depth", "ArmatureNormalFromDepth"),
        ("still_life_depth", None),
        ("landscape_segmentation", None),
        ("product_layout", None),
    ],
)
def test_maps_of_the_shipped_graphs_raise_no_alarm(name, node):
    maps = example_picture(name)
    entry = next((entry for entry in ENTRIES if entry.node_id == node), None)
    if entry is not None:
        options = {"camera_height": 9.0} if "camera_height" in {option.name for option in entry.options} else {}
        maps, _ = control_map(entry, maps, options)
    assert "Warning" not in applied(maps, "error").report[0]


def test_drawn_maps_raise_no_alarm_whether_their_maker_is_known_or_not():
    for kind, picture in (
        ("canny", drawn.canny()),
        ("scribble", drawn.scribble()),
        ("softedge", drawn.soft_edges()),
        ("depth", drawn.depth()),
        ("normal", drawn.normals()),
        ("openpose", drawn.pose()),
        ("segmentation", drawn.segmentation()),
    ):
        assert "Warning" not in applied(drawn.image(picture), "error").report[0], kind
        assert "Warning" not in applied(tagged(picture, kind), "error").report[0], kind


def test_a_map_is_looked_at_once_and_a_long_clip_in_a_few_places(monkeypatch):
    looked: list[int] = []
    original = contradictions.classify
    monkeypatch.setattr(contradictions, "classify", lambda *given: looked.append(1) or original(*given))
    clip = tagged(255 - drawn.canny(), "canny").expand(30, -1, -1, -1).contiguous()
    report = [applied(clip).report[0] for _ in range(3)][-1]
    assert len(looked) == contradictions.MOST and f"{contradictions.MOST} of its 30 maps were looked at" in report
    assert "control images 0, 10, 19, 29: its lines are dark on white" in report


@pytest.mark.parametrize("name", ["astronaut", "coffee", "chelsea", "rocket"])
def test_a_photograph_where_a_map_belongs_is_noted_and_no_net_for_photographs_is_warned_of(name):
    photograph = drawn.image(drawn.photo(name))
    assert any(line.startswith("Note: ") and "photograph" in line for line in applied(photograph).report)
    assert not any("Warning" in line for line in applied(photograph).report)
    tile = tagged(drawn.photo(name), "tile")
    masked = apply_stack(
        PROMPT, PROMPT, ControlStack((ControlSignal(Ones(), photograph, inpaint_mask=torch.ones(1, 8, 8)),))
    )
    maps, _ = control_map(next(one for one in ENTRIES if one.method == "canny"), photograph, {})
    assert not any("photograph" in line for line in (*applied(tile).report, *masked.report, *applied(maps).report))


def test_without_opencv_what_needs_no_measuring_is_still_found(monkeypatch):
    monkeypatch.setattr(decision, "can_measure", lambda: False)
    assert "is blank" in applied(drawn.image(np.zeros((64, 64, 3), np.uint8))).report[0]
    report = applied(drawn.image(255 - drawn.canny())).report[0]
    assert "Warning" not in report and "OpenCV is missing" in report
