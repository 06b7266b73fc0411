"""Skipping what this host lacks, for the reason that the pack itself gives at start-up."""

from __future__ import annotations

import pytest
from armature_pack.nodes.missing_host_parts import CURVES
from armature_pack.preprocessors.registry import ENTRIES


def needs_method(method: str) -> pytest.MarkDecorator:
    """Skips a test of a preprocessor that this host lacks the parts for."""
    (lack,) = (entry.lack() for entry in ENTRIES if entry.method == method)
    return pytest.mark.skipif(lack is not None, reason=lack or "")


needs_curves = pytest.mark.skipif(not CURVES.is_there(), reason=CURVES.missing("the curve widget"))
