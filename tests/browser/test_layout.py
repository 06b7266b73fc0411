"""No node covers another after a run, and none is taller than a screen, in either rendering of the editor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from armature_pack.tests.server_fixture import PACK, RunningServer
from armature_pack.tools.sample_outputs import sample_outputs, write_sample
from playwright.sync_api import Page, ViewportSize, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

WORKFLOWS = PACK / "workflows"
NAMES = sorted(path.stem for path in (WORKFLOWS / "layout").glob("*.json"))
TITLE = 30
# Every node has the same size and place whatever of the graph is in sight, and drawing is most of what a graph costs.
GLANCE: ViewportSize = {"width": 480, "height": 320}
OPEN = """async ({ graph, shown }) => {
  const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds))
  app.clean()
  await app.loadGraphData(graph)
  await wait(50)
  for (const [id, output] of Object.entries(shown))
    app.api.dispatchCustomEvent('executed', { node: id, display_node: id, output, prompt_id: 'sample' })
  await wait(300)
  return app.graph.nodes.map((node) => [`${node.id} ${node.type}`, ...node.pos, ...node.size])
}"""

SCREEN, BARS = 1080, 120  # pixels: of a usual screen, and what of it the editor's own bars and the window's take
HEIGHTS = """async (types) => {
  app.clean()
  app.canvas.ds.scale = 0.2
  for (const [number, type] of types.entries()) {
    const node = LiteGraph.createNode(type)
    node.pos = [300 * (number % 20), 1200 * Math.floor(number / 20)]
    app.graph.add(node)
    node.onExecuted?.({ text: ['a line of a report\\n'.repeat(40)] })
  }
  await new Promise((done) => setTimeout(done, 1500))
  const height = (node) => document.querySelector(`[data-node-id="${node.id}"]`)?.offsetHeight ?? 30 + node.size[1]
  return app.graph.nodes.map((node) => [node.type, height(node)])
}"""


def overlaps(nodes: list[Any]) -> list[tuple[str, str]]:
    """Pairs of nodes that cover each other by more than a line. nodes: name, left, top below the title, width, height."""
    found = []
    for number, (one, left, top, width, height) in enumerate(nodes):
        for other, x, y, w, h in nodes[number + 1 :]:
            beside = left + width <= x + 2 or x + w <= left + 2
            above = top + height <= y - TITLE + 2 or y + h <= top - TITLE + 2
            if not beside and not above:
                found.append((one, other))
    return found


def test_no_node_covers_another_after_a_run(server: RunningServer, rendering: Page) -> None:
    write_sample(server.input_folder)
    usual = rendering.viewport_size
    assert usual is not None
    rendering.set_viewport_size(GLANCE)
    info = rendering.request.get(f"{server.address}/api/object_info").json()
    found = {}
    for name in NAMES:
        prompt = json.loads((WORKFLOWS / "api" / f"{name}.json").read_text(encoding="utf-8"))
        graph = json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))
        shown = sample_outputs(prompt, info)
        covered = overlaps(rendering.evaluate(OPEN, {"graph": graph, "shown": shown}))
        if covered:
            found[name] = covered
    rendering.set_viewport_size(usual)
    assert found == {}


def test_every_node_fits_a_screen_with_its_report(server: RunningServer, rendering: Page) -> None:
    info = rendering.request.get(f"{server.address}/api/object_info").json()
    heights = rendering.evaluate(HEIGHTS, [name for name in info if name.startswith("Armature")])
    assert len(heights) > 90
    assert [(name, height) for name, height in heights if height > SCREEN - BARS] == []


def test_what_is_shown_on_request_alone_is_rare(server: RunningServer, rendering: Page) -> None:
    """The button for it stands on the node in Nodes 2.0; the canvas shows all. Nothing of it changes what is saved."""
    rendering.evaluate(HEIGHTS, ["ArmatureApplyIPAdapter"])
    saved = "app.graph.serialize().nodes[0].widgets_values"
    before = rendering.evaluate(saved)
    node = rendering.locator("[data-node-id]")
    if node.count():
        expect(node.get_by_text("end_percent")).to_be_visible()
        expect(node.get_by_text("embeds_scaling")).to_have_count(0)
        node.get_by_text("Show advanced inputs").dispatch_event("click")
        expect(node.get_by_text("embeds_scaling")).to_be_visible()
    assert rendering.evaluate(saved) == before and len(before) == 11
