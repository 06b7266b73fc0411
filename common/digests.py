"""SHA-256 in hexadecimal: of bytes, texts, values and files."""

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

_BLOCK = 1 << 20


def sha256(content: bytes | str) -> str:
    """Of bytes, or of a text in UTF-8."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def sha256_of_json(value: Any) -> str:
    """Of a value as JSON, whatever the order of its keys; what JSON cannot hold counts as its text."""
    return sha256(json.dumps(value, sort_keys=True, default=str))


def sha256_of_file(path: Path) -> str:
    """Of a file of any size. Raises OSError when it cannot be read."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def sha256_of_files(paths: Iterable[Path]) -> str:
    """Of the names and contents of small files, in the order given."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
