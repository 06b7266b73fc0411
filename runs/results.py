"""What a run left behind, read from the server's history."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..common.node_names import name_node
from .errors import ClientError, NodeProblem, RunFailed, RunInterrupted


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


def read_outcome(
    prompt_id: str, entry: Mapping[str, Any], left_out: tuple[NodeProblem, ...] = ()
) -> RunResult | ClientError:
    """The end of a run from its history entry: its result, or the error it ended with (returned, not raised).

    Decided by the recorded messages, not by `status_str`: the host carries that one over from an earlier run when a
    run fails before its first node.
    """
    messages, prompt = _messages(entry), entry["prompt"][2]
    failure = messages.get("execution_error")
    stop = messages.get("execution_interrupted")
    if failure is not None:
        return _failed(prompt_id, failure, prompt)
    if stop is not None:
        node = stop.get("node_id")
        return RunInterrupted(prompt_id, node, name_node(prompt, str(node), stop.get("node_type")))
    return RunResult(
        prompt_id=prompt_id,
        outputs={node: read_output(output) for node, output in (entry.get("outputs") or {}).items()},
        cached=tuple(messages.get("execution_cached", {}).get("nodes", ())),
        seconds=_seconds(messages),
        left_out=left_out,
    )


def read_output(raw: Mapping[str, Any]) -> NodeOutput:
    """Sorts a node's `ui` output. Unknown kinds (audio, video, …) stay in `raw`."""
    images = tuple(
        Picture(item["filename"], item.get("subfolder", ""), item.get("type", "output"))
        for item in raw.get("images") or ()
        if isinstance(item, Mapping) and "filename" in item
    )
    texts = raw.get("text") or ()
    texts = (texts,) if isinstance(texts, str) else tuple(str(text) for text in texts)
    return NodeOutput(images=images, texts=texts, raw=raw)


def _messages(entry: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    status = entry.get("status") or {}
    return dict(status.get("messages") or ())


def _failed(prompt_id: str, data: Mapping[str, Any], prompt: Mapping[str, Any]) -> RunFailed:
    node, class_type = str(data.get("node_id")), str(data.get("node_type"))
    traceback = data.get("traceback") or ""
    return RunFailed(
        prompt_id=prompt_id,
        node=node,
        class_type=class_type,
        name=name_node(prompt, node, class_type),
        reason=str(data.get("exception_message") or "").strip(),
        exception_type=str(data.get("exception_type") or ""),
        traceback=traceback if isinstance(traceback, str) else "".join(traceback),
    )


def _seconds(messages: Mapping[str, Mapping[str, Any]]) -> float | None:
    start = messages.get("execution_start", {}).get("timestamp")
    end = messages.get("execution_success", {}).get("timestamp")
    return (end - start) / 1000 if start is not None and end is not None else None
