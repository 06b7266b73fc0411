"""From arguments to a command: find it, parse its options, run it in the right Python."""

import argparse
import io
import os
import signal
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import NoReturn

from . import COMMANDS, FRONT_DOOR, KNOWN, load
from .private_host.host import Host
from .private_host.host_options import add_host_options, host_from
from .private_host.processes import replace_process
from .terminal import Problem, Unusable, unusable

NEWEST_TESTED = (3, 13)
INSIDE = "ARMATURE_INSIDE_HOST"  # set for the second start, in the host's Python
INTERRUPTED = 130  # 128 + SIGINT, what shells report
PIPE_CLOSED = 141  # 128 + SIGPIPE


def main(argv: Sequence[str]) -> int:
    """Run `armature.py ARGV...` and return its exit status.

    1 for a Problem, 2 for wrong usage and for places that cannot be read or written, 130 after Ctrl-C.
    """
    signal.signal(signal.SIGTERM, _terminated)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a console that lacks a character must not end the command
    try:
        return _dispatch(list(argv))
    except Problem as problem:
        return _told(problem, argv)
    except BrokenPipeError:
        # Whoever read the output has left, as `head` does. Python would say so again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except OSError as error:
        return _told(unusable(error), argv)
    except KeyboardInterrupt:
        print("\narmature: stopped", file=sys.stderr)
        return INTERRUPTED


def _told(problem: Problem, argv: Sequence[str]) -> int:
    print(f"armature: {problem}", file=sys.stderr)
    return 2 if isinstance(problem, Unusable) else _problem_status(argv)


def _problem_status(argv: Sequence[str]) -> int:
    """1, unless 1 means something else to the command."""
    return getattr(load(argv[0]), "PROBLEM_STATUS", 1) if argv and argv[0] in COMMANDS else 1


def _dispatch(argv: list[str]) -> int:
    if not argv or argv[0] in ("-h", "--help", "help"):
        print(_overview())
        return 0 if argv else 2
    name = argv[0]
    if name not in COMMANDS:
        print(f"armature: {_why_not(name)}", file=sys.stderr)
        return 2
    if sys.version_info[:2] > NEWEST_TESTED:
        print("armature: tested with Python 3.10 to 3.13; a newer one may lack packages", file=sys.stderr)
    command = load(name)
    arguments = _parse(name, command, argv[1:])
    # Taken away at once: a command started by this one chooses its own host.
    inside = os.environ.pop(INSIDE, "")
    if command.NEEDS_HOST and not inside:
        host = host_from(arguments)
        replace_process([str(host.python), str(FRONT_DOOR), *argv], {**os.environ, **host.environment(), INSIDE: "1"})
    if command.NEEDS_HOST:
        sys.path.insert(0, str(Host.from_environment().comfyui))
    return command.run(arguments)


def _why_not(name: str) -> str:
    if name not in KNOWN:
        return f"there is no command {name!r}\n\n{_overview()}"
    what = "holds no tests" if name == "test" else f"lacks {name!r}, which only developers need"
    return (
        f"this copy of the pack {what}: it is the registry's archive. A git checkout of the repository has all of it."
    )


def _parse(name: str, command: ModuleType, argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"armature.py {name}",
        description=command.__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    if command.NEEDS_HOST:
        add_host_options(parser)
    command.add_arguments(parser)
    if not getattr(command, "PASSES_REST", False):
        return parser.parse_args(argv)
    # What follows "--" is passed on as it stands; argparse treats that mark differently from one Python to the next.
    cut = argv.index("--") if "--" in argv else len(argv)
    arguments, unknown = parser.parse_known_args(argv[:cut])
    arguments.rest = unknown + argv[cut + 1 :]
    return arguments


def _overview() -> str:
    lines = ["usage: python armature.py COMMAND [options]", ""]
    lines += [f"  {name:<14}{load(name).HELP}" for name in COMMANDS]
    lines += ["", "python armature.py COMMAND --help shows the options of one."]
    return "\n".join(lines)


def _terminated(signum: int, _frame: object) -> NoReturn:
    # A normal exit, unlike the default action, ends the servers and installers that were started.
    raise SystemExit(128 + signum)
