"""What programs that look for weaknesses say: bandit of the code, pip-audit of what a private host installs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from armature_pack.tests.registry_tools import needs_registry_tools, shown_at_the_end, tool_result

ROOT = Path(__file__).resolve().parent.parent
PINS = ROOT / "commands" / "private_host" / "requirements.txt"

# Looked at: what bandit says of each place, and why it is none.
KNOWN = {
    (
        "commands/fetch/download.py",
        "B310",
    ): "addresses are the manifest's, or a graph's that begin with https://",
    ("commands/private_host/server.py", "B104"): "0.0.0.0 is compared with, not listened to",
    ("runs/batch/ledger.py", "B608"): "names of columns, from the code; what people give goes in as parameters",
}


@needs_registry_tools
def test_bandit_finds_nothing_new(tmp_path, record_property):
    arguments = ("-q", "-r", ROOT, "-x", f"{ROOT}/tests,{ROOT}/tools", "-f", "json")
    report = json.loads(tool_result("bandit", *arguments, home=tmp_path, cwd=ROOT).stdout)
    assert report["metrics"]["_totals"]["loc"] > 30_000 and not report["errors"]
    found = {
        (Path(one["filename"]).relative_to(ROOT).as_posix(), one["test_id"]): one["issue_text"]
        for one in report["results"]
        if one["issue_severity"] != "LOW"
    }
    assert {place: said for place, said in found.items() if place not in KNOWN} == {}
    shown_at_the_end(record_property, "bandit", f"{len(found)} places that were looked at before")


@needs_registry_tools
def test_no_weakness_is_known_of_what_a_private_host_installs(tmp_path, record_property):
    arguments = ("-r", PINS, "--no-deps", "--disable-pip", "--progress-spinner", "off", "-f", "json")
    result = tool_result("pip-audit", *arguments, home=tmp_path, cwd=tmp_path)
    if not result.stdout.startswith("{"):
        pytest.skip(f"the package index was not reached: {result.stderr[-200:]}")
    packages = json.loads(result.stdout)["dependencies"]
    asked = [one for one in packages if "skip_reason" not in one]
    if not asked:
        pytest.skip("this package index tells of no weaknesses")
    known = {one["name"]: [weakness["id"] for weakness in one["vulns"]] for one in asked if one["vulns"]}
    assert known == {}
    shown_at_the_end(record_property, "pip-audit", f"{len(asked)} of {len(packages)} packages, no weakness known")
