"""A control map as the model itself reads it: a second latent, or a reference picture."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, io, schedule_input
from .control import CATEGORY
from .shown import shown


class ArmatureMapReference(io.ComfyNode):
    """Puts a control map where the model wants it."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.control.map_reference.apply import CHOICES
        from ..models.control.map_reference.weights import MAXIMUM_WEIGHT

        def share(name: str, default: float, tooltip: str) -> Any:
            return io.Float.Input(name, default=default, min=0.0, max=1.0, step=0.001, optional=True, tooltip=tooltip)

        return io.Schema(
            **SHOWS,
            node_id="ArmatureMapReference",
            display_name="Map Reference",
            category=CATEGORY,
            description=(
                "Gives a control map to a model that reads it itself: Flux with a depth or canny control LoRA, or an edit model "
                "(Flux Kontext, Flux.2, Qwen-Image-Edit) as a reference picture. With a weight, a range and a curve."
            ),
            search_aliases=[
                "control lora",
                "reference latent",
                "kontext",
                "flux depth",
                "qwen image edit",
                "reference strength",
            ],
            inputs=[
                io.Model.Input("model", tooltip="The model, with its control LoRA; link the output on to the sampler."),
                io.Conditioning.Input("positive", tooltip="Conditioning of what you want to see."),
                io.Conditioning.Input("negative", tooltip="Conditioning of what you do not want to see."),
                io.Image.Input("image", tooltip="The control map, or another reference picture."),
                io.Vae.Input("vae", tooltip="The VAE of the model: the map is encoded with it."),
                io.Float.Input(
                    "weight",
                    default=1.0,
                    min=0.0,
                    max=MAXIMUM_WEIGHT,
                    step=0.01,
                    optional=True,
                    tooltip="How much the map counts. 1: as ComfyUI's own nodes do; 0: not at all.",
                ),
                share("start_percent", 0.0, "Share of the noise schedule at which the map begins to act."),
                share("end_percent", 1.0, "Share of the noise schedule at which it ends."),
                schedule_input(),
                io.Combo.Input(
                    "way",
                    options=list(CHOICES),
                    default="auto",
                    optional=True,
                    tooltip=(
                        "auto: as the model reads it; concat: as second latent (control LoRAs of Flux); reference: as reference "
                        "picture (edit models). A way that is not the model's own is an error."
                    ),
                ),
            ],
            outputs=[
                io.Model.Output("model", display_name="model", tooltip="To the sampler, with both conditionings."),
                io.Conditioning.Output("positive", display_name="positive", tooltip="To the sampler's positive input."),
                io.Conditioning.Output("negative", display_name="negative", tooltip="To the sampler's negative input."),
                io.String.Output("report", display_name="report", tooltip="How the map was put in, and its size."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        positive: Any,
        negative: Any,
        image: Any,
        vae: Any = None,
        weight: float = 1.0,
        start_percent: float = 0.0,
        end_percent: float = 1.0,
        schedule: Any = "",
        way: Any = "auto",
    ) -> io.NodeOutput:
        from ..models.control.map_reference.apply import apply_map
        from ..models.control.map_reference.weights import MapWeights
        from ..models.guidance.curve import Curve

        weights = MapWeights(weight=weight, start=start_percent, end=end_percent, schedule=Curve.read(schedule))
        made = apply_map(model, positive, negative, image, vae, weights, way or "auto")
        report = "\n".join(made.report)
        return io.NodeOutput(made.model, made.positive, made.negative, report, ui=shown(report))
