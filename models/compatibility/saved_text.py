"""What ComfyUI's editor does to texts when it makes a prompt: braces, comments, and %node.widget% in names of files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from .editor_graph import EditorGraph
from .editor_nodes import NOT_KNOWN, EditorNode
from .prompt import PromptError

_COMMENT = re.compile(r"/\*|//.*")
_DEEPEST = 20  # braces in braces
_ESCAPED = re.compile(r"\\([{}|])")
_BRACED = re.compile(r"%([^%]+)%")
_UNSAFE = re.compile(r'[/?<>\\:*|"\x00-\x1F\x7F]')
_NAME = "Node name for S&R"
_DATE = re.compile(r"d{1,2}|M{1,2}|yy(?:yy)?|h{1,2}|m{1,2}|s{1,2}")
_SAVERS = frozenset(
    [
        "SaveImage",
        "SaveImageAdvanced",
        "SaveSVGNode",
        "SaveVideo",
        "SaveAnimatedWEBP",
        "SaveWEBM",
        "SaveAudio",
        "SaveAudioMP3",
        "SaveAudioOpus",
        "SaveAudioAdvanced",
        "SaveGLB",
        "Save3DAdvanced",
        "SaveGaussianSplat",
        "SavePointCloud",
        "SaveAnimatedPNG",
        "CLIPSave",
        "VAESave",
        "ModelSave",
        "LoraSave",
        "SaveLatent",
    ]
)


def chosen_text(text: str) -> str:
    """A text without its comments, with the first of the choices in each pair of braces; the editor draws one by lot."""
    return _chosen_text(text, 0)


def _chosen_text(text: str, depth: int) -> str:
    if depth > _DEEPEST:
        raise PromptError(
            f"A text has braces in braces, more than {_DEEPEST} deep. Take some out, or write \\{{ for a brace."
        )
    return _ESCAPED.sub(r"\1", _chosen(_without_comments(text), depth))


def _without_comments(text: str) -> str:
    """A comment that is never closed is none; it is not looked for the end of again for each."""
    kept, place, at, last = [], 0, 0, text.rfind("*/")
    while (found := _COMMENT.search(text, at)) is not None:
        at = found.end()
        if found[0] == "/*":
            if at > last:
                at -= 1
                continue
            at = text.index("*/", at) + 2
        kept.append(text[place : found.start()])
        place = at
    return "".join(kept) + text[place:]


def _chosen(text: str, depth: int) -> str:
    made, place = [], 0
    while place < len(text):
        if text[place] == "\\":
            made.append(text[place : place + 2])
            place += 2
        elif text[place] == "{":
            first, place = _first_choice(text, place + 1)
            made.append(_chosen_text(first, depth + 1))
        else:
            made.append(text[place])
            place += 1
    return "".join(made)


def _first_choice(text: str, place: int) -> tuple[str, int]:
    """The first choice of a block that begins here, and the place behind the block."""
    start, end, depth = place, None, 0
    while place < len(text):
        char = text[place]
        if char == "\\":
            place += 1
        elif char == "{":
            depth += 1
        elif char == "}":
            if not depth:
                break
            depth -= 1
        elif char == "|" and not depth and end is None:
            end = place
        place += 1
    return text[start : place if end is None else end], place + 1


class Replacements:
    """%node.widget% and %date:…% in the names of files that are saved."""

    def __init__(self, graphs: Sequence[EditorGraph]):
        self._graphs = graphs

    def replaced(self, node: EditorNode, name: str, text: str) -> str:
        """The text as the prompt holds it."""
        if name != "filename_prefix" or node.type not in _SAVERS or "%" not in text:
            return text
        return _BRACED.sub(lambda match: self._one(match.group(0), match.group(1)), text)

    def _one(self, whole: str, inner: str) -> str:
        parts = inner.split(".")
        if len(parts) != 2:
            return _date(parts[0][5:], datetime.now()) if parts[0].startswith("date:") else whole
        nodes = [node for graph in self._graphs for node in graph.nodes.values()]
        found = [node for node in nodes if _search_name(node) == parts[0]]
        found = found or [node for node in nodes if node.title == parts[0]]
        value = found[0].values.get(parts[1], NOT_KNOWN) if found else NOT_KNOWN
        return whole if value is NOT_KNOWN else _UNSAFE.sub("_", _as_text(value))


def _search_name(node: EditorNode) -> Any:
    return (node.saved.get("properties") or {}).get(_NAME, node.type)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _date(text: str, now: datetime) -> str:
    parts = {"d": now.day, "M": now.month, "h": now.hour, "m": now.minute, "s": now.second}

    def one(match: re.Match[str]) -> str:
        asked = match.group(0)
        if asked[0] == "y":
            return str(now.year)[-len(asked) :]
        return str(parts[asked[0]]).rjust(len(asked), "0")

    return _DATE.sub(one, text)
