"""Reading the server's objections to a prompt."""

from collections.abc import Iterator, Mapping
from typing import Any

from .errors import NodeProblem, PromptRefused
from .titles import name_node


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
