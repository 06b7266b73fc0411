"""OpenPose's hands and faces (Simon et al. 2017), by the networks of controlnet_aux, around the bodies that were found."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.functional import interpolate

from ..backends import controlnet_aux
from ..inference import unwrapped
from ..model_files import ModelFile, annotator
from ..network import Build, fill, load_network, ready
from ..weights import find_weights

_BYTES = 1_500_000_000  # of one hand at twice the network's own size, which is the most
_FACE_SIZE, _FACE_POINTS = 384, 70  # the network's last map is the background
_FAINT = 0.05

HAND_WEIGHTS = annotator(
    "openpose_hand",
    "hand_pose_model.pth",
    "non-commercial (CMU)",
    147,
    147_341_049,
    "b76b00d1750901abd07b9f9d8c98cc3385b8fe834a26d4b4f0aad439e75fc600",
    commercial=False,
)
FACE_WEIGHTS = annotator(
    "openpose_face",
    "facenet.pth",
    "non-commercial (CMU)",
    154,
    153_718_792,
    "8beb52e548624ffcc4aed12af7aee7dcbfaeea420c75609fee999fe7add79d43",
    commercial=False,
)

Crop = tuple[int, int, int]  # left, top, side in pixels


class PartFinder:
    """Finds the points of hands or faces in crops of a picture; with a network that is loaded once."""

    def __init__(self, file: ModelFile, build: Build) -> None:
        patcher = load_network("openpose", find_weights("openpose", file), build)
        self.network, self.device = ready(patcher, _BYTES)

    def _crop(self, picture: np.ndarray, crop: Crop) -> np.ndarray:
        left, top, side = crop
        return picture[top : top + side, left : left + side]


class HandFinder(PartFinder):
    """The 21 points of a hand, by controlnet_aux's own search over four sizes."""

    def __init__(self) -> None:
        super().__init__(HAND_WEIGHTS, build_hand)
        module = controlnet_aux("OpenPose", "open_pose.hand")
        self.search = module.Hand.__new__(module.Hand)  # its constructor would read the file by itself
        self.search.model = self.network

    def points(self, picture: np.ndarray, crop: Crop) -> np.ndarray:
        """[21,3] of x, y in pixels of the picture [H,W,3] (blue, green, red) and 1, or zeros for a point not found."""
        peaks = self.search(np.ascontiguousarray(self._crop(picture, crop))).astype(np.float32)
        found = (peaks > 0).all(1, keepdims=True)
        return np.hstack([peaks + np.array(crop[:2], np.float32), np.ones_like(found)]) * found


class FaceFinder(PartFinder):
    """The 70 points of a face. A point that is not found keeps its place in the list, as POSE_KEYPOINT wants it."""

    def __init__(self) -> None:
        super().__init__(FACE_WEIGHTS, build_face)
        self.resize = controlnet_aux("OpenPose", "open_pose.util").smart_resize

    def points(self, picture: np.ndarray, crop: Crop) -> np.ndarray:
        """[70,3] of x, y in pixels of the picture [H,W,3] (blue, green, red) and 1, or zeros for a point not found."""
        inside = self._crop(picture, crop)
        height, width = inside.shape[:2]
        seen = torch.from_numpy(self.resize(inside, (_FACE_SIZE, _FACE_SIZE))).movedim(-1, 0)[None].float()
        heat = self.network((seen / 256 - 0.5).to(self.device))[-1]
        heat = interpolate(heat.float(), (height, width), mode="bilinear", align_corners=True)[0, :_FACE_POINTS].cpu()
        strength, place = heat.flatten(1).max(1)
        points = torch.stack([place % width + crop[0], place // width + crop[1], torch.ones_like(place)], 1)
        return (points * (strength > _FAINT).unsqueeze(1)).float().numpy()


def build_hand(weights: dict[str, Any]) -> nn.Module:
    """The hand network of controlnet_aux."""
    return renamed(controlnet_aux("OpenPose", "open_pose.model").handpose_model(), weights)


def build_face(weights: dict[str, Any]) -> nn.Module:
    """The face network of controlnet_aux."""
    return fill(controlnet_aux("OpenPose", "open_pose.face").FaceNet(), unwrapped(weights))


def renamed(network: nn.Module, weights: dict[str, Any]) -> nn.Module:
    """`network` with weights whose names lack its first part, as in OpenPose's files."""
    found = unwrapped(weights)
    return fill(network, {name: found[name.partition(".")[2]] for name in network.state_dict()})


def hands_of(body: Any, picture: np.ndarray, finder: HandFinder, util: ModuleType) -> dict[str, np.ndarray]:
    """Both hands of a body, by part of POSE_KEYPOINT; a hand without its arm is not looked for."""
    found = {}
    for left, top, side, is_left in util.handDetect(body, picture):
        part = "hand_left_keypoints_2d" if is_left else "hand_right_keypoints_2d"
        found[part] = finder.points(picture, (left, top, side))
    return found


def face_of(body: Any, picture: np.ndarray, finder: FaceFinder, util: ModuleType) -> dict[str, np.ndarray]:
    """The face of a body, by part of POSE_KEYPOINT."""
    crop = util.faceDetect(body, picture)
    return {} if crop is None else {"face_keypoints_2d": finder.points(picture, crop)}
