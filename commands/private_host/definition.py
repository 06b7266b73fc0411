"""Everything that decides what a private host contains, and the key made of it."""

import hashlib
import json
import platform
import struct
import sys
from dataclasses import asdict, dataclass, replace
from functools import cached_property

from ..errors import Problem
from . import requirements
from .releases import DEFAULT, REPOSITORY, Release

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
        text = json.dumps(asdict(self), sort_keys=True)
        return f"{self.version}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def but(self, **changes: object) -> "Definition":
        """A copy with some ingredients changed."""
        return replace(self, **changes)


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
    return hashlib.sha256(repr(parts).encode()).hexdigest()
