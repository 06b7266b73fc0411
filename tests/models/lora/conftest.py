"""The folder of the recipes on the path, a real text encoder, and an empty folder of LoRAs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from armature_pack.tests.inference_mode import inference_mode  # noqa: F401

sys.path.append(str(Path(__file__).parent))


@pytest.fixture(scope="session")
def clip(generated):
    """CLIP of SD1.5, generated."""
    import comfy.sd

    with torch.inference_mode():
        return comfy.sd.load_clip([str(generated("clip_l"))], clip_type=comfy.sd.CLIPType.STABLE_DIFFUSION)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The host's folder of LoRAs, empty."""
    import folder_paths

    monkeypatch.setitem(folder_paths.folder_names_and_paths, "loras", ([str(tmp_path)], {".safetensors"}))
    folder_paths.filename_list_cache.clear()
    return tmp_path
