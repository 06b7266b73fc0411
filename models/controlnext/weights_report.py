"""What applying a file of UNet weights did, as data and as text."""

from __future__ import annotations

from dataclasses import dataclass

from .key_map import MODEL_PREFIX
from .weight_kind import Comparison, Kind

_EXAMPLES = 3
_LEFT_OUT = 40


@dataclass(frozen=True)
class Overlap:
    """Layers that an earlier file has changed already."""

    file_name: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class WeightsReport:
    """total: keys in the file. applied: model keys that were changed. unchanged: model keys that the file holds equal.

    left_out: file keys without a place in the model. comparison is None where the format was chosen by hand.
    """

    file_name: str
    kind: Kind
    comparison: Comparison | None
    strength: float
    total: int
    applied: tuple[str, ...]
    unchanged: tuple[str, ...]
    left_out: tuple[str, ...]
    overlaps: tuple[Overlap, ...]

    @property
    def warnings(self) -> tuple[str, ...]:
        found = [
            f"'{overlap.file_name}' has changed {len(overlap.keys)} of these layers already ({_named(overlap.keys)}). "
            "Both changes add up; lower the strengths if the picture falls apart."
            for overlap in self.overlaps
        ]
        if self.comparison is not None and self.comparison.is_doubtful:
            found.append(
                "The differences are as large as the weights themselves. If these are full weights of an unrelated model, "
                "set format to full, or choose a file made for this model."
            )
        if self.strength == 0.0:
            found.append("strength is 0, so nothing was changed.")
        elif not self.applied:
            found.append("Every weight equals the model's own, so nothing was changed.")
        return tuple(found)

    def __str__(self) -> str:
        why = "chosen by hand" if self.comparison is None else f"decided by comparison: {self.comparison}"
        lines = [
            f"ControlNeXt weights '{self.file_name}': {self._content} ({why}), strength {self.strength:g}.",
            f"Applied: {len(self.applied)} of {self.total} keys ({_named(self.applied)}).",
        ]
        if self.unchanged:
            lines.append(f"Equal to the model, nothing to change: {len(self.unchanged)} ({_named(self.unchanged)}).")
        if self.left_out:
            lines.append(
                f"Without a place in this model, left out: {len(self.left_out)} ({_named(self.left_out, _LEFT_OUT)})."
            )
        return "\n".join([*lines, *(f"Warning: {warning}" for warning in self.warnings)])

    @property
    def _content(self) -> str:
        return "differences to the base" if self.kind == "delta" else "full weights"


def _named(keys: tuple[str, ...], limit: int = _EXAMPLES) -> str:
    if not keys:
        return "none"
    names = ", ".join(key.removeprefix(MODEL_PREFIX) for key in keys[:limit])
    return names + (f", and {len(keys) - limit} more" if len(keys) > limit else "")
