"""Several runs at once: a sheet with the best one marked, found again after a reload, cancelled, and refused in words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from armature_pack.tests.browser.axe import violations
from armature_pack.tests.browser.desk_page import file_of, open_desk, queued
from armature_pack.tests.runs.record.schema import check
from armature_pack.tests.server_fixture import PACK, RunningServer
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

GRAPH = json.loads((PACK / "workflows" / "api" / "01 One control signal.json").read_text(encoding="utf-8"))
PROJECT = "Batches"
STEPS = 4


@pytest.fixture(scope="module")
def desk(server: RunningServer, browser: Browser) -> Iterator[Page]:
    """The desk with a graph that fails where the picture does not follow its map."""
    graph: dict[str, Any] = json.loads(json.dumps(GRAPH))
    graph["13"]["inputs"]["steps"] = STEPS
    measuring = {"image": ["14", 0], "control_image": ["5", 0], "method": "canny", "minimum": 0.5, "policy": "error"}
    graph["20"] = {"class_type": "ArmatureControlAdherence", "inputs": measuring, "_meta": {"title": "Adherence"}}
    with open_desk(server, browser) as page:
        page.get_by_label("Project", exact=True).fill(PROJECT)
        page.get_by_label("Project", exact=True).press("Tab")
        page.locator("#own-graph").set_input_files(file_of("measured.json", json.dumps(graph)))
        expect(page.get_by_role("status")).to_have_text("measured.json is ready.")
        page.locator("#batch > summary").click()
        yield page


def sheet(desk: Page) -> Locator:
    return desk.get_by_role("region", name="Batch")


def test_what_cannot_be_is_refused_in_words_and_nothing_is_sent(desk: Page) -> None:
    sent, status, go = queued(desk), desk.get_by_role("status"), desk.get_by_role("button", name="Make them all")
    count, weights = desk.get_by_label("How many"), desk.get_by_label("Weights", exact=True)
    for text in ("0", "65", "-1", "2.5", "many", ""):
        count.fill(text)
        go.click()
        expect(status).to_contain_text(f"“{text}” is no number of runs. Give a whole number from 1 to 64.")
        expect(count).to_be_focused()
        expect(count).to_have_attribute("aria-invalid", "true")
    count.fill("2")
    expect(count).to_have_attribute("aria-invalid", "false")
    desk.get_by_label("Go through").select_option(label="Weight of Control signal")
    for text, told in (
        ("0.5, strong", "'strong' is not a number"),
        ("nan", "'nan' is not a number"),
        ("1e999", "'1e999' is not a number"),
        ("0:1:0.001", "64 is the most"),
        ("", "there is none"),
        ("0.5, 99", "Control signal: the weight 99 is out of range. Give a number from"),
    ):
        weights.fill(text)
        weights.press("Enter")  # it would send the form
        expect(status).to_contain_text(told)
        expect(weights).to_have_attribute("aria-invalid", "true")
    assert sent == []


def test_a_sweep_becomes_a_sheet_and_one_that_fails_stops_no_other(desk: Page, server: RunningServer) -> None:
    sent = queued(desk)
    desk.get_by_label("Go through").select_option(label="Weight of Control signal")
    desk.get_by_label("Weights", exact=True).fill("0, 0.5, 1")
    desk.get_by_role("button", name="Make them all").click()
    expect(desk.get_by_role("status")).to_contain_text("3 of 3 sent")
    assert [one["prompt"]["9"]["inputs"]["weight"] for one in sent] == [0, 0.5, 1]
    desk.reload()
    expect(sheet(desk)).to_contain_text("2 of 3 · 1 failed · best by adherence: Control signal 1")
    expect(desk.get_by_role("status")).to_have_text("The batch has ended.")
    failed, half, best = (sheet(desk).get_by_role("listitem").nth(number) for number in range(3))
    expect(failed).to_contain_text("Failed")
    expect(failed).to_contain_text("Adherence: ")
    expect(best).to_contain_text("Best")
    expect(half).not_to_contain_text("Best")
    expect(half).to_contain_text("adherence 0.")
    thumb = half.get_by_role("img", name="Control signal 0.5")
    assert thumb.evaluate("image => image.decode().then(() => image.naturalWidth)") == 128
    assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth")

    rows = desk.locator("#rows li.run")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("3 of 3 in a batch")
    records = server.input_folder.parent / "user" / "armature" / "projects" / PROJECT / "records"
    told = [json.loads(one.read_text(encoding="utf-8")) for one in records.glob("2*.json")]
    for one in told:
        check(one)
    batches = sorted((one["history"]["batch"] for one in told), key=lambda one: one["number"])
    assert [(one["number"], one["of"], one["label"]) for one in batches] == [
        (1, 3, "Control signal 0"),
        (2, 3, "Control signal 0.5"),
        (3, 3, "Control signal 1"),
    ]
    assert len({one["id"] for one in batches}) == 1

    half.get_by_role("button", name="Restore Control signal 0.5").click()
    expect(desk.get_by_label("Control signal, exactly")).to_have_value("0.5")
    half.get_by_role("link", name="Control signal 0.5").click()
    expect(desk.get_by_role("dialog", name="Control signal 0.5").get_by_role("img")).to_be_visible()
    desk.keyboard.press("Escape")
    sheet(desk).get_by_role("button", name="Close").click()
    expect(sheet(desk)).to_be_hidden()
    rows.first.get_by_role("button", name="Batch").press("Enter")
    expect(sheet(desk).get_by_role("listitem")).to_have_count(3)
    expect(desk.get_by_role("heading", name="Batch")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_it_and_nothing_bars_people_from_it(desk: Page, scheme: Any) -> None:
    desk.set_viewport_size({"width": 390, "height": 844})
    desk.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    expect(sheet(desk).get_by_role("listitem")).to_have_count(3)
    assert desk.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(desk) == []
    desk.set_viewport_size({"width": 1400, "height": 1000})


def test_the_rest_is_cancelled(desk: Page) -> None:
    sheet(desk).get_by_role("button", name="Close").click()
    if not desk.get_by_label("Sampler: steps").is_visible():
        desk.locator("#settings > summary").click()
    desk.get_by_label("Sampler: steps").fill("3000")
    if not desk.get_by_label("Go through").is_visible():
        desk.locator("#batch > summary").click()
    desk.get_by_label("Go through").select_option(label="Seeds")
    desk.get_by_label("How many").fill("3")
    desk.get_by_label("How many").press("Enter")
    expect(sheet(desk)).to_contain_text("Runs …")
    expect(sheet(desk).get_by_text("Waits")).to_have_count(2)
    desk.get_by_role("button", name="Make them all").click()
    expect(desk.get_by_role("status")).to_have_text("A batch still runs. Wait for it, or cancel the rest of it.")
    sheet(desk).get_by_role("button", name="Cancel the rest").click()
    expect(sheet(desk)).to_contain_text("0 of 3 · 3 cancelled")
    expect(desk.locator("#queue")).to_be_hidden()
    row = desk.locator("#rows li.run").first  # of the one that had begun
    expect(row).to_contain_text("cancelled · ")
    expect(row).to_contain_text("1 of 3 in a batch")
