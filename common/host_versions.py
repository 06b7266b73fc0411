"""The releases of ComfyUI that the pack was tested with."""

from __future__ import annotations

import re

TESTED_RELEASES = ("0.16.3", "0.24.0", "0.30.0")  # those that the tests of the server ran and passed on


def told_untested(version: str) -> str | None:
    """A sentence where a version is newer than all of these, None for any other and for what is no version."""
    if _numbers(version) <= _numbers(TESTED_RELEASES[-1]):
        return None
    return (
        f"ComfyUI {version} is newer than the newest release that Armature was tested with ({TESTED_RELEASES[-1]}). It should "
        "work; if it does not, please report it with both versions."
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
