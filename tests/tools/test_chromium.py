"""Finding a browser, and what happens without one."""

from __future__ import annotations

import sys

import pytest
from armature_pack.tools import chromium


@pytest.fixture(autouse=True)
def no_browser(monkeypatch, tmp_path):
    monkeypatch.delenv("ARMATURE_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(chromium, "_usual_places", list)
    monkeypatch.setenv("ARMATURE_CACHE", str(tmp_path / "cache"))


def program(tmp_path, name: str, script: str = "exit 0"):
    path = tmp_path / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_the_variable_decides(monkeypatch):
    monkeypatch.setenv("ARMATURE_CHROMIUM", "/my/chrome")
    assert chromium.ensure_chromium() == "/my/chrome"
    monkeypatch.setenv("ARMATURE_CHROMIUM", "")
    assert chromium.ensure_chromium() == ""


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
def test_found_on_the_path(tmp_path):
    path = program(tmp_path, "google-chrome")
    assert chromium.ensure_chromium() == str(path)


def test_none_says_how_to_get_it(capsys, monkeypatch):
    monkeypatch.setattr(chromium, "_can_use_apt", lambda: False)
    assert chromium.ensure_chromium() == ""
    told = capsys.readouterr().err
    assert "browser tests are skipped" in told and "ARMATURE_CHROMIUM" in told


@pytest.mark.skipif(sys.platform != "linux", reason="apt-get is for Linux")
@pytest.mark.parametrize("works", [True, False])
def test_apt(tmp_path, monkeypatch, capsys, works):
    script = f"echo '#!/bin/sh' > {tmp_path}/chromium; /bin/chmod +x {tmp_path}/chromium"
    program(tmp_path, "apt-get", script if works else "echo E: Unable to locate package; exit 100")
    monkeypatch.setattr(chromium.os, "geteuid", lambda: 0)
    found = chromium.ensure_chromium()
    output = capsys.readouterr()
    if works:
        assert found == str(tmp_path / "chromium") and "[2/2] Installing Chromium" in output.out
    else:
        assert found == "" and "apt-get update" in output.err and "exit status 100" in output.err
