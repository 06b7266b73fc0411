"""How nodes of an API prompt are named to a person."""

import pytest
from armature_pack.common.node_names import name_node, title_of

PROMPT = {
    "3": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "Sampler"}},
    "4": {"class_type": "KSampler", "inputs": {}, "_meta": {"title": "KSampler"}},
    "5": {"class_type": "KSampler", "inputs": {}},
    "6": {"_meta": {"title": "Sampler"}},
}


@pytest.mark.parametrize(
    ("node", "name"),
    [
        ("3", "'Sampler' (node 3, KSampler)"),
        ("4", "Node 4 (KSampler)"),
        ("5", "Node 5 (KSampler)"),
        ("6", "'Sampler' (node 6)"),
        ("5.0.1", "Node 5.0.1"),
    ],
)
def test_names(node: str, name: str) -> None:
    assert name_node(PROMPT, node) == name


def test_the_class_of_an_expanded_node_may_be_told() -> None:
    assert name_node(PROMPT, "5.0.1", "VAEDecode") == "Node 5.0.1 (VAEDecode)"


@pytest.mark.parametrize("node", [None, [], {}, {"_meta": None}, {"_meta": {"title": ""}}, {"_meta": {"title": 4}}])
def test_what_has_no_title(node: object) -> None:
    assert title_of(node) is None
