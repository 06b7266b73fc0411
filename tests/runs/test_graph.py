"""Setting inputs of an API prompt by title or id."""

import copy

import pytest
from armature_pack.runs.graph import GraphError, find_node, set_inputs

PROMPT = {
    "3": {"class_type": "KSampler", "inputs": {"seed": 1, "model": ["4", 0]}, "_meta": {"title": "Sampler"}},
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "a"}, "_meta": {"title": "Load Checkpoint"}},
    "5": {
        "class_type": "ArmatureControlMap",
        "inputs": {"method": "canny", "method.low_threshold": 100},
        "_meta": {"title": "Control map"},
    },
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "x"}, "_meta": {"title": "Text"}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "y"}, "_meta": {"title": "Text"}},
    "8": {"class_type": "PreviewAny", "inputs": {"source": ["6", 0]}},
    "9:2": {"class_type": "EmptyImage", "inputs": {"width": 8}, "_meta": {"title": "v1.5 size"}},
}


@pytest.mark.parametrize(
    ("key", "node", "name"),
    [
        ("Sampler.seed", "3", "seed"),
        ("3.seed", "3", "seed"),
        ("Load Checkpoint.ckpt_name", "4", "ckpt_name"),
        ("Control map.method", "5", "method"),
        ("Control map.method.low_threshold", "5", "method.low_threshold"),
        ("5.method.low_threshold", "5", "method.low_threshold"),
        ("7.text", "7", "text"),
        ("9:2.width", "9:2", "width"),
        ("v1.5 size.width", "9:2", "width"),
        ("8.source", "8", "source"),
    ],
)
def test_sets_by_title_and_by_id(key: str, node: str, name: str) -> None:
    before = copy.deepcopy(PROMPT)
    changed = set_inputs(PROMPT, {key: 42})
    assert changed[node]["inputs"][name] == 42
    assert before == PROMPT
    changed[node]["inputs"][name] = PROMPT[node]["inputs"][name]
    assert changed == PROMPT


def test_copies_deeply_both_ways() -> None:
    value = ["6", 0]
    changed = set_inputs(PROMPT, {"8.source": value})
    changed["3"]["inputs"]["model"].append("x")
    value.append("x")
    assert PROMPT["3"]["inputs"]["model"] == ["4", 0]
    assert changed["8"]["inputs"]["source"] == ["6", 0]


def test_the_longest_title_wins() -> None:
    prompt = {
        "1": {"class_type": "A", "inputs": {"b.c": 0}, "_meta": {"title": "a"}},
        "2": {"class_type": "A", "inputs": {"c": 0}, "_meta": {"title": "a.b"}},
    }
    changed = set_inputs(prompt, {"a.b.c": 1})
    assert (changed["1"]["inputs"]["b.c"], changed["2"]["inputs"]["c"]) == (0, 1)


def test_a_title_that_is_another_nodes_id_is_ambiguous() -> None:
    prompt = {"1": {"class_type": "A", "inputs": {"c": 0}, "_meta": {"title": "2"}}, "2": {"class_type": "B"}}
    with pytest.raises(GraphError, match=r"'2' could be any of '2' \(node 1, A\), Node 2 \(B\)"):
        set_inputs(prompt, {"2.c": 1})


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("Samplr.seed", r"no node 'Samplr'; did you mean 'Sampler'\? Its nodes: 8, Control map,"),
        ("load checkpoint.ckpt_name", r"did you mean 'Load Checkpoint'\?"),
        ("Zebra.seed", r"no node 'Zebra'\. Its nodes: "),
        ("Sampler.sede", r"'Sampler' \(node 3, KSampler\) has no input 'sede'; did you mean 'seed'\?"),
        ("Control map.method.low_treshold", r"did you mean 'method.low_threshold'\?"),
        ("Text.text", r"could be any of 'Text' \(node 6, CLIPTextEncode\), 'Text' \(node 7, CLIPTextEncode\)"),
        ("Sampler", "names no input: write it as"),
        ("Sampler.", "has no input ''"),
        ("", "names no input"),
        (".seed", "no node ''"),
    ],
)
def test_names_what_it_cannot_find(key: str, message: str) -> None:
    with pytest.raises(GraphError, match=message):
        set_inputs(PROMPT, {key: 1})


def test_inputs_left_to_their_default_can_be_added_on_request() -> None:
    assert set_inputs(PROMPT, {"Sampler.cfg": 7.0}, add=True)["3"]["inputs"]["cfg"] == 7.0


def test_find_node() -> None:
    assert find_node(PROMPT, "Sampler") == "3"
    assert find_node(PROMPT, "9:2") == "9:2"
    with pytest.raises(GraphError):
        find_node(PROMPT, "Text")
