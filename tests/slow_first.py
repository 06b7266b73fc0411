"""The files that take longest are begun first, so that two processes end at nearly the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
# Longest first, as measured on two cores; whatever is not here takes less than twenty seconds.
SLOW = (
    "models/control/test_stack_against_host.py",
    "host/test_demo_effects.py",
    "host/test_example_graphs.py",
    "host/test_ip_adapter.py",
    "host/test_demo.py",
    "commands/test_archive.py",
    "commands/test_batch_ray.py",
    "models/control/test_leaks.py",
    "test_house.py",
    "models/ip_adapter/test_together.py",
    "browser/test_front_end.py",
    "browser/test_compatibility.py",
    "browser/test_old_graphs.py",
    "host/test_older_host.py",
    "host/test_other_clients.py",
    "host/test_without_opencv.py",
    "commands/test_batch_on_host.py",
    "models/controlnext/test_fidelity.py",
    "models/controlnext/test_compile.py",
    "models/generated/test_generation.py",
    "models/ip_adapter/test_exactness.py",
)
_PLACE = {TESTS / name: place for place, name in enumerate(SLOW)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A hook: the slow files in front, in this order; all else stays as it was."""
    items.sort(key=lambda item: _PLACE.get(item.path, len(_PLACE)))
