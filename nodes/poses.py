"""Poses: fitting a clip to a reference picture, drawing, JSON text, and the poses of the example graphs."""

from __future__ import annotations

from typing import Any

from ..preprocessors.pose.drawing import DRAWING_OPTIONS
from .api import SHOWS, PoseType, io
from .preprocessors import option_input
from .shown import shown

CATEGORY = "Armature/pose"


class ArmatureAlignPoses(io.ComfyNode):
    """Scale and move the poses of a clip onto the person in a reference picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
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
        return io.NodeOutput(aligned, report, ui=shown(report))


class ArmatureExamplePoses(io.ComfyNode):
    """Poses that come with the pack."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..preprocessors.pose.example_poses import LONGEST, NAMES

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
        from ..preprocessors.pose.example_poses import example_poses

        return io.NodeOutput(example_poses(name or "wave", 6 if frames is None else frames))


class ArmatureDrawPoses(io.ComfyNode):
    """Poses as the map that pose control nets follow."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        size = {"default": 0, "min": 0, "max": 8192, "step": 8, "optional": True}
        return io.Schema(
            **SHOWS,
            node_id="ArmatureDrawPoses",
            display_name="Draw Poses",
            category=CATEGORY,
            description=(
                "Draws poses as pose control nets know them: body, hands, face and feet, at any size, in the brightness of "
                "DWPose and OpenPose or of ComfyUI's SDPose."
            ),
            search_aliases=["draw keypoints", "render openpose", "pose map", "skeleton", "openpose image"],
            inputs=[
                PoseType.Input("poses", tooltip="Poses from any node that gives POSE_KEYPOINT."),
                io.Int.Input("width", tooltip="Width of the maps in pixels. 0: as the poses' own canvas.", **size),
                io.Int.Input("height", tooltip="Height of the maps in pixels. 0: as the poses' own canvas.", **size),
                *(option_input(option) for option in DRAWING_OPTIONS),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="One map for each pose."),
                io.String.Output("report", display_name="report", tooltip="How many people were drawn."),
            ],
        )

    @classmethod
    def execute(cls, poses: Any, width: int | None = None, height: int | None = None, **options: Any) -> io.NodeOutput:
        from ..preprocessors.pose.people import map_of_poses

        maps, report = map_of_poses(poses, width or 0, height or 0, options)
        return io.NodeOutput(maps, report, ui=shown(report, maps[:4], cls))


class ArmaturePosesToJSON(io.ComfyNode):
    """Poses as text."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
            node_id="ArmaturePosesToJSON",
            display_name="Poses to JSON",
            category=CATEGORY,
            description="Writes poses as JSON text, to be kept, edited by hand, or opened in a pose editor.",
            search_aliases=["save pose", "export keypoints", "openpose json", "pose text"],
            inputs=[
                PoseType.Input("poses", tooltip="Poses from any node that gives POSE_KEYPOINT."),
                io.Int.Input(
                    "indent",
                    default=0,
                    min=0,
                    max=8,
                    optional=True,
                    tooltip="Spaces of each level; 0: all in one line.",
                ),
            ],
            outputs=[io.String.Output("text", display_name="text", tooltip="A list of poses, points in pixels.")],
        )

    @classmethod
    def execute(cls, poses: Any, indent: int | None = None) -> io.NodeOutput:
        from ..preprocessors.pose.json_text import poses_to_json

        text = poses_to_json(poses, indent or 0)
        return io.NodeOutput(text, ui=shown(text))


class ArmaturePosesFromJSON(io.ComfyNode):
    """Poses out of text."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        size = {"default": 0, "min": 0, "max": 16384, "optional": True}
        return io.Schema(
            **SHOWS,
            node_id="ArmaturePosesFromJSON",
            display_name="Poses from JSON",
            category=CATEGORY,
            description="Reads poses from the JSON text that OpenPose, pose editors and Poses to JSON write.",
            search_aliases=["load pose", "import keypoints", "openpose json", "pose editor"],
            inputs=[
                io.String.Input(
                    "text",
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip="One pose or a list; points in pixels, or in 0 to 1.",
                ),
                io.Int.Input(
                    "width", tooltip="Canvas in pixels, where the text does not name it. 0: as the text.", **size
                ),
                io.Int.Input(
                    "height", tooltip="Canvas in pixels, where the text does not name it. 0: as the text.", **size
                ),
            ],
            outputs=[
                PoseType.Output(
                    "poses", display_name="poses", tooltip="To Draw Poses, or to any node that takes poses."
                ),
                io.String.Output("report", display_name="report", tooltip="What was read."),
            ],
        )

    @classmethod
    def execute(cls, text: str | None = None, width: int | None = None, height: int | None = None) -> io.NodeOutput:
        from ..preprocessors.pose.json_text import poses_from_json

        poses, report = poses_from_json(text or "", width or 0, height or 0)
        return io.NodeOutput(poses, report, ui=shown(report))
