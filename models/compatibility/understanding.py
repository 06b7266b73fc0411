"""What of a graph the check does not understand: nodes of unknown types, files that it did not look at, odd samplers."""

from __future__ import annotations

from dataclasses import dataclass

from .facts import Facts, is_sampler
from .file_inputs import file_inputs_of
from .file_uses import LINKED, UNSEEN, FileUse, unread
from .prompt import Node

# What holds no weights, nor anything made by a model that files would have to fit.
_PLAIN = frozenset({"INT", "FLOAT", "STRING", "BOOLEAN", "COMBO", "IMAGE", "MASK", "AUDIO", "VIDEO"})
_SETTINGS = frozenset({"steps", "cfg", "sampler_name", "scheduler", "denoise", "seed", "noise_seed"})
_FEWEST = 3
_PARTS = frozenset({"SAMPLER", "SIGMAS", "NOISE", "GUIDER", "MODEL", "CONDITIONING"})


@dataclass(frozen=True)
class NotUnderstood:
    """nodes: of types that are not known, where they could matter; files: names of files that were not looked at; samplers:
    nodes that seem to sample a model that could not be found.
    """

    nodes: tuple[Node, ...] = ()
    files: tuple[FileUse, ...] = ()
    samplers: tuple[Node, ...] = ()

    @property
    def node_types(self) -> tuple[str, ...]:
        """The types of the nodes, each once."""
        return tuple(dict.fromkeys(node.class_type for node in self.nodes))

    @property
    def file_names(self) -> tuple[str, ...]:
        """The names of the files, each once."""
        return tuple(dict.fromkeys(use.name or f"{use.node.label}, {use.input}" for use in self.files))


def not_understood(facts: Facts) -> NotUnderstood:
    """What of a graph is not understood, without what nothing reads."""
    return facts.once(_not_understood)


def _not_understood(facts: Facts) -> NotUnderstood:
    active = [node for node in facts.nodes.values() if node.id not in facts.inactive]
    sampled = {node.id for node, _ in facts.samplers}
    return NotUnderstood(
        tuple(node for node in active if _is_unknown(facts, node)),
        tuple(use for use in facts.all_uses if use.problem in (UNSEEN, LINKED) and use.node.id not in facts.inactive),
        tuple(node for node in active if node.id not in sampled and _seems_to_sample(facts, node)),
    )


def _is_unknown(facts: Facts, node: Node) -> bool:
    if unread(node):  # its values could not be told apart, and may name files
        told = facts.uses.get(node.id, ())
        if facts.graph.types.get(node.id) is None:
            return True
        return any(use.is_doubtful for use in told) or (bool(file_inputs_of(node.class_type)) and not told)
    if facts.graph.types.get(node.id) is not None or node.id in facts.graph.cyclic:
        return False
    kinds = {edge.type for edge in (*facts.graph.into[node.id], *facts.flows.out_of.get(node.id, ()))}
    return not kinds or not kinds <= _PLAIN or node.id in facts.uses


def _seems_to_sample(facts: Facts, node: Node) -> bool:
    types = facts.graph.types.get(node.id)
    if not is_sampler(node) and (types is not None or len(_SETTINGS.intersection(node.inputs)) < _FEWEST):
        return False
    if node.id in facts.graph.cyclic or facts.graph.feeds(node.id, "GUIDER"):
        return False
    return types is None or not set(types.outputs) <= _PLAIN | _PARTS
