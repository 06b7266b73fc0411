"""Reading the graph of a batch: an API prompt, as the front end exports it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .errors import BatchError

ADVICE = "In ComfyUI choose Workflow, Export (API)."


def read_graph(path: Path) -> dict[str, Any]:
    """The API prompt in `path`. Raises BatchError for everything else, graphs saved for the front end included."""
    try:
        data = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise BatchError(f"{path}: {error.strerror or 'cannot be read'}. Give the graph's JSON file.") from None
    except (ValueError, RecursionError):
        raise BatchError(f"{path} is not JSON. {ADVICE}") from None
    return check_graph(data, str(path))


def check_graph(data: object, where: str) -> dict[str, Any]:
    """`data` if it is an API prompt. Raises BatchError, with `where` to name the place."""
    if isinstance(data, Mapping) and isinstance(data.get("nodes"), list):
        raise BatchError(f"{where} is a graph for the front end, not an API prompt. {ADVICE}")
    if not isinstance(data, Mapping) or not data:
        raise BatchError(f"{where} holds no API prompt. {ADVICE}")
    for node_id, node in data.items():
        inputs = node.get("inputs", {}) if isinstance(node, Mapping) else None
        if not isinstance(inputs, Mapping) or not isinstance(node.get("class_type"), str):
            raise BatchError(f"{where}: '{node_id}' is not a node with class_type and inputs. {ADVICE}")
    return dict(data)
