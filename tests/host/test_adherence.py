"""Adherence and weight sweep through the real server, behind the shipped graph."""

from __future__ import annotations

from typing import Any

import pytest
from armature_pack.runs.errors import RunFailed

from .test_control_graph import graph, picture

pytestmark = pytest.mark.host


def swept(server, **changes: Any) -> dict[str, Any]:
    """The shipped graph over three weights, with adherence and sheet."""
    prompt = graph(server)
    added = {
        "sweep": ("ArmatureWeightSweep", {"weights": "0, 0.5, 1"}),
        "adherence": ("ArmatureControlAdherence", {"image": ["13", 0], "control_image": ["4", 0]}),
        "sheet": (
            "ArmatureSweepSheet",
            {"image": ["13", 0], "weight": ["sweep", 0], "adherence": ["adherence", 0], "wanted": 0.9},
        ),
        "saved sheet": ("SaveImage", {"images": ["sheet", 0], "filename_prefix": "sheet"}),
        "saved curve": ("SaveImage", {"images": ["sheet", 1], "filename_prefix": "curve"}),
    }
    for name, (kind, inputs) in added.items():
        prompt[name] = {"class_type": kind, "inputs": inputs, "_meta": {"title": name}}
    prompt["7"]["inputs"]["weight"] = ["sweep", 0]
    for change, value in changes.items():
        node, _, name = change.partition("__")
        prompt[node]["inputs"][name] = value
    return prompt


def test_a_sweep_ends_in_one_sheet_and_one_curve(server):
    result = server.run(swept(server))
    assert picture(server, result, "saved curve").shape == (400, 640, 3)
    sheet = picture(server, result, "saved sheet")
    assert sheet.shape[1] > 2 * 192


def test_the_gate_stops_the_graph_and_says_why(server):
    with pytest.raises(RunFailed, match="lies below the minimum"):
        server.run(swept(server, adherence__minimum=1.0, adherence__policy="error"))
