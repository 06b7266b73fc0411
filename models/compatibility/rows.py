"""Switches: nodes that are off as a whole, and rows of a stack that are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...common.short_text_cache import short_text_cache
from .prompt import Node

_ON = re.compile(r"switch|toggle|enabled?|active|on|is_enabled|use|checked", re.IGNORECASE)
_OFF = re.compile(r"bypass|muted?|disabled?|off|skip", re.IGNORECASE)
_COUNT = re.compile(r"(num|number|count|total)_?(of_)?\w*|\w+_(count|num|number)", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")
_WORDS_ON = frozenset({"on", "true", "yes"})
_WORDS_OFF = frozenset({"off", "false", "no", "disable", "disabled", "none", "0"})


def is_off(values: Mapping[str, Any]) -> bool:
    """Whether a switch among these values is off, as in {"lora": …, "on": false}."""
    return any(_says_off(name, value) for name, value in values.items())


def has_own_switch(values: Mapping[str, Any]) -> bool:
    """Whether a switch is among these values, on or off."""
    return any(_turns_off_when(str(name)) is False and isinstance(value, bool) for name, value in values.items())


def node_is_off(node: Node) -> bool:
    """Whether a node's own switch is off."""
    links = node.links
    return any(_says_off(name, value) for name, value in node.inputs.items() if name not in links)


def row_is_off(node: Node, name: str) -> bool:
    """Whether the row of an input is off: by a switch of the same number, or a count that ends before it."""
    row = row_of(name)
    if row is None:
        return False
    for other, value in node.inputs.items():
        if other in node.links or other == name:
            continue
        if row_of(other) == row and _says_off(_without_row(other), value):
            return True
        counts = _COUNT.fullmatch(other) and isinstance(value, int) and not isinstance(value, bool)
        if counts and row_of(other) is None and row > value and _same_thing(other, name):
            return True
    return False


@short_text_cache
def row_of(name: str) -> int | None:
    """The number in an input's name, 3 in lora_03 and lora_3_name; None where it has none, or several."""
    numbers = _NUMBER.findall(name)
    return int(numbers[0]) if len(numbers) == 1 else None


def _without_row(name: str) -> str:
    """`lora_2_enabled` and `switch_2` without number and thing: enabled, switch."""
    parts = [part for part in re.split(r"[_ ]*\d+[_ ]*", name) if part]
    return parts[-1] if parts else name


def _says_off(name: str, value: Any) -> bool:
    off = _turns_off_when(name)
    if off is None:
        return False
    words = _WORDS_OFF if off is False else _WORDS_ON
    return value is off or (isinstance(value, str) and value.strip().lower() in words)


@short_text_cache
def _turns_off_when(name: str) -> bool | None:
    """The value at which a switch of this name is off; None for what is no switch."""
    if _ON.fullmatch(name):
        return False
    return True if _OFF.fullmatch(name) else None


def _same_thing(count: str, name: str) -> bool:
    """Whether a count is of the rows that a name belongs to: num_loras of lora_2_name."""
    return re.split(r"[_\d ]", name.lower())[0].rstrip("s") in count.lower()
