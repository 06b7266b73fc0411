"""What can go wrong between a client and a ComfyUI server, in words that name what, where and what to do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..common.node_names import name_node


class ClientError(Exception):
    """Base of every error the client raises."""


class ServerUnreachable(ClientError):
    """Nothing answers at the address, or the connection was lost for longer than the client waits."""


class UnexpectedAnswer(ClientError):
    """Something answered, but not as a ComfyUI server does. `status` is the HTTP status."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class RunTimedOut(ClientError):
    """The run did not end within the caller's time limit; it was taken off the server's queue."""


class RunLost(ClientError):
    """The server knows the prompt no longer: neither queued nor running nor in its history."""


class RunInterrupted(ClientError):
    """Somebody stopped the run. `node` is the id of the node that was running, or None."""

    def __init__(self, prompt_id: str, node: str | None, name: str):
        where = f" at {name}" if node else ""
        super().__init__(f"The run was interrupted{where}.")
        self.prompt_id = prompt_id
        self.node = node


class RunFailed(ClientError):
    """A node raised an error while the prompt ran.

    Attributes: `prompt_id`, `node` (id), `class_type`, `reason` (the node's own message), `exception_type` and
    `traceback` (the server's text, for a bug report; it is left out of the message on purpose).
    """

    def __init__(
        self, prompt_id: str, node: str, class_type: str, name: str, reason: str, exception_type: str, traceback: str
    ):
        super().__init__(f"{name} failed: {reason or exception_type}")
        self.prompt_id = prompt_id
        self.node = node
        self.class_type = class_type
        self.reason = reason
        self.exception_type = exception_type
        self.traceback = traceback


@dataclass(frozen=True)
class NodeProblem:
    """One thing the server objects to in a prompt: which node (id, class, full name), which input, and why."""

    node: str
    class_type: str
    name: str
    input: str | None
    message: str
    details: str

    def __str__(self) -> str:
        place = f"input '{self.input}': " if self.input else ""
        extra = f" ({self.details})" if self.details else ""
        return f"{self.name}: {place}{self.message}{extra}"


class PromptRefused(ClientError):
    """The server refused the prompt (HTTP 400). `problems` names the nodes, `reason` is the server's own sentence."""

    def __init__(self, reason: str, problems: Sequence[NodeProblem]):
        lines = [f"  - {problem}" for problem in problems]
        heading = "The server refused the prompt" + (":" if lines else f": {reason}")
        super().__init__("\n".join([heading, *lines]))
        self.reason = reason
        self.problems = tuple(problems)


# What can be wrong with a batch as a whole, and with one row of it.


class BatchError(Exception):
    """Nothing can run, or nothing more: the message says why, where, and what to do."""


class RowProblem(ValueError):
    """One row cannot run; the rest can."""


# Reading the server's objections to a prompt.


def read_refusal(answer: Mapping[str, Any], prompt: Mapping[str, Any]) -> PromptRefused:
    """The exception for an HTTP 400 answer of `/prompt`."""
    error = answer.get("error")
    if isinstance(error, Mapping):
        reason = ": ".join(str(error[key]) for key in ("message", "details") if error.get(key))
    else:
        reason = str(error or "no reason given")
    problems = read_problems(answer.get("node_errors"), prompt)
    return PromptRefused(reason, problems or tuple(_missing_class(error, prompt)))


def read_problems(node_errors: object, prompt: Mapping[str, Any]) -> tuple[NodeProblem, ...]:
    """The problems in `node_errors`, which accepted prompts carry too when the server dropped a branch of them."""
    if not isinstance(node_errors, Mapping):
        return ()
    problems: dict[tuple[str, str, str], NodeProblem] = {}
    for problem in _problems(node_errors, prompt):
        # The host reports one refusal of a node's own check once per input it looked at: keep the first.
        problems.setdefault((problem.node, problem.message, problem.details or str(problem.input)), problem)
    return tuple(problems.values())


def _problems(node_errors: Mapping[str, Any], prompt: Mapping[str, Any]) -> Iterator[NodeProblem]:
    for node, entry in node_errors.items():
        for error in entry.get("errors", ()):
            extra = error.get("extra_info") or {}
            dangling = list(_dangling_links(prompt)) if extra.get("exception_type") == "KeyError" else []
            if dangling:
                # The host stumbles over them and blames the output node at the end of the branch.
                yield from dangling
                continue
            yield _problem(
                prompt,
                str(node),
                extra.get("input_name"),
                str(error.get("message", "")),
                _without_name(str(error.get("details", "")), extra.get("input_name")),
            )


def _missing_class(error: object, prompt: Mapping[str, Any]) -> Iterator[NodeProblem]:
    """A node of a class that the server lacks. The host gives its title alone, which does not say what to install."""
    extra = error.get("extra_info") if isinstance(error, Mapping) else None
    node = extra.get("node_id") if isinstance(extra, Mapping) else None
    if isinstance(node, str) and node in prompt:
        message = "The server has no such node; the node pack that brings it is not installed, or failed to load"
        yield _problem(prompt, node, None, message)


def _dangling_links(prompt: Mapping[str, Any]) -> Iterator[NodeProblem]:
    """Inputs that are linked to nodes which the prompt does not have."""
    for node, entry in prompt.items():
        for name, value in entry.get("inputs", {}).items():
            is_link = isinstance(value, list) and len(value) == 2 and isinstance(value[0], str)
            if is_link and value[0] not in prompt:
                yield _problem(prompt, node, name, f"Linked to node {value[0]}, which the graph does not have")


def _problem(
    prompt: Mapping[str, Any], node: str, input_name: str | None, message: str, details: str = ""
) -> NodeProblem:
    entry = prompt.get(node)
    class_type = str(entry.get("class_type", "")) if isinstance(entry, Mapping) else ""
    return NodeProblem(node, class_type, name_node(prompt, node), input_name, message, details)


def _without_name(details: str, input_name: str | None) -> str:
    """The host begins most details with the input's name, which the message gives already."""
    if input_name is None or not details.startswith(input_name):
        return details
    rest = details[len(input_name) :]
    return rest.lstrip(" :,-") if not rest or rest[0] in " :," else details
