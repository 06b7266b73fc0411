"""Weights over the sampling for VACE controls."""

from __future__ import annotations

from typing import Any

from .api import FrameWeightsType, io, schedule_input
from .control import CATEGORY


class ArmatureVACEWeights(io.ComfyNode):
    """What one VACE control, or every one, weighs over the sampling."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.control.signal import MAXIMUM_WEIGHT

        def share(name: str, default: float, tooltip: str) -> Any:
            return io.Float.Input(name, default=default, min=0.0, max=1.0, step=0.001, optional=True, tooltip=tooltip)

        return io.Schema(
            node_id="ArmatureVACEWeights",
            display_name="VACE Weights",
            category=CATEGORY,
            description=(
                "Gives the VACE controls of a Wan model a range, a curve, a mask and weights per frame, on top of the strength "
                "that WanVaceToVideo sets. One node for all controls, or one for each."
            ),
            search_aliases=["vace strength", "vace schedule", "wan vace start end", "vace weight"],
            inputs=[
                io.Model.Input("model", tooltip="A Wan VACE model; link the output on to the sampler."),
                io.Int.Input(
                    "number",
                    default=0,
                    min=0,
                    max=32,
                    optional=True,
                    tooltip="Which of the chained WanVaceToVideo, from 1. 0: all of them.",
                ),
                io.Float.Input(
                    "weight",
                    default=1.0,
                    min=0.0,
                    max=MAXIMUM_WEIGHT,
                    step=0.01,
                    optional=True,
                    tooltip="A factor on the strength that WanVaceToVideo sets.",
                ),
                share("start_percent", 0.0, "Share of the noise schedule at which the control begins."),
                share("end_percent", 1.0, "Share of the noise schedule at which it ends."),
                schedule_input(),
                io.Mask.Input(
                    "mask", optional=True, tooltip="Where in the picture it acts: white fully, black not at all."
                ),
                FrameWeightsType.Input(
                    "frame_weights", optional=True, tooltip="Weight per picture of the clip, from Frame Weights."
                ),
            ],
            outputs=[io.Model.Output("model", tooltip="To the sampler.")],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        number: int = 0,
        weight: float = 1.0,
        start_percent: float = 0.0,
        end_percent: float = 1.0,
        schedule: Any = "",
        mask: Any = None,
        frame_weights: Any = None,
    ) -> io.NodeOutput:
        from ..models.control.vace import VACEWeights, with_vace_weights
        from ..models.guidance.curve import Curve

        curve = Curve.read(schedule)
        weights = VACEWeights(number, weight, start_percent, end_percent, curve, mask, frame_weights)
        return io.NodeOutput(with_vace_weights(model, weights))
