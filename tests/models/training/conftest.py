"""These tests run as the host runs its nodes, on a generated checkpoint of a few blocks and pictures that are drawn here."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from armature_pack.tests.inference_mode import inference_mode  # noqa: F401

HERE = Path(__file__).parent
sys.path += [str(HERE), str(HERE.parent / "ip_adapter")]


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Input, output and control folders of the host that are a test's own; this is their parent."""
    from small import own_folders

    return own_folders(tmp_path, monkeypatch)
