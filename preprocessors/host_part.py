"""Parts of ComfyUI that older releases lack. They are found by looking for them, never by comparing versions."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec


@dataclass(frozen=True)
class HostPart:
    """A module of the host, or a name in one.

    title: what a person calls it; since: the oldest of the tested releases that has it; name: '' for the module itself.
    """

    title: str
    module: str
    since: str
    name: str = ""

    def is_there(self) -> bool:
        """Whether this host has it. A module is looked for, not imported."""
        try:
            if self.name:
                return hasattr(import_module(self.module), self.name)
            return find_spec(self.module) is not None
        except ModuleNotFoundError:  # a package above it
            return False

    def missing(self, what: str) -> str:
        """What a person who wants `what` on a host without this should read."""
        return (
            f"On ComfyUI {host_version()} {what} is not available: it needs {self.title}, which ComfyUI {self.since} has. "
            "Update ComfyUI to use it."
        )


def host_version() -> str:
    """The version that the host gives itself."""
    return import_module("comfyui_version").__version__
