"""Presets on the desk: shipped ones, one's own in another graph, taking back, and profiles."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from armature_pack.tests.browser.axe import violations
from armature_pack.tests.browser.desk_page import choose_graph, file_of, open_desk
from armature_pack.tests.server_fixture import PACK, RunningServer
from playwright.sync_api import Browser, Page, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]


@pytest.fixture(scope="module")
def desk(server: RunningServer, browser: Browser) -> Iterator[Page]:
    with open_desk(server, browser) as page:
        page.locator("#presets > summary").click()
        yield page


def use(desk: Page, name: str) -> None:
    desk.get_by_label("Preset", exact=True).select_option(label=name)
    desk.get_by_role("button", name="Use it").click()


def test_shipped_ones_keep_the_proportions_of_a_graph_and_say_what_they_changed(desk: Page) -> None:
    choose_graph(desk, "three_signals")
    status = desk.get_by_role("status")
    use(desk, "Follow closely")
    expect(status).to_contain_text("Follow closely: set.")
    expect(status).to_contain_text("weight 0.4 → 0.5, ends at 60% → 100%.")
    weights = [
        float(one)
        for one in desk.locator("#weights input[type=number]").evaluate_all("all => all.map(one => one.value)")
    ]
    assert sorted(weights) == [0.5, 0.625, 0.75]
    use(desk, "Follow closely")  # it starts from what the graph came with
    expect(status).to_have_text("Follow closely: nothing changes.")
    use(desk, "Fade out")
    expect(status).to_contain_text("curve none → “0 1, 1 0”")
    use(desk, "Balanced")
    expect(desk.get_by_role("button", name="Start over")).to_be_hidden()
    use(desk, "Loose")
    desk.get_by_role("button", name="Undo the preset").click()
    expect(status).to_have_text("Loose is taken back.")
    expect(desk.get_by_label("Preset", exact=True)).to_be_focused()
    assert "Style first" not in desk.locator("#preset").inner_text()


def test_taking_back_belongs_to_the_preset_before_it_and_keeps_what_was_set_since(desk: Page) -> None:
    choose_graph(desk, "ip_adapter_depth_lora")
    choose_graph(desk, "three_signals")
    status, undo = desk.get_by_role("status"), desk.get_by_role("button", name="Undo the preset")
    expect(undo).to_be_hidden()
    weights = desk.locator("#weights input[type=number]")

    def values() -> list[str]:
        return [str(one) for one in weights.evaluate_all("all => all.map(one => one.value)")]

    came = values()
    desk.get_by_label("Preset", exact=True).select_option(label="Follow closely")
    # Nobody waits: each click comes before the answer to the one before.
    desk.evaluate("""async () => {
        const press = (name) => [...document.querySelectorAll("button")].find((one) => one.textContent === name).click();
        press("Use it");
        await Promise.resolve();
        const list = document.getElementById("preset");
        list.value = "Loose";
        press("Use it");
        document.getElementById("undo-preset").click();
        document.getElementById("undo-preset").click();
    }""")
    expect(status).to_have_text("Loose is taken back.")
    assert values() != came
    use(desk, "Loose")
    expect(status).to_contain_text("Loose: set.")
    weights.first.fill("0.12")
    set_now = values()
    undo.click()
    expect(status).to_have_text("Loose is taken back, but for what you changed since.")
    assert values()[0] == "0.12" and values()[1:] != set_now[1:]
    use(desk, "Balanced")
    expect(undo).to_be_visible()
    choose_graph(desk, "ip_adapter_depth_lora")
    expect(undo).to_be_hidden()


def test_ones_own_is_saved_used_in_another_graph_renamed_and_deleted(desk: Page) -> None:
    choose_graph(desk, "three_signals")
    status, name = desk.get_by_role("status"), desk.get_by_label("Name", exact=True)
    name.fill("../up")
    name.press("Enter")
    expect(status).to_contain_text("'../up' cannot be a preset's name.")
    desk.locator("#weights input[type=number]").first.fill("0.33")
    name.fill("Soft one")
    name.press("Enter")
    expect(status).to_have_text("Soft one is saved.")
    expect(desk.get_by_label("Preset", exact=True)).to_have_value("saved:Soft one")
    choose_graph(desk, "ip_adapter_depth_lora")
    use(desk, "Soft one")
    expect(status).to_contain_text("weight 0.8 → 0.33")
    expect(status).to_contain_text("Not in this graph: ")
    expect(status).to_contain_text("Left as it is: ")
    name.fill("Softer")
    desk.get_by_role("button", name="Rename it").click()
    expect(status).to_have_text("Soft one is called Softer now.")
    desk.get_by_role("button", name="Delete it").click()
    expect(status).to_have_text("Softer is deleted.")
    expect(desk.get_by_role("button", name="Undo deleting")).to_be_focused()
    desk.keyboard.press("Enter")
    expect(status).to_have_text("Softer is back.")
    use(desk, "Softer")
    for scheme in ("light", "dark"):
        desk.emulate_media(color_scheme=scheme)
        assert violations(desk) == []


def one_signal() -> dict[str, Any]:
    """A shipped graph without a Profile node."""
    graph: dict[str, Any] = json.loads(
        (PACK / "workflows" / "api" / "01 One control signal.json").read_text(encoding="utf-8")
    )
    return graph


def test_a_profile_is_chosen(desk: Page) -> None:
    graph = one_signal()
    graph["30"] = {"class_type": "ArmatureProfile", "inputs": {"profile": "balanced"}, "_meta": {"title": "Profile"}}
    graph["11"]["inputs"]["savings"] = ["30", 0]
    graph["13"]["inputs"]["steps"] = ["30", 1]
    desk.locator("#own-graph").set_input_files(file_of("profiled.json", json.dumps(graph)))
    expect(desk.get_by_role("status")).to_have_text("profiled.json is ready.")
    desk.get_by_label("Profile", exact=True).select_option("fast")
    with desk.expect_request("**/api/prompt") as sent:
        desk.get_by_role("button", name="Make the picture").click()
    assert json.loads(sent.value.post_data or "{}")["prompt"]["30"]["inputs"]["profile"] == "fast"
    expect(desk.get_by_role("status")).to_contain_text("Picture done")


def test_a_graph_without_a_profile_takes_one_and_gives_it_back(desk: Page) -> None:
    graph = one_signal()
    graph["13"]["inputs"]["steps"] = 14
    desk.locator("#own-graph").set_input_files(file_of("plain.json", json.dumps(graph)))
    expect(desk.get_by_role("status")).to_have_text("plain.json is ready.")
    profile, steps = desk.get_by_label("Profile", exact=True), desk.get_by_label(re.compile(": steps$"))
    expect(profile).to_have_value("")
    expect(steps).to_have_count(1)
    profile.select_option("fast")
    expect(steps).to_have_count(0)  # it comes from the profile now
    desk.reload()
    expect(profile).to_have_value("fast")
    profile.select_option("high_fidelity")
    with desk.expect_request("**/api/prompt") as sent:
        desk.get_by_role("button", name="Make the picture").click()
    prompt = json.loads(sent.value.post_data or "{}")["prompt"]
    assert prompt["desk_profile"]["inputs"] == {"profile": "high_fidelity"}
    assert prompt["11"]["inputs"]["savings"] == ["desk_profile", 0]
    sampler = prompt["13"]["inputs"]
    assert [sampler[name][1] for name in ("steps", "sampler_name", "scheduler")] == [1, 2, 3]
    desk.locator("#cancel").click()
    profile.select_option("")
    expect(steps).to_have_value(str(graph["13"]["inputs"]["steps"]))
    expect(desk.get_by_role("button", name="Start over")).to_be_hidden()  # all is as it came
    graph["13"]["inputs"]["steps"] = 8  # as a distilled model has it: its sampling stays
    desk.locator("#own-graph").set_input_files(file_of("distilled.json", json.dumps(graph)))
    expect(desk.get_by_role("status")).to_have_text("distilled.json is ready.")
    profile.select_option("fast")
    expect(desk.get_by_role("button", name="Undo", exact=True)).to_be_visible()
    expect(steps).to_have_value("8")
