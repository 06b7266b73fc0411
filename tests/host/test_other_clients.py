"""Two clients that are not ours run the shipped API graphs: comfy-cli, and comfy-api-simplified from PyPI."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
from armature_pack.runs.api import use_client
from armature_pack.runs.graph import find_node
from armature_pack.tests.registry_tools import needs_registry_tools, run_tool, shown_at_the_end
from PIL import Image

from .example_graphs import small_graph

pytestmark = [pytest.mark.host, needs_registry_tools]

GRAPHS = ("control_signal", "three_signals", "two_loras")
CHECK = "compatibility_check"  # it shows a text and saves nothing
FITS = "The parts of this graph fit together"


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


def run_by_comfy_cli(server, graph: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What it says at the end of a run that went well."""
    address = urlsplit(server.address)
    where = ("--host", str(address.hostname), "--port", str(address.port))
    told = run_tool(
        "comfy", "--skip-prompt", "run", "--workflow", written(graph, folder), "--wait", "--json", *where,
        home=folder, cwd=folder,
    )  # fmt: skip
    last = json.loads(told.splitlines()[-1])
    assert last["type"] == "envelope" and last["ok"], told
    return last


@pytest.mark.parametrize("name", GRAPHS)
def test_comfy_cli_runs_the_graph(server, tmp_path, record_property, name):
    shown_at_the_end(record_property, "comfy-cli", f"run --workflow {name}")
    graph = small_graph(server, name)
    saving = graph[find_node(graph, saving_title(graph))]
    saving["inputs"]["filename_prefix"] = f"comfy-cli/{name}"
    run_by_comfy_cli(server, graph, tmp_path)
    assert list((server.output_folder / "comfy-cli").glob(f"{name}_*"))


def test_comfy_cli_runs_the_check(server, tmp_path, record_property):
    shown_at_the_end(record_property, "comfy-cli", f"run --workflow {CHECK}")
    last = run_by_comfy_cli(server, small_graph(server, CHECK), tmp_path)
    prompt_id = last["data"]["prompt_id"]
    history = use_client(server.address, lambda client: client.history(prompt_id))
    assert FITS in json.dumps(history)


def made_by_title(server, graph: dict[str, Any], output: str, changes: dict[str, Any], folder: Path) -> list[Path]:
    """The files that the other client wrote: pictures, or a text."""
    script = Path(__file__).with_name("titles_client.py")
    found = folder / f"made {len(list(folder.iterdir()))}"
    found.mkdir()
    arguments = (server.address, written(graph, folder), output, json.dumps(changes), found)
    run_tool("python", script, *arguments, home=folder, cwd=folder)
    return sorted(found.iterdir())


@pytest.mark.parametrize("name", GRAPHS)
def test_a_python_client_changes_the_graph_by_title(server, tmp_path, record_property, name):
    shown_at_the_end(record_property, "comfy-api-simplified", f"{name}, changed by title")
    graph = small_graph(server, name)
    first, second = (
        np.asarray(Image.open(file).convert("RGB"))
        for seed in (1, 2)
        for file in made_by_title(server, graph, saving_title(graph), {"Sampler": {"seed": seed}}, tmp_path)
    )
    assert first.std() > 1 and not np.array_equal(first, second)


def test_a_python_client_runs_the_check(server, tmp_path, record_property):
    shown_at_the_end(record_property, "comfy-api-simplified", f"{CHECK}, changed by title")
    changes = {"Compatibility check": {"policy": "error"}}
    (file,) = made_by_title(server, small_graph(server, CHECK), "Compatibility check", changes, tmp_path)
    assert FITS in file.read_text(encoding="utf-8")
