"""Numbers as ranges."""

from __future__ import annotations

from armature_pack.common.number_ranges import in_ranges
from hypothesis import given
from hypothesis import strategies as st


@given(st.lists(st.integers(0, 60)))
def test_the_ranges_hold_each_number_and_no_other(numbers):
    read = set()
    for part in filter(None, in_ranges(numbers, " to ").split(", ")):
        low, _, high = part.partition(" to ")
        read |= set(range(int(low), int(high or low) + 1))
    assert read == set(numbers)


def test_runs_are_short_and_single_numbers_stay():
    assert in_ranges([7, 0, 1, 2, 3, 10, 11, 3]) == "0-3, 7, 10-11" and in_ranges([]) == ""
