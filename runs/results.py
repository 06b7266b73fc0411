"""What a run left behind."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import NodeProblem


@dataclass(frozen=True)
class Picture:
    """A picture file on the server, as `/view` names it. `type` is input, output or temp."""

    filename: str
    subfolder: str = ""
    type: str = "output"

    @property
    def annotated(self) -> str:
        """The name that inputs of loader nodes take: 'folder/name.png', plus ' [output]' outside the input folder."""
        path = f"{self.subfolder}/{self.filename}" if self.subfolder else self.filename
        return path if self.type == "input" else f"{path} [{self.type}]"


@dataclass(frozen=True)
class NodeOutput:
    """What one node showed: its pictures, its texts, and `raw`, everything as the server sent it."""

    images: tuple[Picture, ...]
    texts: tuple[str, ...]
    raw: Mapping[str, Any]


@dataclass(frozen=True)
class RunResult:
    """A finished run. `outputs` maps node ids to what the nodes showed; `cached` lists nodes that did not run again.

    `seconds` is the server's own time from start to end. `left_out` holds the problems of branches that the server
    dropped from an otherwise accepted prompt: check it, for the rest of the graph ran without them.
    """

    prompt_id: str
    outputs: Mapping[str, NodeOutput]
    cached: tuple[str, ...]
    seconds: float | None
    left_out: tuple[NodeProblem, ...] = ()

    def images(self, node: str) -> tuple[Picture, ...]:
        """The pictures of one node, empty when it showed none."""
        return self.outputs[node].images if node in self.outputs else ()

    def texts(self, node: str) -> tuple[str, ...]:
        """The texts of one node, empty when it showed none."""
        return self.outputs[node].texts if node in self.outputs else ()
