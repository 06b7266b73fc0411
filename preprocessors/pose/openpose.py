"""OpenPose bodies (Cao et al. 2017): the network and its grouping from controlnet_aux."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from .. import model_files as files
from ..backends import controlnet_aux
from ..entry import Detected, Options, Preprocessor
from ..image_tensor import to_uint8
from ..inference import unwrapped
from ..network import fill, load_network, ready
from ..weights import find_weights
from .entry import MAKES, MISTAKES, OPTIONS, WANTED_BY, finish_poses, found_people
from .keypoints import BODY, BODY_POINTS, PARTS

_BYTES = 600


def detect_openpose(pictures: torch.Tensor, _options: Options) -> Detected:
    """Bodies in pictures [B,h,w,3]."""
    patcher = load_network("openpose", find_weights("openpose", files.OPENPOSE_BODY), build_body)
    network, _device = ready(patcher, _BYTES * pictures[..., 0].numel())
    module = controlnet_aux("OpenPose", "open_pose.body")
    grouping = module.Body.__new__(module.Body)  # its constructor would read the file by itself
    grouping.model = network
    people = []
    for picture in to_uint8(pictures):
        candidates, subset = grouping(np.ascontiguousarray(picture[:, :, ::-1]))
        people.append([_person(candidates, row) for row in subset])
    return found_people(people, pictures)


def build_body(weights: dict[str, Any]) -> nn.Module:
    """The body network of controlnet_aux, whose names have one part more than those of the file."""
    network = controlnet_aux("OpenPose", "open_pose.model").bodypose_model()
    found = unwrapped(weights)
    return fill(network, {name: found[name.partition(".")[2]] for name in network.state_dict()})


def _person(candidates: np.ndarray, row: np.ndarray) -> dict[str, np.ndarray]:
    """A row of the grouping (numbers of candidates, -1 for none) as the parts of a person."""
    person = {part: np.zeros((count, 3), np.float32) for part, count in PARTS.items()}
    for point, number in enumerate(row[:BODY_POINTS].astype(int)):
        if number >= 0:
            # The heat of OpenPose is no probability: what it groups has been found.
            person[BODY][point] = (*candidates[number, :2], 1.0)
    return person


OPENPOSE = Preprocessor(
    method="openpose",
    node_id="ArmatureOpenPose",
    title="OpenPose",
    summary="Bodies by OpenPose, as the pose nets of SD1.5 were trained on. dwpose and sdpose are better today.",
    version=1,
    makes=MAKES,
    wanted_by=WANTED_BY,
    detect=detect_openpose,
    options=OPTIONS,
    files=files.METHOD_FILES["openpose"],
    search_aliases=("openpose", "pose", "skeleton", "OpenposePreprocessor", "body keypoints"),
    finish=finish_poses,
    gives_poses=True,
    packages=("controlnet-aux", "timm"),
    mistakes=MISTAKES,
)
