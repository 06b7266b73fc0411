"""These tests run as the host runs its nodes; the folder of the small networks on the path."""

from __future__ import annotations

import sys
from pathlib import Path

from armature_pack.tests.inference_mode import inference_mode  # noqa: F401

sys.path.append(str(Path(__file__).parent))
