"""What can go wrong between a client and a ComfyUI server, in words that name what, where and what to do."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

LONGEST_MESSAGE = 20_000
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what a terminal obeys, less tabs and ends of lines


def fit_to_show(text: str) -> str:
    """A text with words of a server in it, as it may go to a terminal and into a table: bounded, without control characters."""
    text = _CONTROLS.sub("\ufffd", text[: 2 * LONGEST_MESSAGE].replace("\r\n", "\n"))
    return text if len(text) <= LONGEST_MESSAGE else text[:LONGEST_MESSAGE] + " …"


class ClientError(Exception):
    """Base of every error the client raises; its message is fit to be shown, whatever a server put into it."""

    def __init__(self, message: str):
        super().__init__(fit_to_show(message))


class ServerUnreachable(ClientError):
    """Nothing answers at the address, or the connection was lost for longer than the client waits."""


class UnexpectedAnswer(ClientError):
    """Something answered, but not as a ComfyUI server does. `status` is the HTTP status."""

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class OtherServer(UnexpectedAnswer):
    """What answered does not speak as ComfyUI at all, such as the page that a proxy shows while the server restarts."""


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


AWAY_ANSWERS = frozenset({429, 502, 503, 504})  # of a server, or of a proxy before it, that will be there again


def is_away(error: Exception) -> bool:
    """Whether the server is not there at present, so that asking again later may help."""
    if isinstance(error, UnexpectedAnswer):
        return error.status in AWAY_ANSWERS or isinstance(error, OtherServer)
    return isinstance(error, ServerUnreachable)


# What can be wrong with a batch as a whole, and with one row of it.


class BatchError(Exception):
    """Nothing can run, or nothing more: the message says why, where, and what to do."""


class CannotWrite(BatchError):
    """The batch's own disk is full, read-only, or gone: what came out so far is there, and nothing more can be kept."""

    def __init__(self, out: object, reason: object):
        super().__init__(
            f"The results cannot be written to {out}: {reason}. Make room, then run the same command again."
        )


class RowProblem(ValueError):
    """One row cannot run; the rest can."""

    def __init__(self, message: str):
        super().__init__(fit_to_show(message))
