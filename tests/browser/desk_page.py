"""The desk in a page of its own, with whatever goes wrong in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from armature_pack.tests.server_fixture import RunningServer
from playwright.sync_api import Browser, Page, expect

REFUSED = "the server responded with a status of 400"  # Chromium logs answers that the page then tells in words


@contextmanager
def open_desk(server: RunningServer, browser: Browser, **options: Any) -> Iterator[Page]:
    """The desk with its first graph; fails on a request to another server and on an error in the page."""
    page = browser.new_page(**{"viewport": {"width": 1400, "height": 1000}, **options})
    ours = (server.address, "data:", "blob:", server.address.replace("http", "ws"))
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: None if request.url.startswith(ours) else troubles.append(request.url))
    page.goto(f"{server.address}/armature")
    expect(page.get_by_role("status")).to_have_text("Control signal is ready.")
    yield page
    page.close()
    assert [one for one in troubles if REFUSED not in one] == []


def choose_graph(page: Page, name: str) -> None:
    """Choose a graph in the desk's list and wait until it is drawn."""
    page.get_by_label("Graph", exact=True).select_option(name)
    expect(page.locator(f"form[data-graph='{name}']")).to_be_visible()
    expect(page.get_by_role("status")).to_contain_text("is ready.")


def queued(page: Page) -> list[dict[str, Any]]:
    """The prompts that the page sends from now on."""
    sent: list[dict[str, Any]] = []
    page.on(
        "request",
        lambda one: sent.append(json.loads(one.post_data or "{}")) if one.url.endswith("/api/prompt") else None,
    )
    return sent


def file_of(name: str, content: bytes | str) -> Any:
    """A file for an input of the page."""
    return {"name": name, "mimeType": "", "buffer": content.encode() if isinstance(content, str) else content}
