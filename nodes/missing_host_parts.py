"""What this host cannot do for us, a sentence for each: said once, when the pack is loaded."""

from __future__ import annotations

import logging

from ..preprocessors.host_part import HostPart
from ..preprocessors.registry import ENTRIES

_log = logging.getLogger("armature")

CURVES = HostPart("ComfyUI's curve editor", "comfy_api.input", "0.24.0", name="CurveInput")


def lacks() -> tuple[str, ...]:
    """The sentences for this host, those on nodes that are left out first; none on a host that has everything."""
    left_out = [lack for lack in (entry.lack() for entry in ENTRIES) if lack]
    if not CURVES.is_there():
        written = "Write the schedule as text meanwhile."
        left_out.append(f"{CURVES.missing('a curve as a link into the input schedule')} {written}")
    return tuple(left_out)


def tell_lacks() -> None:
    """Log one line for each lack."""
    for lack in lacks():
        _log.warning("[Armature] %s", lack)
