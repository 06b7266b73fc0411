"""The one file of pins, and its division by what a release asks for."""

from __future__ import annotations

import re

import pytest
from armature_pack.commands.private_host.definition import RELEASES
from armature_pack.commands.private_host.requirements import (
    HOST,
    OLDER_HOSTS,
    TEST,
    TORCH,
    package_of,
    pin,
    plan,
    section,
)
from armature_pack.commands.terminal import Problem

RELEASE_TEXT = """
comfyui-frontend-package==1.47.12
comfyui-workflow-templates==0.11.27
comfy-kitchen==0.2.26
torch
torchvision
numpy>=1.25.0

#non essential dependencies:
PyOpenGL>=3.1.8
SQLAlchemy>=2.0.0   # a comment
"""


@pytest.mark.parametrize("name", [TORCH, HOST, OLDER_HOSTS, TEST])
def test_everything_is_pinned(name):
    lines = section(name)
    assert lines and all(re.match(r"[A-Za-z0-9._-]+==[^ ;]+( ; .+)?$", line) for line in lines)


def test_no_package_in_two_sections():
    names = [{package_of(line) for line in section(name)} for name in (TORCH, HOST, OLDER_HOSTS, TEST)]
    assert sum(map(len, names)) == len(set().union(*names))


def test_only_the_torch_section_knows_cuda():
    for name in (HOST, TEST):
        assert not [
            line for line in section(name) if re.match("torch==|torchvision|torchaudio|nvidia|cuda|triton", line)
        ]
    assert pin("torch") == "torch==2.13.0"


def test_plan_takes_the_release_s_own_pins():
    divided = plan(RELEASE_TEXT)
    assert [package_of(line) for line in divided.exact] == [
        "comfyui-frontend-package",
        "comfyui-workflow-templates",
        "comfy-kitchen",
    ]
    ours = {package_of(line) for line in divided.ours}
    assert {"numpy", "pyopengl", "sqlalchemy", "aiohttp"} <= ours
    assert not ours & {"comfy-kitchen", "comfy-aimdo", "glfw", "torch", "torchvision"}


def test_plan_adds_what_older_releases_leave_open():
    ours = {package_of(line) for line in plan("comfy-kitchen>=0.2.7\nglfw\n").ours}
    assert {"comfy-kitchen", "glfw"} <= ours and "comfy-aimdo" not in ours


def test_plan_refuses_an_unpinned_package():
    with pytest.raises(Problem, match=r"left-pad.*does not pin"):
        plan("numpy\nleft-pad>=1\n")


def test_package_names_are_normalised():
    assert package_of("Comfyui_frontend.package>=1") == "comfyui-frontend-package"
    assert package_of("# a comment") == "" == package_of("")


def test_releases_are_pinned():
    assert len({release.version for release in RELEASES}) == len(RELEASES) == 6
    assert all(re.fullmatch("[0-9a-f]{64}", release.sha256) and release.size > 5e6 for release in RELEASES)
