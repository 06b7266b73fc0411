"""Opening ComfyUI's front end in a page, ready for use."""

from __future__ import annotations

from playwright.sync_api import Page

START_TIMEOUT = 120_000  # milliseconds; the front end is 600 files, on a slow machine with a cold cache
READY = """
!!(window.app?.vueAppReady && window.app.extensionManager?.workflow?.activeWorkflow
   && window.LiteGraph?.registered_node_types?.ArmatureControlMap)
"""


def open_front_end(page: Page, address: str) -> Page:
    """Go to a server and wait for its editor, on an empty graph."""
    # A first start would greet the new user with a dialog over the canvas.
    page.request.post(f"{address}/api/settings", data={"Comfy.TutorialCompleted": True})
    page.goto(address)
    page.wait_for_function(READY, timeout=START_TIMEOUT)
    page.evaluate("app.graph.clear()")
    return page
