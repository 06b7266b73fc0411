"""Turning a graph as the front end saves it into an API prompt, as the front end itself does.

Nodes keep their values by position in the file, and which widget a position belongs to follows from the node's type. What
cannot be told, because the type is not known, is left out and marked on its node, or refused; it is never guessed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .executable import Executable
from .node_types import TypesOf
from .prompt import PromptError
from .saved_shape import check_shape
from .subgraphs import EditorGraphs


def is_ui_graph(data: Any) -> bool:
    """Whether this is a graph as the front end saves it, rather than an API prompt."""
    if not isinstance(data, Mapping) or "nodes" not in data:
        return False
    return not (
        isinstance(data["nodes"], Mapping) and "class_type" in data["nodes"]
    )  # a prompt's node may be called so


def to_prompt(graph: Mapping[str, Any], types_of: TypesOf, whole: bool = False) -> dict[str, Any]:
    """The API prompt of a saved graph. Raises PromptError where it cannot be told.

    whole: refuse nodes whose values cannot be told apart, and links to nothing. Without it such a node keeps its links
    alone, and its `_meta` holds its values as they are, under `unread_values`; `Node.unread` gives them.
    """
    check_shape(graph)
    try:
        return Executable(EditorGraphs(graph, types_of), whole).prompt()
    except PromptError:
        raise
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
        raise PromptError(
            f"This saved graph cannot be converted here ({type(error).__name__}: {error}). In ComfyUI use Export (API), "
            "and check that file."
        ) from None
