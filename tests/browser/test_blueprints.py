"""The subgraph blueprints in the real front end: found by search, placed, given their values, and run by the server."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from armature_pack.tests.server_fixture import PACK, RunningServer
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

SUBGRAPHS = PACK / "subgraphs"
BLUEPRINTS = sorted(path.stem for path in SUBGRAPHS.glob("*.json"))
PICTURE = "blueprint picture.png"
# Promoted widget -> generated file.
FILES = {
    "checkpoint": "sd15_checkpoint",
    "control_net": "sd15_controlnet_canny",
    "control_net_1": "sd15_controlnet_canny",
    "control_net_2": "sd15_controlnet_depth",
    "control_net_3": "sd15_controlnet_canny",
    "ip_adapter": "sd15_ip_adapter",
    "clip_vision": "clip_vision_l",
    "lora": "sd15_lora",
}
# Links the only subgraph node of the open graph between a loader and a sampler, as a user would.
WORKBENCH = """({ checkpoint, picture }) => {
  const graph = app.graph
  const block = graph.nodes[0]
  const add = (type, values = {}) => {
    const node = LiteGraph.createNode(type)
    graph.add(node)
    for (const [name, value] of Object.entries(values)) node.widgets.find((one) => one.name === name).value = value
    return node
  }
  const loader = add('CheckpointLoaderSimple', { ckpt_name: checkpoint })
  const words = add('CLIPTextEncode', { text: 'a cup' })
  loader.connect(1, words, 'clip')
  const source = add('LoadImage', { image: picture })
  const sources = { CONDITIONING: words, IMAGE: source, MODEL: loader }
  for (const input of block.inputs) if (!input.widget) sources[input.type].connect(0, block, input.name)
  const finished = block.outputs.findIndex((one) => one.name === 'image')
  const preview = add('PreviewImage')
  for (const [slot, output] of block.outputs.entries()) {
    if (output.type === 'STRING') block.connect(slot, add('PreviewAny'), 'source')
    if (output.name === 'control_map') block.connect(slot, add('PreviewImage'), 'images')
  }
  if (finished >= 0) return block.connect(finished, preview, 'images')
  const sampler = add('KSampler', { steps: 1, cfg: 2 })
  const decode = add('VAEDecode')
  loader.connect(0, sampler, 'model')
  words.connect(0, sampler, 'positive')
  words.connect(0, sampler, 'negative')
  for (const [slot, output] of block.outputs.entries())
    if (sampler.findInputSlot(output.name) >= 0) block.connect(slot, sampler, output.name)
  add('EmptyLatentImage', { width: 64, height: 64 }).connect(0, sampler, 'latent_image')
  sampler.connect(0, decode, 'samples')
  loader.connect(2, decode, 'vae')
  decode.connect(0, preview, 'images')
}"""
SET = """values => {
  const widgets = app.graph.nodes[0].widgets
  for (const [name, value] of Object.entries(values)) {
    const widget = widgets.find((one) => one.name === name)
    if (widget) widget.value = value
  }
  return widgets.map((one) => one.name)
}"""
# To the server and to the end; the answer is its record, or why it refused.
RUN = """async prompt => {
  const headers = { 'Content-Type': 'application/json' }
  const sent = await fetch('api/prompt', { method: 'POST', headers, body: JSON.stringify({ prompt }) })
  const { prompt_id, error, node_errors } = await sent.json()
  if (error || Object.keys(node_errors).length) return { error, node_errors }
  for (;;) {
    const record = (await (await fetch(`api/history/${prompt_id}`)).json())[prompt_id]
    if (record) return record
    await new Promise((done) => setTimeout(done, 200))
  }
}"""


@pytest.fixture(scope="module")
def values(server: RunningServer) -> dict[str, Any]:
    """What to put into the promoted widgets."""
    with Image.open(PACK / "workflows" / "pictures" / "coffee.jpg") as picture:
        picture.resize((96, 64)).save(server.input_folder / PICTURE)
    return {name: server.model(file) for name, file in FILES.items()} | {"steps": 1, "weight_type": "linear"}


def place(page: Page, name: str) -> None:
    """Find a blueprint in the search box, by the keyboard, and put it on the empty canvas."""
    page.evaluate("app.graph.clear()")
    results = page.get_by_role("option")
    for _ in range(3):
        page.mouse.dblclick(800, 600)
        try:
            expect(results.first).to_be_visible(timeout=10_000)
            break
        except AssertionError:
            page.keyboard.press("Escape")
    page.keyboard.insert_text(name)
    expect(results.first).to_have_text(re.compile(rf"^\s*{re.escape(name)}"))
    page.keyboard.press("Enter")
    page.wait_for_function("app.graph.nodes.length === 1")


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_a_blueprint_is_found_placed_and_runs(page: Page, values: dict[str, Any], name: str) -> None:
    source = json.loads((SUBGRAPHS / "source" / f"{name}.json").read_text(encoding="utf-8"))
    place(page, name)
    exposed = page.evaluate("app.graph.nodes[0].inputs.map(one => one.name)")
    assert exposed == [label for label, _ in source["inputs"]]
    widgets = page.evaluate(SET, values)
    assert set(widgets) <= set(exposed) | {"control_after_generate"}
    page.evaluate(WORKBENCH, {"checkpoint": values["checkpoint"], "picture": PICTURE})
    prompt = page.evaluate("app.graphToPrompt().then(prompt => prompt.output)")
    for node in prompt.values():
        if node["class_type"] == "ArmatureApplyIPAdapter":
            node["inputs"]["weight_type"] = "linear"  # the small network has none of the blocks of style transfer
        if node["class_type"] == "CLIPVisionLoader":  # the whole one takes seconds for a picture
            assert node["inputs"]["clip_name"] == values["clip_vision"]
            node.update({"class_type": "ArmatureTestVision", "inputs": {"width": 768}})
    record = page.evaluate(RUN, prompt)
    assert record.get("status", {}).get("status_str") == "success", record.get("status", record)
    pictures = [node for node, output in record["outputs"].items() if output.get("images")]
    assert any(prompt[node]["class_type"] == "PreviewImage" for node in pictures)


def test_one_weight_of_the_desk_moves_both_strengths_of_its_lora(page: Page, values: dict[str, Any]) -> None:
    place(page, "Artist's Desk (Armature)")
    page.evaluate(SET, {"lora_weight": 0.35, "control_weight": 0.45, "prompt": "a lamp"})
    prompt = page.evaluate("app.graphToPrompt().then(prompt => prompt.output)")
    by_kind = {node["class_type"]: node["inputs"] for node in prompt.values()}
    assert by_kind["ArmatureLoRAStack"]["strength_model"] == by_kind["ArmatureLoRAStack"]["strength_clip"] == 0.35
    assert by_kind["ArmatureControlSignal"]["weight"] == 0.45
    assert "a lamp" in [node["inputs"]["text"] for node in prompt.values() if node["class_type"] == "CLIPTextEncode"]


def test_the_menu_opens_the_desk(page: Page) -> None:
    with page.expect_popup() as opened:
        page.evaluate("app.extensionManager.command.execute('Armature.OpenDesk')")
    expect(opened.value.get_by_role("heading", name="Armature desk")).to_be_visible()
    opened.value.close()


def test_no_node_or_link_of_an_opened_blueprint_is_given_another_number(page: Page) -> None:
    """The front end numbers a graph and its subgraphs as one, and says on the console what it had to number anew."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    for name in BLUEPRINTS:
        graph = json.loads((SUBGRAPHS / f"{name}.json").read_text(encoding="utf-8"))
        page.evaluate("graph => app.loadGraphData(graph)", graph)
        (node,) = graph["nodes"]
        assert page.evaluate("app.graph.nodes.map(node => String(node.id))") == [str(node["id"])], name
    assert [text for text in said if "duplicate" in text] == []


@pytest.mark.parametrize("name", BLUEPRINTS)
def test_the_shipped_blueprint_is_built_from_its_source(name: str) -> None:
    source = json.loads((SUBGRAPHS / "source" / f"{name}.json").read_text(encoding="utf-8"))
    (subgraph,) = json.loads((SUBGRAPHS / f"{name}.json").read_text(encoding="utf-8"))["definitions"]["subgraphs"]
    assert [slot["name"] for slot in subgraph["inputs"]] == [label for label, _ in source["inputs"]]
    assert [slot["name"] for slot in subgraph["outputs"]] == [label for label, *_ in source["outputs"]]
    kinds = sorted(node["class_type"] for node in source["prompt"].values())
    assert sorted(node["type"] for node in subgraph["nodes"]) == kinds
