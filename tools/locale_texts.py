"""The texts of node descriptions in the form in which the front end looks up translations (`locales/LANG/*.json`).

The front end does not look up the options of a combo, nor what scripts say: `web/js/languages.js` and `phrases.js` show them,
from `web/options/LANG.json`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..models.guidance.curve import PRESETS

Texts = dict[str, Any]
# Those that the front end offers, in its order, then others: for these an extension of the front end must offer them.
LANGUAGES = ("zh", "zh-TW", "ru", "ja", "ko", "fr", "es", "ar", "tr", "pt-BR", "fa", "he", "de")
UNTRANSLATED = ("it",)  # newer front ends offer them as well
_ROW = re.compile(r"_\d+$")  # the number of a row of inputs that grow, at the end of its id
# Inputs whose options are names of files, of folders or ComfyUI's own, and options that are names: the same in every language.
_NAMED = re.compile(r"(_name|^scheduler|^folder)$")
_NAMES = frozenset(
    (
        "ade",
        "bae",
        "canny",
        "directx",
        "dwpose",
        "ipadapter_plus",
        "mlsd",
        "opengl",
        "openpose",
        "qr",
        "sdxl",
        "svd",
        "xinsir",
    )
)
_COMMAND = re.compile(r'id: "(Armature\.[\w.]+)",\s*label: "([^"]+)",\s*icon: "[^"]+",\s*tooltip: "([^"]+)"')
_SAID = re.compile(r'\bsay\(\s*"([^"]+)"')
_WORDS = re.compile(r"[a-z]+(?:[ _-][a-z]+)*")
# The front end lays every text out from left to right, which puts the words of a sentence that runs the other way, and the
# Latin names in it, in a wrong order. What stands between these two characters is laid out from right to left.
_RIGHT_TO_LEFT, _END = "\u2067", "\u2069"
_FROM_THE_RIGHT = re.compile("[\u0590-\u08ff]")  # Hebrew and Arabic script


def node_texts(object_info: Mapping[str, Any]) -> Texts:
    """`nodeDefs.json` in English of every node in `object_info` (what a server answers to `GET /object_info`)."""
    return {name: _node(info) for name, info in sorted(object_info.items())}


def category_texts(object_info: Mapping[str, Any]) -> Texts:
    """The categories of the node menu, as `main.json` holds them, in English."""
    names = {part for info in object_info.values() for part in info["category"].split("/")}
    return {"nodeCategories": {name: name for name in sorted(names)}}


def command_texts(scripts: Iterable[str]) -> Texts:
    """What `main.json` says in English of the commands in the front end's menus. scripts: the texts of our scripts."""
    found = sorted(one for script in scripts for one in _COMMAND.findall(script))
    # The front end writes the dots of a command's id as underscores, and looks up the menu's entries by their words.
    commands = {name.replace(".", "_"): {"label": label, "tooltip": tooltip} for name, label, tooltip in found}
    return {"commands": commands, "menuLabels": {label: label for _, label, _ in found}}


def phrase_texts(scripts: Iterable[str]) -> Texts:
    """What our scripts say in English. scripts: their texts; each phrase stands there as `say("…")`."""
    found = {phrase for script in scripts for phrase in _SAID.findall(script)}
    return {"phrases": {phrase: phrase for phrase in sorted(found)}}


def option_texts(object_info: Mapping[str, Any]) -> Texts:
    """The options of combos that are words, each by itself, and the presets of a schedule, in English."""
    found = set(PRESETS)
    for info in object_info.values():
        for name, options in _each_nested(info["input"]):
            if not _NAMED.search(name):
                found.update(one for one in options.get("options") or () if isinstance(one, str))
    return {"options": {one: one for one in sorted(found) if _WORDS.fullmatch(one) and one not in _NAMES}}


def label(name: str) -> str:
    """An input's or output's id as words, which is what translations are looked up by."""
    return name.replace("_", " ")


def _node(info: Mapping[str, Any]) -> Texts:
    texts: Texts = {"display_name": info["display_name"]}
    if info.get("description"):
        texts["description"] = info["description"]
    inputs = dict(_inputs(info["input"]))
    if inputs:
        texts["inputs"] = dict(sorted(inputs.items()))
    tooltips = info.get("output_tooltips") or ()
    outputs = {
        str(number): _named(name, tooltips[number] if number < len(tooltips) else None)
        for number, name in enumerate(info.get("output_name") or ())
    }
    if outputs:
        texts["outputs"] = outputs
    return texts


def _inputs(groups: Mapping[str, Any]) -> Iterator[tuple[str, Texts]]:
    for name, options in _each(groups):
        yield name, _named(name, options.get("tooltip"))
        # Inputs of several choices may share a name: one text for all, so a tooltip only if it is the same.
        nested: dict[str, set[str | None]] = {}
        for choice in options.get("options") or ():
            if isinstance(choice, Mapping):
                for inner, its_options in _each(choice["inputs"]):
                    nested.setdefault(inner, set()).add(its_options.get("tooltip"))
        for inner, tooltips in nested.items():
            # The front end writes the dots of an input's name as underscores in keys.
            yield f"{name}_{inner}", _named(inner, tooltips.pop() if len(tooltips) == 1 else None)
        if template := options.get("template"):
            ((_, its_options),) = _each(template["input"])
            for row in range(template["max"]):
                inner = f"{template['prefix']}{row}"
                yield f"{name}_{inner}", _named(inner, its_options.get("tooltip"))


def _each(groups: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for group in ("required", "optional"):
        for name, spec in groups.get(group, {}).items():
            yield name, spec[1] if len(spec) > 1 else {}


def _each_nested(groups: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every input, those of choices among them."""
    for name, options in _each(groups):
        yield name, options
        for choice in options.get("options") or ():
            if isinstance(choice, Mapping):
                yield from _each(choice["inputs"])


def _named(name: str, tooltip: str | None) -> Texts:
    return {"name": name, "tooltip": tooltip} if tooltip else {"name": name}


def leaves(texts: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every text with its path."""
    for key, value in texts.items():
        if isinstance(value, str):
            yield (*path, key), value
        else:
            yield from leaves(value, (*path, key))


def translated(english: Texts, phrases: Mapping[str, str]) -> Texts:
    """`english` with every text looked up in `phrases`, ids as words; a text without a translation is left out."""
    made: Texts = {}
    for path, text in leaves(english):
        found = phrases.get(phrase_of(path, text))
        if found:
            place = made
            for key in path[:-1]:
                place = place.setdefault(key, {})
            place[path[-1]] = _in_order(path, found) + _number_of(path, text)
    return made


def _in_order(path: tuple[str, ...], text: str) -> str:
    """A translation as it is written: names and titles, which people search, as they are."""
    sentence = path[-1] in ("tooltip", "description")
    return f"{_RIGHT_TO_LEFT}{text}{_END}" if sentence and _FROM_THE_RIGHT.search(text) else text


def phrase_of(path: tuple[str, ...], text: str) -> str:
    """What a text is looked up by: an id ("start_percent") by its words, without the number of its row ("signal_0").

    An option has a phrase of its own: "clip" is a film there and a network among the inputs.
    """
    if path[0] == "options":
        return f"option: {label(text)}"
    return label(_ROW.sub("", text)) if path[-1] == "name" else text


def _number_of(path: tuple[str, ...], text: str) -> str:
    """What follows the translation of an id: the number of its row, or nothing."""
    row = _ROW.search(text)
    return label(row.group()) if row and path[-1] == "name" else ""


def phrases_of(english: Texts, other: Texts) -> dict[str, str]:
    """English -> translation for every text that both have."""
    theirs = dict(leaves(other))
    return {
        phrase_of(path, text): theirs[path].removesuffix(_number_of(path, text)).strip(_RIGHT_TO_LEFT + _END)
        for path, text in leaves(english)
        if path in theirs
    }
