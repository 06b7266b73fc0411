"""The part of JSON Schema that our schemas use."""

from __future__ import annotations

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "number": (int, float),
    "integer": (int,),
}


def problems(value: Any, schema: dict[str, Any], root: dict[str, Any] | None = None, at: str = "$") -> list[str]:
    """Where a value does not fit a schema; empty when it does."""
    root = root or schema
    if "$ref" in schema:
        part: Any = root
        for name in schema["$ref"].removeprefix("#/").split("/"):
            part = part[name]
        return problems(value, part, root, at)
    if "anyOf" in schema:
        fits = any(not problems(value, one, root, at) for one in schema["anyOf"])
        return [] if fits else [f"{at}: none of the choices"]
    found = [] if _typed(value, schema.get("type")) else [f"{at}: {value!r} is no {schema['type']}"]
    found += [f"{at}: {value!r}"] if "const" in schema and value != schema["const"] else []
    found += [f"{at}: {value!r}"] if "enum" in schema and value not in schema["enum"] else []
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{at}: {value!r} against {schema['pattern']}")
    if isinstance(value, (int, float)):
        low, high = schema.get("minimum", value), schema.get("maximum", value)
        found += [] if low <= value <= high else [f"{at}: {value} out of range"]
    if isinstance(value, list):
        found += [f"{at}: too many"] if len(value) > schema.get("maxItems", len(value)) else []
        for number, one in enumerate(value):
            found += problems(one, schema.get("items", {}), root, f"{at}[{number}]")
    if isinstance(value, dict):
        found += _object(value, schema, root, at)
    return found


def _typed(value: Any, kinds: Any) -> bool:
    if kinds is None:
        return True
    names = [kinds] if isinstance(kinds, str) else kinds
    return any(
        isinstance(value, _TYPES[name]) and not (isinstance(value, bool) and name in ("number", "integer"))
        for name in names
    )


def _object(value: dict[str, Any], schema: dict[str, Any], root: dict[str, Any], at: str) -> list[str]:
    known = schema.get("properties", {})
    found = [f"{at}: {name} is missing" for name in schema.get("required", []) if name not in value]
    if schema.get("additionalProperties") is False:
        found += [f"{at}: {name} is not known" for name in value if name not in known]
    for name, one in value.items():
        found += problems(one, known.get(name, {}), root, f"{at}.{name}")
    return found
