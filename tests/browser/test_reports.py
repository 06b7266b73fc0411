"""What a node says after a run stands on it, in both renderings of the editor, and nowhere else."""

from __future__ import annotations

from itertools import count
from typing import Any

import pytest
from armature_pack.tests.browser.front_end import READY, START_TIMEOUT, run_open_graph
from armature_pack.tests.server_fixture import RunningServer
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


# A signal whose weight is 0, as API prompt: the editor knows how to open it.
SIGNAL = """([checkpoint, net, width]) => {
  app.graph.clear()
  const add = (type, values = {}) => {
    const node = LiteGraph.createNode(type)
    app.graph.add(node)
    for (const [name, value] of Object.entries(values)) node.widgets.find((one) => one.name === name).value = value
    return node
  }
  const model = add('CheckpointLoaderSimple', { ckpt_name: checkpoint })
  const text = add('CLIPTextEncode', { text: 'a cup' })
  const loaded = add('ArmatureLoadControlNet', { control_net_name: net })
  const picture = add('ArmatureExamplePicture')
  const scaled = add('ImageScale', { width, height: 64 })
  const signal = add('ArmatureControlSignal', { weight: 0 })
  const stack = add('ArmatureControlStack')
  const apply = add('ArmatureApplyControlStack')
  const latent = add('EmptyLatentImage', { width: 64, height: 64 })
  const sampler = add('KSampler', { steps: 1, cfg: 1 })
  const decoded = add('VAEDecode')
  const shown = add('PreviewImage')
  model.connect(1, text, 0)
  picture.connect(0, scaled, 0)
  loaded.connect(0, signal, 'control_net')
  scaled.connect(0, signal, 'image')
  signal.connect(0, stack, stack.inputs.findIndex((one) => one.name.endsWith('signal_0')))
  text.connect(0, apply, 'positive')
  text.connect(0, apply, 'negative')
  stack.connect(0, apply, 'stack')
  model.connect(0, sampler, 'model')
  apply.connect(0, sampler, 'positive')
  apply.connect(1, sampler, 'negative')
  latent.connect(0, sampler, 'latent_image')
  sampler.connect(0, decoded, 'samples')
  model.connect(2, decoded, 'vae')
  decoded.connect(0, shown, 'images')
}"""
SET = """([type, name, value]) => {
  app.graph.nodes.find((node) => node.type === type).widgets.find((one) => one.name === name).value = value
}"""
TOLD = """app.graph.nodes.flatMap((node) => (node.widgets ?? []).filter((one) => one.name === '$$node-text-preview')
  .map((one) => [node.type, one.value]))"""
APPLY = "ArmatureApplyControlStack"


def lines_on(page: Page, kind: str) -> list[str] | None:
    shown: dict[str, Any] = page.evaluate(SHOWN)
    return next((one and one["lines"] for name, one in shown.items() if name.split()[0] == kind), None)


def test_a_report_is_that_of_the_last_run_and_comes_back_where_results_are_kept(
    server: RunningServer, rendering: Page
) -> None:
    """A warning goes when its cause does; and a page opened anew says what kept results were told."""
    page = rendering
    checkpoint, net = server.model("sd15_checkpoint"), server.model("sd15_controlnet_canny")
    page.evaluate(SIGNAL, [checkpoint, net, next(WIDTHS)])
    run_open_graph(page)
    assert "its weight is 0" in (lines_on(page, APPLY) or [""])[0]
    page.evaluate(SET, ["ArmatureControlSignal", "weight", 0.7])
    run_open_graph(page)
    (photograph, applied) = lines_on(page, APPLY) or ["", ""]
    assert "looks like a photograph" in photograph and net in photograph and "applied, weight 0.7" in applied
    assert not [told for kind, told in page.evaluate(TOLD) if kind == APPLY or told.startswith("Warning")]

    graph = page.evaluate("app.graph.serialize()")
    page.reload()
    page.wait_for_function(READY, timeout=START_TIMEOUT)
    page.evaluate("graph => app.loadGraphData(graph)", graph)
    assert lines_on(page, APPLY) is None
    page.evaluate(SET, ["KSampler", "seed", 77])
    run_open_graph(page)
    assert lines_on(page, APPLY) == [photograph, applied]
    assert lines_on(page, "ArmatureLoadControlNet")


def test_an_undone_change_leaves_the_reports(rendering: Page) -> None:
    page = rendering
    page.evaluate(BUILD, next(WIDTHS))
    run_open_graph(page)
    before = page.evaluate(SHOWN)
    page.evaluate("app.extensionManager.workflow.activeWorkflow.changeTracker.checkState?.()")
    page.evaluate("app.extensionManager.workflow.activeWorkflow.changeTracker.captureCanvasState?.()")
    page.evaluate("app.graph.add(LiteGraph.createNode('Note'))")
    page.evaluate("app.extensionManager.workflow.activeWorkflow.changeTracker.checkState?.()")
    page.evaluate("app.extensionManager.workflow.activeWorkflow.changeTracker.captureCanvasState?.()")
    page.evaluate("app.extensionManager.workflow.activeWorkflow.changeTracker.undo()")
    page.wait_for_timeout(700)
    after = page.evaluate(SHOWN)
    assert {name: one and one["lines"] for name, one in after.items()} == {
        name: one and one["lines"] for name, one in before.items()
    }
