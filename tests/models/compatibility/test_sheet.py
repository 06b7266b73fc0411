"""The team's sheet: standing of each combination, policies, and what makes two combinations the same."""

from __future__ import annotations

import json

import pytest
from armature_pack.models.compatibility.check_prompt import check_prompt
from armature_pack.models.compatibility.combination import combinations
from armature_pack.models.compatibility.facts import Facts
from armature_pack.models.compatibility.node_types import recorded
from armature_pack.models.compatibility.prompt import read_prompt
from armature_pack.models.compatibility.sheet import Entry, SheetError, add_entries, read_sheets
from armature_pack.tests.models.compatibility.graphs import ROOT, controlled, text_to_image
from armature_pack.tests.models.compatibility.schemas import problems

SCHEMA = json.loads((ROOT / "models" / "compatibility" / "sheet.schema.json").read_text(encoding="utf-8"))


def combinations_of(prompt, models):
    return list(combinations(Facts(read_prompt(prompt), models, recorded())))


def record(path, prompt, models, verdict="validated", **more):
    add_entries(path, [Entry(verdict, one, "2026-01-31", **more) for one in combinations_of(prompt, models)])
    return read_sheets([path])


def standing(prompt, models, sheet, policy="report"):
    report = check_prompt(prompt, models, policy=policy, sheet=sheet)
    return [one.standing for one in report.standing], {found.rule for found in report.findings}


def test_a_recorded_combination_is_validated_and_survives_the_file(models, tmp_path):
    sheet = record(tmp_path / "armature.json", controlled(), models, note="client A", adherence=0.91)
    assert standing(controlled(), models, sheet, "validated_only") == (["validated"], set())
    table = json.loads((tmp_path / "armature.json").read_text(encoding="utf-8"))
    assert problems(table, SCHEMA) == [] and table["combinations"][0]["adherence"] == 0.91


def test_settings_outside_the_combination_do_not_matter(models, tmp_path):
    sheet = record(tmp_path / "armature.json", controlled(), models)
    edited = controlled(strength=0.3)
    edited["5"]["inputs"]["seed"] = 99
    assert standing(edited, models, sheet)[0] == ["validated"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda prompt: prompt["10"]["inputs"].update(control_net_name="sd15_openpose.safetensors"), "known_family"),
        (lambda prompt: prompt["12"]["inputs"].update(low_threshold=50), "known_family"),
        (lambda prompt: prompt["12"].update(class_type="HEDPreprocessor"), "unknown"),
        (lambda prompt: prompt["1"]["inputs"].update(ckpt_name="sdxl.safetensors"), "unknown"),
    ],
)
def test_another_part_makes_another_combination(models, tmp_path, change, expected):
    sheet = record(tmp_path / "armature.json", controlled(), models)
    prompt = controlled()
    change(prompt)
    found, rules = standing(prompt, models, sheet, "validated_only")
    assert found == [expected] and "not_validated" in rules


def test_a_refused_combination_warns_and_under_validated_only_fails(models, tmp_path):
    sheet = record(tmp_path / "armature.json", controlled(), models, "refused", note="hands melt")
    report = check_prompt(controlled(), models, sheet=sheet)
    assert report.ok and [(one.rule, one.severity) for one in report.findings] == [("refused_by_team", "warning")]
    assert "hands melt" in report.findings[0].text
    assert not check_prompt(controlled(), models, policy="validated_only", sheet=sheet).ok


def test_the_latest_verdict_counts(models, tmp_path):
    record(tmp_path / "armature.json", controlled(), models)
    sheet = record(tmp_path / "armature.json", controlled(), models, "refused")
    assert standing(controlled(), models, sheet)[0] == ["refused"]


def test_without_a_sheet_only_validated_only_says_anything(models):
    assert standing(text_to_image(), models, None) == ([], set())
    assert standing(text_to_image(), models, None, "validated_only") == (["unknown"], {"not_validated"})


def test_no_sheet_where_none_lies(tmp_path):
    assert read_sheets([tmp_path / "armature.json"]) is None


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"schema": "armature.sheet/9", "combinations": []}', '{"schema": "armature.sheet/1"}', "[" * 9999,
     '{"schema": "armature.sheet/1", "combinations": [{"verdict": "maybe"}]}',
     '{"schema": "armature.sheet/1", "combinations": [{"verdict": "refused", "checkpoint": 3, "date": "x"}]}'],
)  # fmt: skip
def test_a_broken_sheet_is_named(tmp_path, content):
    path = tmp_path / "armature.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SheetError, match=r"armature\.json"):
        read_sheets([path])
