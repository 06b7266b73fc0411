"""The folder of the recipes on the path, and networks that are built once per run."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _inference_mode():
    """The host runs its nodes like this."""
    with torch.inference_mode():
        yield


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


@pytest.fixture(scope="session")
def encoder():
    """CLIP_VISION of a tiny network."""
    from ip_adapter_recipes import tiny_encoder

    with torch.inference_mode():
        return tiny_encoder()


@pytest.fixture
def told(monkeypatch):
    """What was told to the person while the test ran."""
    from armature_pack.models import tell as module
    from armature_pack.models.ip_adapter import apply

    found: list[str] = []
    monkeypatch.setattr(module, "tell", found.append)
    monkeypatch.setattr(apply, "tell", found.append)
    return found
