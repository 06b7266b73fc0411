"""What a file of `packs` says about the nodes of one pack."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .graph import Graph, Node


@dataclass(frozen=True)
class Choices:
    """What a person says beside the graph. base: "sd15", "sdxl" or "", for nodes that choose files by the model's family."""

    base: str = ""


NO_CHOICES = Choices()


@dataclass(frozen=True)
class Done:
    """What came of a node. into: the nodes that do its work now; notes: what is not as it was. with_it: other nodes that were
    turned with it.
    """

    into: tuple[Node, ...]
    notes: tuple[str, ...] = ()
    with_it: tuple[Node, ...] = ()


Rule = Callable[[Graph, Node, Choices], Done | None]
"""Turns one node and says what came of it. None: another node's rule will do it. Raises Keep, before anything is changed."""


@dataclass(frozen=True)
class Known:
    """A type of node. widgets: its widgets with their defaults, in the order in which saved graphs hold the values.

    turn: its rule. absorbed: it serves other nodes alone; when those have taken over what it says and nothing else needs it,
    it goes. why: why it stays, where it has no rule.
    """

    turn: Rule | None = None
    widgets: Mapping[str, Any] = field(default_factory=dict)
    absorbed: bool = False
    why: str = ""


@dataclass(frozen=True)
class Pack:
    """A pack whose nodes are turned. name: as its repository is called; nodes: by class type."""

    name: str
    nodes: Mapping[str, Known]
