"""The shipped example graphs as files: complete, explained, and laid out without overlaps."""

from __future__ import annotations

import json
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from armature_pack.models.demo import is_demo_file
from PIL import Image

WORKFLOWS = Path(__file__).resolve().parents[1] / "workflows"
NAMES = sorted(path.stem for path in (WORKFLOWS / "api").glob("*.json"))
FIRST = [name for name in NAMES if name[0].isdigit()]  # these run at once, on the demo's models
PICTURES = WORKFLOWS.parent / "docs" / "graphs"
SUFFIXES = (".safetensors", ".sft", ".ckpt", ".pt", ".pth", ".bin", ".gguf")
TITLE = 30  # pixels of a node's title bar, above its position

Box = tuple[float, float, float, float]


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def node_boxes(graph: dict[str, Any]) -> dict[str, Box]:
    boxes = {}
    for node in graph["nodes"]:
        (x, y), (width, height) = node["pos"], node["size"]
        boxes[f"{node.get('title', node['type'])} ({node['id']})"] = (x, y - TITLE, x + width, y + height)
    return boxes


def group_boxes(graph: dict[str, Any]) -> dict[str, Box]:
    boxes = {}
    for group in graph["groups"]:
        x, y, width, height = group["bounding"]
        boxes[f"{group['title']} at {x:.0f}, {y:.0f}"] = (x, y, x + width, y + height)
    return boxes


def overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def inside(one: Box, other: Box) -> bool:
    return one[0] >= other[0] and one[1] >= other[1] and one[2] <= other[2] and one[3] <= other[3]


def test_each_graph_has_all_its_files():
    forms = {
        "graph": {path.stem for path in WORKFLOWS.glob("*.json")},
        "picture": {path.stem for path in WORKFLOWS.glob("*.jpg")},
        "picture of the nodes": {path.stem for path in PICTURES.glob("*.jpg")},
        "layout": {path.stem for path in (WORKFLOWS / "layout").glob("*.json")},
    }
    assert {form: names for form, names in forms.items() if names != set(NAMES)} == {}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_overlaps(name):
    graph = read(WORKFLOWS / f"{name}.json")
    for boxes in (node_boxes(graph), group_boxes(graph)):
        clashes = [(one, other) for one, other in combinations(boxes, 2) if overlap(boxes[one], boxes[other])]
        assert clashes == []


@pytest.mark.parametrize("name", NAMES)
def test_every_node_stands_in_a_group_and_a_note_says_what_to_change_first(name):
    graph = read(WORKFLOWS / f"{name}.json")
    groups = group_boxes(graph).values()
    notes = [node for node in graph["nodes"] if node["type"] == "Note"]
    assert notes and all(note["title"] == "What to change first" and note["widgets_values"][0] for note in notes)
    outside = [
        label
        for label, box in node_boxes(graph).items()
        if not any(inside(box, group) for group in groups) and "What to change first" not in label
    ]
    assert outside == []
    assert all(group["title"] for group in graph["groups"])


@pytest.mark.parametrize("name", NAMES)
def test_titles_are_unique_so_that_scripts_can_name_nodes(name):
    titles = sorted(node["_meta"]["title"] for node in read(WORKFLOWS / "api" / f"{name}.json").values())
    assert [one for one, other in pairwise(titles) if one == other] == []


@pytest.mark.parametrize("name", NAMES)
def test_the_picture_of_the_template_page_is_square_and_shows_something(name):
    with Image.open(WORKFLOWS / f"{name}.jpg") as picture:
        assert picture.size == (440, 440)
        assert min(picture.convert("L").getextrema()) < 60 and max(picture.convert("L").getextrema()) > 150
    with Image.open(PICTURES / f"{name}.jpg") as nodes:
        assert nodes.width == 1000 and 150 < nodes.height < 1000


def test_the_first_graphs_are_numbered_so_that_they_come_first():
    assert [name[:3] for name in NAMES[: len(FIRST)]] == [f"{number:02} " for number in range(1, len(FIRST) + 1)]


@pytest.mark.parametrize("name", NAMES)
def test_every_model_file_can_be_had(name):
    """From the pack, or from an address that the graph itself states."""
    graph = read(WORKFLOWS / f"{name}.json")
    for node in graph["nodes"]:
        stated = {model["name"]: model for model in node["properties"].get("models", [])}
        for value in node.get("widgets_values") or []:
            if node["type"] == "Note" or not isinstance(value, str) or Path(value).suffix not in SUFFIXES:
                continue
            if is_demo_file(value):
                continue
            assert stated[value]["url"].startswith("https://") and stated[value]["directory"]


@pytest.mark.parametrize("name", FIRST)
def test_the_first_graphs_name_the_demos_models_alone(name):
    values = [value for node in read(WORKFLOWS / "api" / f"{name}.json").values() for value in node["inputs"].values()]
    files = [value for value in values if isinstance(value, str) and Path(value).suffix in SUFFIXES]
    assert files and all(is_demo_file(file) for file in files)


def test_the_page_of_examples_has_a_row_for_each_with_its_files():
    page = (WORKFLOWS.parent / "docs" / "examples.md").read_text(encoding="utf-8")
    rows = {line.split("**")[1]: line for line in page.splitlines() if line.startswith("| **")}
    assert sorted(rows) == NAMES
    for name, row in rows.items():
        values = [
            value for node in read(WORKFLOWS / "api" / f"{name}.json").values() for value in node["inputs"].values()
        ]
        files = {value for value in values if isinstance(value, str) and value.endswith(".safetensors")}
        address = f"../workflows/{quote(name, safe=',')}"
        assert f"{address}.jpg" in row and f"{address}.json" in row
        assert [file for file in sorted(files) if f"`{file}`" not in row] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_graph_is_an_app_with_few_fields_that_differ_by_name(name):
    """Each field is a widget with a value of its own, and pictures come out. It opens as a graph all the same."""
    graph, prompt = read(WORKFLOWS / f"{name}.json"), read(WORKFLOWS / "api" / f"{name}.json")
    fields, outputs = graph["extra"]["linearData"]["inputs"], graph["extra"]["linearData"]["outputs"]
    assert not any(isinstance(prompt[str(node)]["inputs"][widget], list) for node, widget in fields)
    slots = {(node["id"], slot["name"]): slot for node in graph["nodes"] for slot in node["inputs"]}
    shown = [slots[node, widget]["label"] or widget for node, widget in fields]
    assert len(set(shown)) == len(shown) and 3 <= len(shown) <= 12, shown
    assert outputs and all(str(node) in prompt for node in outputs)
    assert "linearMode" not in graph["extra"]
