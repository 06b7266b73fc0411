"""Saying what a person should know while a graph runs: in the log, and on the node that is running."""

from __future__ import annotations

import logging
import sys

_log = logging.getLogger("armature")


def tell(message: str) -> None:
    """Log a warning and show it on the running node in the front end, where there is one."""
    _log.warning("[Armature] %s", message)
    server = sys.modules.get("server")  # absent in unit tests; importing it would start half the host
    instance = getattr(getattr(server, "PromptServer", None), "instance", None)
    node_id = _running_node()
    if instance is not None and node_id is not None:
        instance.send_progress_text(message, node_id)


def _running_node() -> str | None:
    from comfy_execution.utils import get_executing_context

    context = get_executing_context()
    return None if context is None else context.node_id
