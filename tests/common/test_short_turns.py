"""Turns are short while anybody needs it, and as they were behind the last."""

from __future__ import annotations

import sys

import pytest
from armature_pack.common.short_turns import short_turns


def test_they_are_short_until_the_last_is_done_and_then_as_before():
    before = sys.getswitchinterval()
    first, second = short_turns(), short_turns()
    first.__enter__()
    second.__enter__()
    assert sys.getswitchinterval() == pytest.approx(0.0005)
    first.__exit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(0.0005)
    second.__exit__(None, None, None)
    assert sys.getswitchinterval() == pytest.approx(before)
    with pytest.raises(KeyError), short_turns():
        raise KeyError
    assert sys.getswitchinterval() == pytest.approx(before)


def test_what_somebody_made_shorter_stays():
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0002)
    shorter = sys.getswitchinterval()
    try:
        with short_turns():
            assert sys.getswitchinterval() == pytest.approx(shorter, abs=2e-6)
        assert sys.getswitchinterval() == pytest.approx(shorter, abs=2e-6)
    finally:
        sys.setswitchinterval(before)
