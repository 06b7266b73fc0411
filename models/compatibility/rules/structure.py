"""The graph itself: cycles, links to nothing, and where it cannot be followed."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Facts
from ..finding import Finding, finding
from .rule import Rule

_SHOWN = 20  # of one sort; a broken graph of thousands of nodes has one fault, not thousands


def cycle(facts: Facts) -> Iterator[Finding]:
    """Nodes that wait for each other."""
    if facts.graph.cyclic:
        node = facts.nodes[min(facts.graph.cyclic)]
        yield finding(
            "error",
            node,
            "",
            f"{len(facts.graph.cyclic)} nodes wait for each other in a circle, or for nodes in one; {node.label} is one.",
            "Unlink one input of the circle. The nodes in it were not checked.",
        )


def dangling_link(facts: Facts) -> Iterator[Finding]:
    """Links to a node or output that is not there."""
    for broken in facts.graph.dangling[:_SHOWN]:
        target = f"node {broken.link.node}"
        what = (
            f"{target}, which is not in the prompt"
            if broken.missing_node
            else f"output {broken.link.slot} of {target}, which has no such output"
        )
        yield finding(
            "error",
            broken.node,
            broken.input,
            f"{broken.node.label}: its input {broken.input} is linked to {what}.",
            "Link it again; if the graph was saved in the front end, the node may be muted or its pack missing.",
        )


def opaque_node(facts: Facts) -> Iterator[Finding]:
    """Models that could not be followed to their files for certain."""
    told: set[str] = set()
    for node, base in facts.samplers:
        if base.unsure and base.unsure not in told and len(told) < _SHOWN:
            told.add(base.unsure)
            known = "several models may come out of it" if base.sources else "its model cannot be told"
            yield finding(
                "unknown",
                node,
                "",
                f"The model of {node.label} passes through {base.unsure}, which is not understood: {known}.",
                "What hangs on this model was checked as far as possible. Choose the files in the usual loaders to have "
                "all of it checked.",
            )


RULES = (
    Rule("cycle", "nodes that wait for each other", cycle),
    Rule("dangling_link", "a link to a node or output that is not there", dangling_link),
    Rule("opaque_node", "a model that cannot be followed to its file", opaque_node),
)
