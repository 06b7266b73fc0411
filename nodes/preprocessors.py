"""Preprocessor nodes, made from the registry: one per method, and one that holds them all."""

from __future__ import annotations

from typing import Any

from ..preprocessors.control_map import control_map
from ..preprocessors.entry import Option, Preprocessor
from ..preprocessors.registry import ENTRIES, find_method
from ..preprocessors.sizing import MAXIMUM_RESOLUTION, MINIMUM_RESOLUTION, RESOLUTION_MODES
from .api import io, ui

CATEGORY = "Armature/preprocessors"

# Enough to see what the model will follow; a long clip would write hundreds of preview files.
_PREVIEWS = 4


def _option_input(option: Option) -> Any:
    common: dict[str, Any] = {"default": option.default, "optional": True, "tooltip": option.help}
    if option.choices:
        return io.Combo.Input(option.name, options=list(option.choices), **common)
    if isinstance(option.default, bool):
        return io.Boolean.Input(option.name, **common)
    if isinstance(option.default, str):
        return io.String.Input(option.name, **common)
    kind = io.Int if isinstance(option.default, int) else io.Float
    return kind.Input(option.name, min=option.minimum, max=option.maximum, step=option.step, **common)  # type: ignore[arg-type]


def _common_inputs() -> list[Any]:
    return [
        io.Image.Input("image", tooltip="The picture (or batch of pictures) to take the structure from."),
        io.Mask.Input("mask", optional=True, tooltip="Keep the map inside this mask only; outside it holds nothing."),
        io.Combo.Input(
            "resolution_mode",
            options=list(RESOLUTION_MODES),
            default="native",
            optional=True,
            tooltip=(
                "At which size the method looks at the picture; the map always has the picture's own size. "
                "native: as it is; short_side, long_side: that side becomes the resolution; "
                "pixel_perfect: the size at which the picture covers a square of that resolution, in steps of 8."
            ),
        ),
        io.Int.Input(
            "resolution",
            default=512,
            min=MINIMUM_RESOLUTION,
            max=MAXIMUM_RESOLUTION,
            step=8,
            optional=True,
            tooltip="Pixels for the resolution_mode; without effect on native. Smaller finds coarser structure.",
        ),
    ]


def _method_option(entry: Preprocessor) -> Any:
    return io.DynamicCombo.Option(entry.method, [_option_input(option) for option in entry.options])


def _outputs() -> list[Any]:
    return [
        io.Image.Output("image", display_name="image", tooltip="The control map, of the size of the picture."),
        io.String.Output("report", display_name="report", tooltip="What was done, and what to know about this map."),
    ]


def _result(
    cls: type[io.ComfyNode], entry: Preprocessor, image: Any, options: dict[str, Any], **sizing: Any
) -> io.NodeOutput:
    maps, report = control_map(entry, image, options, **sizing)
    return io.NodeOutput(maps, report, ui=ui.PreviewImage(maps[:_PREVIEWS], cls=cls))


class ArmatureControlMap(io.ComfyNode):
    """Every preprocessor in one node."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="ArmatureControlMap",
            display_name="Control Map",
            category=CATEGORY,
            description="Turns a picture into the map that a control net follows. All methods in one node.",
            search_aliases=[
                "preprocessor",
                "aio aux preprocessor",
                "controlnet preprocessor",
                "annotator",
                "canny",
                "control image",
                "hint image",
            ],
            inputs=[
                *_common_inputs(),
                io.DynamicCombo.Input(
                    "method",
                    options=[
                        io.DynamicCombo.Option(entry.method, [_option_input(one) for one in entry.options])
                        for entry in ENTRIES
                    ],
                    optional=True,
                    tooltip="What kind of map to make; choose the one that your control net was trained on.",
                ),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(
        cls, image: Any, mask: Any = None, resolution_mode: str = "native", resolution: int = 512, method: Any = None
    ) -> io.NodeOutput:
        chosen = dict(method) if isinstance(method, dict) else {"method": method}
        entry = find_method(chosen.pop("method", None))
        return _result(cls, entry, image, chosen, mask=mask, resolution_mode=resolution_mode, resolution=resolution)


def _node_of(entry: Preprocessor) -> type[io.ComfyNode]:
    """The node of one method."""

    class MethodNode(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return io.Schema(
                node_id=entry.node_id,
                display_name=entry.title,
                category=CATEGORY,
                description=entry.summary,
                search_aliases=list(entry.search_aliases),
                inputs=[*_common_inputs(), *(_option_input(option) for option in entry.options)],
                outputs=_outputs(),
            )

        @classmethod
        def execute(
            cls, image: Any, mask: Any = None, resolution_mode: str = "native", resolution: int = 512, **options: Any
        ) -> io.NodeOutput:
            return _result(
                cls, entry, image, options, mask=mask, resolution_mode=resolution_mode, resolution=resolution
            )

    MethodNode.__name__ = MethodNode.__qualname__ = entry.node_id
    return MethodNode


METHOD_NODES: tuple[type[io.ComfyNode], ...] = tuple(_node_of(entry) for entry in ENTRIES)
