"""The desk behind a real nginx, configured as docs/server.md says, with TLS, a password and a path in front of it."""

from __future__ import annotations

import base64
import json
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from armature_pack.tests.nginx import PASSWORD, PROGRAMS, USER, find_program, nginx
from armature_pack.tests.server_fixture import RunningServer
from playwright.sync_api import Browser, expect

pytestmark = [
    pytest.mark.browser,
    pytest.mark.host,
    pytest.mark.skipif(
        not all(map(find_program, PROGRAMS)),
        reason="The proxy's test needs nginx and openssl. On Debian and Ubuntu: apt-get install nginx openssl.",
    ),
]

GRAPH = "01 One control signal"


def status_of(address: str, password: str | None = None, body: bytes | None = None, **headers: str) -> int:
    """The status of the answer; the certificate is the test's own."""
    if password is not None:
        headers["Authorization"] = f"Basic {base64.b64encode(f'{USER}:{password}'.encode()).decode()}"
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
    try:
        request = urllib.request.Request(address, body, headers)
        return urllib.request.urlopen(request, context=trusting, timeout=60).status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_path_and_a_password_before_it(server: RunningServer, browser: Browser, tmp_path: Path) -> None:
    with nginx(tmp_path, server.address, below_a_path=True) as front:
        context = browser.new_context(
            ignore_https_errors=True,
            http_credentials={"username": USER, "password": PASSWORD},
            viewport={"width": 1400, "height": 1000},
        )
        page = context.new_page()
        asked: list[str] = []
        heard: list[dict[str, Any]] = []
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.on("request", lambda one: asked.append(one.url))
        page.on(
            "websocket",
            lambda socket: socket.on(
                "framereceived", lambda frame: heard.append(json.loads(frame)) if isinstance(frame, str) else None
            ),
        )
        page.goto(f"{front}/art/comfy/armature/#{GRAPH}")
        status = page.get_by_role("status")
        expect(status).to_contain_text("is ready.")
        page.get_by_label("Project", exact=True).fill("Behind a proxy")  # whose first row is this test's
        page.get_by_label("Project", exact=True).press("Tab")
        expect(page.locator("#rows li.run")).to_have_count(0)
        page.locator("#settings > summary").click()
        page.get_by_label("Sampler: steps").fill("3")
        page.get_by_role("button", name="Make the picture").click()
        expect(status).to_contain_text("Picture done")
        steps = [one["data"]["value"] for one in heard if one["type"] == "progress" and one["data"]["max"] == 3]
        assert steps == [1, 2, 3], "how far the sampler is comes through the websocket"
        shown = page.get_by_role("region", name="Result").get_by_role("img", name="Save picture")
        thumb = page.locator("#rows li.run").first.get_by_role("img", name="What came of")
        for picture in (shown, thumb):
            expect(picture).to_be_visible()
            assert picture.evaluate("image => image.decode().then(() => image.naturalWidth)") == 128
        page.locator("#rows li.run").first.get_by_role(
            "button", name="Star"
        ).click()  # a route that only our page may use
        expect(page.get_by_role("button", name="★ Starred")).to_be_visible()
        with page.expect_download() as download:
            page.get_by_text("Export the project").click()
        assert download.value.path().stat().st_size > 1000
        editor = page.get_by_role("link", name="Open this graph in ComfyUI")
        assert editor.evaluate("link => link.href").startswith(f"{front}/art/comfy/?template=")
        strays = [one for one in asked if one.startswith("http") and not urlsplit(one).path.startswith("/art/comfy/")]
        assert strays == []
        context.close()
        assert status_of(f"{front}/art/comfy/armature") == 401
        assert status_of(f"{front}/art/comfy", PASSWORD) == 200, "the editor, without its slash"


def test_the_root_with_a_password(server: RunningServer, tmp_path: Path) -> None:
    with nginx(tmp_path, server.address, below_a_path=False) as front:
        assert status_of(f"{front}/armature") == status_of(f"{front}/armature", "wrong") == 401
        assert status_of(f"{front}/armature", PASSWORD) == 200
        for origin, status in ((front, 200), ("https://elsewhere.example", 403)):
            headers = {"Content-Type": "application/json", "Origin": origin}
            take = f"{front}/armature/history/take"
            assert status_of(take, PASSWORD, b'{"project": "proxy"}', **headers) == status
