"""Keeping the example graphs of a version."""

from __future__ import annotations

import json

import pytest
from armature_pack.commands.terminal import Problem
from armature_pack.tools.commands import examples


def test_a_kept_graph_says_what_the_shipped_one_says(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(examples, "FRONT_DOOR", tmp_path / "armature.py")
    examples.keep(["control_signal"], tmp_path / "tests" / "graphs" / "9.9.9")
    for part in ("control_signal.json", "api/control_signal.json"):
        kept = (tmp_path / "tests" / "graphs" / "9.9.9" / part).read_bytes()
        shipped = (examples.WORKFLOWS / part).read_bytes()
        assert json.loads(kept) == json.loads(shipped) and len(kept) < len(shipped)
    assert "tests/graphs/9.9.9" in capsys.readouterr().out


def test_an_unknown_graph_is_named(tmp_path):
    with pytest.raises(Problem, match=r"no workflows/nope\.json"):
        examples.keep(["nope"], tmp_path)


def test_the_version_is_that_of_the_project():
    assert examples.version().count(".") == 2
