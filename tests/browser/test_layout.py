"""No node of an example graph covers another after a run, in either rendering of the editor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from armature_pack.tests.server_fixture import PACK, RunningServer
from armature_pack.tools.sample_outputs import sample_outputs, write_sample
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.host]

WORKFLOWS = PACK / "workflows"
NAMES = sorted(path.stem for path in (WORKFLOWS / "layout").glob("*.json"))
TITLE = 30
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
    info = rendering.request.get(f"{server.address}/api/object_info").json()
    found = {}
    for name in NAMES:
        prompt = json.loads((WORKFLOWS / "api" / f"{name}.json").read_text(encoding="utf-8"))
        graph = json.loads((WORKFLOWS / f"{name}.json").read_text(encoding="utf-8"))
        shown = sample_outputs(prompt, info)
        covered = overlaps(rendering.evaluate(OPEN, {"graph": graph, "shown": shown}))
        if covered:
            found[name] = covered
    assert found == {}
