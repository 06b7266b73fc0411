"""Measuring whether a picture follows its control map."""

from __future__ import annotations

from typing import Any

from ..preprocessors.sizing import MAXIMUM_RESOLUTION, MINIMUM_RESOLUTION, RESOLUTION_MODES
from .api import SHOWS, io
from .control import CATEGORY
from .preprocessors import METHODS, option_input
from .shown import shown

_PREVIEWS = 4


class ArmatureControlAdherence(io.ComfyNode):
    """Picture and control map -> how well the one follows the other."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..preprocessors.adherence.adherence import POLICIES

        return io.Schema(
            **SHOWS,
            node_id="ArmatureControlAdherence",
            display_name="Control Adherence",
            category=CATEGORY,
            description=(
                "Measures whether a picture followed its control map: the same preprocessor looks at the picture, and its map is "
                "compared with the one that was wanted. 0 is no better than chance, 1 as good as the source."
            ),
            is_output_node=True,
            search_aliases=["measure controlnet", "control score", "edge f1", "ssim", "miou", "pck", "quality gate"],
            inputs=[
                io.Image.Input("image", tooltip="The picture that was made, one or a batch."),
                io.Image.Input(
                    "control_image", tooltip="The control map that it should follow: one, or one for each picture."
                ),
                io.Image.Input(
                    "source",
                    optional=True,
                    tooltip=(
                        "The picture that the map was made of. What it reaches itself is then the 1 of the relative score. "
                        "Needed for poses."
                    ),
                ),
                io.Float.Input(
                    "minimum",
                    default=0.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="The relative score that a picture should reach. 0: none.",
                ),
                io.Combo.Input(
                    "policy",
                    options=list(POLICIES),
                    default="report",
                    optional=True,
                    tooltip="Below the minimum. report: say so; error: stop the graph, so that a batch run counts it as failed.",
                ),
                io.Int.Input(
                    "tolerance",
                    default=2,
                    min=0,
                    max=32,
                    step=1,
                    optional=True,
                    tooltip="Pixels that a line may be off and still match. For lines only.",
                ),
                io.Combo.Input(
                    "resolution_mode",
                    options=list(RESOLUTION_MODES),
                    default="native",
                    optional=True,
                    tooltip="As in the Control Map that made the map.",
                ),
                io.Int.Input(
                    "resolution",
                    default=512,
                    min=MINIMUM_RESOLUTION,
                    max=MAXIMUM_RESOLUTION,
                    step=8,
                    optional=True,
                    tooltip="As in the Control Map that made the map, in pixels.",
                ),
                io.DynamicCombo.Input(
                    "method",
                    options=[
                        io.DynamicCombo.Option("auto", []),
                        *(
                            io.DynamicCombo.Option(entry.method, [option_input(one) for one in entry.options])
                            for entry in METHODS
                        ),
                    ],
                    optional=True,
                    tooltip=(
                        "What made the map, with its options. auto: what a Control Map linked directly is known to be, or what "
                        "the map looks like, with that method's default options."
                    ),
                ),
            ],
            outputs=[
                io.Float.Output("score", display_name="score", tooltip="The measure itself; 1 is a perfect fit."),
                io.Float.Output(
                    "relative", display_name="relative", tooltip="0 no better than chance, 1 as good as the source."
                ),
                io.Image.Output(
                    "picture", display_name="picture", tooltip="Green: it fits; red: missing; blue: too much."
                ),
                io.String.Output("report", display_name="report", tooltip="The scores in words, for each picture."),
                io.String.Output("json", display_name="json", tooltip="The same as JSON, for scripts."),
            ],
        )

    @classmethod
    def execute(
        cls,
        image: Any,
        control_image: Any,
        source: Any = None,
        minimum: float | None = None,
        policy: str | None = None,
        tolerance: int | None = None,
        resolution_mode: str | None = None,
        resolution: int | None = None,
        method: Any = None,
    ) -> io.NodeOutput:
        from ..preprocessors.adherence.adherence import AUTO, Request, adherence, checked

        options = dict(method) if isinstance(method, dict) else {"method": method}
        request = Request(
            method=options.pop("method", None) or AUTO,
            options=options,
            sizing={"resolution_mode": resolution_mode or "native", "resolution": resolution or 512},
            tolerance=2 if tolerance is None else tolerance,
        )
        made = checked(adherence(image, control_image, request, source), minimum or 0.0, policy or "report")
        seen = {**shown(made.report, made.pictures[:_PREVIEWS], cls), "adherence": (made.score, made.relative)}
        return io.NodeOutput(made.score, made.relative, made.pictures, made.report, made.json, ui=seen)
