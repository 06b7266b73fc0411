"""The share of a LoRA that acts, compared with what the host's own loader makes of the same names and shapes."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from armature_pack.common.file_stamp import file_stamp
from armature_pack.models.compatibility.coverage import coverage
from armature_pack.models.files.host_detection import detect_model, meta_tensors
from armature_pack.models.files.identity import Tensors
from armature_pack.models.lora.key_names import with_known_names
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import write_file
from armature_pack.tests.models.files.transformers import transformer

KINDS = {
    "kohya": networks.lora("sd15"),
    "peft": networks.lora("sd15", diffusers=True),
    "other_family": networks.lora("sdxl"),
    "other_width": networks.lora("sd2"),
}


def host_names(family: str) -> dict[str, str]:
    """The names of layers that the host's loader reads in LoRAs, with what they stand for."""
    import comfy.lora

    shapes = networks.unet(family)
    found = detect_model(Tensors(shapes))
    assert found is not None
    state_dict = {f"diffusion_model.{name}": shape for name, shape in shapes.items()}
    model = SimpleNamespace(state_dict=lambda: state_dict, model_config=SimpleNamespace(unet_config=dict(found.config)))
    return comfy.lora.model_lora_keys_unet(model, {})


def patched_by_host(family: str, lora: networks.Shapes) -> int:
    import comfy.lora

    weights = {
        name: shape for name, shape in lora.items() if not name.endswith(".alpha")
    }  # the host reads their numbers
    return len(comfy.lora.load_lora(meta_tensors(Tensors(weights)), host_names(family), log_missing=False))


@pytest.mark.parametrize("kind", KINDS)
def test_the_host_reads_as_many_layers_as_are_counted(kind, tmp_path):
    lora = write_file(tmp_path / "lora.safetensors", KINDS[kind])
    base = write_file(tmp_path / "base.safetensors", networks.checkpoint("sd15"))
    found = coverage(file_stamp(lora), file_stamp(base))
    assert found is not None and found.read == patched_by_host("sd15", KINDS[kind])


def test_a_file_that_is_replaced_is_measured_anew(tmp_path):
    """By one of another size too, whatever its time says."""
    lora = write_file(tmp_path / "lora.safetensors", KINDS["kohya"])
    base = write_file(tmp_path / "base.safetensors", networks.checkpoint("sd15"))
    os.utime(lora, ns=(1, 1))
    before = coverage(file_stamp(lora), file_stamp(base))
    write_file(lora, KINDS["other_width"])
    os.utime(lora, ns=(1, 1))
    assert before != coverage(file_stamp(lora), file_stamp(base)) is not None


def test_names_alone_are_not_enough(tmp_path):
    """A LoRA for SD 2 has the names of SD 1.5, and half of its layers another width."""
    lora = write_file(tmp_path / "lora.safetensors", KINDS["other_width"])
    base = write_file(tmp_path / "base.safetensors", networks.checkpoint("sd15"))
    found = coverage(file_stamp(lora), file_stamp(base))
    assert found is not None and found.named == found.layers > found.fitting


def test_a_base_that_is_no_unet_cannot_be_told(tmp_path):
    lora = write_file(tmp_path / "lora.safetensors", KINDS["kohya"])
    base = write_file(tmp_path / "base.safetensors", transformer("flux"))
    assert coverage(file_stamp(lora), file_stamp(base)) is None


SPELLINGS = ("unet.{}", "base_model.model.{}", "base_model.model.unet.{}", "{}")


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_names_of_peft_are_lost_on_the_host_and_read_by_our_stack(spelling, family):
    """What the finding about such files says: the host's loader reads no layer of them, and ours reads all."""
    import comfy.lora

    lora = {
        spelling.format(name.removeprefix("unet.")): shape
        for name, shape in networks.lora(family, diffusers=True).items()
    }
    names = host_names(family)
    assert len(lora) == 2 * networks.attentions(family)
    assert patched_by_host(family, lora) == 0
    renamed = with_known_names(meta_tensors(Tensors(lora)), names)
    assert len(comfy.lora.load_lora(renamed, names, log_missing=False)) == networks.attentions(family)
