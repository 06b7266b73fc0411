"""What a node shows on itself after a run: its report, and pictures. web/js/node_report.js draws the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..common.report_lines import warning
from .api import ui


def shown(report: str, pictures: Any = None, cls: Any = None) -> dict[str, Any]:
    """`ui` of a node's output. pictures: IMAGE [B,H,W,C], of which colours are shown, or None."""
    seen = {} if pictures is None else ui.PreviewImage(pictures[..., :3].clamp(0, 1), cls=cls).as_dict()
    return {**seen, "text": (report,)}


def shown_file(path: Path, *told: str) -> dict[str, Any]:
    """`ui` of a loader: what the file is, by its header. told: what wants attention, a sentence each."""
    from ..models.files.identify import told_file

    return shown("\n".join((*map(warning, told), told_file(path))))
