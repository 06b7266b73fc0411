"""The report of a check: as data, as JSON and as text."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Literal

from .file_uses import FileUse
from .finding import SEVERITIES, Change, FileNote, Finding, Severity
from .repair import change_of
from .sheet import Judged
from .understanding import NotUnderstood

SCHEMA = "armature.compatibility/1"
Verdict = Literal["fits", "does_not_fit", "not_understood_in_part"]
_VERDICTS: dict[Verdict, str] = {
    "fits": "The parts of this graph fit together",
    "does_not_fit": "Parts of this graph do not fit together",
    "not_understood_in_part": "What was understood of this graph fits together, but not all of it was understood",
}
_HEADINGS: dict[Severity, str] = {"error": "Error", "warning": "Warning", "hint": "Hint", "unknown": "Unknown"}


@dataclass(frozen=True)
class Report:
    """What was found, most severe first. files: the model files of the graph. nodes: how many nodes were looked at.

    policy: report, error or validated_only; standing: what the team's sheet says of each sampler (see `sheet`). missed: what
    of the graph was not understood.
    """

    findings: tuple[Finding, ...]
    files: tuple[FileUse, ...]
    nodes: int
    policy: str = "report"
    standing: tuple[Judged, ...] = ()
    missed: NotUnderstood = field(default_factory=NotUnderstood)

    @property
    def verdict(self) -> Verdict:
        """does_not_fit with an error; not_understood_in_part where something could not be checked; else fits."""
        if not self.ok:
            return "does_not_fit"
        unknown = any(found.severity == "unknown" for found in self.findings)
        return "not_understood_in_part" if unknown else "fits"

    @property
    def ok(self) -> bool:
        """Whether no finding is an error."""
        return not any(found.severity == "error" for found in self.findings)

    @property
    def counts(self) -> dict[str, int]:
        """Findings by severity."""
        counted = Counter(found.severity for found in self.findings)
        return {severity: counted[severity] for severity in SEVERITIES}

    def as_json(self) -> dict[str, Any]:
        """The report by the schema `report.schema.json`."""
        return {
            "schema": SCHEMA,
            "ok": self.ok,
            "policy": self.policy,
            "nodes": self.nodes,
            "counts": self.counts,
            "findings": [_finding(found) for found in self.findings],
            "files": [_file(use) for use in self.files],
            "validated": [standing.as_json() for standing in self.standing],
            "verdict": self.verdict,
            "not_understood": {
                "node_types": list(self.missed.node_types),
                "files": list(self.missed.file_names),
                "samplers": [node.id for node in self.missed.samplers],
            },
        }

    def as_text(self) -> str:
        """The report for a person."""
        lines = [self.summary]
        for finding in self.findings:
            lines += ["", f"{_HEADINGS[finding.severity]}: {finding.text}"]
            if finding.fix:
                lines.append(f"  {finding.fix}")
            if finding.candidates:
                lines.append(f"  Files of yours that fit: {', '.join(finding.candidates)}")
        lines += ["", *(str(standing) for standing in self.standing)] if self.standing else []
        lines += ["", "Files:"] if self.files else []
        lines += [f"  {use.name}: {_called(use)}" for use in self.files]
        return "\n".join(lines)

    @property
    def summary(self) -> str:
        """One line."""
        counted = [
            f"{number} {severity if severity != 'unknown' else 'unknown thing'}{'s' if number != 1 else ''}"
            for severity, number in self.counts.items()
            if number
        ]
        return f"{_VERDICTS[self.verdict]}: {', '.join(counted) or 'nothing to say'} about {self.nodes} nodes."


def sort_findings(findings: list[Finding]) -> tuple[Finding, ...]:
    """Most severe first; within a severity as they came."""
    return tuple(sorted(findings, key=lambda found: SEVERITIES.index(found.severity)))


def change_json(change: Change) -> dict[str, Any]:
    """A change as JSON."""
    return {"node": change.node, "input": change.input, "value": change.value}


def _finding(finding: Finding) -> dict[str, Any]:
    change = change_of(finding)
    return {
        "rule": finding.rule,
        "severity": finding.severity,
        "node": finding.node,
        "class_type": finding.class_type,
        "title": finding.title,
        "input": finding.input,
        "text": finding.text,
        "fix": finding.fix,
        "files": [_note(note) for note in finding.files],
        "candidates": list(finding.candidates),
        "change": change_json(change) if change else None,
    }


def _note(note: FileNote) -> dict[str, Any]:
    return {"name": note.name, "folder": note.folder, "title": note.title, "families": list(note.families)}


def _file(use: FileUse) -> dict[str, Any]:
    return {
        "node": use.node.id,
        "input": use.input,
        "name": use.name,
        "folder": use.file.folder if use.file else use.takes.folders[0],
        "kind": use.kind,
        "title": use.identity.title if use.identity else "",
        "families": list(use.families),
        "ambiguity": use.identity.ambiguity if use.identity else "",
        "evidence": list(use.identity.evidence) if use.identity else [],
        "problem": use.problem or (use.file.problem if use.file else ""),
    }


def _called(use: FileUse) -> str:
    if use.identity is not None:
        ambiguous = f" (ambiguous: {use.identity.ambiguity})" if use.identity.ambiguity else ""
        return use.identity.title + ambiguous
    if use.file is not None and use.file.is_unread:
        return "not read"
    return {
        "missing": "not there",
        "outside": "outside the model folders",
        "linked": "known only when the graph runs",
        "not_looked_at": "not looked at",
    }.get(use.problem, "unreadable")
