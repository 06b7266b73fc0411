"""What a batch is asked to do: which graph, for which rows, how, and where its results go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...common.graph_files import NoGraph, read_graph_file
from ..errors import BatchError
from ..wire import Secrets

LONGEST_PATIENCE = 30.0  # of one request; a batch itself waits for as long as its settings say
_ADVICE = "In ComfyUI choose Workflow, Export (API)."


@dataclass(frozen=True)
class Request:
    """Which rows. source: a .csv, a .jsonl or a folder of pictures. vary: products, as 'Sampler.seed=1..4'.

    mapping: column name -> 'Title.input'. picture: the input that takes a folder's pictures. pictures: the folder that rows'
    pictures lie in; by default that of `source`. despite_errors: whether rows run that the check of models finds errors in.
    """

    source: Path | None = None
    vary: Sequence[str] = ()
    mapping: Mapping[str, str] = field(default_factory=dict)
    picture: str = ""
    pictures: Path | None = None
    despite_errors: bool = False

    @property
    def folder(self) -> Path:
        """The only folder that pictures and lists are read from."""
        if self.pictures is not None or self.source is None:
            return self.pictures or Path()
        return self.source if self.source.is_dir() else self.source.parent


@dataclass(frozen=True)
class Settings:
    """retry: further tries of a row that failed. ahead: prompts in the server's queue. row_seconds: limit of one row.

    patience: seconds that a server may be away before the batch stops. minimum_adherence: score below which a row's picture
    does not count; its further tries take other seeds.
    """

    retry: int = 0
    ahead: int = 2
    row_seconds: float | None = None
    patience: float = 300.0
    minimum_adherence: float | None = None

    def __post_init__(self) -> None:
        """Raises BatchError for values that no batch can be run by."""
        faults = {
            "--retry takes 0 or more": self.retry >= 0,
            "--patience takes seconds, 0 or more": self.patience >= 0,  # not of NaN, as all that follow
            "--row-timeout takes seconds, more than 0": self.row_seconds is None or self.row_seconds > 0,
            "--minimum-adherence takes a number, 1 at most": (self.minimum_adherence or 0) <= 1,  # the largest score
        }
        told = [fault for fault, is_fit in faults.items() if not is_fit]
        if told:
            raise BatchError(f"{'; '.join(told)}.")

    @property
    def client_patience(self) -> float:
        """Seconds that a client of the batch waits for a server that does not answer."""
        return min(LONGEST_PATIENCE, self.patience)


@dataclass(frozen=True)
class Job:
    """One batch. graph: an API prompt. out: the folder of its ledger and its results. secrets: what is never shown."""

    graph: Mapping[str, Any]
    request: Request
    out: Path
    secrets: Secrets
    settings: Settings = field(default_factory=Settings)


def read_graph(path: Path | str) -> dict[str, Any]:
    """The API prompt in a JSON file, or in a picture that ComfyUI saved.

    Raises BatchError for everything else, graphs saved for the front end included.
    """
    path = Path(path)
    try:
        data = read_graph_file(path, "prompt")
    except OSError as error:
        raise BatchError(f"{path}: {error.strerror or 'cannot be read'}. Give the graph's JSON file.") from None
    except NoGraph as error:
        raise BatchError(f"{path}: {error} {_ADVICE}") from None
    return check_graph(data, str(path))


def check_graph(data: object, where: str) -> dict[str, Any]:
    """`data` if it is an API prompt. Raises BatchError, with `where` to name the place."""
    if isinstance(data, Mapping) and isinstance(data.get("nodes"), list):
        raise BatchError(f"{where} is a graph for the front end, not an API prompt. {_ADVICE}")
    if not isinstance(data, Mapping) or not data:
        raise BatchError(f"{where} holds no API prompt. {_ADVICE}")
    for node_id, node in data.items():
        inputs = node.get("inputs", {}) if isinstance(node, Mapping) else None
        if not isinstance(inputs, Mapping) or not isinstance(node.get("class_type"), str):
            raise BatchError(f"{where}: '{node_id}' is not a node with class_type and inputs. {_ADVICE}")
    return dict(data)
