"""A fixture for every test of a folder whose conftest.py imports it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

FREE = 8 * 2**30  # bytes; far more than the small networks of the tests ask for


@pytest.fixture(scope="session", autouse=True)
def steady_memory() -> Iterator[None]:
    """The host finds the same memory free at every moment, whatever else the machine does.

    It runs the conditionings of a step in one batch or one after the other, and attention in more or fewer pieces, by what
    is free just then. The results differ by their rounding, so that two runs of a test would differ on a full machine.
    """
    import comfy.model_management as management

    measured: Any = management.get_free_memory

    def get_free_memory(dev: Any = None, torch_free_too: bool = False) -> Any:
        device = management.get_torch_device() if dev is None else dev
        if getattr(device, "type", "") != "cpu":
            return measured(dev, torch_free_too)
        return (FREE, FREE) if torch_free_too else FREE

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(management, "get_free_memory", get_free_memory)
        yield
