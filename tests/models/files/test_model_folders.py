"""Which model folders a person means: ComfyUI's, a level too high or too low, and those of other programs."""

from __future__ import annotations

from pathlib import Path

import pytest
from armature_pack.models.files.model_folders import model_folders


def made(root: Path, *folders: str) -> Path:
    for folder in folders:
        (root / folder).mkdir(parents=True, exist_ok=True)
    return root


OWN = ("checkpoints", "loras", "clip", "my_own")


def test_comfyuis_own_layout_and_the_levels_around_it(tmp_path):
    models = made(tmp_path / "ComfyUI" / "models", *OWN)
    exact = model_folders(models)
    assert exact.note == "" and exact.folders["my_own"] == (models / "my_own",)
    for place in (tmp_path / "ComfyUI", models / "loras"):
        found = model_folders(place)
        assert found.folders == exact.folders and str(models) in found.note


@pytest.mark.parametrize(
    ("folders", "given"),
    [
        (("models/Stable-diffusion", "models/Lora", "models/VAE", "models/ControlNet", "embeddings"), "."),
        (("models/Stable-diffusion", "models/Lora", "models/VAE", "models/ControlNet"), "models"),
        (("Models/StableDiffusion", "Models/Lora", "Models/VAE", "Models/ControlNet"), "."),
        (("Stable-Diffusion", "Lora", "VAE", "controlnet", "clip_vision"), "."),
    ],
)
def test_other_programs_layouts(tmp_path, folders, given):
    found = model_folders(made(tmp_path, *folders) / given)
    assert {"checkpoints", "loras", "vae", "controlnet"} <= set(found.folders)
    assert "another program" in found.note
    assert found.folders["checkpoints"][0].name.lower().replace("-", "") == "stablediffusion"
    if "embeddings" in folders:
        assert found.folders["embeddings"] == (tmp_path / "embeddings",)


def test_no_models_at_all(tmp_path):
    with pytest.raises(ValueError, match="holds none of ComfyUI's model folders"):
        model_folders(tmp_path)
    (tmp_path / "a.safetensors").write_bytes(b"")
    with pytest.raises(ValueError, match="holds model files, but none of ComfyUI's model folders"):
        model_folders(tmp_path)
    with pytest.raises(ValueError, match="no such folder"):
        model_folders(tmp_path / "nowhere")
