"""What a file is, and what says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

from .header import Header

Shape = tuple[int, ...]
Value = TypeVar("Value")


@dataclass(frozen=True)
class Identity:
    """The verdict on a file from its header.

    kind: id of the kind that recognised it. title: for a person. families: base families that it belongs to; several
    when the header cannot decide (ambiguity then says why), none when it belongs to any or to no known one. layout: which
    of a kind's key layouts. evidence: the keys and shapes that decided. traits: facts that rules read, such as
    latent_channels or encoder; plain values, so that they can be written as JSON.
    """

    kind: str
    title: str
    families: tuple[str, ...] = ()
    layout: str = ""
    evidence: tuple[str, ...] = ()
    ambiguity: str = ""
    traits: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Tensors:
    """The names and shapes in a file, as the kinds look at them."""

    shapes: Mapping[str, Shape]
    dtypes: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, header: Header) -> Tensors:
        """The same without the places of the tensors' bytes."""
        return cls(header.shapes, {name: info.dtype for name, info in header.tensors.items()}, header.metadata)

    @cached_property
    def roots(self) -> frozenset[str]:
        """The first part of every name, up to its first dot."""
        return frozenset(name.partition(".")[0] for name in self.shapes)

    def has(self, *names: str) -> bool:
        """Whether all of these tensors are there."""
        return all(name in self.shapes for name in names)

    def size(self, name: str, axis: int) -> int:
        """Length of a tensor along an axis; 0 when there is no such tensor or axis."""
        shape = self.shapes.get(name, ())
        return shape[axis] if -len(shape) <= axis < len(shape) else 0

    def first(self, *endings: str) -> str | None:
        """The first name that ends in one of these."""
        return next((name for name in self.shapes if name.endswith(endings)), None)

    def any_starts(self, *beginnings: str) -> bool:
        """Whether any name begins with one of these."""
        return any(name.startswith(beginnings) for name in self.shapes)

    def under(self, prefix: str) -> Tensors:
        """The tensors whose names begin with a prefix, without it."""
        return Tensors(below(self.shapes, prefix), below(self.dtypes, prefix), self.metadata)

    def count(self, pattern: str) -> int:
        """How many of pattern.format(0), pattern.format(1), … begin some name, without a gap."""
        number = 0
        while self.any_starts(pattern.format(number)):
            number += 1
        return number


@dataclass(frozen=True)
class Kind:
    """One kind of file: where it lies, which nodes load it, and how it is recognised.

    folders: the host's model folders, the usual one first. loaders: node classes that load it, ours or the host's.
    recognise: names and shapes -> verdict, or None when the file is something else. families: the base families that it
    can name; none for a kind that belongs to no base.
    """

    id: str
    title: str
    folders: tuple[str, ...]
    loaders: tuple[str, ...]
    recognise: Callable[[Tensors], Identity | None]
    families: tuple[str, ...] = ()


def below(named: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """What stands under a prefix, by names without it."""
    return {name[len(prefix) :]: value for name, value in named.items() if name.startswith(prefix)}


def shapes_of(weights: Mapping[str, Any]) -> dict[str, Shape]:
    """The shapes of tensors in memory, by their names."""
    return {name: tuple(value.shape) for name, value in weights.items()}


def shown(tensors: Tensors, name: str) -> str:
    """'name [320, 4, 3, 3]' as evidence."""
    return f"{name} {list(tensors.shapes[name])}"
