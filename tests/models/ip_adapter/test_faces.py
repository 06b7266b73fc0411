"""FaceID: projections equal diffusers', the LoRA in the file, embeddings as an input, and the optional provider."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from armature_pack.models.ip_adapter.faces import FaceEmbeds
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from armature_pack.nodes.ip_adapter_embeds import ArmatureEncodeIPAdapterImage
from armature_pack.nodes.ip_adapter_images import ArmatureFaceEmbeds
from armature_pack.tests.alike import assert_alike
from ip_adapter_recipes import adapter, adapter_weights, picture, sampled

GENERATOR = torch.Generator().manual_seed(12)
FACES = FaceEmbeds(5 * torch.randn(2, 512, generator=GENERATOR))


def by_diffusers(layout: str, *features: torch.Tensor, shortcut: bool = False) -> torch.Tensor:
    from diffusers.loaders.unet import UNet2DConditionLoadersMixin

    weights = adapter_weights(layout, "sd15")
    part = {key.removeprefix("image_proj."): one for key, one in weights.items() if key.startswith("image_proj.")}
    module: Any = UNet2DConditionLoadersMixin()._convert_ip_adapter_image_proj_to_diffusers(
        part, low_cpu_mem_usage=False
    )
    if layout == "face_id_plus":
        module.clip_embeds, module.shortcut = features[1].unsqueeze(1), shortcut
        return module(features[0])
    return module(*features)


@pytest.mark.parametrize("layout", ["base", "plus", "full_face", "face_id", "portrait"])
def test_projections_equal_diffusers(layout) -> None:
    features = {"base": (2, 32), "plus": (2, 5, 64), "full_face": (2, 5, 64)}.get(layout, (2, 512))
    given = torch.randn(features, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(adapter(layout, "sd15").tokens(given), by_diffusers(layout, given), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("variant", ["face_id_plus_v1", "face_id_plus_v2"])
def test_face_id_plus_equals_diffusers(variant) -> None:
    second = variant.endswith("v2")
    faces, seen = FACES.normed, torch.randn(2, 5, 64, generator=torch.Generator().manual_seed(1))
    made = adapter("face_id_plus", "sd15", variant=variant).tokens(faces, seen, shortcut=1.0 if second else None)
    expected = by_diffusers("face_id_plus", faces, seen, shortcut=second)
    torch.testing.assert_close(made, expected, atol=1e-5, rtol=1e-4)


def applied(model: Any, layout: str, **inputs: Any) -> Any:
    return ArmatureApplyIPAdapter.execute(model, adapter(layout, "sd15"), **{"face_embeds": FACES, **inputs}).args[0]


@pytest.mark.parametrize("layout", ["face_id", "portrait", "portrait_unnormalised"])
def test_faces_act(layout, sd15) -> None:
    assert not torch.equal(sampled(applied(sd15, layout)), sampled(sd15))
    with pytest.raises(ValueError, match="reads faces. Link face_embeds"):
        applied(sd15, layout, face_embeds=None, image=picture())


def test_face_id_plus_reads_the_picture_too(sd15, encoder) -> None:
    with_picture = applied(sd15, "face_id_plus", image=picture(), clip_vision=encoder)
    with_crops = applied(
        sd15, "face_id_plus", face_embeds=FaceEmbeds(FACES.vectors, picture().repeat(2, 1, 1, 1)), clip_vision=encoder
    )
    assert_alike(sampled(with_picture), sampled(with_crops))
    with pytest.raises(ValueError, match="Link the picture of the face"):
        applied(sd15, "face_id_plus", clip_vision=encoder)
    stronger = applied(sd15, "face_id_plus", image=picture(), clip_vision=encoder, face_structure=2.0)
    assert not torch.equal(sampled(stronger), sampled(with_picture))


def test_the_lora_in_the_file_goes_to_the_right_weights(sd15) -> None:
    model = applied(sd15, "face_id", face_lora_strength=0.5)
    assert len(model.patches) == 2 * 16 * 4 and not sd15.patches
    weights = adapter_weights("face_id", "sd15")
    # The file counts self- and cross-attentions alternately: 12 and 13 are those of the first block on the way up.
    for number, attention in ((12, "attn1"), (13, "attn2")):
        key = f"diffusion_model.output_blocks.3.1.transformer_blocks.0.{attention}.to_out.0.weight"
        ((strength, patch, *_),) = model.patches[key]
        assert strength == 0.5
        assert torch.equal(patch.weights[0], weights[f"ip_adapter.{number}.to_out_lora.up.weight"])
    assert not applied(sd15, "face_id", face_lora_strength=0.0).patches


def test_embeddings_of_faces_can_be_kept(sd15) -> None:
    embeds = ArmatureEncodeIPAdapterImage.execute(
        adapter("face_id", "sd15"), face_embeds=FACES, combine="average"
    ).args[0]
    assert embeds.count == 1 and embeds.reads == "face"
    kept = applied(sd15, "face_id", face_embeds=None, embeds=embeds)
    assert_alike(sampled(kept), sampled(applied(sd15, "face_id", combine="average")))
    with pytest.raises(ValueError, match="reads pooled embeddings of width 32, but the embeddings .* are face"):
        ArmatureApplyIPAdapter.execute(sd15, adapter("base", "sd15"), embeds=embeds)


def test_what_is_no_face() -> None:
    with pytest.raises(ValueError, match="vectors of 512 numbers"):
        FaceEmbeds(torch.zeros(1, 128))
    with pytest.raises(ValueError, match="NaN"):
        FaceEmbeds(torch.full((1, 512), float("nan")))


# The provider -----------------------------------------------------------------------------------------------------


def test_a_missing_package_is_told_with_the_way_to_install_it(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "insightface", None)
    monkeypatch.setitem(sys.modules, "insightface.app", None)
    with pytest.raises(ValueError, match="python -m pip install insightface"):
        ArmatureFaceEmbeds.execute(picture())


class FakeAnalysis:
    """Finds two faces in pictures that are not black, the larger one second, at detection sizes below 600."""

    def __init__(self, name: str, root: str, providers: list[str]) -> None:
        self.det_model = SimpleNamespace(input_size=None)

    def prepare(self, **_settings: Any) -> None:
        pass

    def get(self, bgr: Any) -> list[Any]:
        import numpy

        if self.det_model.input_size[0] > 600 or not bgr.any():
            return []
        return [
            SimpleNamespace(bbox=(0, 0, side, side), embedding=numpy.full(512, side, "float32"), kps=side)
            for side in (4, 9)
        ]


@pytest.fixture
def insightface(monkeypatch, tmp_path):
    import folder_paths

    app: Any = ModuleType("insightface.app")
    utils: Any = ModuleType("insightface.utils")
    app.FaceAnalysis = FakeAnalysis
    utils.face_align = SimpleNamespace(norm_crop=lambda image, landmark, image_size: image[:image_size, :image_size])
    for name, module in (
        ("insightface", ModuleType("insightface")),
        ("insightface.app", app),
        ("insightface.utils", utils),
    ):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    return tmp_path / "insightface" / "models" / "buffalo_l"


def test_the_provider_takes_the_largest_face_and_fetches_nothing(insightface) -> None:
    with pytest.raises(ValueError, match=r"models of insightface are missing. Unpack buffalo_l.zip"):
        ArmatureFaceEmbeds.execute(picture())
    insightface.mkdir(parents=True)
    (insightface / "det_10g.onnx").touch()
    image = picture(count=2)
    faces, crops = ArmatureFaceEmbeds.execute(image).args
    assert torch.equal(faces.vectors, torch.full((2, 512), 9.0))
    torch.testing.assert_close(crops, image, atol=1e-6, rtol=0)  # red and blue are where they were
    with pytest.raises(ValueError, match="no face was found in picture 2 of 2"):
        ArmatureFaceEmbeds.execute(torch.cat([image[:1], torch.zeros_like(image[:1])]))
