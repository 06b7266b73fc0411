"""Giving a drawn picture the colours of the picture it was made from."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, io
from .preprocessors import CATEGORY
from .shown import shown


class ArmatureFixColors(io.ComfyNode):
    """The second half of the tile_colorfix methods."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
            node_id="ArmatureFixColors",
            display_name="Fix Colors",
            category=CATEGORY,
            description=(
                "Gives a drawn picture the colours of the picture it was made from, and keeps its own detail. Tile control "
                "nets let colours drift; this brings them back."
            ),
            search_aliases=["color fix", "colour match", "tile colorfix", "wavelet color fix", "tile upscale"],
            inputs=[
                io.Image.Input("image", tooltip="The drawn picture."),
                io.Image.Input("reference", tooltip="The picture whose colours are right: the map of tile_colorfix."),
                io.Float.Input(
                    "variation",
                    default=8.0,
                    min=0.5,
                    max=128.0,
                    step=0.5,
                    optional=True,
                    tooltip="What is smaller than this many pixels is detail and stays as drawn. Larger: colours may vary more.",
                ),
                io.Float.Input(
                    "sharpness",
                    default=0.0,
                    min=0.0,
                    max=2.0,
                    step=0.05,
                    optional=True,
                    tooltip="How much the drawn detail is raised: the sharp of tile_colorfix_sharp.",
                ),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The picture with its colours fixed."),
                io.String.Output("report", display_name="report", tooltip="What was done."),
            ],
        )

    @classmethod
    def execute(
        cls, image: Any, reference: Any, variation: float | None = None, sharpness: float | None = None
    ) -> io.NodeOutput:
        from ..preprocessors.tile import fix_colors

        fixed, report = fix_colors(image, reference, 8.0 if variation is None else variation, sharpness or 0.0)
        return io.NodeOutput(fixed, report, ui=shown(report))
