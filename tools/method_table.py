"""What the registry says of weights, as the table that `fetch` reads with any Python (commands/fetch/manifest.py)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from ..preprocessors.entry import Preprocessor
from ..preprocessors.model_files import ModelFile


def method_table(entries: Iterable[Preprocessor]) -> str:
    """JSON: method -> its node and its files, of the methods that need files."""
    table = {
        entry.method: {"node": entry.node_id, "files": [_without_defaults(file) for file in entry.files]}
        for entry in entries
        if entry.files
    }
    return json.dumps(table, indent=1, ensure_ascii=False) + "\n"


def _without_defaults(file: ModelFile) -> dict[str, Any]:
    values = {field.name: (getattr(file, field.name), field.default) for field in fields(file)}
    return {name: value for name, (value, default) in values.items() if value != default}
