"""Saved graphs and what the real front end makes of them: the host's own, by a recorded digest, and small cases in full.

ARMATURE_RECORD=1 python armature.py test tests/browser/test_saved_graphs.py -k recorded_again

asks the front end anew for all of them, which takes minutes; it is needed when the host of the tests changes.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from ..common.digests import sha256_of_json
from ..models.compatibility.node_types import recorded

CASES = Path(__file__).parent / "fixtures" / "saved_graphs"
RECORD = CASES.parent / "front_end_prompts.json"
_TEMPLATES = ("comfyui_workflow_templates_json", "comfyui_workflow_templates_core")
_DRAWN = {("Load3D", "image")}  # pictures that the editor takes of a viewport when it makes the prompt


def read(path: Path) -> Any:
    """The JSON in a file."""
    return json.loads(path.read_text(encoding="utf-8"))


@cache
def cases() -> dict[str, Path]:
    """The small cases by name."""
    return {path.stem: path for path in sorted(CASES.glob("*.json")) if not path.stem.endswith(".api")}


@cache
def host_graphs() -> dict[str, Path]:
    """The saved graphs that the host brings, by kind and name: its blueprints and its templates."""
    folders = {"blueprint": [Path(os.environ["ARMATURE_COMFYUI"]) / "blueprints"], "template": []}
    for package in _TEMPLATES:
        spec = importlib.util.find_spec(package)
        folders["template"] += [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
    found = {
        f"{kind}/{path.stem}": path
        for kind, places in folders.items()
        for place in places
        for path in sorted(place.rglob("*.json"))
    }
    return {name: path for name, path in found.items() if _is_graph(path)}


def _is_graph(path: Path) -> bool:
    data = read(path)
    return isinstance(data, dict) and isinstance(data.get("nodes"), list)


def versions() -> dict[str, str]:
    """What the record holds for: the front end and the templates of the host."""
    names = ("comfyui-frontend-package", "comfyui-workflow-templates")
    return {name: _version(name) for name in names}


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:  # a ComfyUI of one's own may have its front end from elsewhere
        return ""


def comparable(prompt: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt without what says nothing about conversion.

    Titles; pictures of a viewport; and nodes of packs that are not there: the front end gives their values names of its own.
    """
    types = recorded()
    return {
        key: {
            "class_type": node["class_type"],
            "inputs": {name: v for name, v in node["inputs"].items() if (node["class_type"], name) not in _DRAWN},
        }
        for key, node in prompt.items()
        if types(str(node.get("class_type"))) is not None
    }


def digest(prompt: Mapping[str, Any]) -> str:
    """Short, and equal for equal prompts: 1 and 1.0 are one number to the front end."""
    return sha256_of_json(_plain(comparable(prompt)))[:16]


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
