"""OpenPose (Cao et al. 2017): the networks and their grouping from controlnet_aux."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from ..backends import controlnet_aux
from ..entry import Detected, Option, Options, Preprocessor
from ..images.tensors import to_uint8
from ..model_files import annotator
from ..network import load_network, ready
from ..weights import find_weights
from .keypoints import BODY, BODY_POINTS, nobody
from .openpose_parts import FACE_WEIGHTS, HAND_WEIGHTS, FaceFinder, HandFinder, face_of, hands_of, renamed
from .people import MAKES, MISTAKES, OPTIONS, WANTED_BY, finish_poses, found_people

_BYTES = 600

BODY_WEIGHTS = annotator(
    "openpose_body",
    "body_pose_model.pth",
    "non-commercial (CMU)",
    209,
    209_267_595,
    "25a948c16078b0f08e236bda51a385d855ef4c153598947c28c0d47ed94bb746",
    commercial=False,
)


def detect_openpose(pictures: torch.Tensor, options: Options) -> Detected:
    """Bodies in pictures [B,h,w,3], and where asked their hands and faces."""
    patcher = load_network("openpose", find_weights("openpose", BODY_WEIGHTS), build_body)
    network, _device = ready(patcher, _BYTES * pictures[..., 0].numel())
    module = controlnet_aux("OpenPose", "open_pose.body")
    grouping = module.Body.__new__(module.Body)  # its constructor would read the file by itself
    grouping.model = network
    finders = _part_finders(options)
    people = [_people(grouping, np.ascontiguousarray(picture[:, :, ::-1]), finders) for picture in to_uint8(pictures)]
    return found_people(people, pictures)


PartsOf = Callable[[Any, np.ndarray], dict[str, np.ndarray]]


def _part_finders(options: Options) -> list[PartsOf]:
    """Functions from a body and its picture to more of its parts."""
    util = controlnet_aux("OpenPose", "open_pose.util")
    finders: list[PartsOf] = []
    if options["find_hands"]:
        finders.append(partial(hands_of, finder=HandFinder(), util=util))
    if options["find_face"]:
        finders.append(partial(face_of, finder=FaceFinder(), util=util))
    return finders


def _people(grouping: Any, picture: np.ndarray, finders: list[PartsOf]) -> list[dict[str, np.ndarray]]:
    """Everybody in a picture [H,W,3] of blue, green, red."""
    candidates, subset = grouping(picture)
    people = []
    for row, body in zip(subset, grouping.format_body_result(candidates, subset), strict=True):
        person = _person(candidates, row)
        for find in finders:
            person.update(find(body, picture))
        people.append(person)
    return people


def build_body(weights: dict[str, Any]) -> nn.Module:
    """The body network of controlnet_aux."""
    return renamed(controlnet_aux("OpenPose", "open_pose.model").bodypose_model(), weights)


def _person(candidates: np.ndarray, row: np.ndarray) -> dict[str, np.ndarray]:
    """A row of the grouping (numbers of candidates, -1 for none) as the parts of a person."""
    person = nobody()
    for point, number in enumerate(row[:BODY_POINTS].astype(int)):
        if number >= 0:
            # The heat of OpenPose is no probability: what it groups has been found.
            person[BODY][point] = (*candidates[number, :2], 1.0)
    return person


OPENPOSE = Preprocessor(
    method="openpose",
    node_id="ArmatureOpenPose",
    title="OpenPose",
    summary="Bodies, hands and faces by OpenPose, as SD1.5's pose nets were trained on. dwpose and sdpose are better today.",
    version=3,
    makes=MAKES,
    wanted_by=WANTED_BY,
    detect=detect_openpose,
    options=(
        *OPTIONS,
        Option(
            "find_hands", True, "Look for fingers, with a network of its own. Off: faster, and its file is not needed."
        ),
        Option(
            "find_face", True, "Look for faces, with a network of its own. Off: faster, and its file is not needed."
        ),
    ),
    files=(BODY_WEIGHTS, HAND_WEIGHTS, FACE_WEIGHTS),
    search_aliases=("openpose", "pose", "skeleton", "OpenposePreprocessor", "body keypoints"),
    finish=finish_poses,
    gives_poses=True,
    packages=("controlnet-aux", "timm"),
    mistakes=MISTAKES,
)
