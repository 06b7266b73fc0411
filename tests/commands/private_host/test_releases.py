"""What the pack says about ComfyUI's versions is what was tested."""

from __future__ import annotations

from pathlib import Path

import pytest
from armature_pack.commands.private_host.definition import DEFAULT, RELEASES, find_release
from armature_pack.common.host_versions import TESTED_RELEASES as TESTED
from armature_pack.common.host_versions import told_untested

ROOT = Path(__file__).resolve().parents[3]


def test_the_newest_tested_release_is_the_default():
    assert TESTED[-1] == DEFAULT.version and list(TESTED) == sorted(TESTED)


def test_the_registry_is_told_the_oldest_and_refuses_no_newer_one():
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").splitlines()
    assert f'requires-comfyui = ">={TESTED[0]}"' in lines


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ("0.30.0", False),
        ("0.29.9", False),
        ("0.30.1", True),
        ("0.100.2", True),
        ("1.0", True),
        ("", False),
        ("dev", False),
    ],
)
def test_a_host_newer_than_tested_is_told_and_no_other(version, told):
    sentence = told_untested(version)
    assert (sentence is not None) == told and (sentence is None or (version in sentence and TESTED[-1] in sentence))


def test_the_list_of_private_hosts_says_which_were_tested():
    assert {release.version for release in RELEASES if release.is_tested} == set(TESTED)


@pytest.mark.parametrize("version", TESTED)
def test_each_can_be_had_with_host_and_is_named_in_the_readme(version):
    assert find_release(version).version == version
    assert version in (ROOT / "README.md").read_text(encoding="utf-8")
