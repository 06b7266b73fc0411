"""When the run that is going on was queued and began, by the host; its own account of that is complete only after the end."""

import datetime
import sys
import time
from collections.abc import Callable
from typing import Any

MOST = 32
_STARTED: dict[str, float] = {}


def note_start(clock: Callable[[], float] = time.time) -> None:
    """Notes the time for the running prompt, at the first call alone. Called before the first of its nodes runs."""
    prompt_id = _running_id()
    if prompt_id and prompt_id not in _STARTED:
        while len(_STARTED) >= MOST:
            del _STARTED[next(iter(_STARTED))]
        _STARTED[prompt_id] = clock()


def run_times(clock: Callable[[], float] = time.time) -> dict[str, Any]:
    """queued, started and saved in UTC, and the seconds from start to now; None for what is not known."""
    now, prompt_id = clock(), _running_id()
    started = _STARTED.get(prompt_id)
    return {
        "queued": _text(_queued(prompt_id)),
        "started": _text(started),
        "saved": _text(now),
        "seconds": None if started is None else round(now - started, 3),
    }


def _text(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).isoformat(timespec="milliseconds")


def _running_id() -> str:
    progress = sys.modules.get("comfy_execution.progress")  # absent outside the host
    return str(progress.get_progress_state().prompt_id) if progress is not None else ""


def _queued(prompt_id: str) -> float | None:
    server = sys.modules.get("server")
    queue = getattr(getattr(getattr(server, "PromptServer", None), "instance", None), "prompt_queue", None)
    for item in list(getattr(queue, "currently_running", {}).values()):
        created = item[3].get("create_time") if len(item) > 3 and item[1] == prompt_id else None
        if isinstance(created, int | float):
            return created / 1000
    return None
