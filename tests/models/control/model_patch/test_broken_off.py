"""A sampling that breaks off inside the network, of any kind of control, changes nothing in the next one."""

from __future__ import annotations

import pytest
import torch
from armature_pack.tests.broken_off import check_breaks_leave_nothing
from test_abilities import CONTROL_KINDS, subject


@pytest.mark.parametrize("kind", CONTROL_KINDS)
def test_the_next_run_equals_the_one_before(kind):
    it = subject(kind)
    applied = it.applied()
    expected = check_breaks_leave_nothing(lambda: it.run(applied.positive, applied.negative, 1))
    assert torch.equal(it.made(), expected)
