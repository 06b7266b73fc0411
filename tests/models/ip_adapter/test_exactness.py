"""The UNet's output equals diffusers' IP-Adapter, from the file and the picture to the noise, through the public nodes."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
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
def reference(request) -> Callable[[str], Any]:
    """diffusers' UNet of a family, made once."""
    return lru_cache(lambda family: diffusers_unet(family, request.getfixturevalue(family)))


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
def test_equals_diffusers(family, layout, cfg, size, request, folder, encoder, reference) -> None:
    model = request.getfixturevalue(family)
    weights = adapter_weights(layout, family)
    unet = reference(family)
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
def test_several_pictures_in_a_batch_equal_diffusers(layout, sd15, folder, encoder, reference) -> None:
    weights = adapter_weights(layout, "sd15")
    unet = reference("sd15")
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


@pytest.mark.parametrize("layout", ["base", "plus"])
def test_compatible_with_ipadapter_plus(layout, sd15, folder, encoder, reference) -> None:
    """That pack leaves out the middle block and takes a black picture for none: diffusers, told to do the same, agrees."""
    weights = adapter_weights(layout, "sd15")
    unet = reference("sd15")
    load_adapter(unet, weights, WEIGHT)
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
    load_adapter(unet, weights, WEIGHT)
    assert largest_error(unet, recorder, positive, negative) > TOLERANCE
