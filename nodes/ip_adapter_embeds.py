"""Image embeddings for IP-Adapters: made from pictures, combined, saved, and loaded again."""

from __future__ import annotations

from typing import Any

from ..common.file_stamp import file_stamp
from .api import SHOWS, FaceEmbedsType, ImageEmbedsType, IPAdapterType, io
from .ip_adapter import CATEGORY
from .shown import shown


class ArmatureEncodeIPAdapterImage(io.ComfyNode):
    """Pictures to embeddings, to be kept or used several times."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.ip_adapter.embeds import COMBINING, CONCAT

        return io.Schema(
            node_id="ArmatureEncodeIPAdapterImage",
            display_name="Encode IP-Adapter Image",
            category=CATEGORY,
            description="Encodes pictures for an IP-Adapter. The embeddings can be saved, and used without the encoder.",
            search_aliases=["ipadapter encoder", "ipadapter embeds", "clip vision encode", "ipadapter combine embeds"],
            inputs=[
                IPAdapterType.Input("ip_adapter", tooltip="The adapter that the embeddings are for."),
                io.Image.Input("image", optional=True, tooltip="The pictures. For FaceID Plus, those of the faces."),
                io.ClipVision.Input("clip_vision", optional=True, tooltip="From Load CLIP Vision."),
                io.Image.Input("negative_image", optional=True, tooltip="A picture of what is not wanted."),
                FaceEmbedsType.Input(
                    "face_embeds", optional=True, tooltip="For FaceID adapters, from Face Embeddings."
                ),
                io.Combo.Input(
                    "combine",
                    options=[CONCAT, *COMBINING],
                    default=CONCAT,
                    optional=True,
                    tooltip="concat keeps the embeddings of all pictures; the others make one of them.",
                ),
            ],
            outputs=[ImageEmbedsType.Output("embeds", tooltip="To embeds of Apply IP-Adapter, or to Save.")],
        )

    @classmethod
    def execute(
        cls,
        ip_adapter: Any,
        image: Any = None,
        clip_vision: Any = None,
        negative_image: Any = None,
        face_embeds: Any = None,
        combine: str | None = None,
    ) -> io.NodeOutput:
        from ..models.ip_adapter.encoding import encode_image

        return io.NodeOutput(
            encode_image(ip_adapter, clip_vision, image, negative_image, face_embeds, combine or "concat")
        )


class ArmatureSaveIPAdapterEmbeds(io.ComfyNode):
    """Embeddings to a safetensors file."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.ip_adapter.embeds import PREFIX

        return io.Schema(
            **SHOWS,
            node_id="ArmatureSaveIPAdapterEmbeds",
            display_name="Save IP-Adapter Embeddings",
            category=CATEGORY,
            description="Saves embeddings as a safetensors file in the output folder.",
            search_aliases=["ipadapter save embeds", "ipadpt", "save embeds"],
            inputs=[
                ImageEmbedsType.Input("embeds", tooltip="From Encode IP-Adapter Image or Identity from Folder."),
                io.String.Input(
                    "filename_prefix",
                    default=PREFIX,
                    optional=True,
                    tooltip="Beginning of the file's name; a number follows. Load finds files in ip_adapter_embeds.",
                ),
            ],
            outputs=[io.String.Output("file", tooltip="The file that was written.")],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, embeds: Any, filename_prefix: str | None = None) -> io.NodeOutput:
        from ..models.ip_adapter.embeds_file import PREFIX, save_embeds

        path = str(save_embeds(embeds, filename_prefix or PREFIX))
        return io.NodeOutput(path, ui=shown(path))


class ArmatureLoadIPAdapterEmbeds(io.ComfyNode):
    """Embeddings from a file: our own, or one that ComfyUI_IPAdapter_plus has saved."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.ip_adapter.embeds_file import embeds_names

        return io.Schema(
            node_id="ArmatureLoadIPAdapterEmbeds",
            display_name="Load IP-Adapter Embeddings",
            category=CATEGORY,
            description="Loads embeddings that were saved before; no encoder is needed then.",
            search_aliases=["ipadapter load embeds", "ipadpt", "load embeds"],
            inputs=[
                io.Combo.Input(
                    "embeds_name",
                    options=embeds_names(),
                    tooltip="A .safetensors or .ipadpt file in the input folder, or saved embeddings in the output folder.",
                )
            ],
            outputs=[ImageEmbedsType.Output("embeds", tooltip="To embeds of Apply IP-Adapter.")],
        )

    @classmethod
    def fingerprint_inputs(cls, embeds_name: str) -> Any:
        from ..models.ip_adapter.embeds_file import embeds_path

        return file_stamp(embeds_path(embeds_name))[1:]

    @classmethod
    def execute(cls, embeds_name: str) -> io.NodeOutput:
        from ..models.ip_adapter.embeds_file import embeds_path, read_embeds

        return io.NodeOutput(read_embeds(embeds_path(embeds_name)))


class ArmatureCombineIPAdapterEmbeds(io.ComfyNode):
    """Embeddings from several places as one."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.ip_adapter.embeds import COMBINING, CONCAT

        return io.Schema(
            node_id="ArmatureCombineIPAdapterEmbeds",
            display_name="Combine IP-Adapter Embeddings",
            category=CATEGORY,
            description="Makes one embedding of several: encoded apart, saved before, or averaged from folders.",
            search_aliases=["ipadapter combine embeds", "average embeds", "subtract embeds", "merge embeds"],
            inputs=[
                io.Combo.Input(
                    "combine",
                    options=[*COMBINING, CONCAT],
                    default="average",
                    optional=True,
                    tooltip=(
                        "average, norm average: the mean, every picture alike; subtract: the first picture minus the mean of "
                        "the others; add, max, min: as named; concat: all side by side."
                    ),
                ),
                ImageEmbedsType.Input(
                    "negative_embeds",
                    optional=True,
                    tooltip="Embeddings of what is not wanted. They act like a negative prompt.",
                ),
                io.Autogrow.Input(
                    "embeds",
                    template=io.Autogrow.TemplatePrefix(
                        ImageEmbedsType.Input("embeds", optional=True, tooltip="From Encode or Load."),
                        prefix="embeds_",
                        min=0,
                        max=32,
                    ),
                    optional=True,
                    tooltip="The embeddings, in order, up to 32; each may hold several pictures.",
                ),
            ],
            outputs=[ImageEmbedsType.Output("embeds", tooltip="To embeds of Apply IP-Adapter, or to Save.")],
        )

    @classmethod
    def execute(
        cls, combine: str | None = None, negative_embeds: Any = None, embeds: dict[str, Any] | None = None
    ) -> io.NodeOutput:
        from ..models.ip_adapter.embeds import combine_embeds

        return io.NodeOutput(combine_embeds(embeds, combine or "average", negative_embeds))
