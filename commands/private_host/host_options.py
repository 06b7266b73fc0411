"""The options that choose a host, the same for every command."""

import argparse
import os
from pathlib import Path

from ..terminal import Problem
from .definition import ARCHIVE, DEFAULT, RELEASES, Request, find_release
from .ensure import ensure_private_host, ensure_test_tools
from .host import Host, find_user_host, missing_modules

TEST_MODULES = ("pytest", "xdist", "hypothesis", "importlinter", "playwright", "skimage", "diffusers")
# Those whose package is called something else.
TEST_PACKAGES = {"xdist": "pytest-xdist", "importlinter": "import-linter", "skimage": "scikit-image"}


def add_host_options(parser: argparse.ArgumentParser) -> None:
    """Add --comfyui, --python, --host, --source and --torch-index."""
    group = parser.add_argument_group("host", "which ComfyUI to use; the default is a private one, made on first use")
    group.add_argument(
        "--comfyui", metavar="PATH", type=Path, help="use your own ComfyUI; nothing is installed into it"
    )
    group.add_argument(
        "--python", metavar="EXECUTABLE", help="the Python that runs it (default: the one that belongs to it)"
    )
    versions = ", ".join(release.version for release in RELEASES)
    group.add_argument(
        "--host",
        "--version",
        metavar="VERSION",
        dest="host_version",
        default=DEFAULT.version,
        help=f"release of the private host: {versions} (default {DEFAULT.version})",
    )
    group.add_argument(
        "--source",
        default=ARCHIVE,
        help="where its source comes from: archive (pinned by sha256, the default), "
        "git (the official repository's tag), or git+URL",
    )
    group.add_argument(
        "--torch-index",
        metavar="URL",
        default=os.environ.get("ARMATURE_TORCH_INDEX", ""),
        help="an extra package index for torch, such as one with CPU builds (default: ARMATURE_TORCH_INDEX, or none)",
    )


def request_from(arguments: argparse.Namespace) -> Request:
    """The private host that the options name."""
    if arguments.python:
        raise Problem("--python goes with --comfyui. The private host uses the Python that runs armature.py.")
    return Request(find_release(arguments.host_version), arguments.source, arguments.torch_index)


def host_from(arguments: argparse.Namespace) -> Host:
    """The host that the options name, made if need be. Raises Problem."""
    if arguments.comfyui:
        return find_user_host(arguments.comfyui, arguments.python)
    return ensure_private_host(request_from(arguments))


def host_with_test_tools(arguments: argparse.Namespace) -> Host:
    """The same, with the tools of `armature.py test`. Raises Problem when the user's own host lacks them."""
    if not arguments.comfyui:
        return ensure_test_tools(request_from(arguments))
    host = host_from(arguments)
    missing = missing_modules(host, TEST_MODULES)
    if missing:
        names = " ".join(TEST_PACKAGES.get(name, name) for name in missing)
        raise Problem(
            f"your ComfyUI's Python lacks the test tools {', '.join(missing)}, and Armature installs nothing into "
            f"it. Install them yourself:\n    {host.python} -m pip install {names}"
        )
    return host
