"""Training a control on one's own pictures."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, TrainingSetType, io
from .shown import shown
from .training_inputs import (
    CATEGORY,
    Given,
    LossMapType,
    batch_inputs,
    noisy_times_input,
    rate_input,
    running_inputs,
    share_input,
)


class ArmatureTrainControlNeXt(io.ComfyNode):
    """A set of pictures with maps -> a ControlNeXt of one's own."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.training.controlnext import ADDITIONS, SUBSETS

        return io.Schema(
            **SHOWS,
            node_id="ArmatureTrainControlNeXt",
            display_name="Train ControlNeXt",
            category=CATEGORY,
            description=(
                "Trains a ControlNeXt on your pictures: a light module and a small part of the base's weights. It draws held-out "
                "pictures on the way and measures whether they follow their maps. Queue it again to go on where it stopped."
            ),
            search_aliases=["train controlnet", "controlnext training", "finetune control", "train control module"],
            is_output_node=True,
            inputs=[
                io.Model.Input(
                    "model",
                    tooltip=(
                        "SD 1.5, SD 2, SDXL, SD 3, Flux, Z-Image, Lumina 2 or Qwen-Image, in float16, bfloat16 or float32. "
                        "It stays as it is."
                    ),
                ),
                io.Clip.Input("clip", tooltip="Of the same checkpoint."),
                io.Vae.Input("vae", tooltip="Of the same checkpoint."),
                TrainingSetType.Input("set", tooltip="From Training Folder, with a map for each picture."),
                io.String.Input(
                    "name",
                    default="my_control",
                    optional=True,
                    tooltip="Of the files in models/controlnet. The same name goes on with it.",
                ),
                io.Int.Input(
                    "steps", default=500, min=1, max=1_000_000, optional=True, tooltip="Of the optimiser, in all."
                ),
                *batch_inputs(),
                rate_input("learning_rate", 3e-4, "Of the module. Falls along a cosine; the first 20 steps warm up."),
                io.Combo.Input(
                    "subset",
                    options=list(SUBSETS),
                    default="attention outputs",
                    optional=True,
                    tooltip=(
                        "Which weights of the base learn with it: the outputs of its attentions, as the authors do; those and "
                        "the convolutions behind the map, for narrow bases; low-rank changes of all attention weights; or none."
                    ),
                ),
                io.Int.Input(
                    "rank",
                    default=16,
                    min=1,
                    max=256,
                    optional=True,
                    advanced=True,
                    tooltip="Of the changes, for LoRA alone.",
                ),
                rate_input("subset_rate", 1e-4, "Learning rate of the base's part.", advanced=True),
                io.Combo.Input(
                    "addition",
                    options=list(ADDITIONS),
                    default="cross normalization",
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "How the map enters the base. cross normalization: as the authors do; plain: just added; zero "
                        "convolution: through one that begins as nothing, as a ControlNet has."
                    ),
                ),
                noisy_times_input("where things are"),
                share_input("without_text", 0.15, "Share of pictures that are learned without their caption."),
                *running_inputs("Pictures that are held out of the training, drawn with and without their map."),
            ],
            outputs=[
                io.ControlNet.Output(
                    "control_net", tooltip="What was trained. Load ControlNeXt loads it from its file."
                ),
                io.Model.Output("model", tooltip="The model with the part of its weights that was trained."),
                LossMapType.Output("loss", tooltip="To ComfyUI's Plot Loss Graph."),
                io.Image.Output("sheet", tooltip="The held-out pictures over the steps, with their adherence."),
                io.String.Output("report", tooltip="What was done, where the files lie, and whether it obeys."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        clip: Any,
        vae: Any,
        set: Any,
        name: str | None = None,
        steps: int | None = None,
        **settings: Any,
    ) -> io.NodeOutput:
        from ..models.training.controlnext import Plan
        from ..models.training.train_controlnext import applied, train_controlnext

        given = Given(settings)
        plan = given.of(
            Plan,
            addition="addition",
            subset="subset",
            rank="rank",
            learning_rate="rate",
            subset_rate="subset_rate",
            gradient_checkpointing="checkpointing",
        )
        trained = train_controlnext(
            model,
            clip,
            vae,
            set,
            name or "my_control",
            plan,
            given.pace(500 if steps is None else steps),
            given.drawing(),
            **given.running(),
        )
        return io.NodeOutput(
            trained.control,
            applied(model, trained.differences),
            {"loss": list(trained.losses)},
            trained.sheet,
            trained.report,
            ui=shown(trained.report, trained.sheet, cls),
        )
