"""What a running host offers of a pack, put so that two hosts with differently named folders can be compared."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.request import urlopen

# These list the files of one host.
_NAMES_A_FILE = re.compile(r"(_name|^folder)$")


def offer(address: str, name: str) -> dict[str, Any]:
    """Everything that a server at `address` gives to the front end from custom_nodes/`name`, as JSON."""
    nodes = {
        node: _without_files(info)
        for node, info in _json(f"{address}/object_info").items()
        if info["python_module"] == f"custom_nodes.{name}"
    }
    files = [
        path.removeprefix(f"/extensions/{name}/") for path in _json(f"{address}/extensions") if f"/{name}/" in path
    ]
    words = {
        language: {part: [texts.get(node) for node in nodes] for part, texts in parts.items() if part == "nodeDefs"}
        for language, parts in _json(f"{address}/i18n").items()
    }
    return {
        "nodes": nodes,
        "scripts": {file: _sum(f"{address}/extensions/{name}/{file}") for file in sorted(files)},
        "help": {node: _sum(f"{address}/extensions/{name}/docs/{node}.md") for node in nodes},
        "pictures": {node: _sum(f"{address}/extensions/{name}/docs/pictures/{node}.jpg") for node in nodes},
        "templates": sorted(_json(f"{address}/workflow_templates").get(name, [])),
        "words": words,
    }


def _without_files(info: dict[str, Any]) -> dict[str, Any]:
    inputs = {group: dict(_inputs(found)) for group, found in info["input"].items()}
    return {**info, "input": inputs, "python_module": ""}


def _inputs(found: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, (kind, *more) in found.items():
        options = more[0] if more else {}
        if _NAMES_A_FILE.search(name):
            yield name, {key: value for key, value in options.items() if key not in ("options", "default")}
        else:
            yield name, (kind, options)


def _json(address: str) -> Any:
    return json.loads(_read(address))


def _sum(address: str) -> str:
    return hashlib.sha256(_read(address)).hexdigest()


def _read(address: str) -> bytes:
    with urlopen(address, timeout=60) as answer:
        return answer.read()
