"""What `diff` and `replay` print of records that come from anybody."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from armature_pack.commands.recorded_runs import run_diff
from armature_pack.tests.runs.record.test_record import RECORD, changed


def test_words_of_a_record_do_nothing_to_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[2J\x9b1A\0"
    prompt = {**RECORD["prompt"]}
    prompt["4"] = {**prompt["4"], "_meta": {"title": evil}, "inputs": {"images": ["9", 0], evil: 1}}
    prompt["9"] = {"class_type": evil, "inputs": {}, "_meta": {"title": evil}}
    records = {"a": changed(), "b": changed(prompt=prompt, versions={evil: evil}), "c": changed(schema=f"x{evil}")}
    for name, record in records.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(record), encoding="utf-8")
    first, second, broken = (tmp_path / f"{name}.json" for name in records)
    assert run_diff(argparse.Namespace(first=first, second=second, out=None)) == 1
    assert run_diff(argparse.Namespace(first=first, second=broken, out=None)) == 2
    told = capsys.readouterr()
    assert "second graph only" in told.out and told.err
    assert not set(told.out + told.err) & set(evil.replace("[2J", "").replace("1A", ""))
