"""Graphs that people saved with earlier versions load in the front end, and no value of theirs is lost or shifted."""

from __future__ import annotations

import pytest
from armature_pack.tests.host.old_graphs import kept, worth_trying
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.host]

UNKNOWN = "app.graph.nodes.map(node => node.type).filter(type => !(type in LiteGraph.registered_node_types))"


@pytest.mark.parametrize(("version", "name"), worth_trying(""))
def test_it_still_loads_with_all_its_values(page: Page, version: str, name: str) -> None:
    page.evaluate("graph => app.loadGraphData(graph)", kept(version, f"{name}.json"))
    assert page.evaluate(UNKNOWN) == []
    exported = page.evaluate("app.graphToPrompt().then(prompt => prompt.output)")
    was = kept(version, f"api/{name}.json")
    # Newer versions may add inputs; what was there keeps its value.
    now = {number: {key: exported[number]["inputs"].get(key) for key in node["inputs"]} for number, node in was.items()}
    assert now == {number: node["inputs"] for number, node in was.items()}
