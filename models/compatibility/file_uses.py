"""The model files that a prompt names, looked up in the user's folders."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ..files.container import SUFFIXES_READ
from ..files.identity import Identity
from ..files.index import ModelFile, ModelIndex, NameSearch
from .file_inputs import (
    FileInput,
    file_input,
    file_inputs_of,
    input_by_words,
    input_of_folder,
    is_file_name,
    names_a_file,
)
from .packs import pack_nodes
from .prompt import Node, Nodes
from .rows import has_own_switch, is_off, node_is_off, row_is_off, row_of

MISSING, OUTSIDE, LINKED, UNSEEN = "missing", "outside", "linked", "not_looked_at"


@dataclass(frozen=True, eq=False)
class FileUse:
    """One place in a node that names a model file. Two uses of one file are two uses.

    path: where the name stands inside the input's value, () where it is the value. problem: MISSING, OUTSIDE (the name leads
    out of the folders), LINKED (the name comes out of another node, so it is not known before the graph runs) or UNSEEN (it
    is not known which folder holds it); "" when the file was found. file.problem says whether it could be read.
    """

    node: Node
    input: str
    name: str
    takes: FileInput
    file: ModelFile | None
    problem: str = ""
    path: tuple[str | int, ...] = ()

    @property
    def is_doubtful(self) -> bool:
        """Whether it is not known which input names it, nor so whether a switch of its row is off; one in its value tells."""
        return not self.input and not (has_own_switch(self.beside) and self.node.class_type in pack_nodes())

    @property
    def beside(self) -> Mapping[str, Any]:
        """What stands beside the name: the rest of its value, else the node's plain inputs of the same row."""
        if self.path:
            value: Any = self.node.inputs.get(self.input) if self.input else unread(self.node)
            for part in self.path[:-1]:
                value = value[part]
            return value if isinstance(value, Mapping) else {}
        row = row_of(self.input)
        inputs = self.node.inputs.items()
        return {name: value for name, value in inputs if name not in self.node.links and row_of(name) == row}

    @property
    def place(self) -> tuple[str, str, tuple[str | int, ...]]:
        """What tells this use from every other of a graph."""
        return self.node.id, self.input, self.path

    @cached_property  # rules ask for it again and again
    def identity(self) -> Identity | None:
        return self.file.identity if self.file else None

    @cached_property
    def families(self) -> tuple[str, ...]:
        return self.identity.families if self.identity else ()

    @cached_property
    def kind(self) -> str:
        return self.identity.kind if self.identity else ""

    def trait(self, name: str, default: object = None) -> object:
        """A trait of the file's identity."""
        return self.identity.traits.get(name, default) if self.identity else default

    def put(self, name: str) -> Any:
        """The input's value with another file in the place of this one."""
        return _put(self.node.inputs.get(self.input), self.path, name) if self.input in self.node.inputs else None


def _put(value: Any, path: tuple[str | int, ...], name: str) -> Any:
    if not path:
        return name
    copied: Any = dict(value) if isinstance(value, Mapping) else list(value)
    copied[path[0]] = _put(copied[path[0]], path[1:], name)
    return copied


@dataclass(frozen=True)
class _Named:
    """A name of a file as it stands in a node."""

    node: Node
    input: str
    name: str
    path: tuple[str | int, ...] = ()


def find_uses(nodes: Nodes, index: ModelIndex) -> dict[str, list[FileUse]]:
    """The files that each node names, by its id; rows and nodes that are switched off name none."""
    search = NameSearch(index)
    found: dict[str, list[FileUse]] = {}
    for node in nodes.values():
        if node_is_off(node):
            continue
        uses = [use for name in node.inputs for use in _uses(node, name, search)]
        uses += _unread_uses(node, search)
        if uses:
            found[node.id] = uses
    return found


def unread(node: Node) -> tuple[Any, ...]:
    """Values of a node of a saved graph that could not be told apart, because its type is not known."""
    return node.unread


def _unread_uses(node: Node, search: NameSearch) -> list[FileUse]:
    """The files among values that could not be told apart: surely of an input only where the node has but one that names any."""
    if not unread(node):
        return []
    named = [one for place, value in enumerate(unread(node)) for one in _names_in(node, "", value, (place,))]
    inputs = file_inputs_of(node.class_type)
    if len(named) == 1 and len(inputs) == 1:
        ((name, takes),) = inputs.items()
        return [_look_up(_Named(node, name, named[0].name), replace(takes, sure=False), search)]
    folders = {takes.folders for takes in inputs.values()}
    takes = (
        replace(next(iter(inputs.values())), sure=False) if len(folders) == 1 else input_by_words(node.class_type, "")
    )
    return [_look_up(one, takes, search) for one in named]


def _uses(node: Node, name: str, search: NameSearch) -> Iterator[FileUse]:
    takes = file_input(node.class_type, name)
    if name in node.links:
        if takes is not None and takes.sure and _NAMES.search(name):
            yield FileUse(node, name, "", takes, None, LINKED)
        return
    if row_is_off(node, name):
        return
    value = node.inputs[name]
    if takes is not None and isinstance(value, str):
        if names_a_file(value) and (takes.sure or is_file_name(name, value)):
            yield _look_up(_Named(node, name, value), takes, search)
        return
    for one in (*_names_in(node, name, value), *_tags_in(node, name, value, search)):
        known = takes or file_input(node.class_type, _last_word(one)) or input_by_words(node.class_type, _words(one))
        yield _look_up(one, known, search)


_NAMES = re.compile(
    r"name|file|path"
)  # of inputs that take a text; others, such as `controlnet`, take the thing itself


def _names_in(node: Node, name: str, value: Any, path: tuple[str | int, ...] = ()) -> Iterator[_Named]:
    """File names anywhere in a value: {"lora": …, "strength": 1}, {"content": …}, lists of such."""
    if isinstance(value, Mapping):
        if is_off({str(key): one for key, one in value.items()}):
            return
        for key, one in value.items():
            yield from _names_in(node, name, one, (*path, key))
    elif isinstance(value, (list, tuple)) and len(path) < _DEEPEST:
        for place, one in enumerate(value):
            yield from _names_in(node, name, one, (*path, place))
    elif isinstance(value, str) and is_file_name(name, value):
        yield _Named(node, name, value, path)


_DEEPEST = 4
_TAG = re.compile(r"<(?:lora|lyco):([^:<>\n]+)[:>]", re.IGNORECASE)
_READS_TAGS = re.compile(r"lora|wildcard|promptcontrol|pctext|power prompt", re.IGNORECASE)


def _tags_in(node: Node, name: str, value: Any, search: NameSearch) -> Iterator[_Named]:
    """LoRAs that a text names as <lora:NAME:1>, in nodes that load such, and those that a list names without an ending."""
    if not _READS_TAGS.search(f"{node.class_type} {name}"):
        return
    if isinstance(value, str):
        for tag in dict.fromkeys(_TAG.findall(value)):
            yield _Named(node, name, _with_ending(search, tag))
    elif name.lower() == "loras":
        rows = value.get("__value__", value) if isinstance(value, Mapping) else value
        for row in rows if isinstance(rows, (list, tuple)) else ():
            told = row.get("name") if isinstance(row, Mapping) and not is_off(row) else None
            if isinstance(told, str) and told and not is_file_name(name, told):
                yield _Named(node, name, _with_ending(search, told))


def _with_ending(search: NameSearch, name: str) -> str:
    """A LoRA's name as its folder has it."""
    for ending in ("", *SUFFIXES_READ):
        try:
            if search.find("loras", name + ending) is not None:
                return name + ending
        except ValueError:
            return name
    return name


def _last_word(one: _Named) -> str:
    """The name nearest to a file's: the key inside a value, else the input's."""
    return next((part for part in reversed(one.path) if isinstance(part, str) and part not in _BARE), one.input)


_BARE = ("content", "__value__", "value", "name", "file")


def _words(one: _Named) -> str:
    return " ".join([*(part for part in one.path if isinstance(part, str)), one.input])


def _look_up(one: _Named, takes: FileInput | None, search: NameSearch) -> FileUse:
    if takes is not None:
        use = _in_folders(one, takes, search)
        if use.problem != UNSEEN:
            return use
    elsewhere = search.folders_with(one.name)
    if len(elsewhere) == 1:
        return _in_folders(one, input_of_folder(elsewhere[0]), search)
    return FileUse(one.node, one.input, one.name, takes or _ANYWHERE, None, UNSEEN, one.path)


_ANYWHERE = FileInput(("",), (), sure=False)


def _in_folders(one: _Named, takes: FileInput, search: NameSearch) -> FileUse:
    make: Callable[..., FileUse] = lambda file, problem="": FileUse(  # noqa: E731
        one.node, one.input, one.name, takes, file, problem, one.path
    )
    for folder in _known(takes.folders, search.index):
        try:
            file = search.find(folder, one.name)
        except ValueError:
            return make(None, OUTSIDE if takes.sure else UNSEEN)
        if file is not None:
            return make(file)
    return make(None, MISSING if takes.sure else UNSEEN)


def _known(folders: Iterable[str], index: ModelIndex) -> list[str]:
    return [folder for folder in folders if folder in index.folders]
