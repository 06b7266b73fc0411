"""The widgets that ComfyUI's editor gives a node, in the order in which a saved graph keeps their values.

Derived from a node's inputs as /object_info tells them. That the order is the editor's own is tested against all nodes of
a running front end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

# Types of input that the editor shows as one widget. Every other type is a socket for links alone.
_WIDGETS = frozenset(
    [
        "INT",
        "FLOAT",
        "STRING",
        "BOOLEAN",
        "COMBO",
        "MARKDOWN",
        "COLOR",
        "IMAGECOMPARE",
        "BOUNDING_BOX",
        "CHART",
        "GALLERIA",
        "PAINTER",
        "TEXTAREA",
        "CURVE",
        "RANGE",
        "BOUNDING_BOXES",
        "COLORS",
    ]
)
DYNAMIC_COMBO = "COMFY_DYNAMICCOMBO_V3"
_AUTOGROW = "COMFY_AUTOGROW_V3"
_MATCH_TYPE = "COMFY_MATCHTYPE_V3"
FILE_NAME = re.compile(r"\.[A-Za-z]\w{1,11}$")  # a file of one server is no default for another
_DRAWN = frozenset(
    ("WEBCAM", "AUDIO_RECORD", "LOAD_3D")
)  # the editor draws these; `_ADDED` says where their values are
_UPLOADS = ("image_upload", "animated_image_upload", "video_upload", "audio_upload")
_SEEDS = ("seed", "noise_seed")
_BOX = ("x", "y", "width", "height")


@dataclass(frozen=True)
class Widget:
    """One widget of a node; `name` is "" for one that belongs to no input, such as what happens to a seed after a run.

    type: the type of the input. default: its value before a person sets one; None where it is not known. stored: whether a
    saved graph keeps a value for it. braces: whether {a|b} in its text stands for one of the two. parts: for a dynamic
    combo, what each choice adds behind it. grid: for numbers, (lowest, step), to which a linked Primitive's value is rounded.
    """

    name: str
    type: str = ""
    default: Any = None
    stored: bool = True
    braces: bool = False
    parts: Mapping[str, Part] | None = None


@dataclass(frozen=True)
class Part:
    """The sockets and widgets of a node, or those that one choice of a dynamic combo adds to it.

    sockets: names and types of the inputs that take links alone. growing: types of inputs whose number grows, by the part of
    their names before the last dot. dummies: for graphs saved before inputs that take links alone lost their widgets:
    whether each place among the values was such an input's; empty when there is none.
    """

    sockets: tuple[tuple[str, str], ...] = ()
    widgets: tuple[Widget, ...] = ()
    growing: Mapping[str, str] = field(default_factory=dict)
    dummies: tuple[bool, ...] = ()

    def under(self, name: str) -> Part:
        """The same with all names below one input: `method` becomes `name.method`."""
        return Part(
            tuple((f"{name}.{one}", kind) for one, kind in self.sockets),
            tuple(replace(widget, name=f"{name}.{widget.name}") if widget.name else widget for widget in self.widgets),
            {f"{name}.{one}": kind for one, kind in self.growing.items()},
        )


def part_from_object_info(class_type: str, info: Mapping[str, Any]) -> Part:
    """The sockets and widgets of a node in the form of /object_info."""
    inputs = info.get("input") or {}
    specs = list(_specs(inputs, info.get("input_order") or {}))
    plain = _part(specs)
    widgets = [*plain.widgets, *([Widget("")] if _uploads(inputs) else [])]
    part = Part(plain.sockets, tuple(_ADDED.get(class_type, _as_they_are)(widgets)), plain.growing)
    names = {widget.name for widget in part.widgets}
    places: list[bool] = []
    for name, _, options in _specs(inputs, {}):
        forced = bool(options.get("forceInput"))
        if name in names or forced:
            places += [forced, False] if options.get("control_after_generate") else [forced]
    return Part(part.sockets, part.widgets, part.growing, tuple(places) if any(places) else ())


_Spec = tuple[str, str, Mapping[str, Any]]  # name, type, options


def _specs(inputs: Mapping[str, Any], order: Mapping[str, Any]) -> Iterator[_Spec]:
    for group in ("required", "optional"):
        members = inputs.get(group) or {}
        for name in dict.fromkeys([*(order.get(group) or ()), *members]):
            if name in members:
                yield name, *_spec(members[name])


def _spec(spec: Any) -> tuple[str, Mapping[str, Any]]:
    if not isinstance(spec, (list, tuple)):
        return str(spec), {}
    kind = spec[0] if spec else "*"
    options = spec[1] if len(spec) > 1 and isinstance(spec[1], Mapping) else {}
    if not isinstance(kind, str):
        return "COMBO", {"options": kind, **options} if isinstance(kind, (list, tuple)) else options
    return kind, options


def _part(specs: Iterable[_Spec], above: str = "") -> Part:
    """The part of some inputs; above: the dynamic combo's name and a dot, where they belong to a choice of one."""
    sockets: list[tuple[str, str]] = []
    widgets: list[Widget] = []
    growing: dict[str, str] = {}
    for name, kind, options in specs:
        shown = options.get("widgetType") or kind
        if kind == _AUTOGROW:
            rows, grown = _rows(name, options)
            sockets += rows
            growing[name] = grown
        elif shown == DYNAMIC_COMBO and not options.get("forceInput"):
            widgets.append(_dynamic_combo(name, options))
        elif shown in _WIDGETS and not options.get("forceInput"):
            widgets += _widgets(name, kind, shown, options, is_seed=not above and name in _SEEDS)
        elif kind not in _DRAWN:
            sockets.append((name, _socket_type(kind, options)))
    return Part(tuple(sockets), tuple(widgets), growing)


def _uploads(inputs: Mapping[str, Any]) -> bool:
    """Whether the editor adds a button that uploads a file."""
    specs = (_spec(spec) for spec in (inputs.get("required") or {}).values())
    return any(kind == "COMBO" and any(options.get(one) for one in _UPLOADS) for kind, options in specs)


def _socket_type(kind: str, options: Mapping[str, Any]) -> str:
    if kind != _MATCH_TYPE:
        return kind
    template = options.get("template")
    return str(template.get("allowed_types", "*")) if isinstance(template, Mapping) else "*"


_MOST_ROWS = 1_000  # more than any node begins with; what asks for more is none that can be shown


def _rows(name: str, options: Mapping[str, Any]) -> tuple[list[tuple[str, str]], str]:
    """The rows that an input starts with whose number grows, and their type."""
    template = options.get("template")
    template = template if isinstance(template, Mapping) else {}
    inputs = template.get("input")
    specs = list(_specs(inputs, {})) if isinstance(inputs, Mapping) else []
    kinds = {kind for _, kind, _ in specs}
    least = template.get("min", 1)
    names = template.get("names")
    most = len(names) if names else template.get("max", 100)
    rows = []
    for number in range(min(max(1, least + 1), most, _MOST_ROWS)):
        for one, kind, _ in specs:
            stem = template.get("prefix", "") if len(specs) == 1 else one
            row = names[number] if names else f"{stem}{number}"
            rows.append((f"{name}.{row}", _socket_type(kind, {})))
    return rows, next(iter(kinds)) if len(kinds) == 1 else "*"


def _dynamic_combo(name: str, options: Mapping[str, Any]) -> Widget:
    parts = {
        str(one["key"]): _part(_specs(one.get("inputs") or {}, {}), f"{name}.") for one in options.get("options") or ()
    }
    return Widget(name, DYNAMIC_COMBO, next(iter(parts), None), parts=parts)


def _widgets(name: str, kind: str, shown: str, options: Mapping[str, Any], is_seed: bool) -> list[Widget]:
    braces = options.get("dynamicPrompts") is True
    made = [
        Widget(name, kind, _default(name, shown, options), stored=shown != "IMAGECOMPARE", braces=braces),
        *(Widget("") for _ in range(_controls(kind, options, is_seed))),
    ]
    if shown == "BOUNDING_BOX":
        made += [Widget("") for _ in _BOX]
    return made


def _controls(kind: str, options: Mapping[str, Any], is_seed: bool) -> int:
    """How many widgets say what happens to a value after a run; for a combo the second one filters its choices."""
    asked = options.get("control_after_generate")
    if kind == "INT":
        return int(bool(is_seed if asked is None else asked))
    return {"FLOAT": 1, "COMBO": 2}.get(kind, 0) if asked else 0


def _default(name: str, shown: str, options: Mapping[str, Any]) -> Any:
    given = options.get("default")
    if shown in _DEFAULTS:
        return _DEFAULTS[shown] if given is None else given
    if shown == "COMBO":
        choices = options.get("options")
        first = choices[0] if isinstance(choices, (list, tuple)) and choices else None
        found = given or first
        of_this_server = name == "folder" or (isinstance(found, str) and FILE_NAME.search(found))
        return None if of_this_server else found
    return given


_DEFAULTS: dict[str, Any] = {
    "INT": 0,
    "FLOAT": 0,
    "BOOLEAN": False,
    "STRING": "",
    "COLOR": "#000000",
    "BOUNDING_BOX": {"x": 0, "y": 0, "width": 512, "height": 512},
    "BOUNDING_BOXES": [],
    "IMAGECOMPARE": ["", ""],
    "COLORS": [],
    "PAINTER": "",
    "RANGE": {"min": 0.0, "max": 1.0},
    "CURVE": {"points": [[0, 0], [1, 1]], "interpolation": "monotone_cubic"},
}


# Widgets that the front end adds to nodes of the host by their name.


def _as_they_are(widgets: list[Widget]) -> list[Widget]:
    return widgets


def _behind(*names: str, at: int = 1) -> Any:
    return lambda widgets: [*widgets[:at], *(Widget(name) for name in names), *widgets[at:]]


_VIEWPORT = "viewport_state"
_ADDED: dict[str, Any] = {
    "WebcamCapture": lambda widgets: [Widget("image"), *widgets, Widget("waiting for camera...")],
    "CustomCombo": lambda widgets: [*widgets, Widget("index"), Widget("option1", "STRING", "")],
    "RecordAudio": lambda _widgets: [Widget("audio"), Widget("")],
    "Load3D": _behind("upload 3d model", "upload extra resources", "clear", "image"),
    "Load3DAdvanced": _behind(_VIEWPORT),
    "Preview3D": _behind("image"),
    "Preview3DAdvanced": _behind(_VIEWPORT, at=0),
    "PreviewGaussianSplat": _behind(_VIEWPORT, at=0),
    "PreviewPointCloud": _behind(_VIEWPORT, at=0),
    "SaveGLB": _behind("image"),
    "Save3DAdvanced": _behind(_VIEWPORT),
    "SaveGaussianSplat": _behind(_VIEWPORT),
    "SavePointCloud": _behind(_VIEWPORT),
    "LoadImageOutput": lambda widgets: [widgets[0], Widget(""), Widget("refresh"), *widgets[1:]],
}
"""The functions that add widgets which no input asks for, by the node they add them to."""


# The compact form in which types are recorded.


def part_as_json(part: Part) -> dict[str, Any]:
    """A part as JSON; `part_from_json` reads it."""
    found = {
        "sockets": [list(one) for one in part.sockets],
        "widgets": [_widget_as_json(one) for one in part.widgets],
        "growing": dict(part.growing),
        "dummies": "".join(str(int(one)) for one in part.dummies),
    }
    return {key: value for key, value in found.items() if value}


def part_from_json(data: Mapping[str, Any]) -> Part:
    """The part that `part_as_json` wrote."""
    return Part(
        tuple((name, kind) for name, kind in data.get("sockets", ())),
        tuple(_widget_from_json(one) for one in data.get("widgets", ())),
        data.get("growing", {}),
        tuple(one == "1" for one in data.get("dummies", "")),
    )


def _widget_as_json(widget: Widget) -> list[Any]:
    more: dict[str, Any] = {}
    if not widget.stored:
        more["stored"] = False
    if widget.braces:
        more["braces"] = True
    if widget.parts:
        more["parts"] = {key: part_as_json(part) for key, part in widget.parts.items()}
    full = [widget.name, widget.type, widget.default, more]
    usual = ["", "", None, {}]
    while full and full[-1] == usual[len(full) - 1]:
        full.pop()
    return full


def _widget_from_json(data: Sequence[Any]) -> Widget:
    usual: tuple[Any, ...] = ("", "", None, {})
    name, kind, default, more = (*data, *usual[len(data) :])
    parts = more.get("parts")
    return Widget(
        name,
        kind,
        default,
        more.get("stored", True),
        more.get("braces", False),
        {key: part_from_json(part) for key, part in parts.items()} if parts else None,
    )
