"""Applying a control stack."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, ControlSavingsType, ControlStackType, io
from .control import (
    CATEGORY,
    adaptation_input,
    inpaint_image_input,
    inpaint_mask_input,
    origins,
    range_of_input,
    signal_inputs,
)
from .shown import shown


def conditioning_inputs() -> list[Any]:
    """Both prompts."""
    return [
        io.Conditioning.Input("positive", tooltip="Conditioning of what you want to see."),
        io.Conditioning.Input("negative", tooltip="Conditioning of what you do not want to see."),
    ]


def conditioning_outputs(report: str) -> list[Any]:
    """Both prompts and a report, of which the tooltip is given."""
    return [
        io.Conditioning.Output("positive", display_name="positive", tooltip="To the sampler's positive input."),
        io.Conditioning.Output("negative", display_name="negative", tooltip="To the sampler's negative input."),
        io.String.Output("report", display_name="report", tooltip=report),
    ]


def guard_input() -> Any:
    """What happens when a signal contributes nothing."""
    from ..models.control.guard import GUARDS

    return io.Combo.Input(
        "guard",
        options=list(GUARDS),
        default="error",
        optional=True,
        advanced=True,
        tooltip=(
            "When a signal turns out to contribute nothing (its control net does not fit the checkpoint, or gives "
            "only zeros). error: stop and name it; warn: say so and go on."
        ),
    )


def savings_input() -> Any:
    """What may be left out."""
    return ControlSavingsType.Input(
        "savings", optional=True, tooltip="What may be left out to be faster, from Profile. Unlinked: nothing."
    )


def vae_input() -> Any:
    """For nets that work on encoded images."""
    return io.Vae.Input(
        "vae",
        optional=True,
        tooltip="Only control nets that work on encoded images (SD3, Flux, Qwen-Image) need it.",
    )


class ArmatureApplyControlStack(io.ComfyNode):
    """Puts a stack of control signals into the conditioning."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
            node_id="ArmatureApplyControlStack",
            display_name="Apply ControlNet Stack",
            category=CATEGORY,
            description=(
                "Puts all signals of a stack into the positive and negative conditioning. Link both on to the sampler. "
                "Without a stack the conditioning passes through."
            ),
            search_aliases=[
                "apply controlnet",
                "apply multi controlnet",
                "controlnet apply advanced",
                "apply control stack",
            ],
            inputs=[
                *conditioning_inputs(),
                ControlStackType.Input("stack", optional=True, tooltip="From ControlNet Stack."),
                vae_input(),
                guard_input(),
                savings_input(),
            ],
            outputs=conditioning_outputs("What was done with each signal."),
        )

    @classmethod
    def execute(
        cls, positive: Any, negative: Any, stack: Any = None, vae: Any = None, guard: Any = None, savings: Any = None
    ) -> io.NodeOutput:
        from ..models.control.apply import apply_stack
        from ..models.control.savings import check_savings
        from ..models.control.stack import check_stack

        checked = None if stack is None else check_stack(stack, "stack")
        applied = apply_stack(positive, negative, checked, vae, guard or "error", check_savings(savings))
        report = "\n".join(applied.report)
        return io.NodeOutput(applied.positive, applied.negative, report, ui=shown(report))


class ArmatureApplyControl(io.ComfyNode):
    """One control net, applied: a stack of one signal in one node."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
            node_id="ArmatureApplyControl",
            display_name="Apply Control",
            category=CATEGORY,
            description=(
                "Applies one control net or model patch to positive and negative, with all that a Control Signal has. For "
                "several at once use Control Signal, ControlNet Stack and Apply ControlNet Stack, or chain these nodes."
            ),
            search_aliases=["apply controlnet", "controlnet apply advanced", "apply control net", "control apply"],
            inputs=[
                *conditioning_inputs(),
                *signal_inputs(),
                inpaint_mask_input(),
                vae_input(),
                guard_input(),
                savings_input(),
                range_of_input(),
                inpaint_image_input(),
                adaptation_input(),
            ],
            outputs=conditioning_outputs("What was done with the signal."),
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
        )

    @classmethod
    def execute(
        cls,
        positive: Any,
        negative: Any,
        control_net: Any,
        image: Any,
        weight: float = 0.8,
        start_percent: float = 0.0,
        end_percent: float = 1.0,
        fit: Any = "crop",
        on_invalid: Any = "warn",
        schedule: Any = "",
        mask: Any = None,
        layer_weights: Any = None,
        frame_weights: Any = None,
        inpaint_mask: Any = None,
        vae: Any = None,
        guard: Any = None,
        savings: Any = None,
        range_of: Any = "noise",
        inpaint_image: Any = None,
        adaptation: Any = None,
    ) -> io.NodeOutput:
        from ..models.control.adaptation import check_adaptation
        from ..models.control.apply import apply_stack
        from ..models.control.savings import check_savings
        from ..models.control.signal import ControlSignal
        from ..models.control.stack import ControlStack
        from ..models.guidance.curve import Curve

        signal = ControlSignal(
            control_net,
            image,
            weight,
            start_percent,
            end_percent,
            fit,
            on_invalid,
            Curve.read(schedule),
            mask,
            layer_weights,
            frame_weights,
            range_of or "noise",
            inpaint_mask,
            inpaint_image,
            *origins(cls),
            check_adaptation(adaptation),
        )
        stack = ControlStack((signal,))
        applied = apply_stack(positive, negative, stack, vae, guard or "error", check_savings(savings))
        report = "\n".join(applied.report)
        return io.NodeOutput(applied.positive, applied.negative, report, ui=shown(report))
