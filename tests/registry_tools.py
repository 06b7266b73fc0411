"""The programs of tools/registry_archive.py, as tests run them: without a network, leaving nothing in the user's folders."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ..commands.private_host.workshop import clean_environment
from ..tools.registry_archive import VARIABLE

PROPERTY = "registry tool"
BIN = os.environ.get(VARIABLE, "")

needs_registry_tools = pytest.mark.skipif(
    not BIN, reason=f"the registry's tools are not here; `armature.py test` installs them and sets {VARIABLE}"
)


def run_tool(name: str, *arguments: str | Path, home: Path, cwd: Path, timeout: float = 120) -> str:
    """What the program prints; fails the test, with all of its words, when it does not end well."""
    result = tool_result(name, *arguments, home=home, cwd=cwd, timeout=timeout)
    assert result.returncode == 0, f"{name} {arguments}: {result.stdout}{result.stderr}"
    return result.stdout


def tool_result(
    name: str, *arguments: str | Path, home: Path, cwd: Path, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """A program's outcome. `home` stands for the user's own folder."""
    program = shutil.which(name, path=BIN)
    assert program, f"{name} is not in {BIN}"
    command = [program, *map(str, arguments)]
    return subprocess.run(
        command,
        cwd=cwd,
        env=environment(home),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout,
        check=False,
    )


def shown_at_the_end(record_property: Callable[[str, object], None], package: str, result: str) -> None:
    """Have the test run print a tool's name, version and result at its end."""
    record_property(PROPERTY, f"{package} {_version(package)}, {result}")


@cache
def _version(package: str) -> str:
    code = f"from importlib.metadata import version; print(version({package!r}))"
    program = shutil.which("python", path=BIN)
    assert program, f"python is not in {BIN}"
    return subprocess.run([program, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the registry's tools said, for those who read the log of a run. tests/conftest.py makes it a hook."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    lines = [
        f"{report.outcome.upper()} {words}"
        for report in reports
        for name, words in report.user_properties
        if name == PROPERTY and report.when == "call"
    ]
    if lines:
        terminalreporter.section("the registry's tools")
        for line in sorted(lines, key=lambda line: line.partition(" ")[2]):
            terminalreporter.line(line)


def environment(home: Path) -> Mapping[str, str]:
    """Variables that keep the tools to themselves: no usage reports, no look-ups, no settings of the user."""
    quiet = {"DO_NOT_TRACK": "1", "COMFY_CLI_NO_REMOTE_REFRESH": "1", "COMFY_NO_WATCH": "1", "PYTHONUTF8": "1"}
    homes = ("HOME", "USERPROFILE", "APPDATA", "LOCALAPPDATA", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")
    return {**clean_environment(), **dict.fromkeys(homes, str(home)), **quiet, "COLUMNS": "200"}
