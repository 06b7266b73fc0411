"""SDPose, ComfyUI's own model: bodies, hands, faces and feet of one person in a picture."""

from __future__ import annotations

from typing import Any

import torch

from ...common.file_stamp import file_stamp
from ..entry import Detected, Options, Preprocessor
from ..model_files import ModelFile
from ..network import load_once
from ..weights import find_weights
from .people import MAKES, MISTAKES, OPTIONS, WANTED_BY, finish_poses, found_people
from .reading import read_frames

WEIGHTS = ModelFile(
    "sdpose",
    "Comfy-Org/SDPose",
    "checkpoints/sdpose_wholebody_fp16.safetensors",
    "checkpoints",
    "MIT",
    1920,
)


def detect_sdpose(pictures: torch.Tensor, _options: Options) -> Detected:
    """The person in each of the pictures [B,h,w,3], by the host's own extractor."""
    from comfy_extras.nodes_sdpose import SDPoseKeypointExtractor

    path = find_weights("sdpose", WEIGHTS)
    model, vae = load_once(file_stamp(path), lambda: _loaded(str(path)))
    found = SDPoseKeypointExtractor.execute(model, vae, pictures, batch_size=len(pictures)).result
    frames = read_frames(found[0] if found else None, "SDPose")
    return found_people([frame["people"] for frame in frames], pictures)


def _loaded(path: str) -> tuple[Any, Any]:
    import comfy.sd

    model, _clip, vae, *_ = comfy.sd.load_checkpoint_guess_config(path, output_vae=True, output_clip=False)
    return model, vae


SDPOSE = Preprocessor(
    method="sdpose",
    node_id="ArmatureSDPose",
    title="SDPose",
    summary="Bodies, hands, faces and feet by SDPose, ComfyUI's own model: the most exact, one person in a picture.",
    version=2,
    makes=MAKES,
    wanted_by=WANTED_BY,
    detect=detect_sdpose,
    options=OPTIONS,
    files=(WEIGHTS,),
    search_aliases=("sdpose", "openpose", "whole body pose", "hands", "face keypoints"),
    finish=finish_poses,
    gives_poses=True,
    mistakes=(
        *MISTAKES,
        "**Several people.** SDPose sees one here. For many use dwpose, or ComfyUI's SDPose nodes with boxes.",
    ),
)
