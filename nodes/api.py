"""The host's node API and our socket types. Every node takes both from here, so the API's version is a choice of one line."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from comfy_api.v0_0_2 import ComfyExtension, io, ui

__all__ = ["SHOWS", "ComfyExtension", "io", "ui"]

# For the schema of a node that shows something on itself after a run. Where its result is kept from an earlier run, the host
# shows it again; else a page that was loaded anew would show nothing. Older hosts do not know of it.
_KNOWN = {field.name for field in fields(io.Schema)}
SHOWS: dict[str, Any] = {"has_intermediate_output": True} if "has_intermediate_output" in _KNOWN else {}


# The socket types of our own, and those that we share with other packs.

ControlSignalType = io.Custom("CONTROL_SIGNAL")
ControlStackType = io.Custom("CONTROL_STACK")
ControlNetStackType = io.Custom("CONTROL_NET_STACK")
LayerWeightsType = io.Custom("LAYER_WEIGHTS")
FrameWeightsType = io.Custom("FRAME_WEIGHTS")
ControlSavingsType = io.Custom("CONTROL_SAVINGS")
ControlAdaptationType = io.Custom("CONTROL_ADAPTATION")
IPAdapterType = io.Custom("IP_ADAPTER")
ImageEmbedsType = io.Custom("IP_ADAPTER_EMBEDS")
FaceEmbedsType = io.Custom("FACE_EMBEDS")
LoRAStackType = io.Custom("LORA_STACK")
LoRAOptionsType = io.Custom("LORA_OPTIONS")
PoseType = io.Custom("POSE_KEYPOINT")
TrainingSetType = io.Custom("TRAINING_SET")


def control_net_input(name: str, tooltip: str) -> Any:
    """A control net, or a model patch that controls a sampling, as the host's Load Model Patch gives it."""
    return io.MultiType.Input(name, types=[io.ControlNet, io.ModelPatch], tooltip=tooltip)


def schedule_input(name: str = "schedule") -> Any:
    """A weight over the noise schedule as text or, from the host's curve widget, as a link."""
    text = io.String.Input(
        name,
        default="",
        optional=True,
        tooltip=(
            "Weight over the noise schedule, multiplied with the weight above: points as progress:weight, such as "
            "0:1, 0.4:0.6, 1:0 (smooth in front makes a smooth curve), or constant, fade in, fade out, bell, "
            "hold then release. Empty: constant. A Curve can be linked instead."
        ),
    )
    return io.MultiType.Input(text, types=[io.Curve])
