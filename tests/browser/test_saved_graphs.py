"""What the check knows of the front end, asked of the real one: the widgets of every node, and prompts of saved graphs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from armature_pack.commands.private_host.definition import DEFAULT
from armature_pack.commands.private_host.server import start_server
from armature_pack.models.compatibility.node_types import TypesOf, from_table, record, recorded
from armature_pack.models.compatibility.ui_graph import to_prompt
from armature_pack.models.compatibility.widgets import Part, Widget
from armature_pack.tests.browser.front_end import open_front_end
from armature_pack.tests.saved_graphs import RECORD, cases, comparable, digest, host_graphs, read, versions
from armature_pack.tests.server_fixture import ONE_THREAD, PACK, RunningServer, find_host
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.host]

PROMPT = """async graph => {
  Math.random = () => 0  // of {a|b} the first
  app.graph.clear()
  await app.loadGraphData(graph)
  return (await app.graphToPrompt()).output
}"""
WIDGETS = """() => Object.fromEntries(Object.entries(LiteGraph.registered_node_types)
  .filter(([, type]) => type.nodeData && !type.nodeData.python_module?.includes('armature_test'))
  .map(([name]) => {
    const node = LiteGraph.createNode(name)
    app.graph.add(node)
    const widgets = (node.widgets ?? []).filter(one => one.serialize !== false || one.options?.serialize !== false)
    const found = widgets.map(one => [one.options?.serialize === false ? '' : one.name, one.serialize !== false])
    const sockets = node.inputs.filter(one => !one.widget).map(one => [one.name, String(one.type)])
    app.graph.remove(node)
    return [name, { found, sockets }]
  }))"""
# Between them: promoted widgets of all ages, nested and bypassed subgraphs, reroutes, primitives, combos that add widgets.
SAMPLE = (
    "blueprint/Audio Generation (Stable Audio 3 Medium)",
    "blueprint/Image Edit (Bernini-R)",
    "template/gsl_starter_1_3",
    "template/video_ltx2_canny_to_video",
)
OURS = sorted((PACK / "subgraphs").glob("*.json"))


def _object_info(page: Page, address: str) -> dict[str, Any]:
    return page.request.get(f"{address}/api/object_info").json()


@pytest.fixture(scope="module")
def types_of(server: RunningServer, page: Page) -> TypesOf:
    """The types of the server's nodes."""
    return from_table(_object_info(page, server.address))


def test_every_node_has_the_widgets_and_sockets_that_are_derived_for_it(page: Page, types_of: TypesOf) -> None:
    shown = page.evaluate(WIDGETS)
    assert len(shown) > 600
    for name, real in shown.items():
        types = types_of(name)
        assert types is not None and types.part is not None, name
        widgets, sockets = _shown(types.part)
        assert [[one.name, one.stored] for one in widgets] == real["found"], name
        assert sorted([key, kind] for key, kind in sockets) == sorted(real["sockets"]), name


def _shown(part: Part) -> tuple[list[Widget], list[tuple[str, str]]]:
    """The widgets and sockets that a new node shows: with those of the first choice of its dynamic combos."""
    widgets: list[Widget] = []
    sockets = list(part.sockets)
    for widget in part.widgets:
        widgets.append(widget)
        if widget.parts and widget.default is not None:
            more, inner = _shown(widget.parts[widget.default].under(widget.name))
            widgets += more
            sockets += inner
    return widgets, sockets


@pytest.mark.parametrize("name", [*SAMPLE, *(f"ours/{path.stem}" for path in OURS)])
def test_a_graph_is_converted_as_the_front_end_does_it(page: Page, types_of: TypesOf, name: str) -> None:
    path = {**host_graphs(), **{f"ours/{one.stem}": one for one in OURS}}.get(name)
    if path is None:
        pytest.skip("this host has no such graph")
    graph = read(path)
    real = page.evaluate(PROMPT, graph)
    assert comparable(to_prompt(graph, types_of)) == comparable(real)
    of = read(RECORD)
    if name in of["prompts"] and of["of"] == versions():
        assert digest(real) == of["prompts"][name]


@pytest.mark.parametrize("name", [name for name, path in cases().items() if path.with_suffix(".api.json").is_file()])
def test_what_is_kept_of_a_case_is_what_the_front_end_says(page: Page, name: str) -> None:
    if name == "set_and_get":
        pytest.skip("its front end has another pack in it")
    kept = read(cases()[name].with_suffix(".api.json"))
    assert comparable(page.evaluate(PROMPT, read(cases()[name]))) == comparable(kept)


# Recording. The host's templates use its partner nodes too, so this is another server than that of the tests.


@pytest.fixture
def whole_server(tmp_path: Path) -> Iterator[RunningServer]:
    """A server with the partner nodes."""
    with start_server(
        find_host(), pack=PACK, base_directory=tmp_path, environment=ONE_THREAD, partner_nodes=True
    ) as running:
        yield RunningServer(running, tmp_path)


@pytest.mark.skipif(not os.environ.get("ARMATURE_RECORD"), reason="records anew, on request alone")
def test_recorded_again(whole_server: RunningServer, page: Page) -> None:
    assert find_host().version == DEFAULT.version
    partners = {
        name: info
        for name, info in _object_info(page, whole_server.address).items()
        if str(info.get("python_module")).startswith("comfy_api_nodes")
    }
    _write_rows(PACK / "models" / "compatibility" / "partner_nodes.json", "nodes", record(partners)["nodes"], {})
    recorded.cache_clear()
    prompts = {}
    for number, (name, path) in enumerate(host_graphs().items()):
        if number % 100 == 0:  # the editor keeps what it has loaded: after 500 graphs that is four gigabytes
            open_front_end(page, whole_server.address)
        prompts[name] = digest(page.evaluate(PROMPT, read(path)))
    _write_rows(RECORD, "prompts", prompts, {"of": versions()})


def _write_rows(path: Path, key: str, rows: dict[str, Any], more: dict[str, Any]) -> None:
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(row, separators=(',', ':'))}" for name, row in rows.items())
    head = "".join(f"{json.dumps(name)}: {json.dumps(value)}, " for name, value in more.items())
    path.write_text(f"{{{head}{json.dumps(key)}: {{\n{lines}\n}}}}\n", encoding="utf-8")
