"""The demo's model files in the cache: made once, others removed only when nobody uses them."""

from __future__ import annotations

import os
import threading
import time

import pytest
from armature_pack.commands.demo.weights import written_models
from armature_pack.common.file_lock import locked
from armature_pack.models.demo import export


@pytest.fixture(autouse=True)
def nothing_to_write(monkeypatch):
    """The files themselves take long, and other tests write them."""
    monkeypatch.setattr(export, "FILES", ())


def test_another_version_goes_only_after_a_day_without_use(tmp_path):
    now, hour = time.time(), 3600
    for name, age in (("recent", 2 * hour), ("old", 25 * hour)):
        (tmp_path / name).mkdir()
        os.utime(tmp_path / name, (now - age, now - age))
    base = written_models(tmp_path)
    assert {path for path in tmp_path.iterdir() if path.is_dir()} == {base, tmp_path / "recent"}


def test_use_keeps_a_version(tmp_path):
    base = written_models(tmp_path)
    os.utime(base, (0, 0))
    assert written_models(tmp_path) == base and base.stat().st_mtime > time.time() - 60


def test_two_demos_do_not_write_at_once(tmp_path, capsys):
    with locked(tmp_path / "lock", lambda: None):
        other = threading.Thread(target=written_models, args=(tmp_path,))
        other.start()
        told, deadline = "", time.monotonic() + 120  # only bounds a hang
        while "Another demo" not in told and time.monotonic() < deadline:
            other.join(0.05)
            told += capsys.readouterr().out
        assert "Another demo" in told and other.is_alive()
    other.join(120)
    assert not other.is_alive()
