"""The desk at work, as docs/server.md shows it: a picture with its maps, a batch of seeds, and the history of both."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from ..commands.terminal import Problem
from .chromium import ensure_chromium
from .thumbnails import demo_server

GRAPH, PROJECT = "02 Three control signals", "Still life"
BATCH = 4
WAIT = 900_000  # milliseconds; only bounds a hang


def draw_desk(path: Path) -> None:
    """Run a graph of the pack on the desk, and four of its seeds, and keep what the page shows. Raises Problem."""
    from PIL import Image

    chromium = ensure_chromium()
    if not chromium:
        raise Problem("Chromium is needed to draw the desk")
    from playwright.sync_api import expect, sync_playwright

    with demo_server() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--disable-gpu"])
        page = browser.new_page(viewport={"width": 1600, "height": 1200})
        page.goto(f"{address}/armature#{GRAPH}")
        status = page.get_by_role("status")
        expect(status).to_contain_text("is ready.", timeout=WAIT)
        page.get_by_label("Project", exact=True).fill(PROJECT)
        page.get_by_label("Project", exact=True).press("Tab")
        page.get_by_role("button", name="Make the picture").click()
        expect(status).to_contain_text("Picture done", timeout=WAIT)
        page.locator("#batch > summary").click()
        page.get_by_label("How many").fill(str(BATCH))
        page.get_by_role("button", name="Make them all").click()
        expect(page.get_by_role("region", name="History").locator("#rows li.run")).to_have_count(
            BATCH + 1, timeout=WAIT
        )
        page.wait_for_timeout(1500)  # the last small pictures are read
        page.evaluate("for (const one of document.querySelectorAll('*')) one.scrollTop = 0")
        shot = Image.open(BytesIO(page.screenshot())).convert("RGB")
        browser.close()
    shot.save(path, quality=85, optimize=True)
