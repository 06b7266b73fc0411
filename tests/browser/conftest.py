"""A real browser on the real server: `page` shows ComfyUI's front end with this pack in it.

Both fixtures end with their module: while Playwright runs, nothing else in the process may run an event loop.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest
from armature_pack.tests.browser.front_end import VUE_NODES, open_front_end
from armature_pack.tests.server_fixture import RunningServer
from armature_pack.tools.chromium import HOW, VARIABLE, find_chromium
from playwright.sync_api import Browser, Page, expect, sync_playwright

# Nothing that reaches for the network or waits for a person.
FLAGS = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
)
expect.set_options(timeout=60_000)  # milliseconds; only bounds a hang, for five seconds are little on a busy machine


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Skip the tests of this folder where there is no Chromium, before a fixture starts the server in vain."""
    if not find_chromium():
        how = HOW.get(sys.platform, HOW["linux"])
        pytest.skip(f"No Chromium found. To run the browser tests: {how}, or set {VARIABLE} to its path.")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium with a profile of its own."""
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="module", params=[False, True], ids=["classic", "nodes 2.0"])
def rendering(request: pytest.FixtureRequest, server: RunningServer, browser: Browser) -> Iterator[Page]:
    """The front end in each of its two renderings of nodes, one after the other."""
    page = browser.new_page(viewport={"width": 1600, "height": 1000})
    yield open_front_end(page, server.address, {VUE_NODES: request.param})
    page.request.post(f"{server.address}/api/settings", data={VUE_NODES: False})
    page.close()


@pytest.fixture(scope="module")
def page(server: RunningServer, browser: Browser) -> Page:
    """The front end, ready for use, on an empty graph."""
    return open_front_end(browser.new_page(viewport={"width": 1600, "height": 1000}), server.address)
