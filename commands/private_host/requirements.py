"""Reading requirements.txt, the one file of pins, and putting it together with what a ComfyUI release asks for."""

import re
from dataclasses import dataclass
from pathlib import Path

from ..terminal import Problem

FILE = Path(__file__).with_name("requirements.txt")
TORCH, HOST, OLDER_HOSTS, TEST = "torch", "host", "older hosts", "test"


def section(name: str, text: str | None = None) -> tuple[str, ...]:
    """The requirement lines under the heading `# [name]`."""
    lines: list[str] = []
    current = ""
    for line in (text or FILE.read_text(encoding="utf-8")).splitlines():
        heading = re.match(r"# \[(.+?)\]", line)
        if heading:
            current = heading[1]
        elif current == name and line and not line.startswith("#"):
            lines.append(line)
    return tuple(lines)


def pin(name: str) -> str:
    """The one pin of a package, like 'torch==2.13.0'."""
    return next(line for line in section(TORCH) if package_of(line) == name)


def package_of(line: str) -> str:
    """The normalised package name of a requirement line: 'comfyui_frontend.package>=1' -> 'comfyui-frontend-package'."""
    match = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line.strip())
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""


@dataclass(frozen=True)
class Plan:
    """What a host gets besides torch: `ours` (our pins) and `exact` (the pins in the release's own requirements)."""

    ours: tuple[str, ...]
    exact: tuple[str, ...]


def plan(host_requirements: str) -> Plan:
    """Divide the text of a release's requirements.txt. Problem if it names a package that nobody pins."""
    wanted = [line.split("#")[0].strip() for line in host_requirements.splitlines()]
    wanted = [line for line in wanted if package_of(line)]
    exact = tuple(line for line in wanted if "==" in line)
    taken = {package_of(line) for line in exact}
    asked = {package_of(line) for line in wanted}
    older = tuple(line for line in section(OLDER_HOSTS) if package_of(line) in asked)
    ours = tuple(line for line in section(HOST) + older if package_of(line) not in taken)
    pinned = taken | {package_of(line) for line in section(TORCH) + ours}
    if asked - pinned:
        raise Problem(
            f"this ComfyUI asks for {', '.join(sorted(asked - pinned))}, which {FILE.name} does not pin. Add a pin "
            f"under [{HOST}] in {FILE}."
        )
    return Plan(ours, exact)
