"""What a node says after a run stands on it, in both renderings of the editor, and nowhere else."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from armature_pack.tests.browser.front_end import run_open_graph
from playwright.sync_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.host]

# A picture of other numbers each time, since the host shows nothing anew for what it has made before.
BUILD = """(width) => {
  app.graph.clear()
  const add = (type, x, y, values = {}) => {
    const node = LiteGraph.createNode(type)
    node.pos = [x, y]
    app.graph.add(node)
    for (const [name, value] of Object.entries(values)) node.widgets.find((one) => one.name === name).value = value
    return node
  }
  const picture = add('ArmatureExamplePicture', 0, 50)
  const scaled = add('ImageScale', 0, 250, { width, height: 200 })
  const canny = add('ArmatureCanny', 400, 50)
  const photo = add('ArmatureCheckControlImage', 800, 50, { expected: 'canny' })
  const good = add('ArmatureCheckControlImage', 800, 500)
  const adherence = add('ArmatureControlAdherence', 1200, 50)
  const fit = add('ArmatureFitControlImage', 400, 650, { width: 128, height: 256 })
  const shown = add('PreviewImage', 1200, 750)
  picture.connect(0, scaled, 0)
  scaled.connect(0, canny, 0)
  scaled.connect(0, photo, 0)
  canny.connect(0, good, 0)
  scaled.connect(0, adherence, 0)
  canny.connect(0, adherence, 1)
  canny.connect(0, fit, 0)
  fit.connect(1, shown, 0)
  app.canvas.ds.scale = 0.7
  app.canvas.ds.offset = [60, 60]
}"""
SHOWN = """() => Object.fromEntries(app.graph.nodes.map((node) => {
  const place = node.widgets?.find((widget) => widget.name === 'armature_report_text')?.element
  if (!place) return [node.type + ' ' + node.id, null]
  const box = place.getBoundingClientRect()
  const canvas = app.canvas.ds
  const [left, top] = [(node.pos[0] + canvas.offset[0]) * canvas.scale, (node.pos[1] + canvas.offset[1]) * canvas.scale]
  const origin = app.canvas.canvas.getBoundingClientRect()
  return [node.type + ' ' + node.id, {
    lines: [...place.children].map((line) => line.textContent),
    warnings: [...place.children].map((line) => line.className === 'warning'),
    height: place.offsetHeight,
    hidden: place.scrollHeight - place.clientHeight,
    inside: box.width > 0 && box.left >= origin.left + left - 1 && box.top >= origin.top + top - 1
      && box.right <= origin.left + left + node.size[0] * canvas.scale + 1
      && box.bottom <= origin.top + top + node.size[1] * canvas.scale + 1,
  }]
}))"""
VALUES = "app.graph.serialize().nodes.map(node => [node.id, node.widgets_values ?? []])"
LIMIT = 180


WIDTHS = count(300, 8)


def test_reports_stand_on_their_nodes_after_a_run_and_in_no_graph_or_prompt(rendering: Page) -> None:
    page = rendering
    page.evaluate(BUILD, next(WIDTHS))
    values, prompt = page.evaluate(VALUES), page.evaluate("app.graphToPrompt()")["output"]
    outputs = run_open_graph(page)
    shown: dict[str, Any] = page.evaluate(SHOWN)
    told = {name: one for name, one in shown.items() if one}
    assert {name.split()[0] for name in told} == {
        "ArmatureCanny",
        "ArmatureCheckControlImage",
        "ArmatureControlAdherence",
        "ArmatureFitControlImage",
    }
    for name, one in told.items():
        said = "\n".join(outputs[name.split()[1]]["text"]).split("\n")
        assert one["lines"] == [line.removeprefix("Warning: ") for line in said], name
        assert one["warnings"] == [line.startswith("Warning: ") for line in said], name
        assert one["inside"] and 0 < one["height"] <= LIMIT, (name, one)
        assert one["hidden"] <= 1 or one["height"] > LIMIT - 2, (name, one)  # scrolled only at the limit
    photograph = next(one for one in told.values() if any(one["warnings"]))
    assert "looks like a photograph, not like a canny map" in photograph["lines"][0]
    assert page.evaluate(VALUES) == values
    assert page.evaluate("app.graphToPrompt()")["output"] == prompt
    page.evaluate("app.loadGraphData(app.graph.serialize())")
    page.wait_for_timeout(300)
    assert page.evaluate(VALUES) == values and page.evaluate("app.graphToPrompt()")["output"] == prompt


def test_a_long_report_is_scrolled_and_markup_stays_text(rendering: Page) -> None:
    page = rendering
    page.evaluate(BUILD, next(WIDTHS))
    text = "\n".join(["Warning: <b>bold</b> <img src=x onerror=alert(1)>", *["a line of some words " * 4] * 40])
    page.evaluate(
        "(text) => app.graph.nodes.find((node) => node.type === 'ArmatureCanny').onExecuted({ text: [text] })", text
    )
    page.wait_for_timeout(500)
    (one,) = [one for one in page.evaluate(SHOWN).values() if one]
    assert one["height"] == pytest.approx(LIMIT, abs=2) and one["hidden"] > LIMIT and one["inside"]
    assert one["lines"][0] == "<b>bold</b> <img src=x onerror=alert(1)>"
    assert page.locator(".armature-report-text img, .armature-report-text b").count() == 0
