"""The UNet's output equals diffusers' IP-Adapter, from the file and the picture to the noise, through the public nodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter, ArmatureLoadIPAdapter
from diffusers_reference import Recorder, by_diffusers, diffusers_unet, image_features, load_adapter, set_scale
from ip_adapter_recipes import adapter_weights, picture, sampled
from safetensors.torch import save_file

TOLERANCE = 1e-4
WEIGHT = 0.6


@pytest.fixture(scope="module")
def reference(request) -> Callable[[str, str], Any]:
    """From family and layout to diffusers' UNet with the adapter in it at WEIGHT; UNets are made and filled only anew."""
    unets: dict[str, Any] = {}
    filled: dict[str, str] = {}

    def make(family: str, layout: str) -> Any:
        if family not in unets:
            unets[family] = diffusers_unet(family, request.getfixturevalue(family))
        if filled.get(family) != layout:
            load_adapter(unets[family], adapter_weights(layout, family))
            filled[family] = layout
        set_scale(unets[family], WEIGHT)
        return unets[family]

    return make


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import folder_paths

    monkeypatch.setitem(folder_paths.folder_names_and_paths, "ipadapter", ([str(tmp_path)], {".safetensors", ".bin"}))
    folder_paths.filename_list_cache.clear()
    return tmp_path


def applied(model: Any, weights: dict[str, torch.Tensor], folder: Path, **inputs: Any) -> Any:
    save_file(weights, folder / "adapter.safetensors")
    adapter = ArmatureLoadIPAdapter.execute("adapter.safetensors").args[0]
    return ArmatureApplyIPAdapter.execute(model, adapter, **inputs).args[0]


def largest_error(unet: Any, recorder: Recorder, positive: torch.Tensor, negative: torch.Tensor) -> float:
    errors = [by_diffusers(unet, call, positive, negative).sub(call["out"]).abs().max() for call in recorder.calls]
    return float(torch.stack(errors).max())


@pytest.mark.parametrize("size", [(8, 8), (16, 8)])
@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("layout", ["base", "plus"])
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_equals_diffusers(family, layout, cfg, size, request, folder, encoder, reference) -> None:
    model = request.getfixturevalue(family)
    unet = reference(family, layout)
    recorder = Recorder()
    patched = applied(model, adapter_weights(layout, family), folder, image=picture(), clip_vision=encoder)
    sampled(recorder.watch(patched), family, cfg=cfg, size=size)
    positive, negative = image_features(picture(), layout)
    assert {tuple(call["halves"]) for call in recorder.calls} == ({(0,)} if cfg == 1.0 else {(1, 0)})
    assert largest_error(unet, recorder, positive, negative) < TOLERANCE
    set_scale(unet, 0.0)
    assert largest_error(unet, recorder, positive, negative) > 100 * TOLERANCE  # the pictures do act


@pytest.mark.parametrize("layout", ["base", "plus", "full_face"])
def test_several_pictures_in_a_batch_equal_diffusers(layout, sd15, folder, encoder, reference) -> None:
    recorder = Recorder()
    pictures = picture(count=3)
    patched = applied(sd15, adapter_weights(layout, "sd15"), folder, image=pictures, clip_vision=encoder)
    sampled(recorder.watch(patched), pictures=2)
    positive, negative = image_features(pictures, layout)
    assert largest_error(reference("sd15", layout), recorder, positive, negative) < TOLERANCE


@pytest.mark.parametrize("layout", ["base", "plus"])
def test_compatible_with_ipadapter_plus(layout, sd15, folder, encoder, reference) -> None:
    """That pack leaves out the middle block and takes a black picture for none: diffusers, told to do the same, agrees."""
    weights = adapter_weights(layout, "sd15")
    unet = reference("sd15", layout)
    for name, processor in unet.attn_processors.items():
        if name.startswith("mid_block") and hasattr(processor, "scale"):
            processor.scale = [0.0]
    inputs = {"image": picture(), "clip_vision": encoder, "compatible_with": "ipadapter_plus"}
    recorder = Recorder()
    sampled(recorder.watch(applied(sd15, weights, folder, **inputs)))
    positive, negative = image_features(picture(), layout)
    if layout == "plus":
        negative = image_features(torch.zeros(1, 28, 28, 3), layout)[0]
    assert largest_error(unet, recorder, positive, negative) < TOLERANCE
    set_scale(unet, WEIGHT)
    assert largest_error(unet, recorder, positive, negative) > TOLERANCE
