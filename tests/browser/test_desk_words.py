"""What the desk says where something is missing, refused, or no picture came of it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator

import pytest
from armature_pack.tests.browser.desk_page import file_of, open_desk, queued
from armature_pack.tests.server_fixture import PACK, RunningServer
from PIL import Image, PngImagePlugin
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

GRAPH = (PACK / "workflows" / "api" / "control_signal.json").read_text(encoding="utf-8")
MAKE = "Make the picture"


@pytest.fixture(scope="module")
def desk(server: RunningServer, browser: Browser) -> Iterator[Page]:
    for name in ("sd15_checkpoint", "sd15_controlnet_canny"):
        server.model(name)
    with open_desk(server, browser) as page:
        yield page


def own_graph(desk: Page, name: str, content: bytes | str) -> None:
    desk.locator("#own-graph").set_input_files(file_of(name, content))


def make(desk: Page) -> None:
    desk.get_by_role("button", name=MAKE).focus()
    desk.keyboard.press("Enter")


def test_what_is_missing_keeps_make_from_running_and_is_gone_to(desk: Page, server: RunningServer) -> None:
    sent, status, button = queued(desk), desk.get_by_role("status"), desk.get_by_role("button", name=MAKE)
    expect(button).to_have_attribute("aria-disabled", "true")
    expect(button).to_have_accessible_description(re.compile("Load Checkpoint: choose a checkpoint; .* And 1 more."))
    make(desk)
    expect(status).to_contain_text("No picture: Load Checkpoint: choose a checkpoint")
    checkpoint = desk.get_by_label("Load Checkpoint", exact=True)
    expect(checkpoint).to_be_focused()
    expect(checkpoint).to_have_attribute("aria-invalid", "true")
    checkpoint.select_option(server.model("sd15_checkpoint"))
    expect(checkpoint).to_have_attribute("aria-invalid", "false")
    desk.get_by_label("Load ControlNet", exact=True).select_option(server.model("sd15_controlnet_canny"))
    expect(button).to_have_attribute("aria-disabled", "false")
    desk.get_by_text("Seed, steps, size").click()
    desk.get_by_label("Sampler: steps").fill("0")
    expect(button).to_have_accessible_description("Sampler: steps: give a number from 1 to 10000.")
    make(desk)
    expect(desk.get_by_label("Sampler: steps")).to_be_focused()
    desk.get_by_label("Sampler: steps").fill("1")
    expect(button).to_have_attribute("aria-disabled", "false")
    assert sent == []


def test_a_refusal_of_the_server_is_told_in_plain_words(desk: Page, server: RunningServer) -> None:
    graph = json.loads(GRAPH)
    graph["1"]["inputs"]["ckpt_name"] = server.model("sd15_checkpoint")
    graph["2"]["inputs"]["control_net_name"] = server.model("sd15_controlnet_canny")
    graph["12"]["inputs"]["sampler_name"] = "<b>nonsense</b>"
    graph["7"]["inputs"]["weight"] = 99
    own_graph(desk, "<i>mine</i>.json", json.dumps(graph))
    status = desk.get_by_role("status")
    expect(status).to_have_text("<i>mine</i>.json is ready.")
    expect(desk.get_by_role("button", name=MAKE)).to_have_attribute(
        "aria-disabled", "true"
    )  # 99 is out of the field's range
    desk.get_by_label("Control signal, exactly").fill("0.7")
    make(desk)
    expect(status).to_have_text("No picture: Sampler: choose a sampler; “<b>nonsense</b>” is not on this server.")
    assert desk.evaluate("document.activeElement.closest('[data-node]').dataset.node") == "12"
    graph["7"]["inputs"]["weight"] = 0.7
    graph = {name: node for name, node in graph.items() if node["class_type"] not in ("SaveImage", "PreviewAny")}
    own_graph(desk, "loose.json", json.dumps(graph))
    expect(desk.get_by_role("button", name=MAKE)).to_have_accessible_description(
        re.compile("saves and shows no picture")
    )


def test_a_graph_comes_out_of_any_file_that_holds_one(desk: Page) -> None:
    status = desk.get_by_role("status")
    own_graph(desk, "broken.json", GRAPH[:-50])
    expect(status).to_contain_text("broken.json cannot be opened: it is no JSON")
    expect(status).to_contain_text("line")
    saved = PACK / "workflows" / "02 Three control signals.json"
    own_graph(desk, "saved.json", saved.read_bytes())
    expect(status).to_have_text("saved.json is ready.")
    expect(desk.get_by_label("Load Checkpoint", exact=True)).to_be_attached()
    expect(desk.locator(".weight.control")).to_have_count(3)
    content, texts = io.BytesIO(), PngImagePlugin.PngInfo()
    texts.add_text("prompt", GRAPH)
    Image.new("RGB", (8, 8)).save(content, "PNG", pnginfo=texts)
    own_graph(desk, "made.png", content.getvalue())
    expect(status).to_have_text("made.png is ready.")
    expect(desk.locator(".weight.control")).to_have_count(1)
    own_graph(desk, "cup.jpg", (PACK / "workflows" / "pictures" / "coffee.jpg").read_bytes())
    expect(status).to_contain_text("cup.jpg cannot be opened: it is a JPEG picture without a graph")


def test_what_is_no_picture_is_refused_by_its_content(desk: Page) -> None:
    uploads: list[str] = []
    desk.on("request", lambda one: uploads.append(one.url) if "upload" in one.url else None)
    status, file = desk.get_by_role("status"), desk.locator("#pictures input[type=file]").first
    cut = (PACK / "workflows" / "pictures" / "coffee.jpg").read_bytes()[:300]
    for name, content, words in (
        (
            "drawing.png",
            b"<svg xmlns='http://www.w3.org/2000/svg'/>",
            "no picture that can be used: it is an SVG drawing",
        ),
        ("text.jpg", b"hello", "is no picture that can be used"),
        ("cut.jpg", cut, "is damaged"),
        ("none.png", b"", "is empty"),
    ):
        file.set_input_files(file_of(name, content))
        expect(status).to_contain_text(f"{name} ")
        expect(status).to_contain_text(words)
    assert uploads == []


def test_a_run_that_fails_says_why_without_the_server_s_folders(desk: Page, server: RunningServer) -> None:
    (server.input_folder / "torn.png").write_bytes(b"no picture")
    graph = json.loads(GRAPH)
    graph["3"] = {"class_type": "LoadImage", "inputs": {"image": "torn.png"}, "_meta": {"title": "Picture"}}
    own_graph(desk, "torn.json", json.dumps(graph))
    status = desk.get_by_role("status")
    expect(status).to_have_text("torn.json is ready.")
    desk.get_by_role("button", name="Show the maps").click()
    expect(status).to_contain_text("No maps: Picture: ")
    expect(status).to_contain_text("'torn.png'")
    assert str(server.input_folder) not in status.inner_text()
