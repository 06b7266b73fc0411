"""Looking at a control stack before it is sampled."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, ControlSavingsType, ControlStackType, io
from .control import CATEGORY
from .shown import shown


class ArmaturePlotControlStack(io.ComfyNode):
    """What each signal of a stack gets at each step."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        import comfy.samplers

        return io.Schema(
            **SHOWS,
            node_id="ArmaturePlotControlStack",
            display_name="Plot ControlNet Stack",
            category=CATEGORY,
            description=(
                "Draws the weight of every signal of a stack at every step of the sampler, with the balance in it, and gives the "
                "same as a table. Nothing is sampled."
            ),
            search_aliases=[
                "plot control stack",
                "control weights plot",
                "schedule graph",
                "sigmas plot",
                "control stack report",
                "timeline",
            ],
            is_output_node=True,
            inputs=[
                io.Model.Input(
                    "model", tooltip="The model that will be sampled; its noise schedule says where each step lies."
                ),
                ControlStackType.Input("stack", optional=True, tooltip="From ControlNet Stack."),
                io.Combo.Input(
                    "scheduler",
                    options=list(comfy.samplers.SCHEDULER_NAMES),
                    default="normal",
                    optional=True,
                    tooltip="As on your sampler. Not used when sigmas are linked.",
                ),
                io.Int.Input(
                    "steps",
                    default=20,
                    min=1,
                    max=10000,
                    optional=True,
                    tooltip="As on your sampler. Not used when sigmas are linked.",
                ),
                io.Float.Input(
                    "denoise",
                    default=1.0,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="As on your sampler. Not used when sigmas are linked.",
                ),
                io.Sigmas.Input(
                    "sigmas", optional=True, tooltip="The steps of a custom sampler, instead of the three above."
                ),
                ControlSavingsType.Input("savings", optional=True, tooltip="As on Apply ControlNet Stack."),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The plot, 1200 pixels wide."),
                io.String.Output("report", display_name="report", tooltip="The same as a table."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        stack: Any = None,
        scheduler: str = "normal",
        steps: int = 20,
        denoise: float = 1.0,
        sigmas: Any = None,
        savings: Any = None,
    ) -> io.NodeOutput:
        from ..models.control.plot import plot_and_table
        from ..models.control.savings import check_savings
        from ..models.control.stack import ControlStack, check_stack

        checked = ControlStack() if stack is None else check_stack(stack, "stack")
        image, report = plot_and_table(checked, model, scheduler, steps, denoise, sigmas, check_savings(savings))
        return io.NodeOutput(image, report, ui=shown(report, image, cls))
