"""Checking a prompt: the one function behind every door."""

from __future__ import annotations

from typing import Any

from ...common.collector import collector_at_rest
from ..files.index import ModelIndex
from .facts import Facts
from .finding import Finding
from .node_types import TypesOf, recorded
from .prompt import read_prompt
from .repair import Suggestions
from .report import Report, sort_findings
from .rules import RULES
from .sheet import Sheet, judged, unvalidated, verdicts
from .understanding import not_understood

POLICIES = ("report", "error", "validated_only")


def check_prompt(
    data: Any,
    index: ModelIndex,
    types_of: TypesOf | None = None,
    policy: str = "report",
    sheet: Sheet | None = None,
) -> Report:
    """Check an API prompt against the files in `index`.

    types_of: the types of nodes; by default those that were recorded from the host. sheet: the team's own, if it has one.
    Raises PromptError for anything that is no prompt.
    """
    with collector_at_rest():
        facts = Facts(read_prompt(data), index, types_of or recorded())
        return check_facts(facts, policy, sheet)


def check_facts(facts: Facts, policy: str = "report", sheet: Sheet | None = None) -> Report:
    """The same for facts that are already there."""
    standing = judged(facts, sheet, policy)
    findings: list[Finding] = []
    for rule in RULES:
        findings += [one._replace(rule=rule.id) for one in rule.check(facts)]
    findings = [_weighed(facts, one) for one in findings]
    findings += [one for combination in standing for one in verdicts(facts, combination, policy)]
    if policy == "validated_only":
        findings += unvalidated(facts, standing)
    completed = Suggestions(facts.index).complete(_each_once(findings))
    return Report(sort_findings(completed), facts.all_uses, len(facts.nodes), policy, standing, not_understood(facts))


def _weighed(facts: Facts, found: Finding) -> Finding:
    """What is wrong with a node that nothing reads is a hint: the host leaves the node out."""
    if found.node not in facts.inactive or found.severity == "hint":
        return found
    return found._replace(severity="hint", text=f"{found.text} Nothing reads this node, so ComfyUI leaves it out.")


def _each_once(findings: list[Finding]) -> list[Finding]:
    seen: set[tuple[str, str, str, str]] = set()
    kept = []
    for found in findings:
        key = (found.rule, found.node, found.input, found.text)
        if key not in seen:
            seen.add(key)
            kept.append(found)
    return kept
