"""What a generated file is: a name, a place among the host's model folders, and a source of weights with a seed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from armature_pack.tests.generated.weights import RULES

if TYPE_CHECKING:
    from torch import Tensor


class Source(Protocol):
    """A frozen dataclass whose fields say what to build; their repr is hashed into the file's name."""

    def build(self, seed: int) -> dict[str, Tensor]:
        """The state dict of the file. Needs the host importable."""
        ...


@dataclass(frozen=True)
class Recipe:
    """One file that can be generated.

    ``folder`` is the host's model folder that the loader looks in. Raise ``version`` when ``source`` builds other bytes
    from the same fields, so that a file made by the older code is not taken for the new one.
    """

    name: str
    folder: str
    source: Source
    seed: int
    version: int
    description: str

    @property
    def digest(self) -> str:
        """Eight hex digits that change with anything that decides the bytes of the file, apart from the host."""
        decisive = repr((self.name, self.version, self.seed, RULES, self.source))
        return hashlib.sha256(decisive.encode()).hexdigest()[:8]

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.digest}.safetensors"

    @property
    def metadata(self) -> dict[str, str]:
        """The safetensors header's free text: enough to tell a generated file from a trained one."""
        return {
            "armature.generated": "1",
            "armature.recipe": self.name,
            "armature.version": str(self.version),
            "armature.seed": str(self.seed),
            "armature.description": f"{self.description} Untrained random weights for tests: they make no pictures.",
        }
