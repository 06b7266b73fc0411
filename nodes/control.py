"""Control signals and their stack."""

from __future__ import annotations

from typing import Any

from .api import (
    ControlAdaptationType,
    ControlNetStackType,
    ControlSignalType,
    ControlStackType,
    FrameWeightsType,
    LayerWeightsType,
    control_net_input,
    io,
    schedule_input,
)

CATEGORY = "Armature/control"


def signal_inputs() -> list[Any]:
    """What makes a signal, in an order that saved graphs hold."""
    from ..models.control.fit import FITS
    from ..models.control.signal import MAXIMUM_WEIGHT, ON_INVALID

    return [
        control_net_input(
            "control_net", "From Load ControlNet, or any node that gives a control net or a model patch."
        ),
        io.Image.Input(
            "image",
            tooltip="The kind of map that the control net was trained on (edges, depth, pose, ...), from Control Map.",
        ),
        io.Float.Input(
            "weight",
            default=0.8,
            min=0.0,
            max=MAXIMUM_WEIGHT,
            step=0.01,
            optional=True,
            tooltip="How strongly the picture follows the map. 0.5 to 1.0 suits most; 0 switches the signal off.",
        ),
        io.Float.Input(
            "start_percent",
            default=0.0,
            min=0.0,
            max=1.0,
            step=0.001,
            optional=True,
            tooltip=(
                "Share of the noise schedule (see range_of) at which the signal begins. 0: the first step; the layout is "
                "decided early."
            ),
        ),
        io.Float.Input(
            "end_percent",
            default=1.0,
            min=0.0,
            max=1.0,
            step=0.001,
            optional=True,
            tooltip=(
                "Share of the noise schedule (see range_of) at which the signal ends. 0.6 to 0.8 leaves the fine detail "
                "to the model."
            ),
        ),
        io.Combo.Input(
            "fit",
            options=list(FITS),
            default="crop",
            optional=True,
            tooltip=(
                "What to do when map and picture differ in aspect. crop: cut the map's edges (as ComfyUI does); "
                "stretch: use all of it, distorted; pad: use all of it, the rest of the picture stays free."
            ),
        ),
        io.Combo.Input(
            "on_invalid",
            options=list(ON_INVALID),
            default="warn",
            optional=True,
            advanced=True,
            tooltip=(
                "When something speaks against the map (blank, inverted, wrong channels or axes, no person, noisy, "
                "too dense, another kind). warn: apply it and say so; skip: generate from the other signals; error: stop."
            ),
        ),
        schedule_input(),
        io.Mask.Input(
            "mask",
            optional=True,
            tooltip="Where in the picture the signal acts: white fully, black not at all. Any size; one, or one each.",
        ),
        LayerWeightsType.Input(
            "layer_weights",
            optional=True,
            tooltip="Weight per layer of the network; unlinked, all act fully.",
        ),
        FrameWeightsType.Input(
            "frame_weights",
            optional=True,
            tooltip="Weight per frame of a clip or picture of a batch, from Frame Weights; unlinked, all the same.",
        ),
    ]


def range_of_input() -> Any:
    """What the range of a signal counts."""
    from ..models.control.signal import RANGES

    return io.Combo.Input(
        "range_of",
        options=list(RANGES),
        default="noise",
        optional=True,
        advanced=True,
        tooltip=(
            "What start_percent and end_percent count. noise: the noise schedule, as ComfyUI's own nodes do; with "
            "karras, 0.2 to 0.8 of it holds 3 of 10 steps. steps: steps of this sampling; 0.2 to 0.8 is 6 of 10."
        ),
    )


def inpaint_mask_input() -> Any:
    """The mask of control nets that paint into a picture."""
    return io.Mask.Input(
        "inpaint_mask",
        optional=True,
        tooltip="For control nets that inpaint: white where the picture is drawn anew. It is part of what they look at.",
    )


def inpaint_image_input() -> Any:
    """What such a net paints into, where it follows a map as well."""
    return io.Image.Input(
        "inpaint_image",
        optional=True,
        tooltip=(
            "The picture that is painted into, for nets that follow a map at the same time (Z-Image Fun 2, FLUX.2 Fun): then "
            "image is the map. Unlinked: image is painted into."
        ),
    )


def adaptation_input() -> Any:
    """How the weight corrects itself while sampling."""
    return ControlAdaptationType.Input(
        "adaptation",
        optional=True,
        tooltip="An experiment: how the weight corrects itself while sampling, from Adaptive Control Weight. Unlinked: it stays.",
    )


def origins(cls: type[io.ComfyNode]) -> tuple[str, str]:
    """What the prompt says of the nodes before a signal: the title of the one that its image comes from, its net's file name."""
    from ..common.node_names import linked_node, title_of

    if cls.hidden is None:
        return "", ""
    of = lambda name: linked_node(cls.hidden.prompt, cls.hidden.unique_id, name)  # noqa: E731
    inputs = of("control_net").get("inputs")
    file = inputs.get("control_net_name") if isinstance(inputs, dict) else None
    return title_of(of("image")) or "", file if isinstance(file, str) else ""


class ArmatureControlSignal(io.ComfyNode):
    """One control net with its picture, weight, range, curve and mask."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ArmatureControlSignal",
            display_name="Control Signal",
            category=CATEGORY,
            description=(
                "One control signal: a control net, the map it follows, and how strongly, when and where it acts. "
                "Link it to a ControlNet Stack."
            ),
            search_aliases=[
                "controlnet",
                "control net",
                "t2i adapter",
                "controlnext",
                "apply controlnet",
                "control weight",
                "multi controlnet",
            ],
            inputs=[
                *signal_inputs(),
                range_of_input(),
                inpaint_mask_input(),
                inpaint_image_input(),
                adaptation_input(),
            ],
            hidden=[io.Hidden.prompt, io.Hidden.unique_id],
            outputs=[ControlSignalType.Output("signal", tooltip="Link it to a ControlNet Stack.")],
        )

    @classmethod
    def execute(
        cls,
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
        range_of: Any = "noise",
        inpaint_mask: Any = None,
        inpaint_image: Any = None,
        adaptation: Any = None,
    ) -> io.NodeOutput:
        from ..models.control.adaptation import check_adaptation
        from ..models.control.signal import ControlSignal
        from ..models.guidance.curve import Curve

        curve = Curve.read(schedule)
        return io.NodeOutput(
            ControlSignal(
                control_net,
                image,
                weight,
                start_percent,
                end_percent,
                fit,
                on_invalid,
                curve,
                mask,
                layer_weights,
                frame_weights,
                range_of or "noise",
                inpaint_mask,
                inpaint_image,
                *origins(cls),
                check_adaptation(adaptation),
            )
        )


class ArmatureControlStack(io.ComfyNode):
    """Any number of control signals, in order."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.control.stack import BALANCES

        return io.Schema(
            node_id="ArmatureControlStack",
            display_name="ControlNet Stack",
            category=CATEGORY,
            description="Collects control signals. A new socket appears for each signal that you link.",
            search_aliases=[
                "multi controlnet",
                "control stack",
                "cr multi-controlnet stack",
                "control net stacker",
                "combine controlnets",
            ],
            inputs=[
                io.Combo.Input(
                    "balance",
                    options=list(BALANCES),
                    default="none",
                    optional=True,
                    tooltip=(
                        "How the signals share the picture. none: they add up as they are; normalize: when their weights "
                        "at a step sum to more than the budget, all are scaled down alike; strongest: in each place only "
                        "the signal with the largest weight acts."
                    ),
                ),
                io.Float.Input(
                    "budget",
                    default=1.0,
                    min=0.01,
                    max=100.0,
                    step=0.01,
                    optional=True,
                    tooltip="Largest sum of weights that normalize allows. Used by normalize alone.",
                ),
                io.Autogrow.Input(
                    "signals",
                    template=io.Autogrow.TemplatePrefix(
                        ControlSignalType.Input("signal", optional=True, tooltip="From a Control Signal node."),
                        prefix="signal_",
                        min=0,
                        max=32,
                    ),
                    optional=True,
                    tooltip="The control signals, up to 32.",
                ),
                ControlStackType.Input(
                    "previous", optional=True, tooltip="Another ControlNet Stack; its signals come first."
                ),
                ControlNetStackType.Input(
                    "control_net_stack",
                    optional=True,
                    tooltip="A CONTROL_NET_STACK from another pack; its rows come after previous and before the signals here.",
                ),
            ],
            outputs=[
                ControlStackType.Output("stack", tooltip="To Apply ControlNet Stack, or to previous of another stack.")
            ],
        )

    @classmethod
    def execute(
        cls,
        balance: str = "none",
        budget: float = 1.0,
        previous: Any = None,
        control_net_stack: Any = None,
        signals: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ..models.control.collect import collect_stack

        return io.NodeOutput(collect_stack(balance, budget, previous, control_net_stack, signals or {}))
