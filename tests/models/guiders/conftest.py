"""These tests run as the host runs its nodes, on the small networks of the control and IP-Adapter tests."""

from __future__ import annotations

import sys
from pathlib import Path

from armature_pack.tests.inference_mode import inference_mode  # noqa: F401

sys.path.append(str(Path(__file__).parent))
