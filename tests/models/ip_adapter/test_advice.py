"""Where an IP-Adapter cannot act: whether what the message says to do would help."""

from __future__ import annotations

import pytest
import torch
from armature_pack.models.ip_adapter.embeds import ImageEmbeds
from armature_pack.models.ip_adapter.loading import adapter_from_state_dict
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from armature_pack.nodes.ip_adapter_embeds import ArmatureEncodeIPAdapterImage
from armature_pack.nodes.ip_adapter_images import ArmatureIdentityFromFolder
from ip_adapter_recipes import adapter, adapter_weights, attention_shapes, narrow_model, picture


def with_widths(width: int):
    """An adapter for all layers of SD 1.5, each of this width."""
    weights = adapter_weights("base", "sd15")
    layers = {key: torch.zeros(shape) for key, shape in attention_shapes([width] * 16, 768).items()}
    return adapter_from_state_dict(weights | layers, "widths.safetensors")


def test_a_full_size_checkpoint_is_advised_only_where_the_file_is_larger(sd15) -> None:
    for given, model, larger in (
        (adapter("base", "sd15"), narrow_model("tiny"), True),
        (adapter("base", "tiny"), sd15, False),
        (with_widths(4096), sd15, True),
        (with_widths(16), sd15, False),
    ):
        with pytest.raises(ValueError, match="of the size that it was trained for") as refused:
            ArmatureApplyIPAdapter.execute(model, given, image=picture())
        assert ("full-size" in str(refused.value)) == larger


def test_an_encoder_without_a_name_is_told_by_its_width(sd15) -> None:
    with pytest.raises(ValueError, match="an image encoder whose hidden states have the width 64") as refused:
        ArmatureApplyIPAdapter.execute(sd15, adapter("plus", "sd15"), image=picture())
    assert "not known" not in str(refused.value)


def test_faces_are_not_wanted_from_where_they_cannot_come(sd15) -> None:
    """The loader gives IP_ADAPTER_EMBEDS, which go to embeds; face_embeds takes FACE_EMBEDS alone."""
    with pytest.raises(ValueError, match="Link face_embeds, from Face Embeddings") as refused:
        ArmatureEncodeIPAdapterImage.execute(adapter("face_id", "sd15"), picture())
    assert "to embeds of Apply IP-Adapter" in str(refused.value)


def test_embeddings_whose_pictures_are_gone_have_a_way_out(sd15) -> None:
    kept = ImageEmbeds("hidden", torch.zeros(1, 5, 64), torch.zeros(1, 5, 64), source="file kept.safetensors")
    with pytest.raises(ValueError, match="or load the adapter that they were made for"):
        ArmatureApplyIPAdapter.execute(sd15, adapter("base", "sd15"), embeds=kept)


def test_a_checkpoint_of_the_training_code_is_not_to_be_downloaded_again() -> None:
    weights = {
        key.replace("image_proj.", "image_proj_model.").replace("ip_adapter.", "adapter_modules."): value
        for key, value in adapter_weights("base", "tiny").items()
    }
    with pytest.raises(ValueError, match="image_proj_model") as refused:
        adapter_from_state_dict({**weights, "unet.conv_in.weight": torch.zeros(4, 4, 3, 3)}, "pytorch_model.bin")
    assert "Download" not in str(refused.value)
    helped = {key.replace("image_proj_model.", "image_proj."): value for key, value in weights.items()}
    assert adapter_from_state_dict(helped, "ip-adapter.bin").layout.name == "base"


def test_a_folder_without_pictures_has_a_way_out(encoder, tmp_path, monkeypatch) -> None:
    import folder_paths

    monkeypatch.setattr(folder_paths, "input_directory", str(tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="Put pictures into it, or choose another folder"):
        ArmatureIdentityFromFolder.execute(adapter("base", "sd15"), encoder, "empty")
