"""The model files that a prompt names, looked up in the user's folders."""

from __future__ import annotations

from dataclasses import dataclass

from ..files.identity import Identity
from ..files.index import ModelFile, ModelIndex
from .loaders import FileInput, file_input, names_a_file
from .prompt import Node, Nodes

MISSING, OUTSIDE, LINKED = "missing", "outside", "linked"


@dataclass(frozen=True, eq=False)
class FileUse:
    """One input of a node that names a model file. Two uses of one file are two uses.

    problem: MISSING, OUTSIDE (the name leads out of the folders) or LINKED (the name comes out of another node, so it is
    not known before the graph runs); "" when the file was found. file.problem says whether it could be read.
    """

    node: Node
    input: str
    name: str
    takes: FileInput
    file: ModelFile | None
    problem: str = ""

    @property
    def identity(self) -> Identity | None:
        return self.file.identity if self.file else None

    @property
    def families(self) -> tuple[str, ...]:
        return self.identity.families if self.identity else ()

    @property
    def kind(self) -> str:
        return self.identity.kind if self.identity else ""

    def trait(self, name: str, default: object = None) -> object:
        """A trait of the file's identity."""
        return self.identity.traits.get(name, default) if self.identity else default


def find_uses(nodes: Nodes, index: ModelIndex) -> dict[str, list[FileUse]]:
    """The file inputs of each node, by its id."""
    found: dict[str, list[FileUse]] = {}
    for node in nodes.values():
        uses = [use for name in node.inputs if (use := _use(node, name, index)) is not None]
        if uses:
            found[node.id] = uses
    return found


def _use(node: Node, name: str, index: ModelIndex) -> FileUse | None:
    takes = file_input(node.class_type, name)
    if takes is None:
        return None
    if name in node.links:
        return FileUse(node, name, "", takes, None, LINKED)
    value = node.inputs[name]
    if not names_a_file(value):
        return None
    known = [folder for folder in takes.folders if folder in index.folders]
    if not known:
        return FileUse(node, name, value, takes, None, MISSING)
    for folder in known:
        try:
            file = index.find(folder, value)
        except ValueError:
            return FileUse(node, name, value, takes, None, OUTSIDE)
        if file is not None:
            return FileUse(node, name, value, takes, file)
    return FileUse(node, name, value, takes, None, MISSING)
