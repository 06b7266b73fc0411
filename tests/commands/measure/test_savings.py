"""Weighing savings: what is drawn, and what is made of the numbers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from armature_pack.commands.measure.frontier import plotted, points
from armature_pack.commands.measure.graph import Measured, measured_graph
from armature_pack.commands.measure.results import GIVEN, Outcome, Reading
from armature_pack.commands.measure.savings import NONE, SAVINGS, Way, savings_cases, ways, with_savings
from armature_pack.commands.measure.ways import Case
from armature_pack.commands.terminal import Problem
from armature_pack.models.compatibility.node_types import recorded

API = Path(__file__).resolve().parents[3] / "workflows" / "api"
GIVEN_SCORES = {NONE: (0.8, 0.9), "every 2": (0.75, 0.97), "every 3": (0.5, 0.6)}
SECONDS = {NONE: 4.0, "every 2": 3.0, "every 3": 3.5}


def example(name: str) -> dict[str, Any]:
    return json.loads((API / f"{name}.json").read_text(encoding="utf-8"))


def planned(graph: dict[str, Any]) -> tuple[Measured, str]:
    return with_savings(measured_graph(graph, recorded()), recorded())


def test_every_picture_is_drawn_in_every_way_with_one_seed() -> None:
    measured, node = planned(example("01 One control signal"))
    wanted = ways([6, 12], ["lcm", "euler"])
    rows = savings_cases(measured, node, ["a.png", "b.png"], wanted)
    assert len(rows) == 2 * len(wanted) == 2 * 2 * 2 * len(SAVINGS)
    assert [row.picture for row in rows] == ["a.png"] * len(wanted) + ["b.png"] * len(wanted)
    assert [row.way for row in rows[: len(wanted)]] == [way.name for way in wanted]
    seeds = {row.picture: {value for key, value in row.values.items() if key.endswith("seed")} for row in rows}
    assert [len(found) for found in seeds.values()] == [1, 1] and seeds["a.png"] != seeds["b.png"]
    row = next(row for row in rows if row.way == "euler 12 steps, every 3")
    assert (
        row.values[f"{node}.every"] == 3 and row.values["13.steps"] == 12 and row.values["13.sampler_name"] == "euler"
    )
    # Each way says all of it, so that no row depends on the one before.
    assert {frozenset(row.values) for row in rows if row.picture == "a.png"} == {frozenset(row.values)}
    # The measure that only a wrong map needs is gone.
    kinds = [one["class_type"] for one in measured.prompt.values()]
    assert kinds.count("ArmatureControlAdherence") == 1
    asking = [one for one in measured.prompt.values() if one["inputs"].get("savings") == [node, 0]]
    assert [one["class_type"] for one in asking] == ["ArmatureApplyControlStack"]


def test_a_profile_in_the_graph_gives_way() -> None:
    graph = example("01 One control signal")
    graph["90"] = {"class_type": "ArmatureProfile", "inputs": {"profile": "fast"}}
    stack = next(key for key, one in graph.items() if one["class_type"] == "ArmatureApplyControlStack")
    graph[stack]["inputs"]["savings"] = ["90", 0]
    graph["13"]["inputs"]["steps"] = ["90", 1]
    measured, node = planned(graph)
    assert measured.prompt[stack]["inputs"]["savings"] == [node, 0]
    rows = savings_cases(measured, node, ["a.png"], ways([], []))
    assert [row.way for row in rows] == [f"as the graph says, {name}" for name in SAVINGS]
    with pytest.raises(Problem, match="--steps"):
        savings_cases(measured, node, ["a.png"], ways([4], []))


def outcome(saving: str, number: int) -> Outcome:
    case = Case(f"{number}.png", f"{number}.png", Way("", 0, saving).name, "", "", {})
    reading = Reading(GIVEN_SCORES[saving][number], 0.1, 0.5, "edge f1", {})
    return Outcome(case, SECONDS[saving] + number, "server", "x.png", {("5", GIVEN): reading})


def test_what_is_lost_is_counted_picture_by_picture() -> None:
    wanted = [Way("", 0, name) for name in (NONE, "every 2", "every 3", "every 4")]
    found = points(wanted, [outcome(name, number) for name in GIVEN_SCORES for number in (0, 1)])
    assert [one.way.saving for one in found] == [NONE, "every 2", "every 3"]
    whole, second, third = found
    assert whole.lost is None and whole.share == 1 and whole.score[0] == pytest.approx(0.85)
    assert second.lost is not None and second.lost[0] == pytest.approx(-0.01)
    assert second.lost[1] == pytest.approx(0.06), "of the differences, not of the scores"
    assert (
        third.lost is not None and third.lost[0] == pytest.approx(0.3) and third.lost[1] == pytest.approx(0, abs=1e-9)
    )
    assert second.share == pytest.approx((3 / 4 + 4 / 5) / 2)
    # As obedient in less time: the first is beaten by it, and so is the third.
    assert [one.is_best for one in found] == [False, True, False]


def test_the_drawing_shows_each_way() -> None:
    some = points([Way("", 0, name) for name in GIVEN_SCORES], [outcome(name, 0) for name in GIVEN_SCORES])
    more = points([Way("", 0, NONE)], [outcome(NONE, 0)])
    assert plotted(some).shape == plotted(more).shape == (1, 560, 980, 3)
    assert not plotted(some).equal(plotted(more))
    assert plotted([]).shape == (1, 560, 980, 3)
