"""The desk's history in Chromium: runs become rows, are compared, restored, branched, named, deleted and brought back."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from armature_pack.tests.server_fixture import PACK, RunningServer
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

SMALL = "cup of history.png"
MARKUP = "<img src=x onerror=alert(1)> a cup"
MANY = 1000


@pytest.fixture(scope="module")
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(viewport={"width": 1600, "height": 1000}, accept_downloads=True)
    yield made
    made.close()


def open_desk(context: BrowserContext, server: RunningServer, project: str) -> Page:
    """The desk in a project of the test's own; an error in the page fails the test."""
    page = context.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto(f"{server.address}/armature#control_signal")
    expect(page.get_by_role("status")).to_contain_text("is ready.")
    page.get_by_label("Project", exact=True).fill(project)
    page.get_by_label("Project", exact=True).press("Tab")
    return page


def set_values(page: Page, prompt: str, seed: int, weight: float) -> None:
    page.get_by_label("Prompt", exact=True).fill(prompt)
    page.get_by_label("Sampler: seed").fill(str(seed))
    page.get_by_label("Control signal, exactly").fill(str(weight))


def rows_of(page: Page) -> Locator:
    return page.get_by_role("region", name="History").locator("#rows li.run")


def make(page: Page, count: int) -> None:
    page.get_by_role("button", name="Make the picture").click()
    expect(page.get_by_role("status")).to_contain_text("Picture done in")
    expect(rows_of(page)).to_have_count(count)


@pytest.fixture(scope="module")
def page(context: BrowserContext, server: RunningServer) -> Page:
    """The desk with two runs in its history: seed 2 on top of seed 1."""
    with Image.open(PACK / "workflows" / "pictures" / "coffee.jpg") as picture:
        picture.resize((96, 64)).save(server.input_folder / SMALL)
    files = {"Load Checkpoint": "sd15_checkpoint", "Load ControlNet": "sd15_controlnet_canny"}
    chosen = {"Picture": SMALL} | {label: server.model(name) for label, name in files.items()}
    page = open_desk(context, server, "Tea")
    for label, name in chosen.items():
        page.get_by_label(label, exact=True).select_option(name)
    page.get_by_text("Seed, steps, size").click()
    page.get_by_label("Sampler: steps").fill("1")
    set_values(page, MARKUP, 1, 0.8)
    make(page, 1)
    set_values(page, "a blue cup", 2, 0.5)
    make(page, 2)
    return page


def test_rows_say_what_a_run_was_made_with_and_two_are_compared(page: Page) -> None:
    later, earlier = rows_of(page).nth(0), rows_of(page).nth(1)
    expect(earlier).to_contain_text(MARKUP)
    expect(earlier.locator(".words img")).to_have_count(0)
    expect(later).to_contain_text("Control signal 0.5 · seed 2")
    thumb = later.get_by_role("img", name="What came of")
    assert thumb.evaluate("image => image.decode().then(() => image.naturalWidth)") == 96
    expect(later.get_by_role("img", name="Guide 1 of")).to_be_visible()
    later.get_by_text("Report", exact=True).click()
    expect(later).to_contain_text("applied, weight 0.5")

    earlier.get_by_label("Compare").check()
    later.get_by_label("Compare").check()
    shown = page.get_by_role("group", name="Two runs compared")
    expect(shown).to_contain_text("'weight' 0.8 -> 0.5")
    expect(shown).to_contain_text("'seed' 1 -> 2")
    expect(shown).to_contain_text("of the pixels differ")
    page.get_by_label("How much of A is seen").fill("25")
    second = shown.get_by_role("img", name="B: ")
    assert second.evaluate("image => getComputedStyle(image).clipPath") == "inset(0px 0px 0px 25%)"
    page.get_by_label("Side by side").check()
    assert second.evaluate("image => getComputedStyle(image).clipPath") == "none"
    page.get_by_role("button", name="Close the comparison").click()
    expect(shown).to_be_hidden()


def test_a_run_is_restored_branched_named_and_starred(page: Page) -> None:
    earlier = rows_of(page).last
    earlier.get_by_label("Name of the run").fill("<b>first</b>")
    earlier.get_by_label("Name of the run").press("Tab")
    earlier.get_by_role("button", name="Star").click()
    expect(earlier.get_by_role("button", name="Starred")).to_have_attribute("aria-pressed", "true")
    earlier.get_by_role("button", name="Restore").click()
    expect(page.get_by_role("status")).to_have_text("Everything is set as in <b>first</b>.")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value(MARKUP)
    expect(page.get_by_label("Control signal, exactly")).to_have_value("0.8")
    expect(page.get_by_label("Sampler: seed")).to_have_value("1")
    page.get_by_role("button", name="Undo", exact=True).click()
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a blue cup")

    earlier.get_by_role("button", name="Branch").click()
    expect(page.get_by_label("Branch", exact=True)).to_be_focused()
    page.keyboard.type("warmer")
    page.keyboard.press("Tab")
    page.get_by_label("Sampler: seed").fill("3")
    make(page, 3)
    expect(rows_of(page).first).to_contain_text("branch warmer · from <b>first</b>")
    page.get_by_label("Starred only").check()
    expect(rows_of(page)).to_have_count(1)
    page.get_by_label("Starred only").uncheck()
    page.get_by_label("Search").fill("BLUE cup")
    expect(rows_of(page)).to_have_count(1)
    page.get_by_label("Search").fill("")


def test_deleting_is_undone_and_another_person_sees_what_happens(
    page: Page, context: BrowserContext, server: RunningServer
) -> None:
    count = rows_of(page).count()
    rows_of(page).first.get_by_role("button", name="Delete").click()
    expect(rows_of(page)).to_have_count(count - 1)
    other = open_desk(context, server, "Tea")
    expect(rows_of(other)).to_have_count(count - 1)
    other.get_by_role("button", name="Undo delete").click()
    expect(rows_of(other)).to_have_count(count)
    with other.expect_download() as download:
        other.get_by_text("Export the project").click()
    other.get_by_label("Project", exact=True).fill("../bad")
    other.get_by_label("Project", exact=True).press("Tab")
    expect(other.get_by_role("status")).to_contain_text("cannot be a project's name")
    expect(other.get_by_label("Project", exact=True)).to_have_value("Tea")
    other.get_by_label("Project", exact=True).fill("Taken over")
    other.get_by_label("Project", exact=True).press("Tab")
    expect(rows_of(other)).to_have_count(0)
    other.get_by_text("Import", exact=True).click()
    other.get_by_label("A project that was exported").set_input_files(download.value.path())
    expect(other.get_by_role("status")).to_contain_text(f"{count} runs came in")
    expect(rows_of(other)).to_have_count(count)
    other.close()


@pytest.mark.usefixtures("page")
def test_a_thousand_rows_are_drawn_as_one_scrolls(context: BrowserContext, server: RunningServer) -> None:
    projects = server.input_folder.parent / "user" / "armature" / "projects"
    _fill(projects / "Tea", projects / "Many")
    many = open_desk(context, server, "Many")
    expect(many.get_by_role("region", name="History")).to_contain_text(f"History · {MANY}")
    expect(many.get_by_text(f"number {MANY - 1} of a cup")).to_be_attached()
    many.locator(".group").last.scroll_into_view_if_needed()
    expect(many.get_by_text("number 0 of a cup", exact=True)).to_be_visible()
    assert 0 < rows_of(many).count() < MANY / 4, "those that are far from what is seen are not in the page"
    many.get_by_label("Search").fill("number 777 ")
    expect(rows_of(many)).to_have_count(1)
    many.close()


def _fill(source: Path, target: Path) -> None:
    """A project of many runs, all made of one that there is."""
    record = sorted((source / "records").glob("*.json"))[0]
    data: dict[str, Any] = json.loads(record.read_text(encoding="utf-8"))
    picture = source / data["pictures"][0]["file"]
    shutil.copytree(
        source / "records", target / "records", ignore=lambda _, names: [n for n in names if n.endswith(".json")]
    )
    for number in range(MANY):
        run = f"20250101-{number // 3600:02}{number // 60 % 60:02}{number % 60:02}-{number:08x}"
        data["pictures"][0]["file"] = f"{run}_1{picture.suffix}"
        data["history"]["words"][0]["text"] = f"number {number} of a cup"
        shutil.copyfile(picture, target / f"{run}_1{picture.suffix}")
        (target / "records" / f"{run}.json").write_text(json.dumps(data), encoding="utf-8")
