"""Where a figure comes from: when, from which commit, on which processor."""

from __future__ import annotations

import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from ....commands.measure.report import commit


def origin() -> dict[str, Any]:
    """date (UTC), commit (with a + where files differ from it; None without a checkout), processor, threads, torch."""
    return {
        "date": datetime.now(timezone.utc).date().isoformat(),
        "commit": commit(),
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def told(found: dict[str, Any]) -> str:
    """The same in words, for a page."""
    made_at = (found["commit"] or "no commit")[:12]
    return (
        f"{found['date']}, commit {made_at}, {found['processor']}, {found['threads']} threads, torch {found['torch']}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
