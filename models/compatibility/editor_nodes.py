"""The nodes of a saved graph as ComfyUI's editor holds them once it has loaded the file: inputs, and a value per widget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .node_types import ANY, NodeTypes
from .widgets import FILE_NAME, Part, Widget

MUTED, BYPASSED = 2, 4
PRIMITIVE, REROUTE = "PrimitiveNode", "Reroute"
_NOTES = frozenset({"Note", "MarkdownNote"})
SETTERS = frozenset({"SetNode", "easy setNode"})  # of other packs; they and their getters exist in the editor alone
GETTERS = frozenset({"GetNode", "easy getNode"})
_VIRTUAL = _NOTES | SETTERS | GETTERS | {PRIMITIVE, REROUTE}
_AFTER_GENERATE = ("fixed", "increment", "decrement", "randomize", "increment-wrap")
NOT_KNOWN: Any = object()
"""In the place of a value that neither the file nor the node's type tells."""
_OLD_SAMPLERS = "sample_"
_SAMPLERS = ("KSampler", "KSamplerAdvanced")


@dataclass
class Slot:
    """An input of a node. link: the id of the link into it. widget: the name of the widget that it belongs to."""

    name: str
    type: str
    link: Any = None
    widget: str = ""


@dataclass
class EditorNode:
    """A node of the graph, or an instance of a subgraph, whose definition then has the id `definition`.

    values: what its widgets hold, by input name, in their order; of an instance the promoted ones, by the definition's
    inputs. unread: the values in the file that could not be told apart, because the node's type is not known, or a
    script of its pack adds widgets. braces:
    the texts in which {a|b} stands for one of the two. known: whether the type is known.
    """

    id: str
    type: str
    saved: Mapping[str, Any]
    inputs: list[Slot] = field(default_factory=list)
    outputs: Sequence[str] = ()
    values: dict[str, Any] = field(default_factory=dict)
    unread: tuple[Any, ...] = ()
    braces: frozenset[str] = frozenset()
    known: bool = True
    definition: str = ""

    @property
    def mode(self) -> int:
        """0 when it runs; MUTED or BYPASSED."""
        return self.saved.get("mode") or 0

    @property
    def active(self) -> bool:
        """Whether it is neither muted nor bypassed."""
        return self.mode not in (MUTED, BYPASSED)

    @property
    def virtual(self) -> bool:
        """Whether it exists in the editor alone."""
        return bool(self.definition) or (self.type in _VIRTUAL)

    @property
    def title(self) -> str:
        """Its title, where a person gave it one."""
        title = self.saved.get("title")
        return title if isinstance(title, str) else ""

    def slot(self, name: str) -> Slot | None:
        """The input of this name."""
        return next((slot for slot in self.inputs if slot.name == name), None)

    def fed_by(self, link: Any) -> Slot | None:
        """The input that this link goes into."""
        return next((slot for slot in self.inputs if slot.link == link), None)


def editor_node(saved: Mapping[str, Any], types: NodeTypes | None) -> EditorNode:
    """A node that is no instance of a subgraph, with its values by name as far as they can be told."""
    kind = str(saved["type"])
    part = types.part if types else None
    node = EditorNode(str(saved["id"]), kind, saved, known=part is not None)
    node.outputs = _outputs(saved, types)
    if part is None:
        node.inputs = [_saved_slot(one) for one in saved.get("inputs") or ()]
        if kind not in _VIRTUAL:
            _read_by_name(node, saved.get("widgets_values"))
        return node
    widgets = _assign(node, part, saved.get("widgets_values"))
    node.inputs = _slots(part, node, widgets, saved.get("inputs") or ())
    node.braces = frozenset(widget.name for widget in widgets if widget.braces)
    sampler = node.values.get("sampler_name")
    if kind in _SAMPLERS and isinstance(sampler, str):
        node.values["sampler_name"] = sampler.removeprefix(_OLD_SAMPLERS)
    return node


def _outputs(saved: Mapping[str, Any], types: NodeTypes | None) -> list[str]:
    kept = [str(one.get("type", ANY)) for one in saved.get("outputs") or () if isinstance(one, Mapping)]
    return kept if types is None else [*types.outputs, *kept[len(types.outputs) :]]


def _saved_slot(saved: Mapping[str, Any]) -> Slot:
    widget = saved.get("widget")
    name = str(widget.get("name", "")) if isinstance(widget, Mapping) else ""
    return Slot(str(saved["name"]), str(saved.get("type", ANY)), saved.get("link"), name)


# Values of a node whose type is known: by position, as the editor reads them.


def _assign(node: EditorNode, part: Part, values: Any) -> list[Widget]:
    """Give the widgets their values; returns the widgets that the node has then."""
    live = _expanded(part.widgets)
    held = {index: _default(widget) for index, widget in enumerate(live)}
    if isinstance(values, Mapping):  # a pack with a format of its own; it names the values
        node.values = {widget.name: values.get(widget.name, _default(widget)) for widget in live if widget.name}
        return live
    rest = list(_without_dummies(part, values or ()))
    index = place = 0
    while index < len(live) and place < len(rest):
        widget = live[index]
        if widget.stored:
            held[index] = rest[place]
            place += 1
            more = _follow(node.type, live, index, held[index])
            if more is not None:
                live = more
                held |= {key: _default(live[key]) for key in range(index + 1, len(live))}
        index += 1
    node.values = {widget.name: held[key] for key, widget in enumerate(live) if widget.name}
    node.unread = tuple(value for value in rest[place:] if _may_matter(value))
    _complete(node, live)
    return live


def _may_matter(value: Any) -> bool:
    """Of a value that no widget takes: whether it names a file, as a row {"lora": ..., "on": ...} of a pack's script does."""
    if isinstance(value, Mapping):
        return any(_may_matter(one) for one in value.values())
    return isinstance(value, str) and FILE_NAME.search(value) is not None


def _default(widget: Widget) -> Any:
    return NOT_KNOWN if widget.default is None else widget.default


def _without_dummies(part: Part, values: Sequence[Any]) -> Iterable[Any]:
    if not part.dummies or len(part.dummies) != len(values):
        return values
    return (value for value, dummy in zip(values, part.dummies, strict=True) if not dummy)


def _expanded(widgets: Iterable[Widget]) -> list[Widget]:
    """The widgets with those of the chosen part of every dynamic combo behind it."""
    found: list[Widget] = []
    for widget in widgets:
        found.append(widget)
        if widget.parts:
            found += _expanded(_chosen(widget, widget.default).widgets)
    return found


def _chosen(widget: Widget, value: Any) -> Part:
    part = (widget.parts or {}).get(value) if isinstance(value, str) else None
    return Part() if part is None else part.under(widget.name)


def _follow(kind: str, live: list[Widget], index: int, value: Any) -> list[Widget] | None:
    """The widgets after a value has been set that decides on them; None where it decides on nothing."""
    widget = live[index]
    if widget.parts is not None:
        # Named ones alone: the editor leaves what says what happens to a seed after a run.
        later = [one for one in live[index + 1 :] if not one.name.startswith(f"{widget.name}.")]
        return [*live[: index + 1], *_expanded(_chosen(widget, value).widgets), *later]
    if kind == "CustomCombo" and widget.name.startswith("option") and index == len(live) - 1 and value:
        return [*live, Widget(f"option{len(live) - 1}", "STRING", "")]
    return None


def _complete(node: EditorNode, live: list[Widget]) -> None:
    """What the editor changes in values once they are loaded."""
    for widget in live:
        if widget.type == "COMBO" and widget.name and node.values[widget.name] is None and widget.default is not None:
            node.values[widget.name] = widget.default
    if node.type == "CustomCombo":
        options = [node.values[widget.name] for widget in live if widget.name.startswith("option")]
        choice = node.values.get("choice")
        node.values["index"] = options.index(choice) if choice in options else -1


def _slots(part: Part, node: EditorNode, widgets: list[Widget], saved: Sequence[Mapping[str, Any]]) -> list[Slot]:
    """The inputs of a node of a known type: those that its type has, then others that the file has."""
    defined = [Slot(name, kind) for name, kind in part.sockets]
    growing, groups = set(part.growing), []
    for widget in widgets:
        if widget.name:
            defined.append(Slot(widget.name, widget.type, widget=widget.name))
        if widget.parts is not None:
            chosen = _chosen(widget, node.values[widget.name])
            defined += [Slot(name, kind) for name, kind in chosen.sockets]
            growing.update(chosen.growing)
            groups.append(f"{widget.name}.")
    linked = {str(one["name"]): one.get("link") for one in saved}
    for slot in defined:
        slot.link = linked.pop(slot.name, None)
    left = [_saved_slot(one) for one in saved if one["name"] in linked]
    dropped = tuple(groups)  # of another choice than the present one
    kept = [slot for slot in left if not slot.name.startswith(dropped) or slot.name.rpartition(".")[0] in growing]
    return _without_lost_widgets(defined + kept, node)


def _without_lost_widgets(slots: list[Slot], node: EditorNode) -> list[Slot]:
    """The inputs without those of widgets that the node no longer has.

    As the editor takes them out, while it walks along the list: of two in a row it misses the second.
    """
    place = 0
    while place < len(slots):
        if slots[place].widget and slots[place].widget not in node.values:
            del slots[place]
        place += 1
    return slots


# Values of a node whose type is not known: only where the file itself names every one.


def _read_by_name(node: EditorNode, values: Any) -> None:
    if isinstance(values, Mapping):
        node.values = dict(values)
        return
    if not isinstance(values, Sequence) or isinstance(values, str) or not values:
        return
    names = [slot.widget for slot in node.inputs if slot.widget]
    rest = list(values)
    found: dict[str, Any] = {}
    for place, name in enumerate(names):
        if not rest:
            break
        found[name] = rest.pop(0)
        spare = len(rest) - (len(names) - place - 1)
        if spare > 0 and rest[0] in _AFTER_GENERATE and isinstance(found[name], (int, float)):
            rest.pop(0)
    if rest or len(found) < len(names):
        node.unread = tuple(values)
    else:
        node.values = found
