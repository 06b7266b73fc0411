"""The demo's graph, made from the shipped example."""

import pytest
from armature_pack.commands.demo.demo_run import SOURCE_ID, WAYS, Choices, demo_graph, read_graph
from armature_pack.commands.demo.own_graph import GRAPH
from armature_pack.runs.graph import GraphError, find_node


def test_choices_reach_the_shipped_example() -> None:
    example = read_graph(GRAPH)
    graph = demo_graph(example, Choices(3, 64, "a cube", 9, "own.png", "colours.png"))

    def inputs(title: str) -> dict:
        return graph[find_node(graph, title)]["inputs"]

    for way in WAYS:
        assert (inputs(f"Sampler, {way}")["steps"], inputs(f"Sampler, {way}")["seed"]) == (3, 9)
    assert inputs("Prompt")["text"] == "a cube"
    for title, image in (("Picture", "own.png"), ("Palette picture", "colours.png")):
        assert graph[find_node(graph, title)]["class_type"] == "LoadImage"
        assert inputs(title) == {"image": image}
    assert [inputs("Empty latent")[side] for side in ("width", "height")] == [64, 64]
    assert [inputs("Scale picture")[side] for side in ("width", "height")] == [64, 64]
    assert graph[SOURCE_ID]["inputs"] == {"images": [find_node(graph, "Scale picture"), 0]}
    assert example == read_graph(GRAPH)


def test_without_choices_the_examples_own_values_stay() -> None:
    example = read_graph(GRAPH)
    graph = demo_graph(example, Choices(10, 128))
    assert {node: graph[node] for node in example} == example


def test_all_ways_start_from_the_same_noise_and_prompt() -> None:
    graph = read_graph(GRAPH)
    samplers = [graph[find_node(graph, f"Sampler, {way}")]["inputs"] for way in WAYS]
    links = ("model", "positive", "negative")
    same = [{key: value for key, value in one.items() if key not in links} for one in samplers]
    assert all(one == same[0] for one in same)
    assert len({str([one[key] for key in links]) for one in samplers}) == len(WAYS)


def test_an_example_without_its_nodes_is_told() -> None:
    with pytest.raises(GraphError, match="no node"):
        demo_graph({}, Choices(1, 64))
