"""What our own preprocessors make, out of their registry: a new method is known here as soon as it is listed there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class OwnMethod:
    """A method's map, its version, and the kinds of control nets that read its maps."""

    made: str
    version: int
    wanted_by: tuple[str, ...]


@cache
def own_methods() -> dict[str, OwnMethod]:
    """Our methods, by the class of their node and by their name in Control Map."""
    from ...preprocessors.registry import ENTRIES

    known = {}
    for entry in ENTRIES:
        method = OwnMethod(entry.makes.map_type, entry.version, entry.wanted_by)
        known[entry.node_id] = known[entry.method] = method
    return known
