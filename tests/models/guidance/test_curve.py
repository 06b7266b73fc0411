"""The curve of a signal: text, presets and the host's widget are one and the same."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from armature_pack.models.guidance.curve import CONSTANT, PRESETS, Curve
from armature_pack.tests.host_parts import needs_curves
from hypothesis import given, settings
from hypothesis import strategies as st

POINTS = [(0.0, 1.0), (0.4, 0.6), (1.0, 0.0)]


def test_empty_text_is_the_constant_one():
    assert Curve.from_text("") == CONSTANT == Curve.read(None)
    assert CONSTANT.is_constant and CONSTANT.value(0.37) == 1.0


def widgets() -> Any:
    """The host's curve classes."""
    return importlib.import_module("comfy_api.input")


@needs_curves
@pytest.mark.parametrize(
    ("text", "widget"), [("0:1, 0.4:0.6, 1:0", "LinearCurve"), ("smooth 0:1, 0.4:0.6, 1:0", "MonotoneCubicCurve")]
)
def test_text_equals_the_host_widget(text, widget):
    curve, host = Curve.from_text(text), getattr(widgets(), widget)(POINTS)
    assert curve == Curve.read(host)
    assert [curve.value(x) for x in np.linspace(0, 1, 33)] == [host.interp(x) for x in np.linspace(0, 1, 33)]


ASCENDING = st.lists(
    st.tuples(st.integers(0, 1000).map(lambda x: x / 1000), st.integers(0, 1000).map(lambda y: y / 100)),
    min_size=1,
    max_size=8,
    unique_by=lambda point: point[0],
).map(sorted)


@needs_curves
@settings(deadline=None)
@given(ASCENDING, st.booleans(), st.floats(0, 1))
def test_every_value_is_the_one_that_the_host_draws(points, smooth, x):
    host = (widgets().MonotoneCubicCurve if smooth else widgets().LinearCurve)(points)
    assert Curve.read(host).value(x) == host.interp(x)
    assert all(Curve.read(host).value(place) == host.interp(place) for place, _ in points)


def test_the_smallest_rise_beside_a_steep_one_is_still_a_number():
    assert Curve(((0.0, 0.0), (0.5, 5e-324), (1.0, 10.0)), "monotone_cubic").value(0.25) == pytest.approx(0)


@needs_curves
def test_raw_widget_value_of_the_host_reads_the_same():
    raw = widgets().CurveInput.from_raw({"points": [list(point) for point in POINTS], "interpolation": "linear"})
    assert Curve.read(raw) == Curve.from_text("0:1,0.4:0.6,1:0")


@pytest.mark.parametrize("name", PRESETS)
def test_presets_are_read_by_name_and_stay_between_zero_and_one(name):
    values = [Curve.from_text(name.upper()).value(x) for x in np.linspace(0, 1, 101)]
    assert min(values) >= 0 and max(values) == pytest.approx(1)


def test_points_are_sorted_and_held_flat_outside():
    curve = Curve.from_text("0.8:0.2, 0.2:1")
    assert curve.value(0.0) == 1.0 and curve.value(1.0) == pytest.approx(0.2) and curve.value(0.5) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("half", '"half"'),
        ("0:1, 0.5", '"0.5"'),
        ("0:1, 1.5:0", "1.5"),
        ("0:-1", "-1"),
        ("0:nan", "nan"),
        ("0:1, 0:0.5", "same progress"),
        ("smooth", "no points"),
        (",", "no points"),
    ],
)
def test_unreadable_schedules_say_what_is_wrong_and_how_to_write_one(text, named):
    with pytest.raises(ValueError, match=r"0\.4:0\.6") as error:
        Curve.from_text(text)
    assert named in str(error.value)


def test_a_linked_value_of_another_type_is_refused_by_name():
    with pytest.raises(ValueError, match="not int"):
        Curve.read(3)


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 10)), min_size=1, max_size=8, unique_by=lambda point: point[0]),
    st.booleans(),
)
def test_text_form_reads_back_equal(points, smooth):
    curve = Curve(tuple(sorted(points)), "monotone_cubic" if smooth else "linear")
    assert Curve.from_text(curve.to_text()) == curve
