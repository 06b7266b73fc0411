"""The texts of node descriptions in the form in which the front end looks up translations (`locales/LANG/*.json`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Texts = dict[str, Any]
LANGUAGES = ("zh", "ja", "ko", "de", "fr", "es")


def node_texts(object_info: Mapping[str, Any]) -> Texts:
    """`nodeDefs.json` in English of every node in `object_info` (what a server answers to `GET /object_info`)."""
    return {name: _node(info) for name, info in sorted(object_info.items())}


def category_texts(object_info: Mapping[str, Any]) -> Texts:
    """`main.json` in English: the categories of the node menu."""
    names = {part for info in object_info.values() for part in info["category"].split("/")}
    return {"nodeCategories": {name: name for name in sorted(names)}}


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


def _each(groups: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for group in ("required", "optional"):
        for name, spec in groups.get(group, {}).items():
            yield name, spec[1] if len(spec) > 1 else {}


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
            place[path[-1]] = found
    return made


def phrase_of(path: tuple[str, ...], text: str) -> str:
    """What a text is looked up by: an id ("start_percent") by its words."""
    return label(text) if path[-1] == "name" else text


def phrases_of(english: Texts, other: Texts) -> dict[str, str]:
    """English -> translation for every text that both have."""
    theirs = dict(leaves(other))
    return {phrase_of(path, text): theirs[path] for path, text in leaves(english) if path in theirs}
