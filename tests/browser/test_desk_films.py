"""Films on the desk: shown, downloaded and dragged out as what they are, kept in the history and shown there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from armature_pack.tests.browser.desk_page import file_of, open_desk
from armature_pack.tests.server_fixture import RunningServer
from playwright.sync_api import Browser, Locator, expect

pytestmark = [pytest.mark.browser, pytest.mark.host]

GRAPH: dict[str, Any] = {
    "1": {"class_type": "ArmatureExamplePicture", "inputs": {"name": "still_life"}},
    "2": {
        "class_type": "ImageScale",
        "inputs": {"image": ["1", 0], "upscale_method": "area", "width": 64, "height": 64, "crop": "center"},
    },
    "3": {"class_type": "RepeatImageBatch", "inputs": {"image": ["2", 0], "amount": 4}},
    "4": {
        "class_type": "SaveWEBM",
        "inputs": {"images": ["3", 0], "filename_prefix": "film", "codec": "vp9", "fps": 4, "crf": 40},
        "_meta": {"title": "The film"},
    },
    "5": {
        "class_type": "SaveImage",
        "inputs": {"images": ["2", 0], "filename_prefix": "still"},
        "_meta": {"title": "Still"},
    },
}
DRAGGED = """(one) => {
  const data = new DataTransfer()
  one.dispatchEvent(new DragEvent('dragstart', { bubbles: true, cancelable: true, dataTransfer: data }))
  return data.getData('DownloadURL')
}"""

WIDTH = """(one) => new Promise((done) => {
  const told = () => done(one.videoWidth)
  if (one.readyState > 0) told()
  else one.onloadedmetadata = told
})"""


def dragged(part: Locator) -> str:
    """What the browser would write where it is dropped: type, name and address."""
    told: str = part.evaluate(DRAGGED)
    return told


def test_a_film_is_shown_downloaded_dragged_and_kept(server: RunningServer, browser: Browser) -> None:
    with open_desk(server, browser) as desk:
        desk.get_by_label("Project", exact=True).fill("Films")
        desk.get_by_label("Project", exact=True).press("Tab")
        desk.locator("#own-graph").set_input_files(file_of("film.json", json.dumps(GRAPH)))
        expect(desk.get_by_role("status")).to_have_text("film.json is ready.")
        desk.get_by_role("button", name="Make the picture").click()
        expect(desk.get_by_role("status")).to_contain_text("done")
        film, still = (
            desk.locator("#result figure").filter(has_text="The film"),
            desk.locator("#result figure").filter(has_text="Still"),
        )
        video = film.locator("video")
        assert video.evaluate(WIDTH) == 64
        source = video.get_attribute("src") or ""
        with desk.expect_download() as loaded:
            film.get_by_role("link", name="Download").click()
        assert loaded.value.suggested_filename.endswith(".webm")
        kind, name, address = dragged(film.locator("figcaption a")).split(":", 2)
        assert kind == "video/webm" and name == loaded.value.suggested_filename and address.endswith(source)
        kind, name, address = dragged(still.locator("img")).split(":", 2)
        assert kind == "image/png" and name.endswith(".png") and address.startswith(server.address)
        row = desk.locator("#rows li.run").first
        expect(row).to_be_visible()
        seen = row.locator("img, video").first
        expect(seen).to_be_visible()
        row.get_by_role("button", name="Restore").click()
        expect(desk.get_by_role("status")).to_contain_text("set")
