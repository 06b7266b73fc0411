"""What a user meets in the browser: our nodes in the search box, the shipped graph, its template and the help pages."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from armature_pack.preprocessors.registry import ENTRIES
from armature_pack.tests.server_fixture import PACK, RunningServer
from PIL import Image
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

WORKFLOWS = PACK / "workflows"
GRAPHS = sorted(path.stem for path in WORKFLOWS.glob("*.json"))
# Node id -> what to type, and the name that must then be listed.
SEARCHES = {
    # The longest alias of a method is its most particular one.
    **{entry.node_id: (max(entry.search_aliases, key=len), entry.title) for entry in ENTRIES},
    "ArmatureSaveRecord": ("provenance", "Save Record"),
    "ArmatureTrainingFolder": ("kohya folder", "Training Folder"),
    "ArmatureTrainControlNeXt": ("finetune control", "Train ControlNeXt"),
    "ArmatureTrainIPAdapter": ("train product", "Train IP-Adapter"),
    "ArmatureSampleToAdherence": ("auto weight", "Sample to Adherence"),
    "ArmatureControlAdaptation": ("self correcting weight", "Adaptive Control Weight (experiment)"),
    "ArmatureAdaptationReport": ("adaptive weight plot", "Adaptation Report (experiment)"),
    "ArmatureTrainingSetForLoRA": ("lora dataset", "Training Set for LoRA"),
    "ArmatureCompatibilityCheck": ("mat1 and mat2", "Compatibility Check"),
    "ArmatureControlMap": ("preprocessor", "Control Map"),
    "ArmatureControlSignal": ("t2i adapter", "Control Signal"),
    "ArmatureControlStack": ("control net stacker", "ControlNet Stack"),
    "ArmatureApplyControlStack": ("apply multi controlnet", "Apply ControlNet Stack"),
    "ArmatureApplyControl": ("apply control net", "Apply Control"),
    "ArmatureMapReference": ("reference strength", "Map Reference"),
    "ArmatureVACEWeights": ("vace strength", "VACE Weights"),
    "ArmatureLayerWeights": ("my prompt is more important", "Layer Weights"),
    "ArmatureUnionSignal": ("controlnet++", "Union Signal"),
    "ArmatureFrameWeights": ("latent keyframe", "Frame Weights"),
    "ArmatureFitControlImage": ("hint image enhance", "Fit Control Image"),
    "ArmatureCheckControlImage": ("fix normal map", "Check Control Image"),
    "ArmaturePlotControlStack": ("sigmas plot", "Plot ControlNet Stack"),
    "ArmatureControlAdherence": ("measure controlnet", "Control Adherence"),
    "ArmatureWeightSweep": ("strength sweep", "Weight Sweep"),
    "ArmatureSweepSheet": ("compare weights", "Sweep Sheet"),
    "ArmatureControlSavings": ("faster controlnet", "Control Savings"),
    "ArmatureProfile": ("quality preset", "Profile"),
    "ArmatureExamplePicture": ("sample picture", "Example Picture"),
    "ArmatureExamplePoses": ("sample poses", "Example Poses"),
    "ArmatureDrawPoses": ("draw keypoints", "Draw Poses"),
    "ArmaturePosesToJSON": ("export keypoints", "Poses to JSON"),
    "ArmaturePosesFromJSON": ("import keypoints", "Poses from JSON"),
    "ArmatureFixColors": ("wavelet color fix", "Fix Colors"),
    "ArmatureAlignPoses": ("retarget pose", "Align Poses"),
    "ArmatureLoadControlNet": ("t2i adapter loader", "Load ControlNet"),
    "ArmatureLoadControlNeXt": ("cross normalization", "Load ControlNeXt"),
    "ArmatureApplyControlNeXtWeights": ("controlnext unet", "Apply ControlNeXt Weights"),
    "ArmatureControlNeXtWindows": ("long video", "ControlNeXt Video Windows"),
    "ArmatureLoadIPAdapter": ("ipadapter unified loader", "Load IP-Adapter"),
    "ArmatureApplyIPAdapter": ("ipadapter advanced", "Apply IP-Adapter"),
    "ArmaturePrepareReferenceImage": ("prep image for clipvision", "Prepare Reference Image"),
    "ArmatureEncodeIPAdapterImage": ("ipadapter encoder", "Encode IP-Adapter Image"),
    "ArmatureCombineIPAdapterEmbeds": ("average embeds", "Combine IP-Adapter Embeddings"),
    "ArmatureSaveIPAdapterEmbeds": ("ipadapter save embeds", "Save IP-Adapter Embeddings"),
    "ArmatureLoadIPAdapterEmbeds": ("ipadapter load embeds", "Load IP-Adapter Embeddings"),
    "ArmatureIdentityFromFolder": ("character consistency", "Identity from Folder"),
    "ArmatureFaceEmbeds": ("ipadapter insightface loader", "Face Embeddings"),
    "ArmatureLoRAStack": ("lora stacker", "LoRA Stack"),
    "ArmatureLoRAOptions": ("lora block weight", "LoRA Options"),
    "ArmatureApplyLoRAStack": ("cr apply lora stack", "Apply LoRA Stack"),
    "ArmatureConsistency": ("clip similarity", "Consistency"),
}
WIDGETS = "app.graph.serialize().nodes.map(node => [node.id, node.widgets_values ?? []])"
SELECTED = """(type) => {
  app.graph.clear()
  const node = LiteGraph.createNode(type)
  app.graph.add(node)
  app.canvas.ds.scale = 1
  app.canvas.ds.offset = [500, 300]
  app.canvas.selectNode(node)
}"""
# What is wider than its place on each node's page in the help pane; drawing the canvas would only take time.
TOO_WIDE = """async (types) => {
  const page = (type) => document.querySelector(`.node-help-content img[src$="/${type}.jpg"]`)?.closest('.node-help-content')
  const found = {}
  app.canvas.pause_rendering = true
  for (const type of types) {
    app.graph.clear()
    const node = LiteGraph.createNode(type)
    app.graph.add(node)
    app.canvas.selectNode(node)
    for (let wait = 0; wait < 6000 && !page(type); wait++) await new Promise((done) => setTimeout(done, 5))
    const parts = page(type) ? [page(type), ...page(type).querySelectorAll('table, pre')] : []
    const wide = parts.filter((part) => part.scrollWidth > part.clientWidth)
    if (!parts.length) found[type] = ['does not appear']
    const outside = (part) => [...part.querySelectorAll('*')].filter((one) => one.scrollWidth > part.clientWidth
      || one.getBoundingClientRect().right > part.getBoundingClientRect().right).pop()?.textContent.slice(0, 60)
    if (wide.length) found[type] = wide.map((part) => `${part.scrollWidth} pixels in ${part.clientWidth}: ${outside(part)}`)
  }
  app.canvas.pause_rendering = false
  return found
}"""
UNKNOWN = "app.graph.nodes.map(node => node.type).filter(type => !(type in LiteGraph.registered_node_types))"


def _get_json(page: Page, address: str) -> Any:
    response = page.request.get(address)
    assert response.ok, f"{address} answered {response.status}"
    return response.json()


@pytest.fixture(scope="module")
def our_nodes(server: RunningServer, page: Page) -> dict[str, Any]:
    """The server's descriptions of the pack's nodes, by id."""
    information = _get_json(page, f"{server.address}/api/object_info")
    return {name: node for name, node in information.items() if node["python_module"] == f"custom_nodes.{PACK.name}"}


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _open_search(page: Page) -> None:
    """Open the search box with a double click on the empty canvas, as a user does: once more where one got lost."""
    results = page.get_by_role("option")
    for _ in range(2):
        page.mouse.dblclick(800, 600)
        try:
            return expect(results.first).to_be_visible(timeout=10_000)
        except AssertionError:
            page.keyboard.press("Escape")
    page.mouse.dblclick(800, 600)
    expect(results.first).to_be_visible()


def _is_found(page: Page, text: str, name: str) -> bool:
    """Type `text` into the open search box instead of what stands there, and wait until `name` is listed."""
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)
    found = page.get_by_role("option").filter(has_text=re.compile(rf"^\s*{re.escape(name)}"))
    try:
        expect(found.first).to_be_visible()
    except AssertionError:
        return False
    return True


def test_every_node_has_a_search_here(our_nodes: dict[str, Any]) -> None:
    assert set(SEARCHES) == set(our_nodes)
    for name, (text, display_name) in SEARCHES.items():
        assert our_nodes[name]["display_name"] == display_name
        assert text in our_nodes[name]["search_aliases"]


def test_the_search_box_finds_every_node_by_name_and_by_other_words(page: Page) -> None:
    page.evaluate("app.graph.clear()")
    _open_search(page)
    texts = [(text, name) for alias, name in SEARCHES.values() for text in (name, alias)]
    assert [(text, name) for text, name in texts if not _is_found(page, text, name)] == []
    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)


@pytest.mark.parametrize("name", GRAPHS)
def test_template_loads_and_exports_the_api_prompt(server: RunningServer, page: Page, name: str) -> None:
    assert name in _get_json(page, f"{server.address}/api/workflow_templates")[PACK.name]
    graph = _get_json(page, f"{server.address}/api/workflow_templates/{PACK.name}/{name}.json")
    assert graph == _read(WORKFLOWS / f"{name}.json")

    page.evaluate("graph => app.loadGraphData(graph)", graph)

    assert page.evaluate(UNKNOWN) == []
    before = {node["id"]: node.get("widgets_values") or [] for node in graph["nodes"]}
    assert dict(page.evaluate(WIDGETS)) == before
    exported = page.evaluate("app.graphToPrompt().then(prompt => prompt.output)")
    assert exported == _read(WORKFLOWS / "api" / f"{name}.json")


def test_a_shipped_graph_is_an_app_one_click_away(page: Page) -> None:
    """Its widgets stand in the app under names of their own, a dynamic combo too; what is written there is sent."""
    graph = _read(WORKFLOWS / "control_signal.json")
    page.evaluate("graph => app.loadGraphData(graph)", graph)
    if not page.evaluate("app.extensionManager.command.commands.some(one => one.id === 'Comfy.ToggleLinear')"):
        pytest.skip("this front end has no apps")
    page.evaluate("app.extensionManager.command.execute('Comfy.ToggleLinear')")
    widgets = page.get_by_test_id("linear-widgets")
    items = widgets.get_by_test_id("app-mode-widget-item")
    expect(items).to_have_count(len(graph["extra"]["linearData"]["inputs"]))
    for label in ("Picture", "method", "Prompt", "Negative prompt", "weight"):
        expect(widgets.get_by_text(label, exact=True)).to_be_visible()
    items.filter(has=page.get_by_text("Prompt", exact=True)).locator("textarea").fill("a cup of tea")
    page.evaluate("app.extensionManager.command.execute('Comfy.ToggleLinear')")
    exported = page.evaluate("app.graphToPrompt().then(prompt => prompt.output)")
    wanted = _read(WORKFLOWS / "api" / "control_signal.json")
    wanted["5"]["inputs"]["text"] = "a cup of tea"
    assert exported == wanted


def test_help_pages_are_served(server: RunningServer, page: Page, our_nodes: dict[str, Any]) -> None:
    for node in our_nodes:
        response = page.request.get(f"{server.address}/extensions/{PACK.name}/docs/{node}.md")
        assert response.status == 200, f"{node} has no help page"
        assert response.text().lstrip().startswith("#")


@pytest.mark.parametrize("node", ["ArmatureCanny", "ArmatureControlStack"])
def test_the_help_pane_shows_the_page_with_its_picture(page: Page, node: str) -> None:
    text = (PACK / "web" / "docs" / f"{node}.md").read_text(encoding="utf-8")
    (words,) = re.findall(r"!\[([^\]]+)\]", text)
    page.evaluate(SELECTED, node)
    page.get_by_test_id("info-button").click()
    picture = page.locator(".node-help-content").get_by_alt_text(words)
    expect(picture).to_be_visible()
    with Image.open(PACK / "web" / "docs" / "pictures" / f"{node}.jpg") as stored:
        expect(picture).to_have_js_property("naturalWidth", stored.width)


def test_every_help_page_fits_the_pane(page: Page, our_nodes: dict[str, Any]) -> None:
    """As narrow as it is in a window of a small laptop: nothing has to be moved sideways to be read."""
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate(SELECTED, "ArmatureCanny")
    pane = page.locator(".node-help-content")
    if not pane.is_visible():
        page.get_by_test_id("info-button").click()
    expect(pane).to_be_visible()
    assert page.evaluate(TOO_WIDE, [name for name in our_nodes if "Test" not in name]) == {}
    page.set_viewport_size({"width": 1600, "height": 1000})
