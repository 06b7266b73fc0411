"""Graphs that people saved with earlier versions load in the front end, and no value of theirs is lost or shifted."""

from __future__ import annotations

from typing import Any

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


def stack_as_saved_before() -> dict[str, Any]:
    """A stack with a signal and a previous stack, its sockets in the order of 0.1.0: `previous` was the first."""

    def node(number: int, kind: str, output: str, link: int | None, *inputs: Any) -> dict[str, Any]:
        given = {"name": output, "type": f"CONTROL_{output.upper()}", "links": [link] if link else []}
        place = {"pos": [400 * number, 100], "size": [300, 200], "flags": {}, "order": number, "mode": 0}
        return {"id": number, "type": kind, **place, "inputs": list(inputs), "outputs": [given], "properties": {}}

    sockets = [("previous", "CONTROL_STACK", 2), ("control_net_stack", "CONTROL_NET_STACK", None)]
    sockets += [("signals.signal_0", "CONTROL_SIGNAL", 1), ("signals.signal_1", "CONTROL_SIGNAL", None)]
    inputs = [{"name": name, "type": kind, "link": link} for name, kind, link in sockets]
    nodes = [
        node(1, "ArmatureControlSignal", "signal", 1),
        node(2, "ArmatureControlStack", "stack", 2),
        node(3, "ArmatureControlStack", "stack", None, *inputs) | {"widgets_values": ["normalize", 1.5]},
    ]
    links = [[1, 1, 0, 3, 2, "CONTROL_SIGNAL"], [2, 2, 0, 3, 0, "CONTROL_STACK"]]
    return {"last_node_id": 3, "last_link_id": 2, "nodes": nodes, "links": links, "version": 0.4}


def test_a_stack_of_before_keeps_its_links_where_signals_come_first(page: Page) -> None:
    page.evaluate("graph => app.loadGraphData(graph)", stack_as_saved_before())
    exported = page.evaluate("app.graphToPrompt().then(prompt => prompt.output)")["3"]["inputs"]
    linked = {"signals.signal_0": ["1", 0], "previous": ["2", 0]}
    assert exported == {"balance": "normalize", "budget": 1.5} | linked
    stack = "app.graph.getNodeById(3)"
    names = page.evaluate(f"{stack}.inputs.filter(one => !one.widget).map(one => one.name)")
    assert names[0] == "signals.signal_0" and names[-2:] == ["previous", "control_net_stack"]
    ends = page.evaluate(f"{stack}.inputs.map((one, slot) => [slot, app.graph.links[one.link]?.target_slot ?? slot])")
    assert all(slot == end for slot, end in ends)
