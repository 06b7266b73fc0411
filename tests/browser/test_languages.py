"""In the languages that the front end offers our texts are the reader's, down to options and growing rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from armature_pack.models.guidance.curve import PRESETS
from armature_pack.tests.browser.front_end import VUE_NODES
from armature_pack.tests.server_fixture import PACK, RunningServer
from armature_pack.tools.locale_texts import LANGUAGES, UNTRANSLATED
from playwright.sync_api import Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

OFFERED = "app.ui.settings.settingsParamLookup['Comfy.Locale'].options.map(({ value }) => value)"
# The front end then fetches all nodes again and opens the graph anew.
USE = """async (language) => {
  const setting = app.extensionManager.setting
  if (setting.get('Comfy.Locale') === language) return
  app.extensionManager.workflow.activeWorkflow.changeTracker.captureCanvasState() // as after a person's click
  const before = [...app.graph.nodes]
  await setting.set('Comfy.Locale', language)
  const isNew = () => app.graph.nodes.length === before.length && !app.graph.nodes.some((node) => before.includes(node))
  for (let wait = 0; wait < 600 && !isNew(); wait++) await new Promise((done) => setTimeout(done, 50))
  await new Promise((done) => setTimeout(done, 300))
}"""
BUILD = """() => {
  app.graph.clear()
  const [signal, stack, map] = ['ArmatureControlSignal', 'ArmatureControlStack', 'ArmatureControlMap'].map((type, i) => {
    const node = LiteGraph.createNode(type)
    node.pos = [360 * i, 30]
    app.graph.add(node)
    return node
  })
  signal.connect(0, stack, stack.inputs.findIndex((input) => input.name === 'signals.signal_0'))
  const method = map.widgets.find((widget) => widget.name === 'method')
  method.value = 'binary'
  method.callback?.('binary')
  app.canvas.ds.scale = 1
  app.canvas.ds.offset = [100, 100]
  app.canvas.setDirty(true, true)
}"""
SHOWN = """() => Object.fromEntries(app.graph.nodes.flatMap((node) => [
  ...node.inputs.filter((input) => /_\\d+$/.test(input.name)).map((input) => [input.name, input.label || input.localized_name]),
  ...node.widgets.filter((widget) => widget.type === 'combo').map(({ name, value, options }) =>
    [name, options.getOptionLabel?.(value) ?? value]),
]))"""
PROMPT = """app.graphToPrompt().then(({ output }) =>
  Object.fromEntries(Object.entries(output).map(([id, { class_type, inputs }]) => [id, [class_type, inputs]])))"""
REOPEN = "async () => { await app.loadGraphData((await app.graphToPrompt()).workflow) }"


@pytest.fixture
def french_is_there(rendering: Page) -> Iterator[None]:
    """The front end opens the graph anew while it still fetches a language that it uses for the first time."""
    for _ in range(10):
        rendering.evaluate(BUILD)
        rendering.evaluate(USE, "fr")
        there = rendering.evaluate("app.graph.nodes[0].inputs[0].localized_name") != "control_net"
        rendering.evaluate(USE, "en")
        if there:
            break
    yield
    rendering.evaluate(USE, "en")


def test_the_languages_that_the_front_end_offers_come_first_in_its_order(page: Page) -> None:
    offered = [language for language in page.evaluate(OFFERED) if language != "en"]
    assert len(offered) >= 10
    ours = [language for language in offered if language in LANGUAGES]
    assert list(LANGUAGES[: len(ours)]) == ours
    assert set(offered) - set(LANGUAGES) <= set(UNTRANSLATED)


def test_options_and_rows_are_translated_and_the_graph_stays_the_same(rendering: Page, french_is_there: None) -> None:
    rendering.evaluate(BUILD)
    english, prompt = rendering.evaluate(SHOWN), rendering.evaluate(PROMPT)
    assert english["fit"] == "crop" and english["signals.signal_1"] == "signal_1"

    rendering.evaluate(USE, "fr")

    texts = _read("locales/fr/nodeDefs.json")["ArmatureControlStack"]["inputs"]
    options = _read("web/options/fr.json")["options"]
    french = rendering.evaluate(SHOWN)
    for name, value in (("fit", "crop"), ("balance", "none"), ("method.thresholding", "auto")):
        assert french[name] == f"{value} · {options[value]}"
    rows = {f"signals.signal_{row}": texts[f"signals_signal_{row}"]["name"] for row in (0, 1)}
    assert rows.items() <= french.items() and rows.keys() <= english.keys()
    assert rendering.evaluate(PROMPT) == prompt
    if rendering.evaluate(f"app.extensionManager.setting.get({VUE_NODES!r})"):
        expect(rendering.get_by_text(f"crop · {options['crop']}").first).to_be_visible()
        expect(rendering.get_by_text(rows["signals.signal_1"], exact=True).first).to_be_visible()

    rendering.evaluate(REOPEN)
    assert rendering.evaluate(SHOWN) == french and rendering.evaluate(PROMPT) == prompt
    rendering.evaluate(USE, "en")
    assert rendering.evaluate(SHOWN) == english and rendering.evaluate(PROMPT) == prompt


def test_what_our_scripts_say_is_translated_too(rendering: Page, french_is_there: None, server: RunningServer) -> None:
    texts = _read("web/options/fr.json")
    rendering.evaluate(BUILD)
    rendering.evaluate(USE, "fr")

    presets = rendering.locator(".armature-schedule select option")
    expect(presets).to_have_text(
        [texts["phrases"]["own curve"], *(f"{name} · {texts['options'][name]}" for name in PRESETS)]
    )
    rendering.evaluate("void app.extensionManager.command.execute('Armature.CheckCompatibility')")
    dialog = rendering.locator("dialog.armature-report")
    expect(dialog.locator("h2")).to_have_text(texts["phrases"]["Compatibility"])
    dialog.get_by_role("button", name=texts["phrases"]["Close"], exact=True).click()
    told = rendering.request.get(f"{server.address}/i18n").json()["fr"]
    assert told["commands"] == _read("locales/fr/main.json")["commands"]


def _read(path: str) -> Any:
    return json.loads((PACK / path).read_text(encoding="utf-8"))
