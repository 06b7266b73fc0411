"""Weights of a control signal over the layers of the network, the halves of the guidance, and the frames of a clip."""

from __future__ import annotations

from typing import Any

from .api import FrameWeightsType, LayerWeightsType, io
from .control import CATEGORY


class ArmatureLayerWeights(io.ComfyNode):
    """A factor per layer of the network, by name."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.guidance.layer_weights import MAXIMUM, PRESETS
        from ..models.guidance.soft_weights import RATIO

        return io.Schema(
            node_id="ArmatureLayerWeights",
            display_name="Layer Weights",
            category=CATEGORY,
            description=(
                "How strongly a control signal acts in each layer of the network, and on the prompt's and the negative prompt's "
                "half. Link it to layer_weights of a Control Signal."
            ),
            search_aliases=[
                "soft weights",
                "control weights",
                "block weight",
                "my prompt is more important",
                "controlnet is more important",
                "guess mode",
            ],
            inputs=[
                io.Combo.Input(
                    "preset",
                    options=list(PRESETS),
                    default="none",
                    optional=True,
                    tooltip=(
                        "none: all layers alike. favour_prompt: soft weights, the fine layers act less. favour_control: soft "
                        "weights, and only on the prompt's half, which the guidance then amplifies. conditional_only: the "
                        "prompt's half alone, at half the cost. my_prompt_is_more_important, controlnet_is_more_important: like "
                        "favour_prompt and favour_control with the numbers of the WebUI's extension, which are lower for SDXL "
                        "and T2I-Adapters. guess_mode: that of diffusers, 0.1 to 1 over the layers, on the prompt's half."
                    ),
                ),
                io.Float.Input(
                    "ratio",
                    default=RATIO,
                    min=0.0,
                    max=1.0,
                    step=0.005,
                    optional=True,
                    tooltip=(
                        "Of soft weights: each finer layer gets this share of the one below it. Lower is softer; 1 is off. "
                        "0.825 is the WebUI's. guess_mode does not use it."
                    ),
                ),
                io.String.Input(
                    "layers",
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip=(
                        "Factors by layer, such as input.0-2: 0.5, middle: 1, level.3: 0. UNets have input, middle, output and "
                        "level; Flux has double and single; other transformers have block. Layers without an entry keep 1."
                    ),
                ),
                io.Float.Input(
                    "conditional",
                    default=1.0,
                    min=0.0,
                    max=MAXIMUM,
                    step=0.01,
                    optional=True,
                    tooltip="Factor on the half of the batch that follows the prompt.",
                ),
                io.Float.Input(
                    "unconditional",
                    default=1.0,
                    min=0.0,
                    max=MAXIMUM,
                    step=0.01,
                    optional=True,
                    tooltip="Factor on the half that follows the negative prompt. 0 leaves it uncontrolled.",
                ),
            ],
            outputs=[LayerWeightsType.Output("layer_weights", tooltip="To layer_weights of a Control Signal.")],
        )

    @classmethod
    def execute(
        cls,
        preset: str = "none",
        ratio: float = 0.825,
        layers: str = "",
        conditional: float = 1.0,
        unconditional: float = 1.0,
    ) -> io.NodeOutput:
        from ..models.guidance.layer_weights import make_layer_weights

        return io.NodeOutput(make_layer_weights(preset, ratio, layers, conditional, unconditional))


class ArmatureFrameWeights(io.ComfyNode):
    """A factor per frame of a clip, or picture of a batch."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.guidance.frame_weights import INTERPOLATIONS

        return io.Schema(
            node_id="ArmatureFrameWeights",
            display_name="Frame Weights",
            category=CATEGORY,
            description=(
                "How strongly a control signal acts on each frame of a clip, or each picture of a batch. Link it to "
                "frame_weights of a Control Signal."
            ),
            search_aliases=["latent keyframe", "keyframes", "batch weights", "weights per frame", "animate control"],
            inputs=[
                io.String.Input(
                    "weights",
                    default="0: 1",
                    multiline=True,
                    optional=True,
                    tooltip=(
                        "Keyframes as frame: weight, such as 0: 1, 12: 0.4, -1: 0 (frames count from 0, -1 is the last), or a "
                        "plain list with one weight for each frame. They multiply the signal's weight."
                    ),
                ),
                io.Combo.Input(
                    "interpolation",
                    options=list(INTERPOLATIONS),
                    default="linear",
                    optional=True,
                    tooltip="Between keyframes. linear: straight; smooth: slow at both ends; hold: the same until the next.",
                ),
            ],
            outputs=[FrameWeightsType.Output("frame_weights", tooltip="To frame_weights of a Control Signal.")],
        )

    @classmethod
    def execute(cls, weights: str = "0: 1", interpolation: Any = "linear") -> io.NodeOutput:
        from ..models.guidance.frame_weights import FrameWeights

        return io.NodeOutput(FrameWeights.from_text(weights, interpolation))
