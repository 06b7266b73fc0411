"""Relative imports of a folder of Python files that lead nowhere, found without running any of them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path


def missing_imports(root: Path) -> list[str]:
    """'file:line: import' of each relative import whose module is not among the files."""
    return [
        f"{file.relative_to(root).as_posix()}:{node.lineno}: {ast.unparse(node)}"
        for file in sorted(root.rglob("*.py"))
        for node in _relative_imports(file)
        if not _is_there(file, node)
    ]


def _relative_imports(file: Path) -> Iterator[ast.ImportFrom]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node


def _is_there(file: Path, node: ast.ImportFrom) -> bool:
    target = file.parents[node.level - 1].joinpath(*(node.module or "").split("."))
    if target.with_name(f"{target.name}.py").is_file() and node.module:
        return True
    if not target.is_dir():
        return False
    defined = _names(target / "__init__.py")
    return all(
        name.name in defined or (target / name.name).is_dir() or (target / f"{name.name}.py").is_file()
        for name in node.names
    )


def _names(file: Path) -> set[str]:
    """What a package's own module defines or imports."""
    if not file.is_file():
        return set()
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
    return found
