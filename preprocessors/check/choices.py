"""What the check may be asked for."""

from __future__ import annotations

from .kind_names import KINDS

EXPECTED: tuple[str, ...] = ("auto", *(kind for kind in KINDS if kind != "blank"))
REPAIRS: tuple[str, ...] = ("none", "repair")
