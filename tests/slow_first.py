"""The files that take longest are begun first, so that two processes end at nearly the same time, and are marked `slow`."""

from __future__ import annotations

from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
# Longest first, but what takes most memory before all others, where the server's process begins with the smallest graphs:
# the type checker, and the networks in full size. The graphs of SDXL and the browser come when nothing large runs beside them.
# All others take less than five seconds of a processor.
SLOW = (
    "test_house.py",
    "host/test_demo_effects.py",
    "models/control/test_oracle_diffusers.py",
    "models/controlnext/test_fidelity.py",
    "host/test_control_graph.py",
    "host/test_ip_adapter.py",
    "models/ip_adapter/test_exactness.py",
    "host/test_demo.py",
    "host/test_example_graphs.py",
    "host/test_old_graphs.py",
    "test_registry.py",
    "generated/test_base_models.py",
    "generated/test_generation.py",
    "browser/test_first_graphs.py",
    "browser/test_blueprints.py",
    "browser/test_layout.py",
    "browser/test_compatibility.py",
    "browser/test_reports.py",
    "models/control/test_stack_against_host.py",
    "models/control/test_map_reference.py",
    "commands/measure/test_on_host.py",
    "commands/batch/test_ray.py",
    "commands/batch/test_batch.py",
    "models/controlnext/test_control.py",
    "models/controlnext/test_stack.py",
    "models/guiders/test_guiders.py",
    "models/guiders/test_patches.py",
    "models/controlnext/test_guiders.py",
    "preprocessors/test_lines_at_any_size.py",
    "preprocessors/test_new_method.py",
    "models/control/model_patch/test_model_patch_net.py",
    "models/control/model_patch/test_abilities.py",
    "browser/test_front_end.py",
    "browser/test_desk.py",
    "browser/test_desk_history.py",
    "browser/test_desk_kept.py",
    "host/test_history_routes.py",
    "models/control/test_leaks.py",
    "models/ip_adapter/test_apply.py",
    "host/test_other_clients.py",
    "commands/batch/test_on_host.py",
    "models/controlnext/test_video.py",
    "models/control/test_union.py",
    "models/ip_adapter/test_together.py",
    "preprocessors/learned/test_host_models.py",
    "host/test_older_host.py",
    "host/test_without_opencv.py",
)
_PLACE = {TESTS / name: place for place, name in enumerate(SLOW)}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A hook: the slow files in front, in this order; all else stays as it was."""
    for item in items:
        if item.path in _PLACE:
            item.add_marker("slow")
    items.sort(key=lambda item: _PLACE.get(item.path, len(_PLACE)))
