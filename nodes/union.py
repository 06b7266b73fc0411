"""Several control maps through a union net in one pass."""

from __future__ import annotations

from typing import Any

from .api import ControlSignalType, FrameWeightsType, LayerWeightsType, io
from .control import CATEGORY


class ArmatureUnionSignal(io.ComfyNode):
    """Signals of one union net, made one signal."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.control.signal import MAXIMUM_WEIGHT

        return io.Schema(
            node_id="ArmatureUnionSignal",
            display_name="Union Signal",
            category=CATEGORY,
            description=(
                "Joins control signals of one union control net (SDXL Union, ProMax) into a single signal: the net takes all "
                "their maps, one of each type, in one pass, at the cost of one. Link it to a ControlNet Stack."
            ),
            search_aliases=[
                "controlnet union",
                "controlnet++",
                "controlnetplus",
                "promax",
                "multiple union types",
                "controlnet++ input",
            ],
            inputs=[
                io.Float.Input(
                    "weight",
                    default=1.0,
                    min=0.0,
                    max=MAXIMUM_WEIGHT,
                    step=0.01,
                    optional=True,
                    tooltip="Strength of the whole pass, on top of the weights of its signals. 1 leaves it to them.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where in the picture the whole acts: outside it adds exactly nothing. Each signal can have its own.",
                ),
                LayerWeightsType.Input(
                    "layer_weights",
                    optional=True,
                    tooltip="Weight per layer of the network, for all its maps together.",
                ),
                FrameWeightsType.Input(
                    "frame_weights", optional=True, tooltip="Weight per frame or picture, for all its maps together."
                ),
                io.Autogrow.Input(
                    "signals",
                    template=io.Autogrow.TemplatePrefix(
                        ControlSignalType.Input(
                            "signal", optional=True, tooltip="From a Control Signal with the same union net."
                        ),
                        prefix="signal_",
                        min=0,
                        max=8,
                    ),
                    optional=True,
                    tooltip="Control signals of one union net, each with a map of another type.",
                ),
            ],
            outputs=[ControlSignalType.Output("signal", tooltip="Link it to a ControlNet Stack.")],
        )

    @classmethod
    def execute(
        cls,
        weight: Any = None,
        mask: Any = None,
        layer_weights: Any = None,
        frame_weights: Any = None,
        signals: dict[str, Any] | None = None,
    ) -> io.NodeOutput:
        from ..models.control.union_signal import make_union_signal

        whole = 1.0 if weight is None else weight
        return io.NodeOutput(make_union_signal(signals or {}, whole, mask, layer_weights, frame_weights))
