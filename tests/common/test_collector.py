"""The collector of garbage works again after whatever let it rest, and rests for no longer than one of several."""

from __future__ import annotations

import gc

import pytest
from armature_pack.common.collector import collector_at_rest


def test_it_rests_and_works_again_after_an_error_too() -> None:
    with pytest.raises(KeyError), collector_at_rest():
        assert not gc.isenabled()
        raise KeyError
    assert gc.isenabled()


def test_of_two_that_overlap_the_first_to_end_sets_it_to_work() -> None:
    first, second = collector_at_rest(), collector_at_rest()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.isenabled()
    second.__exit__(None, None, None)
    assert gc.isenabled()


def test_one_that_somebody_else_has_stopped_stays_so() -> None:
    gc.disable()
    try:
        with collector_at_rest():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
