"""Small networks that are built once per run, and the folder of the recipes on the path."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from armature_pack.tests.inference_mode import inference_mode  # noqa: F401

sys.path.append(str(Path(__file__).parent))


def _patcher(name: str):
    import comfy.model_patcher
    from controlnext_recipes import host_model

    with torch.inference_mode():
        return comfy.model_patcher.ModelPatcher(host_model(name), torch.device("cpu"), torch.device("cpu"))


@pytest.fixture(scope="session")
def sd15():
    """MODEL of a small SD1.5 UNet; tests clone it."""
    return _patcher("small_sd15")


@pytest.fixture(scope="session")
def svd():
    """MODEL of a small SVD UNet; tests clone it."""
    return _patcher("small_svd_v2")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which the host finds control nets, UNet weights and LoRAs."""
    from public_path import use_folder

    use_folder(monkeypatch, tmp_path, "controlnet", "model_patches", "loras")
    return tmp_path
