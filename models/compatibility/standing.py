"""What the team's sheet says of a graph, and what follows from it under each policy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .combination import combinations
from .facts import Facts
from .finding import Finding, Severity, finding
from .sheet import Judged, Sheet

REFUSED, NOT_VALIDATED = "refused_by_team", "not_validated"


def judged(facts: Facts, sheet: Sheet | None, policy: str) -> tuple[Judged, ...]:
    """Each combination of the graph with its standing; nothing without a sheet, unless the policy asks for one."""
    if sheet is None and policy != "validated_only":
        return ()
    return tuple((sheet or Sheet()).judge(one) for one in combinations(facts))


def verdicts(facts: Facts, found: Judged, policy: str) -> Iterator[Finding]:
    """Refused combinations under any policy; all that are not validated under validated_only."""
    only = policy == "validated_only"
    severity: Severity = "error" if only else "warning"
    node = facts.nodes[found.combination.sampler]
    if found.standing == "refused":
        note = f": {found.entry.note}" if found.entry and found.entry.note else ""
        text = f"{node.label}: your team has refused {found.combination}{note}."
        yield replace(finding(severity, node, "", text, "Use a combination that it has validated."), rule=REFUSED)
    elif only and found.standing != "validated":
        text = f"{node.label}: {found}"
        fix = "Validate it and add it to armature.json (armature.py check --record validated), or use another one."
        yield replace(finding("error", node, "", text, fix), rule=NOT_VALIDATED)
