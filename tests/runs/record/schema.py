"""The few words of JSON Schema that record.schema.json uses, checked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SCHEMA = json.loads(
    (Path(__file__).resolve().parents[3] / "runs" / "record" / "record.schema.json").read_text(encoding="utf-8")
)
KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "null": (type(None),),
}
WORDS = {
    "$schema",
    "$id",
    "title",
    "type",
    "required",
    "properties",
    "items",
    "const",
    "description",
    "additionalProperties",
}


def check(value: Any, schema: dict[str, Any] = SCHEMA, place: str = "record") -> None:
    """AssertionError, with the place, where `value` does not follow the schema."""
    assert set(schema) <= WORDS, f"{place}: the schema uses words that this check does not know"
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    assert not kinds or isinstance(value, tuple(kind for name in kinds for kind in KINDS[name])), place
    assert "const" not in schema or value == schema["const"], place
    if isinstance(value, dict):
        assert set(schema.get("required", ())) <= set(value), place
        for name, one in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
            if inner is not None:
                check(one, inner, f"{place}.{name}")
    if isinstance(value, list) and "items" in schema:
        for index, one in enumerate(value):
            check(one, schema["items"], f"{place}[{index}]")
