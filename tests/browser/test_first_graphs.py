"""What a newcomer does: open the template page, take one of the first graphs, press Run. Nothing else, and pictures come."""

from __future__ import annotations

import json
from typing import Any

import pytest
from armature_pack.models.demo import PREFIX
from armature_pack.tests.host.example_graphs import demo_models
from armature_pack.tests.server_fixture import PACK, RunningServer
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

FIRST = sorted(path.stem for path in (PACK / "workflows").glob("0*.json"))
# Half of the graphs in each rendering of the editor: what differs between the two is no matter of one graph.
CLASSIC = pytest.mark.parametrize("rendering", [False], ids=["classic"], indirect=True)
NODES_2 = pytest.mark.parametrize("rendering", [True], ids=["nodes 2.0"], indirect=True)
COMPATIBLE = "08 Compatibility check"
ENDED = """() => {
  window.ended = null
  for (const event of ['execution_success', 'execution_error', 'execution_interrupted'])
    app.api.addEventListener(event, ({ detail }) => { window.ended ??= [event, detail] })
}"""
MISSING = """app.graph.nodes.flatMap((node) => (node.widgets ?? []).filter((widget) =>
  String(widget.value).startsWith('armature_demo') && !(widget.options.values ?? []).includes(widget.value)
).map((widget) => widget.value))"""

# The first is run as it is. What the graphs draw is measured elsewhere (tests/host/test_demo_effects.py): of the others a
# small picture in two steps, and the ends of a sweep, show that they run.
QUICK = """app.graph.nodes.forEach((node) => (node.widgets ?? []).forEach((widget) => {
  if (widget.name === 'steps') widget.value = Math.min(widget.value, 2)
  if (['width', 'height'].includes(widget.name)) widget.value = Math.min(widget.value, 64)
  if (widget.name === 'weights') widget.value = '0, 1'
}))"""


def open_template(page: Page, name: str) -> None:
    """Find a template on the page of templates and click it."""
    page.evaluate("app.graph.clear()")
    page.evaluate("app.extensionManager.command.execute('Comfy.BrowseTemplates')")
    dialog = page.get_by_role("dialog")
    dialog.get_by_text(PACK.name, exact=True).first.click()
    dialog.get_by_placeholder("Search").fill(name)
    card = dialog.get_by_role("heading", name=name, exact=True)
    for _ in range(3):  # a click is lost where the cards move to their places just then
        expect(card).to_be_visible()
        card.click()
        try:
            expect(dialog).to_be_hidden(timeout=10_000)
            break
        except AssertionError:
            continue
    page.wait_for_function("app.graph.nodes.length", timeout=300_000)


def press_run(page: Page) -> tuple[str, Any]:
    """How the run ended; the time only bounds a hang."""
    page.evaluate(ENDED)
    page.get_by_test_id("queue-button").click()
    page.wait_for_function("window.ended", timeout=300_000)
    return tuple(page.evaluate("window.ended"))


def record(page: Page, server: RunningServer, run: dict[str, Any]) -> dict[str, Any]:
    """What the server remembers of a run: it tells of its end before it writes that down."""
    address = f"{server.address}/history/{run['prompt_id']}"
    for _ in range(300):
        remembered: dict[str, Any] = json.loads(page.request.get(address).text())
        if remembered:
            return remembered[run["prompt_id"]]
        page.wait_for_timeout(100)
    raise AssertionError(f"{address}: nothing is remembered of a run that has ended")


def pictures(page: Page, server: RunningServer, run: dict[str, Any]) -> list[Any]:
    outputs = record(page, server, run)["outputs"].values()
    return [picture for output in outputs for picture in output.get("images", []) if picture["type"] == "output"]


def runs_with_a_click(server: RunningServer, page: Page, name: str) -> None:
    demo_models(server)
    open_template(page, name)
    assert page.evaluate(MISSING) == []
    page.evaluate(QUICK)
    end, run = press_run(page)
    assert end == "execution_success", run
    assert pictures(page, server, run)
    if name == COMPATIBLE:
        assert "fit together" in json.dumps(record(page, server, run))


@pytest.fixture
def no_models(server: RunningServer) -> None:
    """As after installing: none of the demo's files is there."""
    for file in server.models_folder.glob(f"*/{PREFIX}*"):
        file.unlink()


@CLASSIC
def test_the_first_template_brings_its_models_and_runs(server: RunningServer, rendering: Page, no_models: None) -> None:
    page = rendering
    open_template(page, FIRST[0])
    assert page.evaluate(MISSING) == []
    names = sorted(file.name for file in server.models_folder.glob(f"*/{PREFIX}*"))
    assert names == [f"{PREFIX}.safetensors", f"{PREFIX}_canny.safetensors"]  # what this graph needs, and no more
    expect(page.get_by_text("The demo's models are there", exact=True)).to_be_visible()
    expect(page.get_by_text("The demo's models are being written", exact=True)).to_have_count(0)
    end, run = press_run(page)
    assert end == "execution_success", run
    assert pictures(page, server, run)


@CLASSIC
def test_pages_of_other_origins_cannot_have_the_models_written(server: RunningServer, rendering: Page) -> None:
    page = rendering
    address = f"{server.address}/armature/demo_models"
    for headers in ({"Origin": "https://elsewhere.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert page.request.post(address, data={}, headers=headers).status == 403
    refused = page.request.post(address, data={"names": ["../x.safetensors"]})
    assert refused.status == 400 and "no file of the demo" in refused.json()["error"]["message"]


@CLASSIC
@pytest.mark.parametrize("name", FIRST[2::2])
def test_a_first_template_runs_with_a_click_on_run(server: RunningServer, rendering: Page, name: str) -> None:
    runs_with_a_click(server, rendering, name)


@NODES_2
@pytest.mark.parametrize("name", FIRST[1::2])
def test_a_first_template_runs_in_nodes_2_too(server: RunningServer, rendering: Page, name: str) -> None:
    runs_with_a_click(server, rendering, name)
