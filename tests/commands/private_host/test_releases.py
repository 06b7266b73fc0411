"""What the pack says about ComfyUI's versions is what was tested."""

from __future__ import annotations

from pathlib import Path

import pytest
from armature_pack.commands.private_host.definition import DEFAULT, find_release

TESTED = ("0.16.3", "0.24.0", "0.30.0")  # those that the tests of the server ran and passed on
ROOT = Path(__file__).resolve().parents[3]


def test_the_newest_tested_release_is_the_default():
    assert TESTED[-1] == DEFAULT.version and list(TESTED) == sorted(TESTED)


def test_the_registry_is_told_the_tested_range():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert f'requires-comfyui = ">={TESTED[0]},<={TESTED[-1]}"' in lines


@pytest.mark.parametrize("version", TESTED)
def test_each_can_be_had_with_host_and_is_named_in_the_readme(version):
    assert find_release(version).version == version
    assert version in (ROOT / "README.md").read_text(encoding="utf-8")
