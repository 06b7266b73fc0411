"""Control images: bringing them to the size of the picture, and checking that they are what they should be."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, io
from .control import CATEGORY
from .shown import shown

_PREVIEWS = 4


class ArmatureFitControlImage(io.ComfyNode):
    """A control map at the size of the picture."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.control.fit import FITS, MAP_VALUE_CHOICES, MAXIMUM_SIDE

        return io.Schema(
            **SHOWS,
            node_id="ArmatureFitControlImage",
            display_name="Fit Control Image",
            category=CATEGORY,
            description=(
                "Brings a control map to the size of the picture without breaking it: thin lines stay one pixel wide, colours "
                "exact, depth continuous. The preview shows what is cut off or left free."
            ),
            search_aliases=[
                "resize control image",
                "hint image enhance",
                "crop and resize",
                "resize and fill",
                "pixel perfect resize",
            ],
            inputs=[
                io.Image.Input("image", tooltip="The control map, from Control Map."),
                io.Combo.Input(
                    "fit",
                    options=list(FITS),
                    default="crop",
                    optional=True,
                    tooltip=(
                        "When the aspects differ. crop: cut the map's edges; stretch: use all of it, distorted; "
                        "pad: use all of it, the rest stays the ground of its kind "
                        "(black, a flat normal, an inpaint hint's mark)."
                    ),
                ),
                io.Combo.Input(
                    "map_kind",
                    options=list(MAP_VALUE_CHOICES),
                    default="auto",
                    optional=True,
                    tooltip=(
                        "What must survive the resize. thin_lines: canny, straight lines; flat_colours: segmentation, poses, "
                        "scribbles; continuous: depth, normals, soft edges; marked: inpaint hints. auto: as the map was made, or "
                        "else measured on each map."
                    ),
                ),
                io.Int.Input(
                    "width",
                    default=0,
                    min=0,
                    max=MAXIMUM_SIDE,
                    step=8,
                    optional=True,
                    tooltip="Width of the picture in pixels. 0: the map's own. Not used when a target is linked.",
                ),
                io.Int.Input(
                    "height",
                    default=0,
                    min=0,
                    max=MAXIMUM_SIDE,
                    step=8,
                    optional=True,
                    tooltip="Height of the picture in pixels. 0: the map's own. Not used when a target is linked.",
                ),
                io.MultiType.Input(
                    "target",
                    types=[io.Latent, io.Image],
                    optional=True,
                    tooltip="A latent or image of the size to be drawn, such as the Empty Latent Image of the sampler.",
                ),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The map at its new size."),
                io.Image.Output(
                    "preview", display_name="preview", tooltip="What is cut off (red) or left free (blue)."
                ),
                io.String.Output("report", display_name="report", tooltip="Sizes, and what the fit costs."),
            ],
        )

    @classmethod
    def execute(
        cls, image: Any, fit: Any = None, map_kind: Any = None, width: Any = 0, height: Any = 0, target: Any = None
    ) -> io.NodeOutput:
        from ..models.control.fit import fit_control_image

        made = fit_control_image(image, fit or "crop", map_kind or "auto", width or 0, height or 0, target)
        return io.NodeOutput(made.maps, made.preview, made.report, ui=shown(made.report, made.preview[:_PREVIEWS], cls))


class ArmatureCheckControlImage(io.ComfyNode):
    """Does a control map look like what it should be."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..preprocessors.images.map_check.check_maps import EXPECTED, REPAIRS

        return io.Schema(
            **SHOWS,
            node_id="ArmatureCheckControlImage",
            display_name="Check Control Image",
            category=CATEGORY,
            description=(
                "Looks at a control map: is it the kind that it should be, is it blank, inverted, with swapped channels or axes, "
                "without a person, noisy or too dense. Repairs what can be repaired when you ask for it."
            ),
            is_output_node=True,
            search_aliases=[
                "validate control image",
                "invert control map",
                "fix normal map",
                "map type",
                "bgr rgb",
                "opengl directx",
            ],
            inputs=[
                io.Image.Input("image", tooltip="The control map."),
                io.Combo.Input(
                    "expected",
                    options=list(EXPECTED),
                    default="auto",
                    optional=True,
                    tooltip="The kind of map that your control net wants. auto: what made the map, or else what it looks like.",
                ),
                io.Combo.Input(
                    "repair",
                    options=list(REPAIRS),
                    default="none",
                    optional=True,
                    tooltip="none: only say what is wrong. repair: do it where it can be done (invert, swap, flip, threshold).",
                ),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The map, repaired where you asked for it."),
                io.String.Output("report", display_name="report", tooltip="What was found on each map."),
                io.Boolean.Output(
                    "ok", display_name="ok", tooltip="Whether nothing is left that speaks against the maps."
                ),
                io.String.Output(
                    "map_kind", display_name="map_kind", tooltip="The kind that the first map looks like."
                ),
            ],
        )

    @classmethod
    def execute(cls, image: Any, expected: Any = None, repair: Any = None) -> io.NodeOutput:
        from ..preprocessors.images.map_check.check_maps import check_maps

        checked = check_maps(image, expected or "auto", repair or "none")
        return io.NodeOutput(checked.maps, checked.report, checked.ok, checked.kind, ui=shown(checked.report))
