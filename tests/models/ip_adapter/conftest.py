"""An image encoder that is built once per run, and files through the public node."""

from __future__ import annotations

import pytest
import torch
from armature_pack.tests.inference_mode import inference_mode  # noqa: F401


@pytest.fixture(scope="session")
def encoder():
    """CLIP_VISION of a tiny network."""
    from ip_adapter_recipes import tiny_encoder

    with torch.inference_mode():
        return tiny_encoder()


@pytest.fixture
def told(monkeypatch):
    """What was told to the person while the test ran."""
    from armature_pack.models import host as module
    from armature_pack.models.ip_adapter import apply

    found: list[str] = []
    monkeypatch.setattr(module, "tell", found.append)
    monkeypatch.setattr(apply, "tell", found.append)
    return found


@pytest.fixture
def load_file(tmp_path, monkeypatch):
    """From weights to IP_ADAPTER: through a file, the only one in the host's folder, and the public node."""
    import folder_paths
    from armature_pack.nodes.ip_adapter import ArmatureLoadIPAdapter
    from safetensors.torch import save_file

    monkeypatch.setitem(folder_paths.folder_names_and_paths, "ipadapter", ([str(tmp_path)], {".safetensors"}))
    folder_paths.filename_list_cache.clear()

    def load(weights):
        save_file(weights, tmp_path / "adapter.safetensors")
        return ArmatureLoadIPAdapter.execute("adapter.safetensors").args[0]

    return load
