"""Files are named by their header, and what is no IP-Adapter is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from armature_pack.models.files.header import BrokenFile
from armature_pack.models.files.identify import identify_tensors
from armature_pack.models.files.identity import Tensors
from armature_pack.models.files.layouts.ip_adapter import LAYOUTS, family_of, find_layout
from armature_pack.models.ip_adapter.loading import adapter_from_state_dict, load_ip_adapter
from ip_adapter_recipes import WIDTHS, adapter, adapter_weights, attention_shapes, projection_shapes

NAMES = ["base", "plus", "full_face", "face_id", "face_id_plus", "portrait", "portrait_unnormalised", "kolors"]
# (layout, base's text width, image projection's shapes as published, encoder, number of tokens)
PUBLISHED = {
    "ip-adapter_sd15": ("base", 768, {"proj.weight": (3072, 1024), "norm.weight": (768,)}, "vit_h"),
    "ip-adapter_sd15_vit-G": ("base", 768, {"proj.weight": (3072, 1280), "norm.weight": (768,)}, "vit_bigg"),
    "ip-adapter_sdxl": ("base", 2048, {"proj.weight": (8192, 1280), "norm.weight": (2048,)}, "vit_bigg"),
    "ip-adapter-plus_sdxl_vit-h": (
        "plus",
        2048,
        {"latents": (1, 16, 1280), "proj_in.weight": (1280, 1280), "layers.0.0.to_kv.weight": (2560, 1280)},
        "vit_h",
    ),
    "ip-adapter-full-face_sd15": (
        "full_face",
        768,
        {"proj.0.weight": (1280, 1280), "proj.2.weight": (768, 1280), "proj.3.weight": (768,)},
        "vit_h",
    ),
    "kolors_ip_adapter_plus": (
        "kolors",
        2048,
        {"latents": (1, 16, 2048), "proj_in.weight": (2048, 1024), "layers.0.0.to_kv.weight": (1536, 2048)},
        "vit_l_336",
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_each_layout_is_told_by_its_header_and_read(name) -> None:
    family = "sdxl" if name == "kolors" else "sd15"
    found = adapter(name, family)
    assert found.layout.name == name
    assert found.family == {"kolors": "kolors"}.get(name, family)
    assert len(found.layer_shapes) == len(WIDTHS[family])
    expected = projection_shapes(name, found.layer_shapes[0][0])
    assert {key: tuple(value.shape) for key, value in found.module.image_proj.state_dict().items()} == expected
    assert found.variant == ("face_id_plus_v2" if name == "face_id_plus" else name)
    weights = adapter_weights(name, family)
    told = identify_tensors(Tensors({key: tuple(value.shape) for key, value in weights.items()}))
    assert (told.kind, told.layout, told.families) == ("ip_adapter", name, (found.family,))
    assert told.traits["needs_face"] == found.layout.needs_face
    assert bool(told.ambiguity) == bool(found.layout.variants)


def test_every_layout_is_tried_here() -> None:
    assert {layout.name for layout in LAYOUTS} == {*NAMES, "kolors_face_id"}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_headers(name) -> None:
    layout_name, context, projection, encoder = PUBLISHED[name]
    shapes = {f"image_proj.{key}": shape for key, shape in projection.items()} | attention_shapes([320], context)
    layout = find_layout(shapes)
    assert layout is not None and layout.name == layout_name
    assert layout.encoder(shapes) == encoder
    assert family_of(shapes, layout) == {768: "sd15", 2048: "kolors" if layout_name == "kolors" else "sdxl"}[context]


def test_the_header_needs_no_torch() -> None:
    folder = Path(__file__).resolve().parents[3] / "models" / "files" / "layouts"
    files = list(folder.glob("ip_adapter*.py"))
    assert files
    for file in files:
        top = [line for line in file.read_text().splitlines() if line.startswith(("import ", "from "))]
        assert not any("torch" in line or "comfy" in line or "projections" in line for line in top), file


def test_a_nested_bin_and_training_names_are_read(tmp_path) -> None:
    weights = adapter_weights("base", "sd15")
    nested: dict[str, dict[str, torch.Tensor]] = {"image_proj": {}, "adapter_modules": {}}
    for key, value in weights.items():
        part, _, name = key.partition(".")
        nested["image_proj" if part == "image_proj" else "adapter_modules"][name] = value.clone()
    torch.save(nested, tmp_path / "ip-adapter.bin")
    assert load_ip_adapter(tmp_path / "ip-adapter.bin").layout.name == "base"


def test_kolors_face_id_is_refused_by_name() -> None:
    shapes = {"image_proj.perceiver_resampler.layers.0.0.to_out.weight": (4096, 8)} | attention_shapes([8], 2048)
    with pytest.raises(ValueError, match="FaceID Plus for Kolors, which cannot be applied"):
        adapter_from_state_dict({key: torch.zeros(shape) for key, shape in shapes.items()}, "kolors-faceid.bin")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["lora_unet_a.lora_up.weight"], "holds a LoRA, not an IP-Adapter. Load it with"),
        (["image_proj.proj.weight"], "is incomplete: it needs"),
        (["double_blocks.0.processor.ip_adapter_double_stream_k_proj.weight"], "is incomplete: it needs"),
        (["image_proj.time_embedding.linear_1.weight"], "is incomplete: it needs"),
        (["anything"], "nothing that is known"),
    ],
)
def test_other_files_are_named(keys, words) -> None:
    with pytest.raises(ValueError, match=words):
        adapter_from_state_dict({key: torch.zeros(1) for key in keys}, "file.safetensors")


def test_instantx_for_flux_is_refused_with_the_reason() -> None:
    """Names and shapes as the authors' pipeline builds them: every attention of the transformer, and no norm with weights."""
    shapes = {
        "image_proj.proj.0.weight": (2304, 1152),
        "image_proj.proj.2.weight": (8192, 2304),
        "image_proj.norm.weight": (4096,),
        "ip_adapter.0.to_k_ip.weight": (8, 4096),
        "ip_adapter.0.to_v_ip.weight": (8, 4096),
    }
    told = identify_tensors(Tensors(shapes))
    assert (told.kind, told.layout, told.families) == ("ip_adapter", "instantx_flux", ("flux",))
    with pytest.raises(
        ValueError, match="for Flux in InstantX' layout, which cannot be applied: it reads the pooled output"
    ):
        adapter_from_state_dict({key: torch.zeros(shape) for key, shape in shapes.items()}, "ip-adapter.bin")


def test_damage_is_named() -> None:
    weights = adapter_weights("plus", "sd15")
    key = "image_proj.layers.1.1.3.weight"
    with pytest.raises(ValueError, match="incomplete or was changed"):
        adapter_from_state_dict({name: one for name, one in weights.items() if name != key}, "cut.safetensors")
    with pytest.raises(BrokenFile, match="NaN"):
        adapter_from_state_dict({**weights, key: weights[key] * float("nan")}, "nan.safetensors")
    with pytest.raises(ValueError, match="variant is set to 'face_id_plus_v1'"):
        adapter_from_state_dict(weights, "plus.safetensors", "face_id_plus_v1")
    with pytest.raises(ValueError, match="unknown to IP-Adapter"):
        adapter_from_state_dict(weights, "plus.safetensors", "v3")
