"""Two clients that are not ours run the shipped API graphs: comfy-cli, and comfy-api-simplified from PyPI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from armature_pack.runs.graph import find_node
from armature_pack.tests.registry_tools import needs_registry_tools, run_tool
from PIL import Image

from .example_graphs import small_graph

pytestmark = [pytest.mark.host, needs_registry_tools]

GRAPHS = ("control_signal", "three_signals")


def saving_title(graph: dict[str, Any]) -> str:
    return next(
        node["_meta"]["title"]
        for node in graph.values()
        if node["class_type"].startswith("Save") and node["_meta"]["title"] not in ("Save control map", "Save LoRA")
    )


def written(graph: dict[str, Any], folder: Path) -> Path:
    path = folder / "graph.json"
    path.write_text(json.dumps(graph), encoding="utf-8")
    return path


@pytest.mark.parametrize("name", GRAPHS)
def test_comfy_cli_runs_the_graph(server, tmp_path, name):
    graph = small_graph(server, name)
    saving = graph[find_node(graph, saving_title(graph))]
    saving["inputs"]["filename_prefix"] = f"comfy-cli/{name}"
    address = urlsplit(server.address)
    where = ("--host", str(address.hostname), "--port", str(address.port))
    told = run_tool(
        "comfy", "--skip-prompt", "run", "--workflow", written(graph, tmp_path), "--wait", "--json", *where,
        home=tmp_path, cwd=tmp_path,
    )  # fmt: skip
    last = json.loads(told.splitlines()[-1])
    assert last["type"] == "envelope" and last["ok"], told
    assert list((server.output_folder / "comfy-cli").glob(f"{name}_*"))


def pictures_by_title(server, graph: dict[str, Any], changes: dict[str, Any], folder: Path) -> list[np.ndarray]:
    script = Path(__file__).with_name("titles_client.py")
    found = folder / f"pictures {len(list(folder.iterdir()))}"
    found.mkdir()
    arguments = (server.address, written(graph, folder), saving_title(graph), json.dumps(changes), found)
    run_tool("python", script, *arguments, home=folder, cwd=folder)
    return [np.asarray(Image.open(path).convert("RGB")) for path in sorted(found.iterdir())]


@pytest.mark.parametrize("name", GRAPHS)
def test_a_python_client_changes_the_graph_by_title(server, tmp_path, name):
    graph = small_graph(server, name)
    (first,) = pictures_by_title(server, graph, {"Sampler": {"seed": 1}}, tmp_path)
    (second,) = pictures_by_title(server, graph, {"Sampler": {"seed": 2}}, tmp_path)
    assert first.std() > 1 and not np.array_equal(first, second)
