"""Which input of which node a column sets, what that input takes, and the values of cells as it takes them."""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any

from ...common.node_names import name_node
from ..answers import as_list, as_number, as_object, choices_of, input_of
from ..errors import BatchError, RowProblem
from ..graph import GraphError, find_input

NAME_COLUMN = "name"  # names the row's files; it sets no input
WIDGETS = ("INT", "FLOAT", "STRING", "BOOLEAN", "COMBO")
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
WHOLE = re.compile(r"([-+]?\d+)[.,]0{1,2}")  # with three zeros it may be a thousand
WORDS = {"INT": "a whole number", "FLOAT": "a number", "BOOLEAN": "true or false", "STRING": "text"}


@dataclass(frozen=True)
class Column:
    """A column of the rows and the input it sets.

    type: INT, FLOAT, STRING, BOOLEAN, COMBO, PICTURE, or ANY where the server does not say. choices: of a COMBO, and of a
    PICTURE those that lie on the server already. least, most: of a number, None without limit.
    """

    name: str
    node: str
    input: str
    type: str
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    is_loader: bool = field(default=False)


def find_columns(
    graph: Mapping[str, Any],
    names: Iterable[str],
    object_info: Mapping[str, Any],
    mapping: Mapping[str, str] | None = None,
) -> dict[str, Column]:
    """The column of each name. `mapping` says which input ('Prompt.text') a column of another name sets.

    object_info: the server's descriptions of the graph's node classes. Raises BatchError, all faults in one message.
    """
    mapping = mapping or {}
    columns: dict[str, Column] = {}
    faults: list[str] = []
    for name in names:
        if name == NAME_COLUMN and name not in mapping:
            continue
        try:
            columns[name] = _column(graph, name, mapping.get(name, name), object_info)
        except GraphError as error:
            faults.append(f"Column '{name}': {error}")
    faults += _set_twice(graph, columns)
    if faults:
        raise BatchError("\n".join(faults))
    return columns


def picture_input(graph: Mapping[str, Any], object_info: Mapping[str, Any]) -> str:
    """'ID.input' of the graph's only input that loads a picture; empty when there is none, or more than one."""
    found = [
        f"{node_id}.{name}"
        for node_id, node in graph.items()
        for name in node.get("inputs", {})
        if _is_picture(_describe(object_info.get(node["class_type"], {}), name, node)[1])
    ]
    return found[0] if len(found) == 1 else ""


def check_classes(graph: Mapping[str, Any], object_info: Mapping[str, Any]) -> None:
    """Raises BatchError when the server lacks nodes of the graph, or the graph has no node that gives a result."""
    missing = [node_id for node_id, node in graph.items() if node["class_type"] not in object_info]
    if missing:
        names = "\n".join(f"  - {name_node(graph, node_id)}" for node_id in missing)
        raise BatchError(f"The server lacks these nodes; install the node packs that bring them:\n{names}")
    if not any(object_info[node["class_type"]].get("output_node") for node in graph.values()):
        raise BatchError("The graph saves nothing: add a Save Image node, then export it again.")


def convert(column: Column, value: Any) -> Any:
    """The value as `column` takes it; texts of a CSV become numbers where numbers are wanted. Raises RowProblem."""
    if isinstance(value, list | dict):
        raise RowProblem(f"'{column.name}' is a {'list' if isinstance(value, list) else 'object'}; give a plain value")
    if column.type in ("INT", "FLOAT"):
        return _in_range(column, _number(column, value))
    if column.type == "BOOLEAN":
        return _boolean(column, value)
    if column.type == "COMBO":
        return _choice(column, value)
    if column.type == "STRING" and not isinstance(value, str):
        raise _wrong(column, value)
    return value


def _column(graph: Mapping[str, Any], name: str, key: str, object_info: Mapping[str, Any]) -> Column:
    try:
        node_id, input_name = find_input(graph, key)
    except GraphError:
        # An input left to its default is not in the graph, but the server knows it.
        node_id, input_name = find_input(graph, key, add=True)
        if _describe(object_info.get(graph[node_id]["class_type"], {}), input_name, graph[node_id])[0] is None:
            raise
    node = graph[node_id]
    info = object_info.get(node["class_type"], {})
    kind, options = _describe(info, input_name, node)
    _refuse_socket(graph, node_id, input_name, kind)
    choices: tuple[str, ...] = ()
    offered = choices_of(kind, options)
    if offered is not None:
        choices, kind = tuple(map(str, offered)), "PICTURE" if _is_picture(options) else "COMBO"
    if kind not in (*WIDGETS, "PICTURE"):
        kind = _guess(node.get("inputs", {}).get(input_name))
    is_loader = any(output in ("MODEL", "CLIP", "VAE", "CONTROL_NET", "CLIP_VISION") for output in _outputs(info))
    limits = (as_number(options.get("min")), as_number(options.get("max")))
    return Column(name, node_id, input_name, str(kind), choices, *limits, is_loader)


def _describe(
    info: Mapping[str, Any], name: str, node: Mapping[str, Any]
) -> tuple[str | Sequence[Any] | None, Mapping[str, Any]]:
    """The type and the options of an input, nested ones ('method.low_threshold') included; (None, {}) if unknown."""
    head, dot, rest = name.partition(".")
    kind, options = input_of(info, head)
    if not dot or kind is None:
        return kind, options
    chosen = node.get("inputs", {}).get(head)
    for option in map(as_object, as_list(options.get("options"))):
        if option.get("key") == chosen:
            return _describe({"input": option.get("inputs")}, rest, {})
    return None, {}


def _is_picture(options: Mapping[str, Any]) -> bool:
    return bool(options.get("image_upload"))


def _outputs(info: Mapping[str, Any]) -> Sequence[Any]:
    return as_list(info.get("output"))


def _refuse_socket(graph: Mapping[str, Any], node_id: str, name: str, kind: Any) -> None:
    is_linked = isinstance(graph[node_id].get("inputs", {}).get(name), list)
    if is_linked and isinstance(kind, str) and kind not in WIDGETS:
        raise GraphError(
            f"{name_node(graph, node_id)}: '{name}' takes {kind} through a link; name an input of the node before it."
        )


def _guess(value: object) -> str:
    kinds = ((bool, "BOOLEAN"), (int, "INT"), (float, "FLOAT"), (str, "STRING"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "ANY")


def _set_twice(graph: Mapping[str, Any], columns: Mapping[str, Column]) -> list[str]:
    seen: dict[tuple[str, str], str] = {}
    faults = []
    for name, column in columns.items():
        place = (column.node, column.input)
        if place in seen:
            faults.append(
                f"The columns '{seen[place]}' and '{name}' both set '{column.input}' of {name_node(graph, column.node)}."
            )
        seen[place] = name
    return faults


def _number(column: Column, value: Any) -> int | float:
    if isinstance(value, bool):
        raise _wrong(column, value)
    try:
        if column.type == "FLOAT":
            return float(value.strip().replace(",", ".") if isinstance(value, str) else value)
        return _whole(value.strip() if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        raise _wrong(column, value) from None


def _whole(value: Any) -> int:
    """A whole number; spreadsheets write 20 as 20.0 or 20,0. Raises ValueError for what is none."""
    if isinstance(value, str) and (match := WHOLE.fullmatch(value)):
        return int(match[1])
    if isinstance(value, float) and not value.is_integer():
        raise ValueError
    return int(value)


def _in_range(column: Column, number: int | float) -> int | float:
    if isinstance(number, float) and not math.isfinite(number):
        raise _wrong(column, number)
    low, high = column.least, column.most
    if (low is not None and number < low) or (high is not None and number > high):
        limits = f"from {low:g}" * (low is not None) + f" to {high:g}" * (high is not None)
        raise RowProblem(f"'{column.name}' is {number}; it must be a number {limits.strip()}")
    return number


def _boolean(column: Column, value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in TRUE + FALSE:
        raise _wrong(column, value)
    return text in TRUE


def _choice(column: Column, value: Any) -> Any:
    if column.choices and str(value) not in column.choices:
        close = get_close_matches(str(value), column.choices, 3)
        known = close or column.choices[:8]
        raise RowProblem(
            f"'{column.name}' is {str(value)[:80]!r}, which the server does not offer; "
            f"{'did you mean' if close else 'it offers'} {', '.join(known)}{'?' if close else ''}"
        )
    return value


def _wrong(column: Column, value: Any) -> RowProblem:
    return RowProblem(f"'{column.name}' is {str(value)[:80]!r}; it takes {WORDS[column.type]}")
