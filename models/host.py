"""Reaching the host's top-level modules, whose names our own folders share."""

from __future__ import annotations

import importlib
from typing import Any


def host_nodes() -> Any:
    """The host's module `nodes`. Imported by name at run time: a checker would take our own folder for it."""
    return importlib.import_module("nodes")
