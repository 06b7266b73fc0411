"""The folder of the IP-Adapter recipes on the path, their networks, which are built once per run, and steady memory."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from armature_pack.tests.steady_memory import steady_memory  # noqa: F401

sys.path.append(str(Path(__file__).parent / "ip_adapter"))


@pytest.fixture(scope="session")
def sd15():
    """MODEL of a narrow SD1.5 UNet; tests clone it."""
    from ip_adapter_recipes import narrow_model

    with torch.inference_mode():
        return narrow_model("sd15")


@pytest.fixture(scope="session")
def sdxl():
    """MODEL of a narrow SDXL UNet; tests clone it."""
    from ip_adapter_recipes import narrow_model

    with torch.inference_mode():
        return narrow_model("sdxl")
