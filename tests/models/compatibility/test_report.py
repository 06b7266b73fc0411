"""The report as JSON by its schema, as text, and the repaired copy."""

from __future__ import annotations

import copy
import json

import pytest
from armature_pack.models.compatibility.repair import repair
from armature_pack.tests.models.compatibility import test_rules
from armature_pack.tests.models.compatibility.graphs import (
    ROOT,
    check,
    controlled,
    rules_of,
    text_to_image,
    with_ip_adapter,
    with_lora,
)
from armature_pack.tests.models.compatibility.schemas import problems

SCHEMA = json.loads((ROOT / "models" / "compatibility" / "report.schema.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("prompt", [prompt for *_, prompt in test_rules.SPEAKS], ids=range(len(test_rules.SPEAKS)))
def test_every_report_fits_its_schema(models, prompt):
    report = json.loads(json.dumps(check(prompt, models).as_json()))
    assert problems(report, SCHEMA) == []


def test_the_schema_is_no_rubber_stamp(models):
    report = check(controlled("sdxl.safetensors"), models).as_json()
    assert problems(report | {"more": 1}, SCHEMA) and problems(report | {"ok": "yes"}, SCHEMA)
    del report["counts"]
    assert problems(report, SCHEMA)


def test_the_text_names_what_fits_and_every_file(models):
    text = check(controlled("sdxl.safetensors"), models).as_text()
    assert text.startswith("Parts of this graph do not fit together: 1 error")
    assert "Files of yours that fit: sdxl_canny.safetensors" in text
    assert "sdxl.safetensors: SDXL checkpoint" in text


def test_findings_stand_most_severe_first(models):
    prompt = with_lora(controlled("sdxl.safetensors", strength=0), "sd15_style.safetensors")
    severities = [found.severity for found in check(prompt, models).findings]
    assert severities == sorted(severities, key=["error", "warning", "hint", "unknown"].index)


REPAIRABLE = [
    controlled("sdxl.safetensors"),
    with_lora(text_to_image("sdxl.safetensors", 1024), "sd15_style.safetensors"),
    with_ip_adapter(text_to_image(), "sd15_plus.safetensors", "vit_bigg.safetensors"),
    controlled(start_percent=0.8, end_percent=0.2),
    test_rules.UNION_SET,
]


@pytest.mark.parametrize("prompt", REPAIRABLE, ids=range(len(REPAIRABLE)))
def test_a_repaired_copy_has_nothing_left_to_repair(models, prompt):
    before = copy.deepcopy(prompt)
    report = check(prompt, models)
    repaired = repair(prompt, report.findings)
    assert prompt == before and repaired.changes
    assert rules_of(check(repaired.prompt, models)) <= {"trigger_word"}


def test_nothing_is_changed_where_a_person_has_to_decide(models):
    prompt = test_rules.FLUX_CONTROLLED
    repaired = repair({"prompt": prompt}, check(prompt, models).findings)
    assert repaired.prompt == prompt and repaired.changes == ()
