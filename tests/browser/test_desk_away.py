"""The desk while the server is away, slow, or answers what nobody expects, and with hands that are faster than it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from armature_pack.tests.browser.desk_page import choose_graph, file_of, queued
from armature_pack.tests.server_fixture import PACK, RunningServer
from playwright.sync_api import Browser, Page, Route, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

PICTURES = PACK / "workflows" / "pictures"


class Line:
    """What lies between the page and the server: it can be cut, and answers can be held back."""

    def __init__(self, page: Page):
        self.page = page
        self.cut = False
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.route("**/api/**", lambda route: route.abort() if self.cut else route.fallback())

    def hold(self, pattern: str) -> list[Route]:
        """The requests that are held back from now on."""
        held: list[Route] = []

        def keep(route: Route) -> None:  # Playwright takes no method of a list
            held.append(route)

        self.page.route(pattern, keep)
        return held

    def let_go(self, pattern: str, held: list[Route]) -> None:
        self.page.unroute(pattern)
        for route in held:
            route.continue_()


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    made = browser.new_page(viewport={"width": 1400, "height": 1000})
    yield made
    made.close()


@pytest.fixture(scope="module")
def line(page: Page, server: RunningServer) -> Line:
    """The page, opened while the server was away for a moment."""
    made = Line(page)
    made.cut = True
    page.goto(f"{server.address}/armature#01 One control signal")
    expect(page.get_by_role("status")).to_contain_text("The server does not answer; the page waits for it")
    made.cut = False
    expect(page.get_by_role("status")).to_contain_text("is ready.")
    return made


def test_a_server_that_is_away_is_said_and_waited_for(page: Page, line: Line) -> None:
    status, graph = page.get_by_role("status"), page.get_by_label("Graph", exact=True)
    line.cut = True
    graph.select_option("two_loras")
    expect(status).to_have_text("The server does not answer. Is it still running?")
    expect(graph).to_have_value("01 One control signal")
    page.get_by_text("Presets", exact=True).click()
    for choice, value in (("Profile", "fast"), ("Preset", "Loose")):
        page.evaluate("document.getElementById('status').textContent = ''")
        page.get_by_label(choice, exact=True).select_option(value)
        if choice == "Preset":
            page.get_by_role("button", name="Use it", exact=True).click()
        expect(status).to_have_text("The server does not answer. Is it still running?")
    expect(page.get_by_label("Profile", exact=True)).to_have_value("fast")
    line.cut = False
    page.get_by_role("button", name="Undo the preset").click()
    expect(status).to_have_text("Loose is taken back.")
    page.get_by_label("Profile", exact=True).select_option("")

    page.get_by_text("Seed, steps, size").click()
    page.get_by_label(re.compile(": steps$")).fill("2000")
    page.get_by_role("button", name="Make the picture").click()
    expect(status).to_contain_text(" of 2000")
    line.cut = True
    expect(status).to_contain_text("the server does not answer; the page waits for it")
    line.cut = False
    expect(status).to_contain_text(" of 2000")
    page.locator("#cancel").click()
    expect(status).to_have_text("Cancelled.")

    page.route("**/api/queue", lambda route: route.fulfill(json={}))
    page.get_by_role("button", name="Show the maps").click()
    expect(status).to_have_text(
        "No maps: The server's answer is not one that this page knows (queue). Load the page again."
    )
    page.unroute("**/api/queue")
    page.get_by_role("button", name="Show the maps").click()
    expect(status).to_contain_text("Maps done")

    page.route("**/api/armature/presets", lambda route: route.fulfill(json={}))
    page.reload()
    expect(status).to_contain_text("is not one that this page knows (armature/presets)")
    page.unroute("**/api/armature/presets")
    choose_graph(page, "two_loras")
    assert line.errors == []


def test_what_is_slow_lands_where_it_belongs(page: Page, line: Line) -> None:
    sent, status, graph = queued(page), page.get_by_role("status"), page.get_by_label("Graph", exact=True)
    choose_graph(page, "control_signal")
    held = line.hold("**/api/object_info/ArmatureLoRAStack")
    with page.expect_request("**/api/object_info/ArmatureLoRAStack"):
        graph.select_option("two_loras")
    choose_graph(page, "control_signal")
    line.let_go("**/api/object_info/ArmatureLoRAStack", held)
    choose_graph(page, "two_loras")  # the answers to the first choice are there by now
    choose_graph(page, "control_signal")

    held = line.hold("**/api/upload/image")
    file = page.get_by_label("or files of yours")
    with page.expect_request("**/api/upload/image"):
        file.set_input_files(PICTURES / "astronaut.jpg")
    page.get_by_role("button", name="Show the maps").dblclick()
    expect(status).to_contain_text("Waiting for what still goes into the graph")
    assert sent == []
    line.let_go("**/api/upload/image", held)
    expect(status).to_contain_text("Maps done")
    assert [one["prompt"]["3"]["inputs"]["image"] for one in sent] == ["astronaut.jpg"]

    held = line.hold("**/api/upload/image")
    with page.expect_request("**/api/upload/image"):
        file.set_input_files(PICTURES / "coffee.jpg")
    choose_graph(page, "01 One control signal")
    line.let_go("**/api/upload/image", held)
    expect(status).to_contain_text("another graph was chosen meanwhile")
    expect(page.get_by_label("Picture", exact=True)).not_to_have_value("coffee.jpg")

    held = line.hold("**/api/prompt")
    with page.expect_request("**/api/prompt"):
        page.get_by_role("button", name="Show the maps").click()
    choose_graph(page, "control_signal")
    line.let_go("**/api/prompt", held)
    expect(status).to_contain_text("The graph 01 One control signal made it, which was left meanwhile.")
    expect(page.locator("#maps figure")).to_have_count(1)
    expect(page.locator("#maps figure button")).to_have_count(0)
    assert line.errors == []


def test_clicks_and_drops_of_any_kind(page: Page, line: Line, tmp_path: Path) -> None:
    choose_graph(page, "01 One control signal")
    sent, status = queued(page), page.get_by_role("status")
    page.get_by_text("Several at once").click()
    page.get_by_label("Go through").select_option(index=1)
    page.get_by_label("Weights", exact=True).fill("0, 1")
    held = line.hold("**/api/armature/weights*")
    page.get_by_role("button", name="Make them all").dblclick()
    line.let_go("**/api/armature/weights*", held)
    page.get_by_role("button", name="Cancel the rest").click()
    expect(status).to_have_text("The batch has ended.")
    assert len(sent) == 2

    drags = page.context.new_cdp_session(page)

    def drop(selector: str, data: dict[str, Any]) -> None:
        page.locator(selector).first.scroll_into_view_if_needed()
        box = page.locator(selector).first.bounding_box()
        assert box
        place = {"x": box["x"] + 20, "y": box["y"] + 10}
        for kind in ("dragEnter", "dragOver", "drop"):
            event = {"type": kind, **place, "data": {"items": [], "dragOperationsMask": 1, **data}}
            drags.send("Input.dispatchDragEvent", event)

    words = page.locator("#prompts textarea").first
    words.fill("")
    drop("#prompts textarea", {"items": [{"mimeType": "text/plain", "data": "dropped words"}]})
    expect(words).to_have_value("dropped words")
    (tmp_path / "empty.png").touch()
    (tmp_path / "folder.png").mkdir()
    for place, names, words_of_it in (
        ("#pictures .picture", ["folder.png"], "folder.png cannot be read. It is a folder"),
        ("#pictures .picture", ["empty.png"], "empty.png is empty"),
        ("#maps", ["folder.png"], "folder.png cannot be read. It is a folder"),
        ("#maps", ["empty.png"], "empty.png"),
        ("#maps", ["empty.png", "folder.png"], "These are 2 files."),
    ):
        drop(place, {"files": [str(tmp_path / name) for name in names]})
        expect(status).to_contain_text(words_of_it)
    page.locator("#own-graph").set_input_files(file_of("graph.json", json.dumps({})))
    expect(status).to_contain_text("graph.json cannot be opened")
    assert line.errors == []
