"""A training set for ComfyUI's own LoRA training."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, TrainingSetType, io
from .shown import shown
from .training_folder import CATEGORY


class ArmatureTrainingSetForLoRA(io.ComfyNode):
    """A training set as latents and conditionings."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
            node_id="ArmatureTrainingSetForLoRA",
            display_name="Training Set for LoRA",
            category=CATEGORY,
            description=(
                "Gives a training set to ComfyUI's Train LoRA: the latent of each picture and the conditioning of its caption, "
                "in one order, with repeats. Both are made once and kept."
            ),
            search_aliases=["make training dataset", "lora dataset", "train lora", "kohya"],
            inputs=[
                TrainingSetType.Input("set", tooltip="From Training Folder. Maps are not needed."),
                io.Clip.Input("clip", tooltip="Of the checkpoint that the LoRA is for."),
                io.Vae.Input("vae", tooltip="Of the same checkpoint."),
            ],
            outputs=[
                io.Latent.Output(
                    "latents", display_name="latents", tooltip="To latents of Train LoRA.", is_output_list=True
                ),
                io.Conditioning.Output(
                    "positive", display_name="positive", tooltip="To positive of Train LoRA.", is_output_list=True
                ),
                io.String.Output("report", display_name="report", tooltip="How many, and what to set in Train LoRA."),
            ],
        )

    @classmethod
    def execute(cls, set: Any, clip: Any, vae: Any) -> io.NodeOutput:
        from ..models.training.for_lora import for_lora

        made = for_lora(set, clip, vae)
        return io.NodeOutput(made.latents, made.positive, made.report, ui=shown(made.report, None, cls))
