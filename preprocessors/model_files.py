"""A weight file that a method needs. Standard library only, because `fetch` reads this with any Python.

Which they are stands with each method. Sizes are those that the repositories show, rounded, and exact with a sha256 where
their pages tell it; a licence is that of the weights, not of the data they saw, and UNKNOWN where the repository states none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["huggingface", "pypi"]
Kind = Literal[
    "annotator",
    "checkpoint",
    "clip_vision",
    "control_net",
    "controlnext",
    "diffusion_model",
    "ip_adapter",
    "lora",
    "model_patch",
    "text_encoder",
    "vae",
]
UNKNOWN = "unknown, the repository states none"


@dataclass(frozen=True)
class ModelFile:
    """Where a file comes from and where it belongs.

    id: its short name on the command line; repository: owner/name on Hugging Face, or package==version on PyPI; file:
    the path inside of it; folder: the folder of ComfyUI's models; licence: of the weights, UNKNOWN where nobody says;
    megabytes: about how large, for people, 0 where that is not known; bytes and sha256: exact, where they are known;
    commercial: False where the licence forbids commercial use; kind: what it is; saved_as: its name here, where the
    repository's says nothing; also_in: a package that ships the same weights, from which tests and help pictures take them.
    """

    id: str
    repository: str
    file: str
    folder: str
    licence: str
    megabytes: float
    bytes: int | None = None
    sha256: str | None = None
    commercial: bool = True
    source: Source = "huggingface"
    kind: Kind = "annotator"
    saved_as: str = ""
    also_in: str = ""

    @property
    def name(self) -> str:
        """The file's name below its folder: what two files of one name need, repository and path, is kept."""
        if self.saved_as:
            return self.saved_as
        if self.file.rpartition("/")[2] in _COMMON_NAMES:
            return f"{self.repository.rpartition('/')[2]}/{self.file.rpartition('/')[2]}"
        return self.file.rpartition("/")[2]

    @property
    def size(self) -> str:
        """About how large it is, in words."""
        if not self.megabytes:
            return "told by the server"
        return f"about {self.megabytes:g} MB" if self.megabytes >= 1 else f"about {self.megabytes * 1000:g} kB"

    @property
    def address(self) -> str:
        """Where it can be seen and downloaded by hand."""
        if self.source == "pypi":
            package, _, version = self.repository.partition("==")
            return f"https://pypi.org/project/{package}/{version}/"
        return f"https://huggingface.co/{self.repository}/resolve/main/{self.file}"


# Every repository of transformers has files of these names.
_COMMON_NAMES = ("model.safetensors", "config.json", "pytorch_model.bin", "preprocessor_config.json")


ANNOTATORS = "annotators"


def annotator(
    id: str,
    file: str,
    licence: str,
    megabytes: float,
    bytes: int | None = None,
    sha256: str | None = None,
    commercial: bool = True,
    also_in: str = "",
) -> ModelFile:
    """A file of ControlNet's annotators. Their repository says only "other": `licence` is that of the network's own source."""
    repository = "lllyasviel/Annotators"
    return ModelFile(id, repository, file, ANNOTATORS, licence, megabytes, bytes, sha256, commercial, also_in=also_in)
