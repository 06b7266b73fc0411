"""Finding the smallest weight that is enough: against curves that are known."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from armature_pack.models.control.weight_search import CLOSE, WeightSearch
from hypothesis import given, settings
from hypothesis import strategies as st


def searched(curve: Callable[[float], float], wanted: float, tries: int, most: float = 1.0) -> WeightSearch:
    search = WeightSearch(wanted, most, tries)
    while (weight := search.following()) is not None:
        search.saw(weight, curve(weight))
    return search


@settings(max_examples=200, deadline=None)
@given(
    st.floats(0.1, 4),
    st.floats(0.05, 0.95),
    st.integers(1, 12),
    st.floats(0.05, 3),
)
def test_a_rising_curve(bend: float, wanted: float, tries: int, most: float) -> None:
    def curve(weight: float) -> float:
        return (weight / most) ** bend

    search = searched(curve, wanted, tries, most)
    truth = most * wanted ** (1 / bend)
    assert 1 <= len(search.points) <= tries and search.points[0][0] == most
    assert search.enough is not None and search.known_to is not None
    found = search.enough[0]
    assert found - search.known_to - 1e-9 <= truth <= found + 1e-9
    assert tries < 12 or search.known_to <= CLOSE, "twelve tries are always enough"


@pytest.mark.parametrize(("tries", "known"), [(4, 0.13), (6, 0.05)])
def test_a_few_tries_know_it_well(tries: int, known: float) -> None:
    widths = [searched(lambda weight: weight**0.5, wanted / 20, tries).known_to for wanted in range(2, 20)]
    assert max(width for width in widths if width is not None) <= known + 0.1
    assert sum(width for width in widths if width is not None) / len(widths) <= known


def test_where_nothing_is_enough_one_try_says_so() -> None:
    search = searched(lambda weight: 0.3 * weight, 0.8, 6)
    assert search.points == [(1.0, 0.3)] and search.enough is None and search.best == (1.0, 0.3)
    assert search.known_to is None


def test_a_curve_that_falls_again_keeps_what_was_enough() -> None:
    search = searched(lambda weight: 0.9 if weight in (1.0, 0.25) else 0.2, 0.8, 8)
    assert search.enough is not None and search.enough[1] >= 0.8 and search.best == search.enough
