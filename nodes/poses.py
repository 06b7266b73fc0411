"""Poses: fitting a clip to a reference picture, and the poses of the example graphs."""

from __future__ import annotations

from typing import Any

from .api import io, ui
from .types import PoseType

CATEGORY = "Armature/pose"


class ArmatureAlignPoses(io.ComfyNode):
    """Scale and move the poses of a clip onto the person in a reference picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ArmatureAlignPoses",
            display_name="Align Poses",
            category=CATEGORY,
            description=(
                "Scales and moves the poses of a clip so that they fit the person in a reference picture, as the authors of "
                "ControlNeXt SVD do. Link the result to a node that draws poses, such as SDPose Draw Keypoints."
            ),
            search_aliases=["pose alignment", "retarget pose", "controlnext pose", "openpose align", "keypoints"],
            inputs=[
                PoseType.Input("poses", tooltip="The poses of the clip, from a pose node."),
                PoseType.Input(
                    "reference", tooltip="The pose of the reference picture, found at the size of the video."
                ),
                io.Int.Input(
                    "stride",
                    default=1,
                    min=1,
                    max=64,
                    optional=True,
                    tooltip="Take every n-th pose of the clip. The authors use 2 for their samples.",
                ),
                io.Boolean.Input(
                    "reference_first",
                    default=True,
                    optional=True,
                    tooltip="Put the reference's own pose in front: it is the map of the clip's first frame.",
                ),
            ],
            outputs=[
                PoseType.Output("poses", display_name="poses", tooltip="The aligned poses."),
                io.String.Output(
                    "report", display_name="report", tooltip="By how much the poses were scaled and moved."
                ),
            ],
        )

    @classmethod
    def execute(
        cls, poses: Any, reference: Any, stride: int | None = None, reference_first: bool | None = None
    ) -> io.NodeOutput:
        from ..preprocessors.pose.alignment import align_poses

        aligned, report = align_poses(
            poses, reference, stride or 1, True if reference_first is None else reference_first
        )
        return io.NodeOutput(aligned, report, ui=ui.PreviewText(report))


class ArmatureExamplePoses(io.ComfyNode):
    """Poses that come with the pack."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..preprocessors.pose.examples import LONGEST, NAMES

        return io.Schema(
            node_id="ArmatureExamplePoses",
            display_name="Example Poses",
            category=CATEGORY,
            description=(
                "Poses that come with Armature: a figure that waves, and the person in the example picture astronaut. "
                "Put SDPose Keypoint Extractor in its place to use your own clip."
            ),
            search_aliases=["sample poses", "example keypoints", "openpose example", "pose clip"],
            inputs=[
                io.Combo.Input(
                    "name", options=list(NAMES), default=NAMES[0], optional=True, tooltip="Which of the shipped poses."
                ),
                io.Int.Input(
                    "frames", default=6, min=1, max=LONGEST, optional=True, tooltip="How many frames the clip has."
                ),
            ],
            outputs=[
                PoseType.Output("poses", display_name="poses", tooltip="To Align Poses, or to a node that draws poses.")
            ],
        )

    @classmethod
    def execute(cls, name: str | None = None, frames: int | None = None) -> io.NodeOutput:
        from ..preprocessors.pose.examples import example_poses

        return io.NodeOutput(example_poses(name or "wave", 6 if frames is None else frames))
