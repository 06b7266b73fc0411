"""Sockets of our types and titles of our nodes have colours; a link that is let go offers the node that usually follows."""

from __future__ import annotations

import pytest
from armature_pack.nodes import NODES
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

OURS = (
    "CONTROL_SIGNAL",
    "CONTROL_STACK",
    "CONTROL_SAVINGS",
    "CONTROL_ADAPTATION",
    "IP_ADAPTER",
    "IP_ADAPTER_EMBEDS",
    "FACE_EMBEDS",
    "LORA_STACK",
)
DROP = """() => {
  app.graph.clear()
  const node = LiteGraph.createNode('ArmatureControlSignal')
  node.pos = [200, 200]
  app.graph.add(node)
  app.canvas.ds.scale = 1
  app.canvas.ds.offset = [0, 0]
  app.canvas.setDirty(true, true)
  const box = app.canvas.canvas.getBoundingClientRect()
  const [x, y] = node.getConnectionPos(false, 0)
  return [x + box.left, y + box.top]
}"""

TITLES = """async () => {
  app.graph.clear()
  const types = ['ArmatureCanny', 'ArmatureControlSignal', 'ArmatureApplyIPAdapter', 'KSampler']
  for (const [number, type] of types.entries()) {
    const node = LiteGraph.createNode(type)
    node.pos = [100 + 350 * number, 100]
    app.graph.add(node)
  }
  app.graph.nodes[2].color = '#322'
  await app.loadGraphData(app.graph.serialize())
  await new Promise((done) => setTimeout(done, 500))
  const background = (node) => {
    const place = document.querySelector(`[data-node-id="${node.id}"] [data-testid="node-inner-wrapper"]`)
    return place ? getComputedStyle(place).backgroundColor : node.renderingColor
  }
  return [app.graph.nodes.map(background), app.graph.serialize().nodes.map((node) => node.color ?? null)]
}"""


def test_titles_of_our_nodes_have_one_colour_that_is_not_saved(rendering: Page) -> None:
    (canny, signal, chosen, sampler), saved = rendering.evaluate(TITLES)
    assert canny == signal and len({canny, chosen, sampler}) == 3
    assert saved == [None, None, "#322", None]


def test_each_type_of_ours_has_a_colour_and_those_that_meet_differ(rendering: Page) -> None:
    colours = rendering.evaluate("app.canvas.default_connection_color_byType")
    assert all(colours.get(kind) for kind in OURS) and len({colours[kind] for kind in OURS}) == len(OURS)
    style = rendering.evaluate("document.documentElement.style.cssText")
    assert all(f"--color-datatype-{kind}: {colours[kind]}" in style for kind in OURS)


@pytest.mark.parametrize("rendering", [False], ids=["either"], indirect=True)
def test_what_is_suggested_is_there_and_can_be_linked(rendering: Page) -> None:
    info = {node.define_schema().node_id: node.GET_NODE_INFO_V1() for node in NODES}
    after, before = (rendering.evaluate(f"LiteGraph.slot_types_default_{side}") for side in ("out", "in"))
    assert (
        after["CONTROL_SIGNAL"][0] == "ArmatureControlStack"
        and after["CONTROL_STACK"][0] == "ArmatureApplyControlStack"
    )
    for kind in OURS:
        takers = [name for name in after[kind] if name in info]
        assert takers and all(kind in str(info[name]["input"]) for name in takers), kind
        givers = [name for name in before[kind] if name in info]
        assert givers and all(kind in info[name]["output"] for name in givers), kind


def test_a_link_let_go_over_the_canvas_offers_the_stack(rendering: Page) -> None:
    x, y = rendering.evaluate(DROP)
    rendering.wait_for_timeout(500)
    rendering.mouse.move(x, y)
    rendering.mouse.down()
    rendering.mouse.move(x + 200, y + 120, steps=8)
    rendering.mouse.up()
    expect(
        rendering.get_by_text("ArmatureControlStack").or_(rendering.get_by_text("ControlNet Stack")).first
    ).to_be_visible()
    rendering.keyboard.press("Escape")
