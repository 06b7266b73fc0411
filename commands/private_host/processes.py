"""Running other programs: with a log, with messages that help, and with the whole child tree ended on the way out."""

import contextlib
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn, TextIO

from ..terminal import Problem

WINDOWS = sys.platform == "win32"
TAIL_LINES = 20

UNREACHABLE = (
    r"Max retries|ConnectionError|NewConnectionError|Read timed out|ConnectTimeout|name resolution|ProxyError|SSLError"
)
HINTS = (
    (r"No space left|Errno 28|not enough space on the disk", "Free some disk space, then run the same command again."),
    (
        r"No matching distribution|Could not find a version",
        "The package index offers no file for this Python and machine. Use Python 3.10 to 3.13 in 64 bits, or pass your own "
        "ComfyUI with --comfyui PATH.",
    ),
    (
        UNREACHABLE,
        "The package index could not be reached. Check the network and the settings of pip (PIP_INDEX_URL, HTTPS_PROXY, "
        "PIP_CERT are respected), then run the same command again: what was downloaded is reused.",
    ),
    (
        r"DO NOT MATCH THE HASHES|hashes are required",
        "The file that was downloaded is not the pinned one. Do not use it.",
    ),
    (
        r"Permission denied|Access is denied",
        "Close programs that use this folder, or choose another cache folder with the "
        "environment variable ARMATURE_CACHE.",
    ),
)


class CommandFailed(Problem):
    """A program ended with an error; the message names the command, its last lines, what to do and the log.

    unreachable: whether the network, or what lies behind it, was the reason.
    """

    def __init__(self, command: Sequence[str], status: str, tail: str, advice: str, log: Path | None = None) -> None:
        found = [text for pattern, text in HINTS if re.search(pattern, tail)]
        parts = [f"this command failed ({status}):", f"    {shlex.join(command)}"]
        if tail:
            parts += ["Its last lines:", *(f"    {line}" for line in tail.splitlines())]
        parts += ["What to do: " + " ".join([*found, advice])]
        if log:
            parts += [f"Full log: {log}"]
        super().__init__("\n".join(parts))
        self.command = tuple(command)
        self.tail = tail
        self.unreachable = re.search(UNREACHABLE, tail) is not None


def start_tree(command: Sequence[str], **options: Any) -> subprocess.Popen[str]:
    """Start a program as the head of a process tree of its own, which `stop_tree` can end. Takes Popen's options."""
    if WINDOWS:
        return subprocess.Popen(command, creationflags=subprocess.CREATE_NEW_PROCESS_GROUP, **options)
    return subprocess.Popen(command, start_new_session=True, **options)


def stop_tree(process: subprocess.Popen[str], grace: float = 10.0) -> None:
    """End a program from `start_tree` and all its children: kindly at first, by force after `grace` seconds."""
    if WINDOWS:
        if process.poll() is None:
            subprocess.run(["taskkill", "/T", "/F", "/PID", str(process.pid)], capture_output=True, check=False)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(grace)
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: PermissionError for a group of zombies
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(grace)


def run(
    command: Sequence[str],
    *,
    log: Path,
    advice: str,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    observe: Callable[[str], None] | None = None,
    beat: Callable[[], None] | None = None,
    keep_open: Iterable[int] = (),
) -> str:
    """Run a program to its end and return what it printed (standard output and error together).

    Every line goes to the file `log` and to `observe`; `beat` is called a few times a second. The child inherits the
    file descriptors `keep_open` (not on Windows). Raises CommandFailed.
    """
    lines: deque[str] = deque(maxlen=2000)
    with log.open("a", encoding="utf-8", errors="replace") as record:
        record.write(f"\n$ {shlex.join(command)}\n")
        record.flush()
        try:
            process = start_tree(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
                env=None if environment is None else dict(environment),
                cwd=folder,
                pass_fds=() if WINDOWS else tuple(keep_open),
            )
        except OSError as error:
            raise CommandFailed(command, f"it could not be started: {error}", "", advice, log) from error
        reader = threading.Thread(target=_read, args=(process.stdout, record, lines, observe), daemon=True)
        reader.start()
        try:
            while _still_running(process):
                if beat:
                    beat()
        except BaseException:
            stop_tree(process, grace=3)
            raise
        finally:
            reader.join(5)
    if process.returncode:
        tail = "\n".join(list(lines)[-TAIL_LINES:])
        raise CommandFailed(command, f"exit status {process.returncode}", tail, advice, log)
    return "\n".join(lines)


def _still_running(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(0.25)
    except subprocess.TimeoutExpired:
        return True
    return False


def _read(stream: TextIO, record: TextIO, lines: deque[str], observe: Callable[[str], None] | None) -> None:
    for line in stream:
        record.write(line)
        record.flush()
        lines.append(line.rstrip())
        if observe:
            observe(line.rstrip())


def replace_process(command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None) -> NoReturn:
    """Become another program, so that its signals, terminal and exit status are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    if not WINDOWS:
        if folder:
            os.chdir(folder)
        os.execve(command[0], list(command), dict(environment))
    # Windows has no exec that keeps the console waiting: run it as a child, which gets Ctrl-C itself.
    child = subprocess.Popen(command, env=dict(environment), cwd=folder)
    while True:
        try:
            raise SystemExit(child.wait())
        except KeyboardInterrupt:
            continue
