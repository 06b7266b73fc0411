"""Samplings that break off in mid-step, inside the network or a control net, and what the next one then makes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import comfy.model_management
import pytest
import torch

# What is raised, and where in a sampling of two steps: at which share of all its calls of layers.
BREAKS = (
    (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), 0.3),
    (comfy.model_management.InterruptProcessingException(), 0.9),
)


def check_breaks_leave_nothing(run: Callable[[], torch.Tensor]) -> torch.Tensor:
    """Runs, breaks off, and runs again to the same bits, for want of memory and by an interrupt. What a run makes."""
    with _layers(lambda _: None) as calls:
        expected = run()
    for error, place in BREAKS:
        last = int(calls[0] * place)

        def stop(number: int, last: int = last, error: BaseException = error) -> None:
            if number == last:
                raise error

        with _layers(stop), pytest.raises(type(error)):
            run()
        assert torch.equal(run(), expected)
    return expected


@contextmanager
def _layers(look: Callable[[int], None]) -> Iterator[list[int]]:
    """Calls `look` with the number of each call of any layer, before the layer runs."""
    calls = [0]

    def count(*_: Any) -> None:
        calls[0] += 1
        look(calls[0])

    hook = torch.nn.modules.module.register_module_forward_pre_hook(count)
    try:
        yield calls
    finally:
        hook.remove()
