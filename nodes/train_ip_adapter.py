"""Training an IP-Adapter on a few views of a thing."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, IPAdapterType, TrainingSetType, io
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


class ArmatureTrainIPAdapter(io.ComfyNode):
    """A few views of a thing -> an IP-Adapter of one's own."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.training.ip_adapter_weights import LAYOUTS

        return io.Schema(
            **SHOWS,
            node_id="ArmatureTrainIPAdapter",
            display_name="Train IP-Adapter",
            category=CATEGORY,
            description=(
                "Trains an IP-Adapter on 10 to 20 views of a thing, anew or from an adapter that there is. Held-out views decide "
                "when it stops, and the report says where it only learns by heart. Queue it again to go on where it stopped."
            ),
            search_aliases=[
                "train ip-adapter",
                "ipadapter training",
                "finetune ip adapter",
                "train product",
                "train subject",
            ],
            is_output_node=True,
            inputs=[
                io.Model.Input("model", tooltip="SD 1.5 or SDXL, in float16, bfloat16 or float32. It stays as it is."),
                io.Clip.Input("clip", tooltip="Of the same checkpoint."),
                io.Vae.Input("vae", tooltip="Of the same checkpoint."),
                io.ClipVision.Input(
                    "clip_vision",
                    tooltip="The image encoder that the adapter shall read pictures with, here and in use.",
                ),
                TrainingSetType.Input("set", tooltip="From Training Folder. Maps are not needed."),
                io.String.Input(
                    "name",
                    default="my_product",
                    optional=True,
                    tooltip="Of the file in models/ipadapter. The same name goes on with it.",
                ),
                io.Int.Input(
                    "steps", default=300, min=1, max=1_000_000, optional=True, tooltip="Of the optimiser, at most."
                ),
                IPAdapterType.Input(
                    "start_from",
                    optional=True,
                    tooltip="An adapter to go on from, of the layouts base or plus: needs fewer steps. Unlinked: begins anew.",
                ),
                io.Combo.Input(
                    "layout",
                    options=list(LAYOUTS),
                    default="base",
                    optional=True,
                    tooltip=(
                        "base: a few tokens of the whole picture, the fastest to learn; plus: tokens of all its parts, more "
                        "like it and more easily a copy. With start_from its own counts."
                    ),
                ),
                io.Int.Input(
                    "tokens",
                    default=0,
                    min=0,
                    max=64,
                    optional=True,
                    advanced=True,
                    tooltip="Of a picture. 0: 4 for base and 16 for plus, the numbers that IPAdapter_plus reads.",
                ),
                *batch_inputs(),
                rate_input("learning_rate", 1e-4, "Falls along a cosine; the first 20 steps warm up."),
                share_input("without_text", 0.1, "Share of pictures that are learned without their caption."),
                share_input(
                    "without_image",
                    0.1,
                    "Share of pictures that are learned with no picture to follow, which guidance needs.",
                ),
                noisy_times_input("form and colour"),
                io.Int.Input(
                    "patience",
                    default=3,
                    min=0,
                    max=1000,
                    optional=True,
                    advanced=True,
                    tooltip="It stops after so many looks at which held-out views came out no better. 0: never.",
                ),
                *running_inputs("Views that are held out of the training, drawn with and without the adapter.", 50),
            ],
            outputs=[
                IPAdapterType.Output("ip_adapter", tooltip="What was trained. Load IP-Adapter loads it from its file."),
                LossMapType.Output("loss", tooltip="To ComfyUI's Plot Loss Graph."),
                io.Image.Output("sheet", tooltip="The held-out views over the steps, with their likeness."),
                io.String.Output(
                    "report", tooltip="What was done, where the file lies, and how alike the pictures are."
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        clip: Any,
        vae: Any,
        clip_vision: Any,
        set: Any,
        name: str = "my_product",
        steps: int = 300,
        start_from: Any = None,
        **settings: Any,
    ) -> io.NodeOutput:
        from ..models.training.ip_adapter import Plan
        from ..models.training.train_ip_adapter import train_ip_adapter

        given = Given(settings, without_text=0.1, validate_every=50)
        plan = given.of(
            Plan,
            layout="layout",
            tokens="tokens",
            learning_rate="rate",
            without_image="without_image",
            patience="patience",
            gradient_checkpointing="checkpointing",
        )
        trained = train_ip_adapter(
            model,
            clip,
            vae,
            clip_vision,
            set,
            name,
            plan,
            given.pace(steps),
            given.drawing(),
            start_from,
            **given.running(),
        )
        return io.NodeOutput(
            trained.adapter,
            {"loss": list(trained.losses)},
            trained.sheet,
            trained.report,
            ui=shown(trained.report, trained.sheet, cls),
        )
