"""Sharing the files among processes: those that need the server stay on the first, so that one server is enough.

When a process has nothing of its own kind left, it takes what the other would run next: both work to the end.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
_TAKES_SERVER = re.compile(r"^pytestmark = .*mark\.browser|def \w+\([^)]*\bserver\b", re.MULTILINE)


@cache
def _needs_server(file: str) -> bool:
    return bool(_TAKES_SERVER.search((ROOT / file).read_text(encoding="utf-8")))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A hook of pytest-xdist: whole files, in the order of collection, the server's ones to the first process."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ServerOnFirst(LoadFileScheduling):
        def _assign_work_unit(self, node: Any) -> None:
            first = node is next(iter(self.assigned_work), node)
            fitting = (file for file in self.workqueue if _needs_server(file) == first)
            self.workqueue.move_to_end(next(fitting, next(iter(self.workqueue))), last=False)
            super()._assign_work_unit(node)

    return ServerOnFirst(config, log)
