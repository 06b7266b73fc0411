"""The UNet's output equals diffusers' IP-Adapter, from the file and the picture to the noise, through the public nodes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter, ArmatureLoadIPAdapter
from diffusers_reference import Recorder, by_diffusers, diffusers_unet, image_features, load_adapter
from ip_adapter_recipes import adapter_weights, picture, sampled
from safetensors.torch import save_file

TOLERANCE = 1e-4
WEIGHT = 0.6


@pytest.fixture(scope="module")
def references() -> dict[str, Any]:
    """diffusers' UNets by family, made once."""
    return {}


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


@pytest.mark.parametrize("size", [(16, 16), (24, 16)])
@pytest.mark.parametrize("cfg", [1.0, 4.0])
@pytest.mark.parametrize("layout", ["base", "plus"])
@pytest.mark.parametrize("family", ["sd15", "sdxl"])
def test_equals_diffusers(family, layout, cfg, size, request, folder, encoder, references) -> None:
    model = request.getfixturevalue(family)
    weights = adapter_weights(layout, family)
    unet = references.setdefault(family, diffusers_unet(family, model))
    load_adapter(unet, weights, WEIGHT)
    recorder = Recorder()
    patched = applied(model, weights, folder, image=picture(), clip_vision=encoder)
    sampled(recorder.watch(patched), family, cfg=cfg, size=size)
    positive, negative = image_features(picture(), layout)
    assert {tuple(call["halves"]) for call in recorder.calls} == ({(0,)} if cfg == 1.0 else {(1, 0)})
    assert largest_error(unet, recorder, positive, negative) < TOLERANCE
    load_adapter(unet, weights, 0.0)
    assert largest_error(unet, recorder, positive, negative) > 100 * TOLERANCE  # the pictures do act


@pytest.mark.parametrize("layout", ["base", "plus", "full_face"])
def test_several_pictures_in_a_batch_equal_diffusers(layout, sd15, folder, encoder, references) -> None:
    weights = adapter_weights(layout, "sd15")
    unet = references.setdefault("sd15", diffusers_unet("sd15", sd15))
    if layout != "full_face":  # whose number of tokens diffusers takes for that of a full-size encoder
        load_adapter(unet, weights, WEIGHT)
    recorder = Recorder()
    pictures = picture(count=3)
    patched = applied(sd15, weights, folder, image=pictures, clip_vision=encoder)
    sampled(recorder.watch(patched), pictures=2)
    positive, negative = image_features(pictures, layout)
    if layout == "full_face":
        load_adapter(unet, weights, WEIGHT)
    assert largest_error(unet, recorder, positive, negative) < TOLERANCE
