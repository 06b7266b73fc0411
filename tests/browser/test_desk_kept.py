"""What the desk keeps: changes through a reload and other graphs, a run in progress, and its place in the queue."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from armature_pack.tests.browser.desk_page import file_of
from armature_pack.tests.server_fixture import PACK, RunningServer
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

SMALL = "small cup.png"


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser of a person's own: tabs in it share what is kept."""
    made = browser.new_context(viewport={"width": 1600, "height": 1000})
    yield made
    made.close()


def open_desk(context: BrowserContext, server: RunningServer, graph: str = "control_signal") -> Page:
    page = context.new_page()
    page.goto(f"{server.address}/armature#{graph}")
    expect(page.get_by_role("status")).to_contain_text("is ready.")
    return page


def set_small(page: Page, server: RunningServer, steps: int) -> None:
    """The page's graph with small weights, a small picture and so many steps."""
    with Image.open(PACK / "workflows" / "pictures" / "coffee.jpg") as picture:
        picture.resize((96, 64)).save(server.input_folder / SMALL)
    files = {"Load Checkpoint": "sd15_checkpoint", "Load ControlNet": "sd15_controlnet_canny"}
    chosen = {"Picture": SMALL} | {label: server.model(name) for label, name in files.items()}
    page.reload()  # the lists are those of the server at the opening
    expect(page.get_by_role("status")).to_contain_text("is ready.")
    for label, name in chosen.items():
        page.get_by_label(label, exact=True).select_option(name)
    _set_steps(page, steps)


def _set_steps(page: Page, steps: int) -> None:
    if not page.get_by_label("Sampler: steps").is_visible():
        page.get_by_text("Seed, steps, size").click()
    page.get_by_label("Sampler: steps").fill(str(steps))


def test_changes_and_a_run_come_back_after_a_reload(context: BrowserContext, server: RunningServer) -> None:
    page = open_desk(context, server)
    set_small(page, server, 2)
    page.get_by_label("Prompt", exact=True).fill("a blue cup <b>on</b> a desk")
    page.get_by_label("Control signal, exactly").fill("0.45")
    page.get_by_label("Sampler: seed").fill("77")

    page.get_by_label("Graph", exact=True).select_option("two_loras")
    expect(page.get_by_role("status")).to_have_text("Two LoRAs is ready.")
    page.get_by_label("Graph", exact=True).select_option("control_signal")
    expect(page.get_by_role("status")).to_have_text("Control signal is ready. What you changed is back.")
    _check_kept(page)

    other = open_desk(context, server)
    _check_kept(other)
    _set_steps(other, 2000)
    other.get_by_role("button", name="Make the picture").click()
    expect(other.get_by_role("status")).to_contain_text("Sampler")
    expect(page.locator("#queue .count")).to_have_text("1")
    page.get_by_role("button", name="Make the picture").click()
    expect(page.get_by_role("status")).to_contain_text("waits for 1 other run")
    page.reload()
    expect(page.get_by_role("status")).to_contain_text("waits for 1 other run")
    _check_kept(page)
    other.reload()
    expect(other.get_by_role("status")).to_contain_text("Sampler")  # the messages go to this tab again
    other.get_by_role("button", name="Cancel").click()
    expect(other.get_by_role("status")).to_have_text("Cancelled.")
    expect(page.get_by_role("region", name="Result").get_by_role("img", name="Save picture")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("Picture done in")
    expect(other.get_by_role("region", name="Result").get_by_role("img", name="Save picture")).to_have_count(0)

    page.get_by_role("button", name="Start over").click()
    expect(page.get_by_label("Control signal, exactly")).to_have_value("0.8")
    page.get_by_role("button", name="Undo", exact=True).click()
    _check_kept(page)


def _check_kept(page: Page) -> None:
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("a blue cup <b>on</b> a desk")
    expect(page.get_by_label("Picture", exact=True)).to_have_value(SMALL)
    expect(page.get_by_label("Control signal, exactly")).to_have_value("0.45")
    expect(page.get_by_label("Sampler: seed")).to_have_value("77")


def test_no_picture_is_not_called_one_and_a_graph_of_ones_own_stays(
    context: BrowserContext, server: RunningServer, tmp_path: Path
) -> None:
    graph = {
        "1": {"class_type": "ArmatureExamplePicture", "inputs": {"name": "still_life"}},
        "2": {"class_type": "PreviewAny", "inputs": {"source": ["1", 0]}},
    }
    file = tmp_path / "words only.json"
    file.write_text(json.dumps(graph), encoding="utf-8")
    page = open_desk(context, server)
    page.get_by_text("Another graph").click()
    page.get_by_label("A graph of yours").set_input_files(file)
    expect(page.get_by_role("status")).to_have_text("words only.json is ready.")
    page.reload()
    expect(page.get_by_role("status")).to_have_text("words only.json is ready.")
    page.get_by_role("button", name="Make the picture").click()
    expect(page.get_by_role("status")).to_contain_text("makes a report and no picture")


def test_what_is_kept_may_be_anything_and_tabs_take_nothing_from_each_other(
    context: BrowserContext, server: RunningServer
) -> None:
    page = open_desk(context, server)
    other = open_desk(context, server)
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    garbage: dict[str, Any] = {
        "graph": "own:toString",
        "own": {"no graph": 5, "<img src=x onerror=alert(1)>.json": {"1": {"class_type": "PreviewAny", "inputs": {}}}},
        "changes control_signal": {
            "7": None,
            "12": {"kind": "KSampler", "inputs": {"seed": 1}},
            "99": {"kind": None, "node": {"a": 1}},
            "5": {"kind": "CLIPTextEncode", "inputs": {"text": "mine"}, "without": []},
        },
        "project": ["a"],
        "by": {"a": 1},
        "parent control_signal": [],
        "client": "a&b=#c",
        "running": {"id": 5, "what": "Picture"},
        "batch": {"labels": 5},
    }
    page.evaluate(
        """values => {
          for (const [name, value] of Object.entries(values)) {
            const [key, text] = [`armature desk /armature ${name}`, JSON.stringify(value)]
            for (const store of [localStorage, sessionStorage]) store.setItem(key, text)
          }
        }""",
        garbage,
    )
    page.goto("about:blank")
    page.goto(f"{server.address}/armature#%")
    status = page.get_by_role("status")
    expect(status).to_contain_text("Control signal is ready. What you changed is back.")
    expect(status).to_contain_text("changes that found no place: 3.")
    expect(page.get_by_label("Prompt", exact=True)).to_have_value("mine")
    expect(page.get_by_label("Project", exact=True)).to_have_value("default")
    graph = {"1": {"class_type": "PreviewAny", "inputs": {"source": "a"}}}
    for tab, name in ((page, "first.json"), (other, "second.json")):
        tab.locator("#own-graph").set_input_files(file_of(name, json.dumps(graph)))
        expect(tab.get_by_role("status")).to_contain_text(f"{name} is ready.")
    third = open_desk(context, server)
    names = third.locator("#graph optgroup option").all_inner_texts()
    assert names == ["second.json", "first.json", "<img src=x onerror=alert(1)>.json"]
    page.goto(f"{server.address}/armature#own:constructor")
    page.reload()
    expect(status).to_contain_text("is ready.")
    assert troubles == []


@pytest.mark.parametrize("how", ["full", "denied"])
def test_a_browser_that_keeps_nothing_is_said_and_the_page_holds_it_until_it_is_left(
    context: BrowserContext, server: RunningServer, how: str
) -> None:
    refusing = {
        "full": "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }",
        "denied": """for (const name of ['localStorage', 'sessionStorage'])
          Object.defineProperty(window, name, { get() { throw new DOMException('no', 'SecurityError') } })""",
    }
    context.add_init_script(refusing[how])
    page = open_desk(context, server)
    page.get_by_label("Prompt", exact=True).fill("a cup")
    expect(page.get_by_role("status")).to_contain_text("This browser keeps nothing for this page")
    page.get_by_label("Your name").fill("Ana")
    page.get_by_label("Project", exact=True).fill("cups")
    page.get_by_label("Project", exact=True).press("Tab")
    page.goto(f"{server.address}/armature#two_loras")  # within the page, as a bookmark goes
    expect(page.get_by_role("status")).to_contain_text("Two LoRAs is ready.")
    page.get_by_label("Graph", exact=True).select_option("control_signal")
    expect(page.get_by_role("status")).to_have_text("Control signal is ready. What you changed is back.")
    with page.expect_request("**/api/prompt") as sent:
        page.get_by_role("button", name="Show the maps").click()
    assert json.loads(sent.value.post_data or "{}")["extra_data"]["armature_by"] == "Ana"
    with page.expect_request("**/api/armature/history?*project=cups*"):
        page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
