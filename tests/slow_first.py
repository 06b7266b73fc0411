"""The files that take longest are begun first, so that two processes end at nearly the same time."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
# Longest first, as measured on two cores, but files that wait for the disk beside some that compute. All others take
# less than twenty seconds.
SLOW = (
    "host/test_example_graphs.py",
    "host/test_demo_effects.py",
    "host/test_demo.py",
    "models/control/test_stack_against_host.py",
    "models/files/test_truth.py",
    "test_house.py",
    "test_registry.py",
    "models/ip_adapter/test_exactness.py",
    "models/generated/test_base_models.py",
    "commands/test_batch_ray.py",
    "models/generated/test_generation.py",
    "host/test_ip_adapter.py",
    "browser/test_blueprints.py",
    "models/controlnext/test_fidelity.py",
    "commands/test_batch.py",
    "host/test_control_graph.py",
    "models/control/test_oracle_diffusers.py",
    "browser/test_front_end.py",
    "models/controlnext/test_control.py",
    "browser/test_desk.py",
    "models/ip_adapter/test_together.py",
    "models/controlnext/test_stack.py",
    "host/test_other_clients.py",
    "commands/test_batch_on_host.py",
    "preprocessors/learned/test_host_models.py",
    "host/test_older_host.py",
    "models/control/test_leaks.py",
    "models/ip_adapter/test_apply.py",
    "host/test_without_opencv.py",
    "models/controlnext/test_video.py",
)
_PLACE = {TESTS / name: place for place, name in enumerate(SLOW)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A hook: the slow files in front, in this order; all else stays as it was."""
    items.sort(key=lambda item: _PLACE.get(item.path, len(_PLACE)))
