"""The graph that a measurement runs, made of the shipped examples: what is exchanged, what is measured, what is refused."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from armature_pack.commands.measure.graph import Measured, measured_graph
from armature_pack.commands.measure.ways import OFF, TOGETHER, WRONG, cases
from armature_pack.commands.terminal import Problem
from armature_pack.models.compatibility.node_types import recorded
from armature_pack.runs.batch.columns import find_columns
from armature_pack.runs.record.prompt_facts import upstream

API = Path(__file__).resolve().parents[3] / "workflows" / "api"
ONE, THREE = "01 One control signal", "02 Three control signals"


def example(name: str) -> dict[str, Any]:
    return json.loads((API / f"{name}.json").read_text(encoding="utf-8"))


def planned(graph: str | dict[str, Any], *chosen: str) -> Measured:
    return measured_graph(example(graph) if isinstance(graph, str) else graph, recorded(), *chosen)


def kinds_above(prompt: dict[str, Any], node: str) -> list[str]:
    return [one["class_type"] for one in upstream(prompt, node).values()]


def test_the_signals_map_is_made_of_a_picture_of_its_own() -> None:
    graph = example(ONE)
    before = copy.deepcopy(graph)
    found = planned(graph)
    assert graph == before, "the user's graph is left as it is"
    (signal,) = found.signals
    assert (signal.label, signal.weight, signal.method) == ("Control signal", 0.8, "canny")
    loads = [key for key, node in found.prompt.items() if node["class_type"] == "LoadImage"]
    assert sorted(f"{key}.image" for key in loads) == sorted((found.input, signal.picture))
    assert "ArmatureExamplePicture" not in {node["class_type"] for node in found.prompt.values()}
    its_map = upstream(found.prompt, found.prompt[signal.node]["inputs"]["image"][0])
    assert signal.picture.removesuffix(".image") in its_map and found.input.removesuffix(".image") not in its_map
    for place, told in ((signal.picture, signal.given), (found.input, signal.own)):
        measure = found.prompt[found.prompt[told]["inputs"]["source"][0]]
        wanted = upstream(found.prompt, measure["inputs"]["control_image"][0])
        assert [one for one in loads if one in wanted] == [place.removesuffix(".image")]
        options = {name: value for name, value in measure["inputs"].items() if name.startswith("method")}
        assert options == {
            "method": "canny",
            "method.low_threshold": 100,
            "method.high_threshold": 200,
            "method.thresholds": "fixed",
        }
        assert found.prompt[measure["inputs"]["source"][0]]["class_type"] == "ImageScale", "as the map was made"
    shown = [
        node["class_type"] for node in found.prompt.values() if node["class_type"].startswith(("Save", "PreviewI"))
    ]
    assert shown == [], "what the measured picture does not need is left out"


def test_signals_of_another_picture_are_named_and_left_alone() -> None:
    with pytest.raises(Problem, match=r"'Picture' \(node 4, .*'Depth of the picture' \(node 7, .*--input"):
        planned(THREE)
    found = planned(THREE, "Picture")
    assert [one.label for one in found.signals] == ["Edges signal", "Lines signal"]
    (left,) = found.left_alone
    assert left.startswith("'Depth signal'") and "not made of 'Picture'" in left
    assert found.prompt["14"]["inputs"] == example(THREE)["14"]["inputs"]
    depth = planned(THREE, "Depth of the picture")
    assert [(one.label, one.method) for one in depth.signals] == [("Depth signal", "auto")]


def test_controls_that_are_no_signals_are_named_and_left_alone() -> None:
    graph = example(ONE)
    inputs = {"positive": ["11", 0], "negative": ["11", 1], "control_net": ["2", 0], "image": ["5", 0], "strength": 1.0}
    graph["90"] = {"class_type": "ControlNetApplyAdvanced", "inputs": inputs | {"start_percent": 0, "end_percent": 1}}
    graph["13"]["inputs"] |= {"positive": ["90", 0], "negative": ["90", 1]}
    (left,) = planned(graph).left_alone
    assert "ControlNetApplyAdvanced" in left


def test_of_several_pictures_one_is_chosen() -> None:
    with pytest.raises(Problem, match=r"'Decode, ControlNet'.*'Decode, ControlNeXt'.*--result"):
        planned("compare_controls")
    for name in ("Decode, ControlNeXt", "Save ControlNeXt"):
        found = planned("compare_controls", "", name)
        assert found.result.startswith("'Decode, ControlNeXt'")
        assert [one.label for one in found.signals] == ["ControlNeXt signal"]
    with pytest.raises(Problem, match="no sampler that a control signal steers"):
        planned("compare_controls", "", "Decode, no control")


def test_a_sheet_of_pictures_is_not_what_is_measured() -> None:
    found = planned("06 Weight sweep with adherence")
    assert found.result.startswith("'Decode'") and found.signals[0].weight is None, "the sweep's weight is linked"


def test_maps_of_plans_are_left_alone() -> None:
    found = planned("07 Floor plan")
    assert [one.method for one in found.signals] == ["canny"]
    assert "floor_plan_depth" in found.left_alone[0]
    with pytest.raises(Problem, match="none of its control signals can be measured.*normal_from_depth"):
        planned("normal_map")


def test_a_ready_map_and_the_control_map_node_are_measured_too() -> None:
    graph = example("control_signal")
    (signal,) = planned(graph).signals
    assert signal.method == "canny"
    graph["7"]["inputs"]["image"] = ["3", 0]
    (signal,) = planned(graph).signals
    assert signal.method == "auto", "the pictures are the maps"


@pytest.mark.parametrize("name", [path.stem for path in sorted(API.glob("*.json"))])
def test_every_example_is_planned_or_refused_in_a_sentence(name: str) -> None:
    try:
        found = planned(name)
    except Problem as problem:
        assert str(problem).rstrip().endswith((".", "them.")), problem
    else:
        assert found.signals and all(
            f"{one.node}.weight" in cases(found, ["a.png", "b.png"])[0].values for one in found.signals
        )


def test_what_cannot_be_measured_is_told() -> None:
    graph = example(ONE)
    no_signal = {key: node for key, node in graph.items() if not node["class_type"].startswith("ArmatureControlS")}
    no_sampler = {key: node for key, node in graph.items() if key not in ("13", "14", "15")}
    fixed = copy.deepcopy(graph)
    fixed["9"]["inputs"]["image"] = ["91", 0]
    fixed["91"] = {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 0}}
    for broken, told in ((no_signal, "convert"), (no_sampler, "no sampler"), (fixed, "--input")):
        with pytest.raises(Problem, match=told):
            planned(broken)
    for chosen, told in ((("Pictur",), "did you mean 'Picture'"), (("Prompt",), "loads no picture")):
        with pytest.raises(Problem, match=told):
            planned(graph, *chosen)
    with pytest.raises(Problem, match="--result: The graph has no node"):
        planned(graph, "", "nothing")


def test_the_rows_of_a_picture() -> None:
    found = planned(THREE, "Picture")
    rows = cases(found, ["a.png", "b.png", "c.png"])
    edges, lines = found.signals
    first = rows[: len(rows) // 3]
    assert [(row.way, row.signal) for row in first] == [
        (OFF, ""),
        *((way, one.node) for one in (edges, lines) for way in ("0.5", "1", WRONG)),
        (TOGETHER, ""),
    ]
    weights = [[row.values.get(f"{one.node}.weight") for one in (edges, lines)] for row in first]
    assert weights == [[0, 0], [0.5, 0], [1, 0], [1, 0], [0, 0.5], [0, 1], [0, 1], [None, None]]
    wrong = first[3].values
    assert (wrong[found.input], wrong[edges.picture], wrong[lines.picture]) == ("a.png", "b.png", "a.png")
    assert [row.map_of for row in rows if row.way == WRONG] == ["b.png", "b.png", "c.png", "c.png", "a.png", "a.png"]
    assert [row.values["21.seed"] for row in rows if row.way == TOGETHER] == [4, 5, 6]
    assert not [row for row in cases(found, ["a.png"]) if row.way == WRONG]
    names = {name for row in rows for name in row.values}
    assert set(find_columns(found.prompt, names, {})) == names, "every value has its place in the graph"
