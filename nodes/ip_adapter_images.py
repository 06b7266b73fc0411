"""What goes into an IP-Adapter: prepared pictures, identities from folders, and faces."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, FaceEmbedsType, ImageEmbedsType, IPAdapterType, io, ui
from .ip_adapter import CATEGORY
from .shown import shown

_PREVIEWS = 8


class ArmaturePrepareReferenceImage(io.ComfyNode):
    """Makes squares of a picture, as image encoders see them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.ip_adapter.prepare import FILLS, MODES, POSITIONS, SIZE

        return io.Schema(
            **SHOWS,
            node_id="ArmaturePrepareReferenceImage",
            display_name="Prepare Reference Image",
            category=CATEGORY,
            description=(
                "Image encoders see a square. This shows and chooses what of a picture lies in it: a part, all with a border, "
                "all distorted, or several tiles."
            ),
            search_aliases=["prep image for clipvision", "ipadapter tiled", "crop for clip vision", "clip vision crop"],
            inputs=[
                io.Image.Input("image", tooltip="The reference picture, or several of one size."),
                io.Combo.Input(
                    "mode",
                    options=list(MODES),
                    default="crop",
                    optional=True,
                    tooltip=(
                        "crop: the largest square inside; pad: all of it, with a border; stretch: all of it, distorted; tiles: "
                        "overlapping squares, with a mask for each (combine: regions)."
                    ),
                ),
                io.Combo.Input(
                    "position",
                    options=list(POSITIONS),
                    default="center",
                    optional=True,
                    tooltip="Where the square lies (crop), or the picture inside the square (pad). top suits portraits.",
                ),
                io.Combo.Input(
                    "fill",
                    options=list(FILLS),
                    default="edge",
                    optional=True,
                    tooltip="What the border of pad is made of.",
                ),
                io.Int.Input(
                    "size",
                    default=SIZE,
                    min=64,
                    max=1024,
                    step=2,
                    optional=True,
                    tooltip="Side of the squares: that of the encoder, 224 for most, 336 for Kolors.",
                ),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The squares, to image of Apply IP-Adapter."),
                io.Mask.Output("mask", display_name="mask", tooltip="Where each square lies in the picture."),
                io.String.Output("report", tooltip="What was cut, padded or stretched."),
            ],
        )

    @classmethod
    def execute(
        cls, image: Any, mode: Any = None, position: Any = None, fill: Any = None, size: int | None = None
    ) -> io.NodeOutput:
        from ..models.ip_adapter.prepare import SIZE, prepare

        done = prepare(image, mode or "crop", position or "center", fill or "edge", size or SIZE)
        return io.NodeOutput(done.image, done.mask, done.report, ui=shown(done.report, done.image[:_PREVIEWS], cls))


class ArmatureIdentityFromFolder(io.ComfyNode):
    """One identity from many photos."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.ip_adapter.embeds import COMBINING, CONCAT
        from ..models.ip_adapter.identity_from_folder import folder_names

        return io.Schema(
            **SHOWS,
            node_id="ArmatureIdentityFromFolder",
            display_name="Identity from Folder",
            category=CATEGORY,
            description=(
                "Averages the embeddings of 10 to 20 pictures of one person or thing, so that no single picture decides. Names "
                "those that show something else."
            ),
            search_aliases=["average embeds", "character consistency", "reference folder", "identity"],
            inputs=[
                IPAdapterType.Input("ip_adapter", tooltip="An adapter that reads pictures (base, plus, plus face)."),
                io.ClipVision.Input("clip_vision", tooltip="From Load CLIP Vision."),
                io.Combo.Input(
                    "folder", options=folder_names(), tooltip="A folder with pictures inside the input folder."
                ),
                io.Combo.Input(
                    "combine",
                    options=[*COMBINING, CONCAT],
                    default="average",
                    optional=True,
                    tooltip="How one embedding is made of all. average suits most; concat keeps all side by side.",
                ),
                io.Boolean.Input(
                    "leave_out",
                    default=True,
                    optional=True,
                    tooltip="Leave out pictures that are unlike the others. The report names them either way.",
                ),
            ],
            outputs=[
                ImageEmbedsType.Output("embeds", tooltip="To embeds of Apply IP-Adapter, or to Save."),
                io.Image.Output("image", display_name="image", tooltip="The squares of the pictures that count."),
                io.String.Output("report", tooltip="How alike the pictures are, and which were left out."),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, folder: Any = None, **_others: Any) -> Any:
        from ..models.ip_adapter.identity_from_folder import fingerprint

        return fingerprint(folder)

    @classmethod
    def execute(
        cls, ip_adapter: Any, clip_vision: Any, folder: str, combine: Any = None, leave_out: bool | None = None
    ) -> io.NodeOutput:
        from ..models.ip_adapter.identity_from_folder import identity_from_folder

        found = identity_from_folder(ip_adapter, clip_vision, folder, combine or "average", leave_out is not False)
        return io.NodeOutput(found.embeds, found.pictures, found.report, ui=shown(found.report))


class ArmatureFaceEmbeds(io.ComfyNode):
    """Faces as FaceID adapters read them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.ip_adapter.faces import CROP_SIZES, MODELS, PROVIDERS

        return io.Schema(
            **SHOWS,
            node_id="ArmatureFaceEmbeds",
            display_name="Face Embeddings",
            category=CATEGORY,
            description=(
                "Finds the largest face in each picture and encodes it for FaceID adapters. Needs the package insightface and "
                "its models; says how to install them when they are missing."
            ),
            search_aliases=["insightface", "faceid", "ipadapter insightface loader", "face embedding"],
            inputs=[
                io.Image.Input("image", tooltip="Pictures that show a face each."),
                io.Combo.Input(
                    "model_name",
                    options=list(MODELS),
                    default=MODELS[0],
                    optional=True,
                    tooltip="Models of insightface. FaceID was trained with buffalo_l, Kolors with antelopev2.",
                ),
                io.Combo.Input(
                    "provider",
                    options=list(PROVIDERS),
                    default="CPU",
                    optional=True,
                    tooltip="What onnxruntime computes with. CPU always works.",
                ),
                io.Combo.Input(
                    "crop_size",
                    options=[str(size) for size in CROP_SIZES],
                    default="224",
                    optional=True,
                    tooltip="Side of the face's picture: 224 for SD 1.5, 256 for SDXL.",
                ),
            ],
            outputs=[
                FaceEmbedsType.Output("face_embeds", tooltip="To face_embeds of Apply IP-Adapter."),
                io.Image.Output("image", display_name="image", tooltip="The faces, aligned and cut out."),
            ],
        )

    @classmethod
    def execute(cls, image: Any, model_name: Any = None, provider: Any = None, crop_size: Any = None) -> io.NodeOutput:
        from ..models.ip_adapter.faces import MODELS, face_embeds

        faces = face_embeds(image, model_name or MODELS[0], provider or "CPU", int(crop_size or 224))
        crops: Any = faces.crops
        return io.NodeOutput(faces, crops, ui=ui.PreviewImage(crops, cls=cls))
