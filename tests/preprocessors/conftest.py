"""The host's free memory does not decide how many pictures go through a network at once."""

from __future__ import annotations

from armature_pack.tests.steady_memory import steady_memory  # noqa: F401
