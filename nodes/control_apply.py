"""Applying a control stack."""

from __future__ import annotations

from typing import Any

from .api import ControlSavingsType, ControlStackType, io, ui
from .control import CATEGORY


class ArmatureApplyControlStack(io.ComfyNode):
    """Puts a stack of control signals into the conditioning."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.control.guard import GUARDS

        return io.Schema(
            node_id="ArmatureApplyControlStack",
            display_name="Apply Control Stack",
            category=CATEGORY,
            description=(
                "Puts all signals of a stack into the positive and negative conditioning. Link both on to the sampler. "
                "Without a stack the conditioning passes through."
            ),
            search_aliases=["apply controlnet", "apply multi controlnet", "controlnet apply advanced", "control stack"],
            inputs=[
                io.Conditioning.Input("positive", tooltip="Conditioning of what you want to see."),
                io.Conditioning.Input("negative", tooltip="Conditioning of what you do not want to see."),
                ControlStackType.Input("stack", optional=True, tooltip="From Control Stack."),
                io.Vae.Input(
                    "vae",
                    optional=True,
                    tooltip="Only control nets that work on encoded images (SD3, Flux, Qwen-Image) need it.",
                ),
                io.Combo.Input(
                    "guard",
                    options=list(GUARDS),
                    default="error",
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "When a signal turns out to contribute nothing (its control net does not fit the checkpoint, or gives "
                        "only zeros). error: stop and name it; warn: say so and go on."
                    ),
                ),
                ControlSavingsType.Input(
                    "savings",
                    optional=True,
                    tooltip="What may be left out to be faster, from Profile. Unlinked: nothing.",
                ),
            ],
            outputs=[
                io.Conditioning.Output("positive", display_name="positive", tooltip="To the sampler's positive input."),
                io.Conditioning.Output("negative", display_name="negative", tooltip="To the sampler's negative input."),
            ],
        )

    @classmethod
    def execute(
        cls, positive: Any, negative: Any, stack: Any = None, vae: Any = None, guard: Any = None, savings: Any = None
    ) -> io.NodeOutput:
        from ..models.control.apply import apply_stack
        from ..models.control.savings import check_savings
        from ..models.control.stack import ControlStack, check_stack

        checked = ControlStack() if stack is None else check_stack(stack, "stack")
        applied = apply_stack(positive, negative, checked, vae, guard or "error", check_savings(savings))
        report = (
            "\n".join(applied.report)
            or "The control stack holds no signals: the conditioning passed through unchanged."
        )
        return io.NodeOutput(applied.positive, applied.negative, ui=ui.PreviewText(report))
