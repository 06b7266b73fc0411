"""One prompt over a row of weights: which of them is enough?"""

from __future__ import annotations

from typing import Any

from .api import SHOWS, io
from .control import CATEGORY
from .shown import shown


class ArmatureWeightSweep(io.ComfyNode):
    """A list of weights; whatever is linked to it runs once for each."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ArmatureWeightSweep",
            display_name="Weight Sweep",
            category=CATEGORY,
            description="Gives out weights one after the other: everything behind it runs once for each. For Sweep Sheet.",
            search_aliases=["xy plot", "strength sweep", "list of weights", "parameter search"],
            inputs=[
                io.String.Input(
                    "weights",
                    default="0:1:0.25",
                    optional=True,
                    tooltip="Numbers and ranges start:end:step, separated by commas, such as 0, 0.3, 0.5:1:0.1. At most 64.",
                ),
            ],
            outputs=[
                io.Float.Output(
                    "weight",
                    display_name="weight",
                    is_output_list=True,
                    tooltip="Link it to a weight, and to Sweep Sheet.",
                )
            ],
        )

    @classmethod
    def execute(cls, weights: str | None = None) -> io.NodeOutput:
        from ..preprocessors.adherence.sweep import parse_weights

        return io.NodeOutput(parse_weights("0:1:0.25" if weights is None else weights))


class ArmatureSweepSheet(io.ComfyNode):
    """All pictures of a sweep on one sheet, the curve, and the smallest weight that is enough."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
            node_id="ArmatureSweepSheet",
            display_name="Sweep Sheet",
            category=CATEGORY,
            description=(
                "Collects the pictures of a Weight Sweep on one labelled sheet, plots adherence over weight, and names the "
                "smallest weight that reaches the adherence you want."
            ),
            is_output_node=True,
            search_aliases=["contact sheet", "compare weights", "adherence curve", "best weight"],
            is_input_list=True,
            inputs=[
                io.Image.Input("image", tooltip="The pictures, from VAE Decode behind the sweep."),
                io.Float.Input("weight", force_input=True, tooltip="From Weight Sweep."),
                io.Float.Input("adherence", force_input=True, tooltip="relative or score of Control Adherence."),
                io.Float.Input(
                    "wanted",
                    default=0.7,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="The adherence that would be enough.",
                ),
            ],
            outputs=[
                io.Image.Output("sheet", display_name="sheet", tooltip="The pictures with weight and adherence."),
                io.Image.Output("curve", display_name="curve", tooltip="Adherence over weight."),
                io.Float.Output(
                    "weight", display_name="weight", tooltip="The smallest weight that is enough; else the best one."
                ),
                io.String.Output("report", display_name="report", tooltip="The same in words."),
            ],
        )

    @classmethod
    def execute(
        cls, image: list[Any], weight: list[float], adherence: list[float], wanted: list[float] | None = None
    ) -> io.NodeOutput:
        from ..preprocessors.adherence.sheet import sweep_sheet

        made = sweep_sheet(image, weight, adherence, 0.7 if not wanted else wanted[0])
        seen = shown(made.report, made.sheet, cls)
        return io.NodeOutput(made.sheet, made.curve, made.weight, made.report, ui=seen)
