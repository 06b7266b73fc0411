"""Descriptions of nodes as servers and packs may give them: what is in no form of the host's is a node that is not known."""

from __future__ import annotations

import json
import random
import time
from typing import Any

from armature_pack.models.compatibility.node_types import described, from_table
from armature_pack.tests.runs.answering import spoilt

ROWS: dict[str, Any] = {"input": {"required": {"one": ["IMAGE", {}]}}, "min": 2, "max": 8, "prefix": "row"}
CHOICES = [{"key": "a", "inputs": {"required": {"x": ["INT", {"default": 1}], "m": ["MASK", {}]}}}, {"key": "b"}]
NODE: dict[str, Any] = {
    "input": {
        "required": {
            "seed": ["INT", {"default": 0, "control_after_generate": True}],
            "name": [["a", "b"], {"image_upload": True}],
            "choice": ["COMFY_DYNAMICCOMBO_V3", {"options": CHOICES}],
            "rows": ["COMFY_AUTOGROW_V3", {"template": ROWS}],
            "any": ["COMFY_MATCHTYPE_V3", {"template": {"allowed_types": "IMAGE,MASK"}}],
        },
        "optional": {"text": ["STRING", {"dynamicPrompts": True}], "on": ["BOOLEAN", {"default": True}]},
    },
    "input_order": {"required": ["seed", "name", "choice", "rows", "any"], "optional": ["text", "on"]},
    "output": ["IMAGE", "COMFY_MATCHTYPE_V3"],
}


def test_any_description() -> None:
    chance, known = random.Random(9), 0
    assert described("Node", NODE) is not None
    for _ in range(2000):
        table = json.loads(spoilt(json.dumps({"Node": NODE}).encode(), chance))
        found = from_table(table)("Node") if isinstance(table, dict) else None
        known += found is not None
    assert 1000 < known < 2000


def test_rows_without_end() -> None:
    begun = time.monotonic()
    rows = {**ROWS, "min": 10**9, "max": 10**9}
    assert described("Node", {"input": {"required": {"rows": ["COMFY_AUTOGROW_V3", {"template": rows}]}}}) is not None
    assert time.monotonic() - begun < 5
