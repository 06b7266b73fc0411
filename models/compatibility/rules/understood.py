"""What the check does not understand: said, so that nobody takes silence for a verdict."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Facts
from ..file_uses import UNSEEN
from ..finding import Finding, finding
from ..understanding import not_understood
from .rule import Rule

_SHOWN = 12
_HOW = (
    "To have them checked, check on the ComfyUI that has these packs, or save the answer of its /object_info and give it "
    "with --object-info."
)


def unknown_node(facts: Facts) -> Iterator[Finding]:
    """Types of nodes that are not known."""
    missing = not_understood(facts)
    if missing.nodes:
        names = missing.node_types
        yield finding(
            "unknown",
            missing.nodes[0],
            "",
            f"{_counted(len(missing.nodes), 'node')} of {_counted(len(names), 'type')} not known here, or with values that could "
            f"not be told apart: {_listed(names)}. What passes through them was followed by names alone.",
            _HOW,
        )


def unseen_file(facts: Facts) -> Iterator[Finding]:
    """Names of files that were not looked at."""
    unseen = [use for use in not_understood(facts).files if use.problem == UNSEEN]
    if unseen:
        names = tuple(dict.fromkeys(use.name for use in unseen))
        yield finding(
            "unknown",
            unseen[0].node,
            unseen[0].input,
            f"{_counted(len(names), 'file')} {_were(len(names))} not looked at, because it is not known which folder "
            f"{'they lie' if len(names) > 1 else 'it lies'} in, or {'they are' if len(names) > 1 else 'it is'} not there: "
            f"{_listed(names)}.",
            "Whether they fit is for you to see. Files in the folders of ComfyUI's own loaders are looked at.",
            tuple(unseen[:_SHOWN]),
        )


def unrecognised_sampler(facts: Facts) -> Iterator[Finding]:
    """Nodes that seem to sample a model that could not be found."""
    for node in not_understood(facts).samplers[:_SHOWN]:
        yield finding(
            "unknown",
            node,
            "",
            f"{node.label} seems to be a sampler, but which model it samples is not understood: what hangs on it was not "
            "checked.",
            "Link the model and the prompts to a sampler of ComfyUI's own to have all of it checked.",
        )


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'s' if number != 1 else ''}"


def _were(number: int) -> str:
    return "were" if number != 1 else "was"


RULES = (
    Rule("unknown_node", "nodes of types that are not known", unknown_node),
    Rule("unseen_file", "files that were not looked at", unseen_file),
    Rule("unrecognised_sampler", "a sampler whose model cannot be found", unrecognised_sampler),
)
