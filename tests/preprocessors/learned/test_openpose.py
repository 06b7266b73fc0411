"""OpenPose from answers that are known: grouping, hands and faces are those of controlnet_aux, point for point."""

from __future__ import annotations

import numpy as np
import pytest
import real_weights
import torch
from armature_pack.preprocessors.backends import controlnet_aux
from armature_pack.preprocessors.control_map import make_map
from armature_pack.preprocessors.pose import openpose, openpose_parts
from armature_pack.preprocessors.pose.example_poses import example_poses
from armature_pack.preprocessors.registry import find_method
from torch import nn

ENTRY = find_method("openpose")
# Where the network draws the fields of OpenPose's limbs (one-based points), in its own order.
FIELDS = {(2, 3): 12, (2, 6): 20, (3, 4): 14, (4, 5): 16, (6, 7): 22, (7, 8): 24, (2, 9): 0, (9, 10): 2, (10, 11): 4,
          (2, 12): 6, (12, 13): 8, (13, 14): 10, (2, 1): 28, (1, 15): 30, (15, 17): 34, (1, 16): 32, (16, 18): 36}  # fmt: skip


def blobs(places: np.ndarray, height: int, width: int, sigma: float) -> torch.Tensor:
    """[N,height,width]: a hill of height 1 at each place (x, y)."""
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    x, y = (torch.from_numpy(places[:, axis].astype(np.float32)).view(-1, 1, 1) for axis in (0, 1))
    return torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * sigma**2))


class BodyAnswer(nn.Module):
    """What OpenPose's body network would say of the pose `body` [18,3] on a canvas of (512, 384)."""

    def __init__(self, body: np.ndarray) -> None:
        super().__init__()
        self.somewhere, self.body = nn.Parameter(torch.zeros(1)), body

    def forward(self, seen: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        height, width = seen.shape[2] // 8, seen.shape[3] // 8
        points = self.body[:, :2] * (0.5 * 368 / 512) / 8 - 0.5  # of the middle of a cell
        heat = torch.cat([blobs(points, height, width, 0.9), torch.zeros(1, height, width)])
        fields = torch.zeros(38, height, width)
        for (first, second), channel in FIELDS.items():
            start, end = points[first - 1], points[second - 1]
            direction = (end - start) / max(1e-6, np.linalg.norm(end - start))
            line = blobs(np.linspace(start, end, 60), height, width, 0.8).amax(0)
            fields[channel], fields[channel + 1] = line * float(direction[0]), line * float(direction[1])
        return fields[None], heat[None]


class PartAnswer(nn.Module):
    """Hills at the same shares of every crop; the third point is never found."""

    def __init__(self, count: int, shrinks: int, wrapped: bool) -> None:
        super().__init__()
        self.somewhere, self.shrinks, self.wrapped = nn.Parameter(torch.zeros(1)), shrinks, wrapped
        self.shares = np.random.default_rng(count).uniform(0.15, 0.85, (count, 2))

    def forward(self, seen: torch.Tensor) -> torch.Tensor | list[torch.Tensor]:
        height, width = seen.shape[2] // self.shrinks, seen.shape[3] // self.shrinks
        heat = blobs(self.shares * (width, height), height, width, max(1.5, width / 25))
        heat[2] = 0
        answer = torch.cat([heat, torch.zeros(1, height, width)])[None]
        return [answer] if self.wrapped else answer


@pytest.fixture
def answers(annotators, monkeypatch):
    """(body, hand, face) networks behind the three files."""
    real_weights.controlnet_aux()
    pytest.importorskip("cv2")
    truth = np.reshape(example_poses("wave", 1)[0]["people"][0]["pose_keypoints_2d"], (18, 3))
    networks = BodyAnswer(truth), PartAnswer(21, 8, False), PartAnswer(70, 8, True)
    for name in ("body_pose_model.pth", "hand_pose_model.pth", "facenet.pth"):
        torch.save({}, annotators / name)

    def building(network, name):
        def build(_weights):
            return network

        build.__module__, build.__qualname__ = __name__, name
        return build

    monkeypatch.setattr(openpose, "build_body", building(networks[0], "body"))
    monkeypatch.setattr(openpose_parts, "build_hand", building(networks[1], "hand"))
    monkeypatch.setattr(openpose_parts, "build_face", building(networks[2], "face"))
    return networks


def reference(answers, picture: torch.Tensor):
    """What controlnet_aux makes of the same answers: one person."""
    parts = []
    for module, kind, network in zip(("body", "hand", "face"), ("Body", "Hand", "Face"), answers, strict=True):
        holder = getattr(controlnet_aux("test", f"open_pose.{module}"), kind)
        made = holder.__new__(holder)
        made.model = network
        parts.append(made)
    detector = controlnet_aux("test", "open_pose").OpenposeDetector(*parts)
    (person,) = detector.detect_poses((picture[0] * 255).byte().numpy(), include_hand=True, include_face=True)
    return person


def points_of(person: dict, part: str) -> np.ndarray:
    return np.reshape(person[part], (-1, 3))


def test_people_hands_and_faces_are_those_of_controlnet_aux(answers):
    picture = torch.zeros(1, 512, 384, 3)
    made = make_map(ENTRY, picture, {})
    (person,) = made.poses[0]["people"]
    truth = points_of(example_poses("wave", 1)[0]["people"][0], "pose_keypoints_2d")
    body = points_of(person, "pose_keypoints_2d")
    assert np.abs(body[:, :2] - truth[:, :2]).max() < 8 and (body[:, 2] == 1).all(), "where the answers say"
    theirs = reference(answers, picture)
    assert np.allclose(body[:, :2], [(one.x * 384, one.y * 512) for one in theirs.body.keypoints], atol=1e-3)
    for part, expected in (("hand_left", theirs.left_hand), ("hand_right", theirs.right_hand)):
        ours = points_of(person, f"{part}_keypoints_2d")
        assert ours[2].tolist() == [0, 0, 0] and expected[2].x < 0, "the point that was not found"
        found = np.array([number != 2 for number in range(21)])
        places = np.array([(one.x * 384, one.y * 512) for one in expected])
        assert np.allclose(ours[found, :2], places[found], atol=1e-3), part
    face = points_of(person, "face_keypoints_2d")
    # Theirs drops what is not found, so that all later points change their meaning; ours keeps the places.
    assert face[2].tolist() == [0, 0, 0] and len(theirs.face) == 69
    places = np.array([(one.x * 384, one.y * 512) for one in theirs.face])
    assert np.allclose(np.delete(face, 2, 0)[:, :2], places, atol=1e-3)
    assert "People found: 1." in made.report and made.maps.max() == 1


def test_without_hands_and_face_their_files_are_not_needed(answers, annotators):
    for name in ("hand_pose_model.pth", "facenet.pth"):
        (annotators / name).unlink()
    (person,) = make_map(ENTRY, torch.zeros(1, 512, 384, 3), {"find_hands": False, "find_face": False}).poses[0][
        "people"
    ]
    assert points_of(person, "pose_keypoints_2d")[:, 2].all() and not np.any(person["face_keypoints_2d"])
    with pytest.raises(ValueError, match=r"hand_pose_model\.pth is missing"):
        make_map(ENTRY, torch.zeros(1, 512, 384, 3), {"find_face": False})


def test_nobody_is_told(answers, monkeypatch):
    answers[0].body = answers[0].body * 0 - 500
    made = make_map(ENTRY, torch.zeros(1, 64, 48, 3), {})
    assert made.poses[0]["people"] == [] and "Nobody in picture 0" in made.report


def test_the_files_names_reach_the_networks():
    """OpenPose's files name their layers without the block that controlnet_aux puts in front."""
    real_weights.controlnet_aux()
    with torch.device("meta"):
        hand = controlnet_aux("test", "open_pose.model").handpose_model()
    named = {
        name.partition(".")[2]: torch.empty(value.shape, device="meta") for name, value in hand.state_dict().items()
    }
    with torch.device("meta"):
        assert set(openpose_parts.build_hand(named).state_dict()) == set(hand.state_dict())
        with pytest.raises((ValueError, KeyError)):
            openpose_parts.build_hand({"other": torch.zeros(1)})
