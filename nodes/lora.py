"""LoRAs: one per node, chained into a stack, and applied with a report."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, LoRAOptionsType, LoRAStackType, io, schedule_input
from .loaders import file_names
from .shown import shown

CATEGORY = "Armature/lora"
_FOLDER = "loras"


class ArmatureLoRAStack(io.ComfyNode):
    """One LoRA, behind those of another stack."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ArmatureLoRAStack",
            display_name="LoRA Stack",
            category=CATEGORY,
            description="Puts one LoRA into a stack. Chain these nodes, and link the last to Apply LoRA Stack.",
            search_aliases=["lora", "lora stacker", "cr lora stack", "load lora", "multi lora"],
            inputs=[
                io.Combo.Input(
                    "lora_name",
                    options=file_names(_FOLDER),
                    tooltip="A file from models/loras, for the family of your checkpoint.",
                ),
                _strength(
                    "strength_model",
                    "How strongly the LoRA changes the model. 0.6 to 1 suits most; negative reverses it.",
                ),
                _strength(
                    "strength_clip",
                    "How strongly it changes the text encoder. Without effect where it holds nothing for it.",
                ),
                io.Boolean.Input(
                    "enabled", default=True, optional=True, tooltip="Off: the stack goes through without this LoRA."
                ),
                LoRAStackType.Input(
                    "lora_stack",
                    optional=True,
                    tooltip="A stack to add to, from this pack or any other; its LoRAs come first.",
                ),
            ],
            outputs=[LoRAStackType.Output("lora_stack", tooltip="To Apply LoRA Stack, or another LoRA Stack.")],
        )

    @classmethod
    def execute(
        cls,
        lora_name: str,
        strength_model: float | None = None,
        strength_clip: float | None = None,
        enabled: bool | None = None,
        lora_stack: Any = None,
    ) -> io.NodeOutput:
        from ..models.lora.stack import extended

        return io.NodeOutput(
            extended(
                lora_stack,
                lora_name,
                0.8 if strength_model is None else strength_model,
                0.8 if strength_clip is None else strength_clip,
                enabled is not False,
            )
        )


def _strength(name: str, tooltip: str) -> Any:
    return io.Float.Input(name, default=0.8, min=-100.0, max=100.0, step=0.01, optional=True, tooltip=tooltip)


class ArmatureLoRAOptions(io.ComfyNode):
    """Weights of single blocks, and a curve, for one LoRA of a stack."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ArmatureLoRAOptions",
            display_name="LoRA Options",
            category=CATEGORY,
            description="For one LoRA of a stack: factors for blocks by name, and a strength that changes during sampling.",
            search_aliases=["lora block weight", "lbw", "lora schedule", "lora hook keyframes"],
            inputs=[
                io.Combo.Input("lora_name", options=file_names(_FOLDER), tooltip="The same file as in the LoRA Stack."),
                io.String.Input(
                    "block_weights",
                    default="",
                    multiline=True,
                    optional=True,
                    tooltip=(
                        "Factors by block, such as input.4-8: 0.5, middle: 1, output: 0.2. UNets have input, middle and output; "
                        "Flux has double and single; other transformers have block. Others keep 1."
                    ),
                ),
                schedule_input(),
                LoRAOptionsType.Input(
                    "options", optional=True, tooltip="Options of other LoRAs, from another of these nodes."
                ),
            ],
            outputs=[LoRAOptionsType.Output("options", tooltip="To options of Apply LoRA Stack.")],
        )

    @classmethod
    def execute(
        cls, lora_name: str, block_weights: str | None = None, schedule: Any = "", options: Any = None
    ) -> io.NodeOutput:
        from ..models.lora.stack import with_options

        return io.NodeOutput(with_options(options, lora_name, block_weights or "", schedule))


class ArmatureApplyLoRAStack(io.ComfyNode):
    """All LoRAs of a stack, with a report of what fits."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.lora.stack import LEAST_SHARE

        return io.Schema(
            **SHOWS,
            node_id="ArmatureApplyLoRAStack",
            display_name="Apply LoRA Stack",
            category=CATEGORY,
            description=(
                "Applies all LoRAs of a stack. The report says for each what it was made for, its trigger words, and how much of "
                "it fits this model."
            ),
            search_aliases=["apply lora", "cr apply lora stack", "lora loader", "lora report", "lora not loaded"],
            inputs=[
                io.Model.Input("model", tooltip="The model that the LoRAs change."),
                io.Clip.Input(
                    "clip", optional=True, tooltip="The text encoder that they change; unlinked, only the model is."
                ),
                LoRAStackType.Input(
                    "lora_stack", optional=True, tooltip="From LoRA Stack, or a stack of any other pack."
                ),
                LoRAOptionsType.Input("options", optional=True, tooltip="Block weights and curves, from LoRA Options."),
                io.Float.Input(
                    "minimum_match",
                    default=LEAST_SHARE,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    advanced=True,
                    tooltip="Stop when less than this share of a LoRA fits the model. 0: apply whatever fits.",
                ),
            ],
            outputs=[
                io.Model.Output("model", tooltip="To the sampler."),
                io.Clip.Output("clip", tooltip="To the prompts."),
                io.String.Output("report", tooltip="What of each LoRA was used, and what was not and why."),
                io.Hooks.Output(
                    "hooks",
                    tooltip="Only for LoRAs with a curve when clip is not linked: to Cond Set Props. Else not needed.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        clip: Any = None,
        lora_stack: Any = None,
        options: Any = None,
        minimum_match: float | None = None,
    ) -> io.NodeOutput:
        from ..models.lora.apply import apply_lora_stack
        from ..models.lora.stack import LEAST_SHARE

        least = LEAST_SHARE if minimum_match is None else minimum_match
        done = apply_lora_stack(model, clip, lora_stack, options, least)
        return io.NodeOutput(done.model, done.clip, done.report, done.hooks, ui=shown(done.report))
