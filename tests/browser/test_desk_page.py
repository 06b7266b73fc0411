"""The desk as a page: what is in sight at which size, reading it by ear, following a run to its end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from armature_pack.tests.browser.axe import violations
from armature_pack.tests.browser.desk_page import file_of, open_desk
from armature_pack.tests.server_fixture import PACK, RunningServer
from PIL import Image
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

SIZES = {"desk": (1600, 1000), "laptop": (1280, 720), "phone": (390, 844)}
IN_SIGHT = """one => {
  const box = one.getBoundingClientRect()
  const keys = document.querySelector('footer').getBoundingClientRect().top
  return box.width > 0 && box.top >= 0 && box.bottom <= keys && box.right <= innerWidth
}"""


@pytest.fixture(scope="module")
def graph(server: RunningServer) -> dict[str, Any]:
    """Control signal with generated weights and a picture whose run takes seconds."""
    with Image.open(PACK / "workflows" / "pictures" / "coffee.jpg") as picture:
        picture.resize((96, 64)).save(server.input_folder / "page.png")
    graph = json.loads((PACK / "workflows" / "api" / "control_signal.json").read_text(encoding="utf-8"))
    graph["1"]["inputs"]["ckpt_name"] = server.model("sd15_checkpoint")
    graph["2"]["inputs"]["control_net_name"] = server.model("sd15_controlnet_canny")
    graph["3"] |= {"class_type": "LoadImage", "inputs": {"image": "page.png"}}
    graph["12"]["inputs"]["steps"] = 2
    return graph


@pytest.fixture(scope="module")
def desk(server: RunningServer, browser: Browser) -> Iterator[Page]:
    with open_desk(server, browser) as page:
        yield page


def own_graph(desk: Page, graph: dict[str, Any]) -> None:
    desk.locator("#own-graph").set_input_files(file_of("mine.json", json.dumps(graph)))
    expect(desk.get_by_role("status")).to_have_text("mine.json is ready.")


def make(desk: Page) -> None:
    desk.get_by_role("button", name="Make the picture").click()
    expect(desk.get_by_role("status")).to_contain_text("Picture done")


def test_the_result_is_in_sight_at_every_size(desk: Page, graph: dict[str, Any]) -> None:
    own_graph(desk, graph)
    desk.get_by_text("Seed, steps, size").click()
    picture = desk.get_by_role("region", name="Result").get_by_role("img", name="Save picture")
    for width, height in SIZES.values():
        desk.set_viewport_size({"width": width, "height": height})
        make(desk)
        expect(picture).to_be_visible()
        desk.wait_for_function(f"({IN_SIGHT})(document.querySelector('#result img'))")
        assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth")
        for name in ("Make the picture", "Show the maps"):
            box = desk.get_by_role("button", name=name).bounding_box()
            assert box and box["y"] + box["height"] <= height
            assert width > 400 or (box["height"] >= 44 and box["y"] > height / 2)  # a thumb's size, in its reach
        if width > 400:  # also while the settings are scrolled to their end
            desk.get_by_label("Sampler: denoise").scroll_into_view_if_needed()
            assert picture.evaluate(IN_SIGHT)


def test_a_result_opens_large_is_downloaded_and_told(desk: Page, graph: dict[str, Any]) -> None:
    desk.set_viewport_size({"width": 1280, "height": 720})
    own_graph(desk, graph)
    make(desk)
    result = desk.get_by_role("region", name="Result")
    result.get_by_role("img", name="Save picture").click()
    window = desk.get_by_role("dialog", name="Save picture")
    large = window.get_by_role("img")
    first = large.bounding_box()
    assert first and first["width"] > 600  # of 96 pixels
    desk.keyboard.press("+")
    desk.wait_for_function("width => document.querySelector('dialog img').clientWidth > width", arg=first["width"])
    desk.keyboard.press("Escape")
    expect(window).to_have_count(0)
    expect(result.get_by_role("link", name="Save picture")).to_be_focused()
    with desk.expect_download() as download:
        result.get_by_role("link", name="Download").click()
    with Image.open(download.value.path()) as picture:
        assert picture.size == (96, 64) and "prompt" in picture.info
    desk.context.grant_permissions(["clipboard-read", "clipboard-write"])
    result.get_by_role("button", name="Copy settings").click()
    expect(desk.get_by_role("status")).to_have_text("The settings are copied.")
    told = desk.evaluate("navigator.clipboard.readText()").splitlines()
    assert {"Graph: mine.json", "Picture: page.png", "Control signal: 0.8", "Sampler, steps: 2"} <= set(told)


def test_settings_that_are_alike_have_one_row(desk: Page, graph: dict[str, Any]) -> None:
    several = json.loads(json.dumps(graph))
    for name in ("a", "b", "c"):
        several[name] = json.loads(json.dumps(graph["12"]))
        several[f"{name} decode"] = {"class_type": "VAEDecode", "inputs": {"samples": [name, 0], "vae": ["1", 2]}}
        several[f"{name} save"] = {"class_type": "PreviewImage", "inputs": {"images": [f"{name} decode", 0]}}
    several["b"]["inputs"]["cfg"] = 3
    own_graph(desk, several)
    desk.locator("#settings > summary").click()
    if not desk.get_by_label("All 4 (KSampler): steps").is_visible():
        desk.locator("#settings > summary").click()
    expect(desk.locator("#settings [data-input=steps]")).to_have_count(1)
    expect(desk.locator("#settings [data-input=cfg]")).to_have_count(4)  # they differ
    desk.get_by_label("All 4 (KSampler): steps").fill("1")
    desk.get_by_role("button", name="Set apart: denoise").click()
    expect(desk.locator("#settings [data-input=denoise]")).to_have_count(4)
    with desk.expect_request("**/api/prompt") as sent:
        make(desk)
    prompt = json.loads(sent.value.post_data or "{}")["prompt"]
    assert [prompt[name]["inputs"]["steps"] for name in ("12", "a", "b", "c")] == [1] * 4


def test_a_run_is_followed_to_its_end_and_runs_that_wait_are_cancelled(
    desk: Page, server: RunningServer, graph: dict[str, Any]
) -> None:
    long = json.loads(json.dumps(graph))
    long["12"]["inputs"] |= {"steps": 3000, "seed": 77}
    for seed in (78, 79):  # somebody else's, of which the first runs
        long["12"]["inputs"]["seed"] = seed
        more = {"armature_by": "Ana <b>"} if seed == 78 else {}
        desk.request.post(f"{server.address}/api/prompt", data={"prompt": long, "extra_data": more})
    name = desk.get_by_label("Your name")
    name.fill("  Ben \t C. ")
    name.press("Tab")
    own_graph(desk, graph | {"12": {**graph["12"], "inputs": {**graph["12"]["inputs"], "steps": 5, "seed": 80}}})
    status = desk.get_by_role("status")
    desk.get_by_role("button", name="Make the picture").click()
    expect(status).to_have_text("Picture: waits for 2 other runs (Ana <b>’s) …")
    desk.get_by_text("Queue 3").click()
    expect(desk.locator("#queue")).to_contain_text("Running: Ana <b>’s, 2 before yours")
    desk.get_by_role("button", name="Cancel Waiting, number 1: from elsewhere, 1 before yours").click()
    expect(desk.get_by_text("Queue 2")).to_be_visible()
    desk.get_by_role("button", name="Cancel Running: Ana <b>’s, 1 before yours").click()
    expect(status).to_contain_text("left")
    expect(status).to_contain_text("Picture done")
    expect(desk).to_have_title("✓ Picture done · Armature desk")
    desk.keyboard.press("Shift")
    expect(desk).to_have_title("Armature desk")
    expect(desk.locator("#queue")).to_be_hidden()
    assert not desk.get_by_label("Sound at the end").is_checked()
    desk.get_by_label("Search").fill("ben c.")
    row = desk.get_by_role("region", name="History").locator("#rows li.run")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("by Ben C.")
    desk.get_by_label("Search").fill("")
    desk.reload()
    expect(name).to_have_value("Ben C.")


@pytest.mark.parametrize(("size", "scheme"), [("desk", "light"), ("phone", "dark")])
def test_nothing_bars_people_from_the_page(desk: Page, graph: dict[str, Any], size: str, scheme: Any) -> None:
    desk.set_viewport_size(dict(zip(("width", "height"), SIZES[size], strict=True)))  # pyright: ignore[reportArgumentType]
    desk.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    desk.get_by_label("Graph", exact=True).select_option("control_signal")
    expect(desk.get_by_role("status")).to_have_text("Control signal is ready.")
    desk.get_by_role("button", name="Make the picture").press("Enter")
    expect(desk.get_by_role("status")).to_contain_text("No picture")
    assert violations(desk) == []
    own_graph(desk, graph)
    make(desk)
    assert violations(desk) == []
    for name in ("Draw on it: Control map", "Crop or place: Picture"):
        desk.get_by_role("button", name=name).click()
        expect(desk.locator("dialog canvas")).to_be_visible()
        assert violations(desk) == []
        desk.get_by_role("button", name="Leave").click()
    desk.get_by_role("region", name="Result").get_by_role("img", name="Save picture").click()
    expect(desk.locator("dialog img")).to_be_visible()
    assert violations(desk) == []
    desk.keyboard.press("Escape")


def test_titles_of_any_length_and_kind_keep_the_page_in_its_width(desk: Page, graph: dict[str, Any]) -> None:
    titles = ("W" * 10_000, '<img src=x onerror="alert(1)">' * 200, "\u202eאב 😀 " * 500)
    titled = {id: {**node, "_meta": {"title": titles[number % 3]}} for number, (id, node) in enumerate(graph.items())}
    desk.locator("#own-graph").set_input_files(file_of("W" * 180 + ".json", json.dumps(titled)))
    expect(desk.get_by_role("status")).to_contain_text("WWW.json is ready.")
    desk.evaluate("document.querySelectorAll('main details').forEach((one) => (one.open = true))")
    desk.get_by_role("button", name="Show the maps").click()
    expect(desk.get_by_role("status")).to_contain_text("Maps done")
    for name in ("phone", "laptop"):
        width, height = SIZES[name]
        desk.set_viewport_size({"width": width, "height": height})
        wider = desk.locator("html, .set, .get").evaluate_all(
            "all => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length"
        )
        assert wider == 0, name
        heights = desk.locator(".field > label, figcaption, .reports h3").evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect().height)"
        )
        assert max(heights) < 150, name
    assert desk.locator("img[src=x]").count() == 0
