"""From drawn rows to the table: means, standard errors, and what is compared with what."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from armature_pack.commands.measure.graph import Measured, Signal
from armature_pack.commands.measure.report import table_lines
from armature_pack.commands.measure.results import GIVEN, OWN, estimate, outcomes, table
from armature_pack.commands.measure.ways import OFF, TOGETHER, WRONG, cases

SIGNALS = tuple(Signal(key, key.upper(), 0.8, "canny", f"{key}p.image", f"{key}g", f"{key}o") for key in ("a", "b"))
MEASURED = Measured({}, SIGNALS, "in.image", {"s.seed": 3}, "'Decode'", ())
SCORES = {OFF: 0.2, "0.5": 0.6, "1": 0.8, WRONG: 0.7, TOGETHER: 0.75}


def told(score: float, chance: float = 0.1) -> list[str]:
    relative = (score - chance) / (1 - chance)
    one = {"absolute": score, "source": 1.0, "chance": chance, "relative": relative, "details": {"precision": score}}
    return [json.dumps({"measure": "edge F1", "score": score, "relative": relative, "pictures": [one]})]


def summary(pictures: list[str]) -> tuple[list[Any], dict[str, Any]]:
    rows = cases(MEASURED, pictures)
    drawn = []
    for number, row in enumerate(rows, 1):
        score = SCORES[row.way] + 0.1 * pictures.index(row.picture)
        texts = {f"{key}{map}": told(score if map == "g" or row.way != WRONG else 0.15) for key in "ab" for map in "go"}
        made = {"row": number, "state": "done", "name": row.name, "reason": "", "seconds": number, "server": "x"}
        drawn.append(made | {"pictures": [f"{number}.png"], "texts": texts})
    return rows, {"rows": drawn}


def test_each_line_is_over_the_pictures_of_its_way() -> None:
    rows, drawn = summary(["p.png", "q.png"])
    lines = {(line.signal, line.way, line.against): line for line in table(MEASURED, outcomes(MEASURED, rows, drawn))}
    ways = [(OFF, GIVEN), ("0.5", GIVEN), ("1", GIVEN), (WRONG, GIVEN), (WRONG, OWN), (TOGETHER, GIVEN)]
    assert list(lines) == [(name, *way) for name in "AB" for way in ways]
    full = lines["A", "1", GIVEN]
    assert full.score == (pytest.approx(0.85), pytest.approx(0.05))  # 0.8 and 0.9: a deviation of 0.0707 over root 2
    assert full.gain[0] == pytest.approx(0.75) and full.details["precision"] == pytest.approx(0.85)
    assert full.over_off == (pytest.approx(0.6), pytest.approx(0, abs=1e-9)), "pairs of one picture"
    assert lines["A", WRONG, GIVEN].over_off is None, "off was not measured against that map"
    assert lines["A", WRONG, OWN].over_off[0] == pytest.approx(0.15 - 0.25)
    assert lines["A", OFF, GIVEN].over_off is None
    assert full.seconds == pytest.approx((3 + 11) / 2)
    assert len(table_lines([asdict(line) for line in lines.values()])) == 2 + len(lines)


def test_rows_that_failed_are_missing_and_nothing_else() -> None:
    rows, drawn = summary(["p.png", "q.png"])
    for row in drawn["rows"]:
        if row["name"] == "q off":
            row |= {"state": "failed", "pictures": [], "texts": {}}
    lines = table(MEASURED, outcomes(MEASURED, rows, drawn))
    by_way = {(line.signal, line.way, line.against): line for line in lines}
    assert by_way["A", OFF, GIVEN].pictures == 1 and by_way["A", OFF, GIVEN].score[1] is None
    assert by_way["A", "1", GIVEN].pictures == 2
    assert by_way["A", "1", GIVEN].over_off == (pytest.approx(0.6), None)


@pytest.mark.parametrize(
    "answer",
    [
        *("", "no JSON", "[" * 100_000, "null", "[]", "7", "{}", '{"pictures": 5}', '{"pictures": [5], "score": 1}'),
        *(told(score)[0] for score in (float("nan"), float("inf"), 1e300)),
        told(1)[0].replace('"chance": 0.1', '"chance": "x"'),
        told(1)[0].replace('"edge F1"', "[]"),
        told(1)[0].replace('"edge F1"', json.dumps("\x1b[2J")),
        told(1)[0][:-1],
        told(1)[0].replace('"score": 1', f'"score": {"9" * 400}'),
    ],
)
def test_what_a_server_tells_in_the_place_of_a_score_is_no_reading(answer: str) -> None:
    rows, drawn = summary(["p.png", "q.png"])
    for row in drawn["rows"]:
        row["texts"] = {node: [answer] for node in row["texts"]}
    done = outcomes(MEASURED, rows, drawn)
    assert len(done) == len(rows) and not any(one.readings for one in done)
    assert table(MEASURED, done) == []


def test_details_that_are_no_numbers_are_left_out() -> None:
    rows, drawn = summary(["p.png"])
    for row in drawn["rows"]:
        for texts in row["texts"].values():
            texts[0] = texts[0].replace('"details": {', '"details": {"odd": NaN, "list": [], "\\n": 1, ')
    lines = table(MEASURED, outcomes(MEASURED, rows, drawn))
    assert {name for line in lines for name in line.details} == {"precision"}


def test_the_standard_error_is_that_of_the_mean() -> None:
    assert estimate([1, 2, 3, 4]) == (2.5, pytest.approx((5 / 3) ** 0.5 / 2))
    assert estimate([7]) == (7, None)
