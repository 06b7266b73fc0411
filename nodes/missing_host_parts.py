"""What this host cannot do for us, and that it is newer than we know: said once, when the pack is loaded."""

from __future__ import annotations

import logging

from ..common.host_versions import told_untested
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
    """Log one line for each lack, and one where the host is newer than any that was tested."""
    for lack in lacks():
        _log.warning("[Armature] %s", lack)
    untested = told_untested(_version())
    if untested is not None:
        _log.info("[Armature] %s", untested)


def _version() -> str:
    try:
        from comfyui_version import __version__ as version
    except ImportError:  # other builds of ComfyUI do without
        return ""
    return str(version)
