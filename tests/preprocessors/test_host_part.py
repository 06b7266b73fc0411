"""What an older host lacks: found by looking for it, left out, and said once, in the log and in the error."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest
from armature_pack.nodes import missing_host_parts as start_up
from armature_pack.preprocessors import registry
from armature_pack.preprocessors.host_part import HostPart, host_version
from armature_pack.preprocessors.registry import ENTRIES, available_methods, find_method

FUTURE = HostPart("ComfyUI's own crystal ball", "comfy.ldm.crystal_ball", "9.9.9")


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> str:
    """A host without what the method blur needs; its sentence."""
    entries = tuple(replace(entry, host_part=FUTURE) if entry.method == "blur" else entry for entry in ENTRIES)
    monkeypatch.setattr(registry, "ENTRIES", entries)
    monkeypatch.setattr(start_up, "ENTRIES", entries)
    (entry,) = [entry for entry in entries if entry.method == "blur"]
    return (
        f'On ComfyUI {host_version()} the node {entry.title} (method "blur") is not available: it needs ComfyUI\'s own '
        "crystal ball, which ComfyUI 9.9.9 has. Update ComfyUI to use it."
    )


@pytest.mark.parametrize(
    ("module", "name", "there"),
    [
        ("comfy.ldm.flux", "", True),
        ("comfy.ldm.no_such", "", False),
        ("no_such.package", "", False),
        ("comfy.utils", "ProgressBar", True),
        ("comfy.utils", "NoSuchBar", False),
        ("no_such.package", "name", False),
    ],
)
def test_a_part_is_a_module_or_a_name_in_one(module, name, there):
    assert HostPart("x", module, "0.24.0", name=name).is_there() is there


def test_a_method_without_its_part_is_left_out_and_refused_by_name(without):
    assert "blur" not in [entry.method for entry in available_methods()]
    with pytest.raises(ValueError) as refused:
        find_method("blur")
    assert str(refused.value) == without
    with pytest.raises(ValueError) as unknown:  # what reaches us of a choice that the host does not know
        find_method(None)
    assert str(unknown.value).splitlines()[-1] == without


def test_the_log_names_each_lack_once(without, caplog):
    with caplog.at_level(logging.WARNING, "armature"):
        start_up.tell_lacks()
    assert [record.getMessage() for record in caplog.records].count(f"[Armature] {without}") == 1
    assert len(caplog.records) == len(start_up.lacks())
