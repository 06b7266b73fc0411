"""The lock between processes: released by a death, kept by a child that inherits it."""

from __future__ import annotations

import subprocess
import sys

import pytest
from armature_pack.common.file_lock import locked


def refuse() -> None:
    raise BlockingIOError


def test_excludes_and_releases(tmp_path):
    file = tmp_path / "sub" / "a.lock"
    with locked(file, refuse):
        with pytest.raises(BlockingIOError), locked(file, refuse):
            pass
        with locked(tmp_path / "b.lock", refuse):
            pass
    with locked(file, refuse):
        pass


@pytest.mark.skipif(sys.platform == "win32", reason="descriptors are not inherited there")
def test_child_keeps_it(tmp_path):
    file = tmp_path / "a.lock"
    with locked(file, refuse) as descriptor:
        child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=(descriptor,))
    with pytest.raises(BlockingIOError), locked(file, refuse):
        pass
    child.communicate(b"\n")
    with locked(file, refuse):
        pass
