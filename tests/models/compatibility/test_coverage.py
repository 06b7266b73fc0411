"""The share of a LoRA that acts, compared with what the host's own loader makes of the same names and shapes."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from armature_pack.models.compatibility.coverage import coverage
from armature_pack.models.files.host_detection import detect_model, meta_tensors
from armature_pack.models.files.identity import Tensors
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import write_file

KINDS = {
    "kohya": networks.lora("sd15"),
    "peft": networks.lora("sd15", diffusers=True),
    "other_family": networks.lora("sdxl"),
    "other_width": networks.lora("sd2"),
}


def patched_by_host(family: str, lora: networks.Shapes) -> int:
    import comfy.lora

    shapes = networks.unet(family)
    found = detect_model(Tensors(shapes))
    assert found is not None
    state_dict = {f"diffusion_model.{name}": shape for name, shape in shapes.items()}
    model = SimpleNamespace(state_dict=lambda: state_dict, model_config=SimpleNamespace(unet_config=dict(found.config)))
    key_map = comfy.lora.model_lora_keys_unet(model, {})
    weights = {
        name: shape for name, shape in lora.items() if not name.endswith(".alpha")
    }  # the host reads their numbers
    return len(comfy.lora.load_lora(meta_tensors(Tensors(weights)), key_map, log_missing=False))


@pytest.mark.parametrize("kind", KINDS)
def test_the_host_reads_as_many_layers_as_are_counted(kind, tmp_path):
    lora = write_file(tmp_path / "lora.safetensors", KINDS[kind])
    base = write_file(tmp_path / "base.safetensors", networks.checkpoint("sd15"))
    found = coverage(lora, 0, base, 0)
    assert found is not None and found.read == patched_by_host("sd15", KINDS[kind])


def test_names_alone_are_not_enough(tmp_path):
    """A LoRA for SD 2 has the names of SD 1.5, and half of its layers another width."""
    lora = write_file(tmp_path / "lora.safetensors", KINDS["other_width"])
    base = write_file(tmp_path / "base.safetensors", networks.checkpoint("sd15"))
    found = coverage(lora, 0, base, 0)
    assert found is not None and found.named == found.layers > found.fitting


def test_a_base_that_is_no_unet_cannot_be_told(tmp_path):
    lora = write_file(tmp_path / "lora.safetensors", KINDS["kohya"])
    base = write_file(tmp_path / "base.safetensors", networks.transformer("flux"))
    assert coverage(lora, 0, base, 0) is None
