"""The schedule on a node: presets by name and the curve of the text, in both renderings; the text is what is saved and sent."""

from __future__ import annotations

import pytest
from armature_pack.models.guidance.curve import PRESETS, drawn
from armature_pack.tests.server_fixture import RunningServer
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

# With a number that no node had: the front end keeps values by numbers, those of nodes that are gone too.
ADD = """(type) => {
  const before = app.graph.state.lastNodeId
  app.graph.clear()
  app.graph.state.lastNodeId = before
  const node = LiteGraph.createNode(type)
  node.pos = [300, 100]
  app.graph.add(node)
  app.canvas.ds.scale = 1
  app.canvas.ds.offset = [100, 60]
}"""
SET = """(text) => {
  const widget = app.graph.nodes[0].widgets.find((one) => one.name === 'schedule')
  widget.value = text
  widget.callback?.(text)
}"""
TEXT = "app.graph.nodes[0].widgets.find(one => one.name === 'schedule').value"
VALUES = "app.graph.serialize().nodes[0].widgets_values"
PLACE = ".armature-schedule"


def heights(page: Page) -> list[float]:
    """The drawn line's values, from 0 below to 1 above."""
    points = page.locator(f"{PLACE} polyline").get_attribute("points") or ""
    return [(29 - float(point.split(",")[1])) / 28 for point in points.split()]


@pytest.mark.parametrize("node", ["ArmatureControlSignal", "ArmatureApplyIPAdapter", "ArmatureLoRAOptions"])
def test_a_preset_is_chosen_by_name_and_the_curve_is_drawn(rendering: Page, node: str) -> None:
    page = rendering
    page.evaluate(ADD, node)
    before = page.evaluate(VALUES)
    presets = page.locator(f"{PLACE} select")
    expect(presets.locator("option")).to_have_count(1 + len(PRESETS))
    presets.select_option("fade out")
    expect(page.locator(f"{PLACE} svg")).to_have_attribute(
        "aria-label", "weight from 1 at the first step to 0 at the last"
    )
    assert page.evaluate(TEXT) == "fade out"
    after = page.evaluate(VALUES)
    assert len(after) == len(before) and [a for a, b in zip(after, before, strict=True) if a != b] == ["fade out"]
    box, line = (page.locator(f"{PLACE}{inner}").bounding_box() for inner in ("", " svg"))
    assert box and line and line["width"] > 60 and line["height"] > 25


def test_an_own_curve_is_drawn_and_a_wrong_one_told(rendering: Page) -> None:
    page = rendering
    page.evaluate(ADD, "ArmatureApplyControl")
    page.evaluate(SET, "smooth 0:0, 0.5:1, 1:0.25")
    expect(page.locator(f"{PLACE} svg")).to_have_attribute(
        "aria-label", "weight from 0 at the first step to 0.25 at the last"
    )
    assert heights(page) == pytest.approx(drawn("smooth 0:0, 0.5:1, 1:0.25")["values"], abs=0.01)
    assert page.locator(f"{PLACE} select").input_value() == ""
    page.evaluate(SET, "0:1, half")
    expect(page.locator(f"{PLACE} .wrong")).to_contain_text('"half" in "0:1, half" is not a point')


def test_a_graph_that_is_opened_shows_its_own_curve(rendering: Page, server: RunningServer) -> None:
    page = rendering
    page.evaluate(ADD, "ArmatureControlSignal")
    page.evaluate(SET, "bell")
    page.evaluate("app.loadGraphData(app.graph.serialize())")
    expect(page.locator(f"{PLACE} select")).to_have_value("bell")
    answer = page.request.get(f"{server.address}/armature/curve?text=0:11")
    assert answer.status == 400 and "outside 0 to 10" in answer.json()["error"]["message"]
