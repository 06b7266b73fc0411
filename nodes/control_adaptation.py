"""A weight that corrects itself while sampling, and what became of it. An experiment: see the help of the first node."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, ControlAdaptationType, io
from .control import CATEGORY
from .shown import shown


class ArmatureControlAdaptation(io.ComfyNode):
    """How a signal's weight corrects itself."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.control.adaptation import LEAST, MOST, MOST_GAIN

        return io.Schema(
            node_id="ArmatureControlAdaptation",
            display_name="Adaptive Control Weight (experiment)",
            category=CATEGORY,
            description=(
                "An experiment: the weight of a signal corrects itself while sampling. Every few steps the predicted picture is "
                "decoded and measured against the map, and the weight of the next steps is raised or lowered within limits. On "
                "the demo's models it drew no better than a constant weight. Link it to adaptation of a Control Signal."
            ),
            search_aliases=[
                "adaptive controlnet",
                "auto control weight",
                "self correcting weight",
                "dynamic control strength",
                "feedback control",
                "pi controller",
            ],
            inputs=[
                io.Vae.Input(
                    "vae", tooltip="The VAE of your checkpoint: each look decodes the predicted picture with it."
                ),
                io.Float.Input(
                    "adherence",
                    default=0.8,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="What is wanted: 0 is no better than chance, 1 a perfect fit, as Control Adherence measures it.",
                ),
                io.Int.Input(
                    "every",
                    default=2,
                    min=1,
                    max=100,
                    optional=True,
                    tooltip="Steps from one look to the next. Each costs a decoding and the map's method.",
                ),
                io.Float.Input(
                    "lowest",
                    default=0.5,
                    min=LEAST,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="The smallest factor on the signal's weight.",
                ),
                io.Float.Input(
                    "highest",
                    default=1.5,
                    min=1.0,
                    max=MOST,
                    step=0.01,
                    optional=True,
                    tooltip="The largest factor on the signal's weight.",
                ),
                io.Float.Input(
                    "proportional",
                    default=0.5,
                    min=0.0,
                    max=MOST_GAIN,
                    step=0.05,
                    optional=True,
                    tooltip="How much of the lack at a look is added to the factor.",
                ),
                io.Float.Input(
                    "integral",
                    default=0.25,
                    min=0.0,
                    max=MOST_GAIN,
                    step=0.05,
                    optional=True,
                    tooltip="How much of the lacks of all looks together is added to the factor.",
                ),
                io.Float.Input(
                    "start_percent",
                    default=0.25,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="Share of the steps before the first look: what the first ones predict is a blur without edges.",
                ),
                io.Float.Input(
                    "end_percent",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="Share of the steps after which the weight stays as it is.",
                ),
            ],
            outputs=[
                ControlAdaptationType.Output(
                    "adaptation",
                    tooltip="To adaptation of a Control Signal or of Apply Control, and of Adaptation Report.",
                )
            ],
        )

    @classmethod
    def execute(
        cls,
        vae: Any,
        adherence: float = 0.8,
        every: int = 2,
        lowest: float = 0.5,
        highest: float = 1.5,
        proportional: float = 0.5,
        integral: float = 0.25,
        start_percent: float = 0.25,
        end_percent: float = 1.0,
    ) -> io.NodeOutput:
        from ..models.control.adaptation import Adaptation

        limits = (lowest, highest, proportional, integral)
        return io.NodeOutput(Adaptation(vae, adherence, every, *limits, start_percent, end_percent))


class ArmatureAdaptationReport(io.ComfyNode):
    """What became of the weights, once their sampler has run."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
            node_id="ArmatureAdaptationReport",
            display_name="Adaptation Report (experiment)",
            category=CATEGORY,
            description=(
                "Draws what an Adaptive Control Weight did in a sampling: the weight at each step, and the adherence at each "
                "look. It goes behind the sampler, so that it runs after it."
            ),
            search_aliases=["adaptive weight plot", "weight over steps", "adherence over steps"],
            is_output_node=True,
            inputs=[
                io.Latent.Input("samples", tooltip="The sampler's output; it passes through."),
                ControlAdaptationType.Input("adaptation", tooltip="The one that the sampled signals have."),
            ],
            outputs=[
                io.Latent.Output("samples", display_name="samples", tooltip="As they came in: to VAE Decode."),
                io.Image.Output("image", display_name="image", tooltip="The plot, 1200 pixels wide."),
                io.String.Output("report", display_name="report", tooltip="The same as a table."),
            ],
        )

    @classmethod
    def execute(cls, samples: Any, adaptation: Any) -> io.NodeOutput:
        from ..models.control.adaptation_report import report_adaptation

        image, report = report_adaptation(adaptation)
        return io.NodeOutput(samples, image, report, ui=shown(report, image, cls))
