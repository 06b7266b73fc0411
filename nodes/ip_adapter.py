"""IP-Adapter: loading it, and applying it to a model."""

from __future__ import annotations

from typing import Any

from .api import (
    SHOWS,
    FaceEmbedsType,
    FrameWeightsType,
    ImageEmbedsType,
    IPAdapterType,
    LayerWeightsType,
    io,
    schedule_input,
)
from .shown import shown, shown_file

CATEGORY = "Armature/ip-adapter"


class ArmatureLoadIPAdapter(io.ComfyNode):
    """An IP-Adapter file, named by its header."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.files.layouts.ip_adapter import VARIANTS
        from ..models.ip_adapter.identity_from_folder import file_names

        return io.Schema(
            **SHOWS,
            node_id="ArmatureLoadIPAdapter",
            display_name="Load IP-Adapter",
            category=CATEGORY,
            description=(
                "Loads an IP-Adapter for SD 1.5, SDXL, Kolors or Flux: base, light, ViT-G, plus, plus face, full face, FaceID, "
                "portrait, composition. Which one it is, is read off the file, not off its name."
            ),
            search_aliases=[
                "ipadapter",
                "ip adapter model loader",
                "image prompt",
                "ipadapter unified loader",
                "faceid",
            ],
            inputs=[
                io.Combo.Input(
                    "ip_adapter_name",
                    options=file_names(),
                    tooltip="A file from models/ipadapter, made for the family of your checkpoint.",
                ),
                io.Combo.Input(
                    "variant",
                    options=list(VARIANTS),
                    default="auto",
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "Only for FaceID Plus, whose two versions look alike inside: auto takes version 2 (files with plusv2 "
                        "in their name); choose face_id_plus_v1 for the first one."
                    ),
                ),
            ],
            outputs=[IPAdapterType.Output("ip_adapter", tooltip="To Apply IP-Adapter.")],
        )

    @classmethod
    def execute(cls, ip_adapter_name: str, variant: str | None = None) -> io.NodeOutput:
        from ..models.ip_adapter.loading import load_ip_adapter, path_of

        path = path_of(ip_adapter_name)
        return io.NodeOutput(load_ip_adapter(path, variant or "auto"), ui=shown_file(path))


def _share(name: str, default: float, tooltip: str) -> Any:
    return io.Float.Input(name, default=default, min=0.0, max=1.0, step=0.001, optional=True, tooltip=tooltip)


def _weight(name: str, default: float, tooltip: str, **more: Any) -> Any:
    return io.Float.Input(name, default=default, min=-1.0, max=5.0, step=0.01, optional=True, tooltip=tooltip, **more)


def _first_inputs() -> list[Any]:
    """The inputs that every graph uses. Their order is part of saved graphs."""
    from ..models.ip_adapter.embeds import COMBINES
    from ..models.ip_adapter.weight_types import WEIGHT_TYPES

    return [
        io.Model.Input("model", tooltip="The model that shall follow the picture."),
        IPAdapterType.Input("ip_adapter", tooltip="From Load IP-Adapter."),
        _weight("weight", 0.6, "How strongly the model follows the picture. 0.4 to 0.8 suits most; 0 switches it off."),
        _share(
            "start_percent", 0.0, "Share of the noise schedule at which the picture begins to act. 0: the first step."
        ),
        _share(
            "end_percent",
            1.0,
            "Share of the noise schedule at which it ends. 0.7 leaves the fine detail to the prompt.",
        ),
        io.Combo.Input(
            "weight_type",
            options=list(WEIGHT_TYPES),
            default="linear",
            optional=True,
            tooltip=(
                "Where in the network the picture acts. linear: everywhere alike; ease and weak types: less in some parts; style "
                "transfer: the look without the content; composition: the arrangement without the look."
            ),
        ),
        io.Combo.Input(
            "combine",
            options=list(COMBINES),
            default="concat",
            optional=True,
            tooltip=(
                "When several pictures come in. concat: the model sees all; average, norm average: one embedding of all; add, "
                "subtract, max, min: as named; per picture: picture 1 for the first of the batch, and so on; regions: each "
                "picture inside its own mask."
            ),
        ),
        schedule_input(),
        io.ClipVision.Input(
            "clip_vision",
            optional=True,
            tooltip="From Load CLIP Vision, the encoder that the adapter was trained with (most: ViT-H). Not needed for embeds.",
        ),
        io.Image.Input(
            "image",
            optional=True,
            tooltip="The picture to follow, or several. The encoder sees the middle square; see Prepare Reference Image.",
        ),
        io.Image.Input(
            "negative_image",
            optional=True,
            tooltip="A picture of what you do not want; it acts like a negative prompt.",
        ),
        io.Mask.Input(
            "mask",
            optional=True,
            tooltip="Where in the result the picture acts: white fully, black not at all. Any size; one, or one each.",
        ),
        ImageEmbedsType.Input(
            "embeds", optional=True, tooltip="Embeddings instead of image, from Encode or Load IP-Adapter Embeddings."
        ),
    ]


def _further_inputs() -> list[Any]:
    from ..models.ip_adapter.scaling import BEHAVIOURS, SCALINGS

    return [
        io.Image.Input(
            "composition_image",
            optional=True,
            tooltip="For the types style and composition: a second picture for the arrangement; image then gives the style.",
        ),
        _weight(
            "composition_weight", 0.6, "Weight of the composition in the types style and composition.", advanced=True
        ),
        io.Combo.Input(
            "embeds_scaling",
            options=list(SCALINGS),
            default="V only",
            optional=True,
            advanced=True,
            tooltip=(
                "How the weight enters the attention. V only: as trained. The others also scale the keys, which follows the "
                "prompt more at high weights."
            ),
        ),
        LayerWeightsType.Input(
            "layer_weights",
            optional=True,
            tooltip="Factors for blocks by name, and for the two halves, from Layer Weights.",
        ),
        FrameWeightsType.Input(
            "frame_weights",
            optional=True,
            tooltip="Weight per picture of a batch or frame of a clip, from Frame Weights.",
        ),
        FaceEmbedsType.Input("face_embeds", optional=True, tooltip="For FaceID adapters: faces, from Face Embeddings."),
        io.Float.Input(
            "face_structure",
            default=1.0,
            min=0.0,
            max=5.0,
            step=0.01,
            optional=True,
            advanced=True,
            tooltip="FaceID Plus v2 only: how much the face's picture counts beside the face's embedding.",
        ),
        io.Float.Input(
            "face_lora_strength",
            default=0.6,
            min=0.0,
            max=2.0,
            step=0.01,
            optional=True,
            advanced=True,
            tooltip=(
                "FaceID only: strength of the LoRA inside the file. Set it to 0 when you load the LoRA that comes beside the "
                "file yourself."
            ),
        ),
        io.Combo.Input(
            "compatible_with",
            options=list(BEHAVIOURS),
            default="exact",
            optional=True,
            advanced=True,
            tooltip=(
                "exact: as the adapters were trained. ipadapter_plus: as ComfyUI_IPAdapter_plus computes it (without the "
                "middle block), to get the pictures of older graphs again."
            ),
        ),
    ]


class ArmatureApplyIPAdapter(io.ComfyNode):
    """Lets a model follow a picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
            node_id="ArmatureApplyIPAdapter",
            display_name="Apply IP-Adapter",
            category=CATEGORY,
            description=(
                "Lets the model follow a picture: its style, its content, or a face, beside the prompt. Several of these nodes "
                "may follow each other, in any order with LoRAs and control nets."
            ),
            search_aliases=[
                "ipadapter",
                "ipadapter advanced",
                "image prompt",
                "style transfer",
                "reference image",
                "ipadapter batch",
                "ipadapter style composition",
                "faceid",
            ],
            inputs=[*_first_inputs(), *_further_inputs()],
            outputs=[
                io.Model.Output("model", tooltip="To the sampler, or to the next node for models."),
                io.String.Output("report", display_name="report", tooltip="What was done, and what to know about it."),
            ],
        )

    @classmethod
    def execute(cls, model: Any, ip_adapter: Any, **settings: Any) -> io.NodeOutput:
        from ..models.ip_adapter.apply import apply_ip_adapter
        from ..models.ip_adapter.settings import Settings

        given = {name: value for name, value in settings.items() if value is not None}
        applied = apply_ip_adapter(model, ip_adapter, Settings(**given))
        return io.NodeOutput(applied.model, applied.report, ui=shown(applied.report))
