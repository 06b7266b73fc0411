"""The artist's desk in Chromium: a graph is chosen, changed, looked at and run by the keyboard alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from armature_pack.tests.browser.desk_page import open_desk, queued
from armature_pack.tests.server_fixture import PACK, RunningServer
from PIL import Image
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

GRAPHS = sorted(path.stem for path in (PACK / "workflows").glob("*.json"))
FOCUS = "document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent.trim()"
SMALL = "small cup.png"  # so that a run takes seconds
CONTRASTS = """() => {
  const light = (colour) => {
    const [red, green, blue] = colour.match(/[\\d.]+/g).slice(0, 3).map((one) => {
      const share = one / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
  }
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = getComputedStyle(one).backgroundColor
      if (!colour.endsWith(', 0)')) return colour
    }
  }
  const texts = [...document.querySelectorAll('label, h1, h2, legend, summary, p, button, select, .sort, a')]
  return texts.filter((one) => one.checkVisibility() && one.textContent.trim() && !one.disabled).map((one) => {
    const [most, least] = [light(getComputedStyle(one).color), light(ground(one))].sort((a, b) => b - a)
    return [one.textContent.trim().slice(0, 40), (most + 0.05) / (least + 0.05)]
  })
}"""


@pytest.fixture(scope="module")
def files(server: RunningServer) -> dict[str, str]:
    """Generated weights for the fields that choose them, and a small picture on the server."""
    with Image.open(PACK / "workflows" / "pictures" / "coffee.jpg") as picture:
        picture.resize((96, 64)).save(server.input_folder / SMALL)
    return {
        "Picture": SMALL,
        "Load Checkpoint": server.model("sd15_checkpoint"),
        "Load ControlNet": server.model("sd15_controlnet_canny"),
    }


@pytest.fixture
def desk(server: RunningServer, browser: Browser, files: dict[str, str]) -> Iterator[Page]:
    """The desk with its first graph; fails on a request to another server and on an error in the page."""
    with open_desk(server, browser) as page:
        yield page


def walk_to(page: Page, label: str, key: str = "Tab") -> None:
    """Press Tab until the field or button of this name has the focus, and see that the focus shows."""
    for _ in range(60):
        page.keyboard.press(key)
        if page.evaluate(FOCUS) == label:
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            return
    raise AssertionError(f"Tab never came to {label!r}")


def type_over(page: Page, label: str, text: str) -> None:
    walk_to(page, label)
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(text)


def pick(page: Page, label: str, start: str) -> None:
    """Choose in a select by typing how the choice begins."""
    walk_to(page, label)
    page.keyboard.type(start)
    expect(page.locator("select:focus option:checked")).to_contain_text(start)


def test_a_picture_by_keyboard_alone(desk: Page, files: dict[str, str]) -> None:
    sent = queued(desk)
    pick(desk, "Graph", "Two")
    expect(desk.get_by_role("status")).to_have_text("Two LoRAs is ready.")
    desk.wait_for_timeout(1100)  # milliseconds, until letters begin a new word
    desk.keyboard.type("Control s")
    expect(desk.get_by_role("status")).to_have_text("Control signal is ready.")
    pick(desk, "Picture", SMALL)
    type_over(desk, "Prompt", "a cup on a desk")
    for label in ("Load Checkpoint", "Load ControlNet"):
        pick(desk, label, files[label])
    walk_to(desk, "Seed, steps, size")
    desk.keyboard.press("Enter")
    type_over(desk, "Sampler: steps", "2")
    walk_to(desk, "Control signal")
    for _ in range(4):
        desk.keyboard.press("ArrowLeft")
    expect(desk.get_by_label("Control signal, exactly")).to_have_value("0.6")
    walk_to(desk, "Show the maps")
    desk.keyboard.press("Enter")
    maps = desk.get_by_role("region", name="Maps")
    expect(maps.get_by_role("img", name="Control map")).to_be_visible()
    expect(maps).to_contain_text("Canny")
    kinds = {node["class_type"] for node in sent[0]["prompt"].values()}
    assert "KSampler" not in kinds and "CheckpointLoaderSimple" not in kinds
    walk_to(desk, "Make the picture")
    desk.keyboard.press("Enter")
    picture = desk.get_by_role("region", name="Result").get_by_role("img", name="Save picture")
    expect(picture).to_be_visible()
    assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 96
    desk.get_by_text("Report: what each part did").click()
    expect(desk.get_by_role("region", name="Result")).to_contain_text("applied, weight 0.6, from 0% to 100%")
    ran = sent[1]["prompt"]
    assert ran["5"]["inputs"]["text"] == "a cup on a desk" and ran["7"]["inputs"]["weight"] == 0.6


def test_escape_cancels(desk: Page, files: dict[str, str]) -> None:
    for label, name in files.items():
        desk.get_by_label(label, exact=True).select_option(name)
    desk.get_by_text("Seed, steps, size").click()
    desk.get_by_label("Sampler: steps").fill("2000")
    desk.get_by_role("button", name="Make the picture").click()
    expect(desk.get_by_role("status")).to_contain_text("Sampler")
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("status")).to_have_text("Cancelled.")


def test_missing_files_are_named_and_repaired_by_a_click(desk: Page) -> None:
    expect(desk.get_by_text("python armature.py fetch control_signal")).to_be_visible()
    desk.get_by_text("Do the parts fit?").click()
    desk.get_by_role("button", name="Set control_net_name to").click()
    expect(desk.get_by_label("Load ControlNet", exact=True)).not_to_have_value(
        "control_v11p_sd15_canny_fp16.safetensors"
    )


def test_a_picture_of_ones_own_takes_the_place_of_the_example(desk: Page, server: RunningServer) -> None:
    sent = queued(desk)
    coffee, portrait = (PACK / "workflows" / "pictures" / name for name in ("coffee.jpg", "astronaut.jpg"))
    desk.get_by_label("or files of yours").set_input_files(portrait)
    shown = desk.get_by_role("img", name="Picture: astronaut.jpg")
    expect(shown).to_be_visible()
    desk.get_by_label("or files of yours").set_input_files([coffee, portrait])
    expect(desk.get_by_role("img", name="Picture 2: astronaut.jpg")).to_be_visible()
    desk.get_by_role("button", name="Show the maps").click()
    expect(desk.get_by_role("img", name="Control map")).to_have_count(2)
    assert {node["class_type"] for node in sent[0]["prompt"].values()} >= {"ImageBatch", "LoadImage"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable(desk: Page, scheme: Any) -> None:
    desk.emulate_media(color_scheme=scheme)
    faint = [(text, round(contrast, 1)) for text, contrast in desk.evaluate(CONTRASTS) if contrast < 4.5]
    assert faint == []


def test_every_graph_opens_with_its_fields(desk: Page) -> None:
    for name in GRAPHS:
        desk.get_by_label("Graph", exact=True).select_option(name)
        expect(desk.locator(f"form[data-graph='{name}']")).to_be_visible()
        expect(desk.get_by_role("status")).to_contain_text("is ready.")
        graph = json.loads((PACK / "workflows" / "api" / f"{name}.json").read_text(encoding="utf-8"))
        texts = [node["inputs"]["text"] for node in graph.values() if node["class_type"] == "CLIPTextEncode"]
        expect(desk.locator("#prompts textarea")).to_have_count(len([one for one in texts if isinstance(one, str)]))
    unnamed = (
        "[...document.querySelectorAll('input, select, textarea')].filter(one => !one.labels.length && !one.ariaLabel)"
    )
    assert desk.evaluate(f"{unnamed}.length") == 0
