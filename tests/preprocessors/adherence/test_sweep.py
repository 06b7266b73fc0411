"""Weights from text, the smallest that is enough, the sheet, and the nodes."""

from __future__ import annotations

import pytest
import torch
from armature_pack.nodes.sweep import ArmatureSweepSheet, ArmatureWeightSweep
from armature_pack.preprocessors.adherence.sweep import evaluate, parse_weights


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0, 0.5, 1", [0, 0.5, 1]),
        ("0:1:0.25", [0, 0.25, 0.5, 0.75, 1]),
        ("0.1:0.3:0.1, 2", [0.1, 0.2, 0.3, 2]),
        ("1, 1, 0.5", [1, 0.5]),
    ],
)
def test_weights_are_read(text, expected):
    assert parse_weights(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "there is none"),
        ("half", "'half' is not a number"),
        ("nan", "not a number"),
        ("0:1", "not a range"),
        ("1:0:0.1", "does not go upwards"),
        ("0:1:0", "does not go upwards"),
        ("0:1:0.001", "64 is the most"),
        ("0:1e308:1e-308", "64 is the most"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name(text, says):
    with pytest.raises(ValueError, match=says):
        parse_weights(text)


def test_the_smallest_weight_that_is_enough_and_the_best_when_none_is():
    swept = evaluate([1.0, 0.0, 0.5], [0.9, 0.1, 0.75], 0.7)
    assert swept.enough == 0.5
    assert "Weight 0.5 is the smallest" in swept.report
    none = evaluate([0.0, 1.0], [0.1, 0.4], 0.7)
    assert none.enough is None
    assert "best is 0.400 at weight 1" in none.report


def test_the_nodes():
    weights = ArmatureWeightSweep.execute("0, 0.5, 1").result
    assert weights is not None and weights[0] == [0, 0.5, 1]
    pictures = [torch.rand(1, 64, 64, 3) for _ in range(3)]
    made = ArmatureSweepSheet.execute(pictures, [0.0, 0.5, 1.0], [0.1, 0.8, 0.9], [0.7]).result
    assert made is not None
    sheet, curve, weight, _report = made
    assert sheet.shape[0] == 1 and sheet.shape[2] > 2 * 192
    assert curve.shape == (1, 400, 640, 3)
    assert weight == 0.5


def test_lists_that_do_not_match_are_refused():
    picture = torch.rand(1, 64, 64, 3)
    with pytest.raises(ValueError, match="1 pictures and 2 weights"):
        ArmatureSweepSheet.execute([picture], [0.0, 1.0], [0.1, 0.2])
    with pytest.raises(ValueError, match="differ in size"):
        ArmatureSweepSheet.execute([picture, torch.rand(1, 32, 64, 3)], [0.0, 1.0], [0.1, 0.2])
