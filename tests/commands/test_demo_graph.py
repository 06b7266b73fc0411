"""The demo's graph, made from the shipped example."""

import pytest
from armature_pack.commands.demo_graph import SCALED_ID, SOURCE_ID, Choices, demo_graph, read_graph
from armature_pack.commands.demo_run import GRAPH
from armature_pack.runs.graph import GraphError, find_node


def test_choices_reach_the_shipped_example() -> None:
    example = read_graph(GRAPH)
    graph = demo_graph(example, "c.safetensors", "n.safetensors", Choices(3, 64, "a house", 9, "own.png"))

    def inputs(title: str) -> dict:
        return graph[find_node(graph, title)]["inputs"]

    assert inputs("Load Checkpoint")["ckpt_name"] == "c.safetensors"
    assert inputs("Load Control Net")["control_net_name"] == "n.safetensors"
    assert (inputs("Sampler")["steps"], inputs("Sampler")["seed"]) == (3, 9)
    assert inputs("Prompt")["text"] == "a house"
    picture = find_node(graph, "Picture")
    assert graph[picture]["class_type"] == "LoadImage"
    assert inputs("Picture") == {"image": "own.png"}
    assert example == read_graph(GRAPH)


def test_everything_takes_the_scaled_picture() -> None:
    graph = demo_graph(read_graph(GRAPH), "c", "n", Choices(3, 64))
    picture = find_node(graph, "Picture")
    users = [node for node, entry in graph.items() if [picture, 0] in entry["inputs"].values()]
    assert users == [SCALED_ID]
    assert graph[SCALED_ID]["inputs"]["largest_size"] == 64
    assert graph[SOURCE_ID]["inputs"] == {"images": [SCALED_ID, 0]}
    assert graph[find_node(graph, "Control map")]["inputs"]["image"] == [SCALED_ID, 0]


def test_without_choices_the_examples_own_values_stay() -> None:
    example = read_graph(GRAPH)
    graph = demo_graph(example, "c", "n", Choices(3, 64))
    for title in ("Prompt", "Picture"):
        assert graph[find_node(graph, title)] == example[find_node(example, title)]
    assert (
        graph[find_node(graph, "Sampler")]["inputs"]["seed"] == example[find_node(example, "Sampler")]["inputs"]["seed"]
    )


def test_an_example_without_its_nodes_is_told() -> None:
    with pytest.raises(GraphError, match="no node 'Load Checkpoint'"):
        demo_graph({}, "c", "n", Choices(1, 64))
