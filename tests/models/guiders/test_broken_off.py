"""A sampling that breaks off in mid-step, with any extra, changes nothing in the next one."""

from __future__ import annotations

import pytest
import torch
from armature_pack.tests.broken_off import check_breaks_leave_nothing
from guiding import EXTRAS, cfg, plain


@pytest.mark.parametrize("extra", ["curve", "mask", "every", "ip_adapter_mask", "both"])  # those that keep something
def test_the_next_run_equals_the_one_before(extra):
    before = plain().sample(cfg)
    run = EXTRAS[extra](plain())
    check_breaks_leave_nothing(lambda: run.sample(cfg))
    assert torch.equal(plain().sample(cfg), before)
