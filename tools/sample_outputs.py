"""What the nodes of a graph show after a run, as long as it usually gets: so that a layout leaves them room."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

SAMPLE = "armature_sample.png"  # in the server's input folder
_SENTENCE = "Control signal 1 of 3 (ControlNet): applied, weight 0.8, from 0% to 100%, fit crop (to the centre). "
_LONG = ("ArmatureApply", "ArmatureControlAdherence", "ArmatureConsistency", "ArmatureSweepSheet")
_PICTURES = (
    "ArmatureControlAdherence",
    "ArmatureDrawPoses",
    "ArmatureFaceEmbeds",
    "ArmatureFitControlImage",
    "ArmaturePlotControlStack",
    "ArmaturePrepareReferenceImage",
    "ArmatureSaveRecord",
    "ArmatureSweepSheet",
    "PreviewImage",
    "SaveImage",
)


def write_sample(input_folder: Path) -> None:
    """The picture that stands for all that nodes show."""
    from PIL import Image

    input_folder.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (512, 512), (90, 110, 130)).save(input_folder / SAMPLE)


def sample_outputs(prompt: Mapping[str, Any], object_info: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """By node of an API prompt what the server would send of it: a report of usual length, a picture, or both."""
    found = {}
    for number, node in prompt.items():
        output = _output(node["class_type"], object_info[node["class_type"]])
        if output:
            found[number] = output
    return found


def _output(kind: str, info: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    makes_maps = info["category"].startswith("Armature/preprocessors") and info["output"][:1] == ["IMAGE"]
    if kind in _PICTURES or makes_maps:
        shown["images"] = [{"filename": SAMPLE, "subfolder": "", "type": "input"}]
    if kind.startswith("ArmatureLoad"):
        shown["text"] = [_SENTENCE]
    elif kind.startswith("Armature") and "report" in info["output_name"]:
        shown["text"] = ["\n".join([_SENTENCE * 2] * (3 if kind.startswith(_LONG) else 1))]
    return shown
