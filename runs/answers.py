"""What a server answered, looked at before it is believed: the one place that reads answers.

A reader takes an answer as JSON gives it and returns what was asked for, or raises Malformed. The forms are those of the host's
`server.py` and `execution.py`. What other packs may put in as they like (texts, outputs of their own kinds) stays as it is.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..common.node_names import name_node
from .errors import ClientError, NodeProblem, PromptRefused, RunFailed, RunInterrupted
from .results import NodeOutput, Picture, RunResult

FOLDERS = ("input", "output", "temp")


class Malformed(ValueError):
    """An answer of another form than ComfyUI's; the message says what in it."""


# Values of a kind, whatever came.


def as_object(value: object) -> Mapping[str, Any]:
    """The value if it is an object, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def as_list(value: object) -> Sequence[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def as_text(value: object) -> str:
    """The value if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""


def as_number(value: object) -> int | float | None:
    """The value if it is a number that can be counted with, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return value if math.isfinite(value) else None
    except OverflowError:  # a whole number beyond all floats
        return None


def _object(value: object, what: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Malformed(f"{what} is no object")
    return value


def _list(value: object, what: str) -> Sequence[Any]:
    if not isinstance(value, list):
        raise Malformed(f"{what} is no list")
    return value


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise Malformed(f"{what} is no text")
    return value


# Answers to single questions.


def read_object(answer: Any) -> dict[str, Any]:
    """An answer of which only its being an object is known."""
    return dict(_object(answer, "it"))


def read_nodes(answer: Any) -> dict[str, Any]:
    """The nodes of /object_info by their names; see `input_of`."""
    return {name: dict(_object(node, f"'{name}'")) for name, node in _object(answer, "it").items()}


def read_report(answer: Any) -> dict[str, Any]:
    """The report of /armature/compatibility."""
    report = read_object(answer)
    for found in _list(report.get("findings", []), "'findings'"):
        _object(found, "a finding")
    return report


def read_upload(answer: Any) -> Picture:
    """Where a file that was sent lies now."""
    told = read_object(answer)
    place = Picture(
        _text(told.get("name"), "'name'"),
        _text(told.get("subfolder", ""), "'subfolder'"),
        _text(told.get("type", "input"), "'type'"),
    )
    if not place.filename or place.type not in FOLDERS:
        raise Malformed("it names no file in a folder of the server")
    return place


def read_queued(answer: Any, prompt: Mapping[str, Any]) -> tuple[str, tuple[NodeProblem, ...]]:
    """The id of a prompt that was accepted, and what the server left out of it."""
    told = read_object(answer)
    return _text(told.get("prompt_id"), "'prompt_id'"), read_problems(told.get("node_errors"), prompt)


def read_waiting(answer: Any) -> set[str]:
    """The ids of all prompts that wait or run."""
    told = read_object(answer)
    items = [*_list(told.get("queue_running"), "'queue_running'"), *_list(told.get("queue_pending"), "'queue_pending'")]
    if not all(isinstance(item, list) and len(item) > 1 and isinstance(item[1], str) for item in items):
        raise Malformed("an entry of the queue has no id")
    return {item[1] for item in items}


def read_history(answer: Any, prompt_id: str) -> dict[str, Any] | None:
    """The server's record of a finished prompt; None when it has none."""
    told = read_object(answer)
    if not told:
        return None
    if prompt_id not in told:
        raise Malformed("it tells of something else than the run")
    return dict(_object(told[prompt_id], "the record of the run"))


# What a node takes, from its description in /object_info.


def input_of(description: Mapping[str, Any], name: str) -> tuple[str | Sequence[Any] | None, Mapping[str, Any]]:
    """The type of an input and its options; (None, {}) where the description does not tell. A list is that of the choices."""
    groups = as_object(description.get("input"))
    for group in ("required", "optional"):
        entry = as_list(as_object(groups.get(group)).get(name))
        if entry:
            kind = entry[0] if isinstance(entry[0], str | list) else None
            return kind, as_object(entry[1]) if len(entry) > 1 else {}
    return None, {}


def choices_of(kind: str | Sequence[Any] | None, options: Mapping[str, Any]) -> Sequence[Any] | None:
    """What an input of this type offers; None when it is no choice."""
    if kind == "COMBO":
        return as_list(options.get("options"))
    return kind if isinstance(kind, list) else None


# The server's objections to a prompt.


def read_refusal(answer: Any, prompt: Mapping[str, Any]) -> PromptRefused:
    """The exception for an HTTP 400 answer of `/prompt`."""
    error = as_object(answer).get("error")
    if isinstance(error, Mapping):
        reason = ": ".join(str(error[key]) for key in ("message", "details") if error.get(key))
    else:
        reason = str(error or "no reason given")
    problems = read_problems(as_object(answer).get("node_errors"), prompt)
    return PromptRefused(reason, problems or tuple(_missing_class(error, prompt)))


def read_problems(node_errors: object, prompt: Mapping[str, Any]) -> tuple[NodeProblem, ...]:
    """The problems in `node_errors`, which accepted prompts carry too when the server dropped a branch of them."""
    problems: dict[tuple[str, str, str], NodeProblem] = {}
    for problem in _problems(as_object(node_errors), prompt):
        # The host reports one refusal of a node's own check once per input it looked at: keep the first.
        problems.setdefault((problem.node, problem.message, problem.details or str(problem.input)), problem)
    return tuple(problems.values())


def _problems(node_errors: Mapping[str, Any], prompt: Mapping[str, Any]) -> Iterator[NodeProblem]:
    for node, entry in node_errors.items():
        errors = as_list(as_object(entry).get("errors"))
        if not errors:  # a node with an error of a form that is not known has one all the same
            yield _problem(prompt, str(node), None, "The server objects to it, and does not say why")
        for error in map(as_object, errors):
            extra = as_object(error.get("extra_info"))
            dangling = list(_dangling_links(prompt)) if extra.get("exception_type") == "KeyError" else []
            if dangling:
                # The host stumbles over them and blames the output node at the end of the branch.
                yield from dangling
                continue
            name = as_text(extra.get("input_name")) or None
            details = _without_name(str(error.get("details", "")), name)
            yield _problem(prompt, str(node), name, str(error.get("message", "")), details)


def _missing_class(error: object, prompt: Mapping[str, Any]) -> Iterator[NodeProblem]:
    """A node of a class that the server lacks. The host gives its title alone, which does not say what to install."""
    node = as_object(as_object(error).get("extra_info")).get("node_id")
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


# How a run ended.


def read_outcome(
    prompt_id: str, entry: Mapping[str, Any], left_out: tuple[NodeProblem, ...] = ()
) -> RunResult | ClientError:
    """The end of a run from its history entry: its result, or the error it ended with (returned, not raised).

    Decided by the recorded messages, not by `status_str`: the host carries that one over from an earlier run when a
    run fails before its first node. A run without a message of its end has not come out. Raises Malformed.
    """
    messages, prompt = _messages(entry), _prompt(entry, prompt_id)
    failure = messages.get("execution_error")
    stop = messages.get("execution_interrupted")
    if failure is not None:
        return _failed(prompt_id, failure, prompt)
    if stop is not None:
        node = stop.get("node_id")
        name = name_node(prompt, str(node), as_text(stop.get("node_type")) or None)
        return RunInterrupted(prompt_id, None if node is None else str(node), name)
    if "execution_success" not in messages:
        raise Malformed("the record of the run does not say how it ended")
    outputs = _object(entry.get("outputs"), "'outputs'")
    return RunResult(
        prompt_id=prompt_id,
        outputs={node: read_output(output) for node, output in outputs.items()},
        cached=tuple(map(str, as_list(messages.get("execution_cached", {}).get("nodes")))),
        seconds=_seconds(messages),
        left_out=left_out,
    )


def read_output(output: Any) -> NodeOutput:
    """Sorts a node's `ui` output. Unknown kinds (audio, video, …) stay in `raw`. Raises Malformed."""
    raw = _object(output, "the output of a node")
    pictures = [_picture(item) for item in _list(raw.get("images", []), "'images'")]
    texts = raw.get("text") or ()
    texts = tuple(str(text) for text in texts) if isinstance(texts, list) else (str(texts),) if texts else ()
    return NodeOutput(images=tuple(one for one in pictures if one is not None), texts=texts, raw=raw)


def _picture(item: Any) -> Picture | None:
    """A picture file on the server; None for what some packs show under `images` without a file."""
    if isinstance(item, str) or (isinstance(item, Mapping) and "filename" not in item):
        return None
    told = _object(item, "an entry of 'images'")
    picture = Picture(
        _text(told["filename"], "'filename'"),
        _text(told.get("subfolder", ""), "'subfolder'"),
        _text(told.get("type", "output"), "'type'"),
    )
    if not picture.filename or picture.type not in FOLDERS:
        raise Malformed("an entry of 'images' names no file in a folder of the server")
    return picture


def _prompt(entry: Mapping[str, Any], prompt_id: str) -> Mapping[str, Any]:
    """The prompt as it ran, which errors take the names of nodes from."""
    item = _list(entry.get("prompt"), "'prompt'")
    if len(item) > 1 and item[1] != prompt_id:
        raise Malformed("the record is that of another run")
    return _object(item[2] if len(item) > 2 else None, "the prompt of the run")


def _messages(entry: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    messages: dict[str, Mapping[str, Any]] = {}
    for message in _list(_object(entry.get("status"), "'status'").get("messages"), "'messages'"):
        if not (isinstance(message, list) and len(message) == 2 and isinstance(message[0], str)):
            raise Malformed("an entry of 'messages' is no message")
        messages[message[0]] = _object(message[1], f"the message '{message[0][:80]}'")
    return messages


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
        traceback=traceback if isinstance(traceback, str) else "".join(map(str, as_list(traceback))),
    )


def _seconds(messages: Mapping[str, Mapping[str, Any]]) -> float | None:
    start = as_number(messages.get("execution_start", {}).get("timestamp"))
    end = as_number(messages.get("execution_success", {}).get("timestamp"))
    return as_number((end - start) / 1000) if start is not None and end is not None else None
