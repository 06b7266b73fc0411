"""Measuring whether pictures show the same person, thing or style."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, FaceEmbedsType, io
from .shown import shown


class ArmatureConsistency(io.ComfyNode):
    """How alike the pictures of a batch are, to a reference or to each other."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.ip_adapter.consistency import GATES

        return io.Schema(
            **SHOWS,
            node_id="ArmatureConsistency",
            display_name="Consistency",
            category="Armature/check",
            description=(
                "Measures how alike the pictures of a batch are to a reference, or to each other, and marks those that stand "
                "apart. It can hold them back."
            ),
            search_aliases=["clip similarity", "identity score", "consistency score", "compare images", "quality gate"],
            inputs=[
                io.Image.Input("image", tooltip="The pictures to measure."),
                io.ClipVision.Input("clip_vision", tooltip="From Load CLIP Vision; ViT-H suits."),
                io.Image.Input(
                    "reference", optional=True, tooltip="What they shall resemble. Unlinked: each other, pair by pair."
                ),
                FaceEmbedsType.Input("face_embeds", optional=True, tooltip="Of the pictures, from Face Embeddings."),
                FaceEmbedsType.Input("reference_face_embeds", optional=True, tooltip="Of the reference."),
                io.Float.Input(
                    "minimum",
                    default=0.5,
                    min=-1.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="Least score: 1 is the same picture, 0 is as unlike as pictures of other things.",
                ),
                io.Combo.Input(
                    "gate",
                    options=list(GATES),
                    default="off",
                    optional=True,
                    tooltip="off: all pictures go on; filter: those that reach the minimum; error: stop when one does not.",
                ),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The pictures that go on."),
                io.String.Output("report", tooltip="The score of each picture."),
                io.Float.Output("score", tooltip="Mean score of the batch."),
                io.Boolean.Output("ok", tooltip="Whether every picture reaches the minimum."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: Any,
        clip_vision: Any,
        reference: Any = None,
        face_embeds: Any = None,
        reference_face_embeds: Any = None,
        minimum: float | None = None,
        gate: Any = None,
    ) -> io.NodeOutput:
        from ..models.ip_adapter.consistency import gated, measure

        found = measure(
            image, clip_vision, reference, face_embeds, reference_face_embeds, 0.5 if minimum is None else minimum
        )
        passing = gated(found, gate or "off")
        return io.NodeOutput(passing, str(found), found.score, found.ok, ui=shown(str(found)))
