"""Preprocessor nodes, made from the registry: one per method, and one that holds them all."""

from __future__ import annotations

from typing import Any

from ..preprocessors.control_map import make_map
from ..preprocessors.entry import Option, Preprocessor
from ..preprocessors.registry import available_methods, find_method
from ..preprocessors.sizing import MAXIMUM_RESOLUTION, MINIMUM_RESOLUTION, RESOLUTION_MODES
from .api import SHOWS, PoseType, io
from .shown import shown

CATEGORY = "Armature/preprocessors"

METHODS = available_methods()  # asked once: a schema is made anew for every request

# Enough to see what the model will follow; a long clip would write hundreds of preview files.
_PREVIEWS = 4


def option_input(option: Option) -> Any:
    """The widget of an option; its kind follows from the default and the choices."""
    common: dict[str, Any] = {"default": option.default, "optional": True, "tooltip": option.help}
    if option.advanced:
        common["advanced"] = True
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
        io.Mask.Input(
            "mask",
            optional=True,
            tooltip="Keep the map inside this mask only; outside it holds nothing. Methods that work on a mask take it here.",
        ),
        io.MultiType.Input(
            "target",
            types=[io.Latent, io.Image],
            optional=True,
            tooltip="For pixel_perfect: the latent or image of the size to be drawn; the method sees the picture covering it.",
        ),
        io.Combo.Input(
            "resolution_mode",
            options=list(RESOLUTION_MODES),
            default="native",
            optional=True,
            tooltip=(
                "At which size the method looks at the picture; the map always has the picture's own size, lines as thin as they "
                "were found. "
                "native: as it is; short_side, long_side: that side becomes the resolution; "
                "pixel_perfect: the size at which the picture covers the target, or a square of that resolution, in steps of 8."
            ),
        ),
        io.Int.Input(
            "resolution",
            default=512,
            min=MINIMUM_RESOLUTION,
            max=MAXIMUM_RESOLUTION,
            step=8,
            optional=True,
            tooltip="Pixels for the resolution_mode; no effect on native, or with a target. Smaller finds coarser structure.",
        ),
    ]


def _outputs(gives_poses: bool = False) -> list[Any]:
    poses = PoseType.Output("poses", display_name="poses", tooltip="The people that were found, for other pose nodes.")
    return [
        io.Image.Output("image", display_name="image", tooltip="The control map, of the size of the picture."),
        io.String.Output("report", display_name="report", tooltip="What was done, and what to know about this map."),
        *([poses] if gives_poses else []),
    ]


def _result(
    cls: type[io.ComfyNode], entry: Preprocessor, image: Any, options: dict[str, Any], *, own: bool, **inputs: Any
) -> io.NodeOutput:
    """`own`: for the method's own node, which has an output for poses where the all-in-one node has none."""
    made = make_map(entry, image, options, **inputs)
    outputs = (made.maps, made.report, *([made.poses] if own and entry.gives_poses else []))
    return io.NodeOutput(*outputs, ui=shown(made.report, made.maps[:_PREVIEWS], cls))


class ArmatureControlMap(io.ComfyNode):
    """Every preprocessor in one node."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
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
                        io.DynamicCombo.Option(entry.method, [option_input(one) for one in entry.options])
                        for entry in METHODS
                    ],
                    optional=True,
                    tooltip="What kind of map to make; choose the one that your control net was trained on.",
                ),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(
        cls,
        image: Any,
        mask: Any = None,
        target: Any = None,
        resolution_mode: str | None = None,
        resolution: int | None = None,
        method: Any = None,
    ) -> io.NodeOutput:
        chosen = dict(method) if isinstance(method, dict) else {"method": method}
        entry = find_method(chosen.pop("method", None))
        sizing = {"target": target, "resolution_mode": resolution_mode or "native", "resolution": resolution or 512}
        return _result(cls, entry, image, chosen, own=False, mask=mask, **sizing)


def described(entry: Preprocessor) -> str:
    """What the node says about itself: what the method does, and where its weights bind the user."""
    bound = dict.fromkeys(file.licence for file in entry.files if not file.commercial)
    return entry.summary + (f" Licence of the weights: {', '.join(bound)}." if bound else "")


def category_of(entry: Preprocessor) -> str:
    """Where the menu has the node of a method: in the chapter of its kind of map."""
    return f"{CATEGORY}/{entry.makes.chapter}"


def _node_of(entry: Preprocessor) -> type[io.ComfyNode]:
    """The node of one method."""

    class MethodNode(io.ComfyNode):
        @classmethod
        def define_schema(cls) -> io.Schema:
            return io.Schema(
                **SHOWS,
                node_id=entry.node_id,
                display_name=entry.title,
                category=category_of(entry),
                description=described(entry),
                search_aliases=list(entry.search_aliases),
                inputs=[*_common_inputs(), *(option_input(option) for option in entry.options)],
                outputs=_outputs(entry.gives_poses),
            )

        @classmethod
        def execute(
            cls,
            image: Any,
            mask: Any = None,
            target: Any = None,
            resolution_mode: str | None = None,
            resolution: int | None = None,
            **options: Any,
        ) -> io.NodeOutput:
            sizing = {"target": target, "resolution_mode": resolution_mode or "native", "resolution": resolution or 512}
            return _result(cls, entry, image, options, own=True, mask=mask, **sizing)

    MethodNode.__name__ = MethodNode.__qualname__ = entry.node_id
    return MethodNode


METHOD_NODES: tuple[type[io.ComfyNode], ...] = tuple(_node_of(entry) for entry in METHODS)
