"""Turning a graph as the front end saves it into an API prompt, as far as that is possible outside the front end.

Nodes keep their values by position in the file. Newer files name each value's input; older ones need the node's
description. What cannot be told is refused with the reason, never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .node_types import TypesOf
from .prompt import PromptError
from .subgraphs import flattened

_MUTED, _BYPASSED = 2, 4
_NOTES = frozenset({"Note", "MarkdownNote"})
_AFTER_GENERATE = ("fixed", "increment", "decrement", "randomize")


def is_ui_graph(data: Any) -> bool:
    """Whether this is a graph as the front end saves it, rather than an API prompt."""
    return isinstance(data, Mapping) and isinstance(data.get("nodes"), list) and "links" in data


def to_prompt(graph: Mapping[str, Any], types_of: TypesOf, whole: bool = False) -> dict[str, Any]:
    """The API prompt of a saved graph. Raises PromptError where it cannot be told.

    whole: refuse nodes whose values cannot be told apart. Without it they keep their links alone, which is enough for a
    check: what such a node loads is not known, and the check says so.
    """
    try:
        nodes, links = flattened(graph)
        return _Converter(nodes, links, types_of, whole).prompt()
    except PromptError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise PromptError(
            f"This saved graph cannot be converted here ({type(error).__name__}: {error}). In ComfyUI use Export (API), "
            "and check that file."
        ) from None


class _Converter:
    def __init__(
        self, nodes: dict[str, Mapping[str, Any]], links: dict[Any, tuple[str, int]], types_of: TypesOf, whole: bool
    ):
        self.whole = whole
        self.nodes = nodes
        self.links = links  # link id -> (node, output)
        self.types_of = types_of

    def prompt(self) -> dict[str, Any]:
        return {
            key: self._node(key, node)
            for key, node in self.nodes.items()
            if node.get("mode", 0) not in (_MUTED, _BYPASSED)
            and node["type"] not in _NOTES
            and node["type"] not in ("Reroute", "PrimitiveNode")
        }

    def _node(self, key: str, node: Mapping[str, Any]) -> dict[str, Any]:
        inputs: dict[str, Any] = self._values(key, node)
        for slot in node.get("inputs") or ():
            if slot.get("link") is None:
                continue
            source = self._source(slot["link"], str(slot.get("type", "*")))
            if source is None:
                continue
            primitive = self.nodes[source[0]]
            if primitive["type"] == "PrimitiveNode":
                inputs[slot["name"]] = (primitive.get("widgets_values") or [None])[0]
            else:
                inputs[slot["name"]] = [source[0], source[1]]
        title = node.get("title")
        meta = {"_meta": {"title": title}} if isinstance(title, str) else {}
        return {"class_type": node["type"], "inputs": inputs, **meta}

    def _source(self, link: Any, kind: str) -> tuple[str, int] | None:
        """The node that a link's value really comes from, past reroutes and bypassed nodes; None for a muted one."""
        for _ in range(len(self.nodes) + 1):
            if link not in self.links:
                return None
            key, slot = self.links[link]
            node = self.nodes.get(key)
            if node is None or node.get("mode", 0) == _MUTED:
                return None
            if node["type"] != "Reroute" and node.get("mode", 0) != _BYPASSED:
                return key, slot
            passed = self._passed(node, slot, kind)
            if passed is None:
                return None
            link = passed
        return None

    @staticmethod
    def _passed(node: Mapping[str, Any], slot: int, kind: str) -> Any:
        """The link that a bypassed node passes on to one of its outputs: the input of the same place, else of the type."""
        inputs = node.get("inputs") or []
        fitting = [one for one in inputs if one.get("link") is not None and one.get("type") in (kind, "*")]
        same_place = [inputs[slot]] if slot < len(inputs) and inputs[slot] in fitting else []
        return next((one["link"] for one in (*same_place, *fitting)), None)

    def _values(self, key: str, node: Mapping[str, Any]) -> dict[str, Any]:
        values = node.get("widgets_values")
        if isinstance(values, Mapping):
            return dict(values)
        if not values:
            return {}
        named = [one["widget"]["name"] for one in node.get("inputs") or () if isinstance(one.get("widget"), Mapping)]
        names = named or self._described(key, node)
        result: dict[str, Any] = {}
        rest = list(values)
        extra = len(rest) - len(names)  # what happens to a seed after a run is a value without an input
        for name in names:
            if not rest:
                break
            result[name] = rest.pop(0)
            if extra > 0 and rest and rest[0] in _AFTER_GENERATE and isinstance(result[name], (int, float)):
                rest.pop(0)
                extra -= 1
        return result

    def _described(self, key: str, node: Mapping[str, Any]) -> list[str]:
        types = self.types_of(node["type"])
        if types is not None:
            return types.widgets
        if not self.whole:
            return []
        raise PromptError(
            f"Node {key} ({node['type']}) is not known here, so its values cannot be told apart. In ComfyUI use "
            "Export (API), and check that file."
        )
