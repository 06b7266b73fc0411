"""The running host: its model folders, the types of its nodes, and the prompt that runs now."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..files.index import ModelIndex
from ..host import host_nodes
from .node_types import NodeTypes, from_object_info

_NO_MODELS = frozenset({"custom_nodes", "datasets", "configs", "diffusers", "classifiers"})


def host_index() -> ModelIndex:
    """The index of the host's model folders."""
    import folder_paths

    folders: dict[str, list[str]] = {
        name: list(entry[0]) for name, entry in folder_paths.folder_names_and_paths.items() if name not in _NO_MODELS
    }
    folders.setdefault("ipadapter", [str(Path(folder_paths.models_dir) / "ipadapter")])
    return ModelIndex(folders)


def sheet_paths() -> list[Path]:
    """Where the team's sheet may lie: in the models folder, and in the user's folder."""
    import folder_paths

    return [Path(folder_paths.models_dir) / "armature.json", Path(folder_paths.get_user_directory()) / "armature.json"]


@lru_cache(maxsize=4096)
def host_types(class_type: str) -> NodeTypes | None:
    """The types of one of the nodes that the host has loaded; None when it has none of that name."""
    info = node_info(class_type)
    return None if info is None else from_object_info(info)


def node_info(class_type: str) -> Mapping[str, Any] | None:
    """The inputs and outputs of a loaded node in the form of /object_info."""
    node = host_nodes().NODE_CLASS_MAPPINGS.get(class_type)
    if node is None:
        return None
    try:
        inputs = node.INPUT_TYPES()
        return {"input": inputs, "output": list(node.RETURN_TYPES)}
    except Exception:  # the code of any other pack runs here, and a broken one must not end the check
        return None


def running_prompt() -> Mapping[str, Any] | None:
    """The prompt that runs now; None when none does, or several do."""
    server = sys.modules.get("server")  # absent in unit tests
    queue = getattr(getattr(getattr(server, "PromptServer", None), "instance", None), "prompt_queue", None)
    running = list(getattr(queue, "currently_running", {}).values())
    prompt = running[0][2] if len(running) == 1 and len(running[0]) > 2 else None
    return prompt if isinstance(prompt, Mapping) else None
