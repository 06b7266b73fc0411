"""What goes into an adapter: prepared squares, kept embeddings, identities from folders; and measuring what comes out."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
import torch
from armature_pack.models.ip_adapter.embeds import ImageEmbeds
from armature_pack.models.ip_adapter.faces import outliers
from armature_pack.models.ip_adapter.prepare import prepare
from armature_pack.nodes.consistency import ArmatureConsistency
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from armature_pack.nodes.ip_adapter_embeds import (
    ArmatureEncodeIPAdapterImage,
    ArmatureLoadIPAdapterEmbeds,
    ArmatureSaveIPAdapterEmbeds,
)
from armature_pack.nodes.ip_adapter_images import ArmatureIdentityFromFolder
from armature_pack.tests.alike import assert_alike
from ip_adapter_recipes import adapter, picture, sampled
from PIL import Image


@pytest.fixture
def folders(tmp_path, monkeypatch) -> Path:
    import folder_paths

    for name in ("input", "output"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(folder_paths, f"{name}_directory", str(tmp_path / name))
    return tmp_path


# Prepared squares -------------------------------------------------------------------------------------------------


def test_crop_shows_what_is_cut() -> None:
    image = torch.zeros(1, 40, 80, 3)
    image[:, :, :40] = 1
    left = prepare(image, "crop", "left", size=64)
    assert left.image.shape == (1, 64, 64, 3) and left.image.min() > 0.99
    assert left.mask.shape == (1, 40, 80) and left.mask[0, :, :40].all() and not left.mask[0, :, 40:].any()
    assert "50% of the picture is cut off" in left.report
    assert prepare(image, "crop", "right", size=64).image.max() < 0.01
    assert "square already" in prepare(image[:, :, :40], "crop").report


def test_pad_and_stretch_keep_all() -> None:
    image = torch.ones(2, 40, 80, 3)
    for fill, value in (("black", 0.0), ("white", 1.0), ("grey", 0.5), ("edge", 1.0)):
        padded = prepare(image, "pad", fill=fill, size=80).image
        assert padded.shape == (2, 80, 80, 3) and float(padded[0, 0, 0, 0]) == value
    assert float(prepare(image, "pad", "top", "black", 80).image[0, 0, 0, 0]) == 1.0
    assert prepare(image, "stretch", size=32).image.min() > 0.99


@pytest.mark.parametrize("size", [(40, 40), (40, 80), (100, 40), (40, 300)])
def test_tiles_cover_the_picture(size) -> None:
    done = prepare(torch.rand(1, *size, 3), "tiles", size=32)
    assert done.image.shape[0] == done.mask.shape[0] > 1
    covered = done.mask.sum(0)
    if max(size) <= 4 * min(size):
        torch.testing.assert_close(covered, torch.ones(size))
    else:
        assert "lies between them" in done.report and covered.min() >= 0 and covered.max() <= 1.001


def test_tiles_act_in_their_places(sd15, encoder) -> None:
    done = prepare(picture(height=28, width=56), "tiles", size=28)
    inputs: dict[str, Any] = {"image": done.image, "mask": done.mask, "combine": "regions", "clip_vision": encoder}
    model = ArmatureApplyIPAdapter.execute(sd15, adapter("plus", "sd15"), **inputs).args[0]
    assert not torch.equal(sampled(model), sampled(sd15))


# Embeddings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", ["base", "plus"])
def test_embeddings_are_saved_and_loaded(layout, sd15, encoder, folders) -> None:
    found = adapter(layout, "sd15")
    embeds = ArmatureEncodeIPAdapterImage.execute(found, picture(count=2), encoder).args[0]
    file = Path(ArmatureSaveIPAdapterEmbeds.execute(embeds).args[0])
    assert file.parent == folders / "output" / "ip_adapter_embeds" and file.suffix == ".safetensors"
    assert Path(ArmatureSaveIPAdapterEmbeds.execute(embeds).args[0]) != file
    options = ArmatureLoadIPAdapterEmbeds.define_schema().inputs[0].options
    name = f"ip_adapter_embeds/{file.name} [output]"
    assert name in options
    loaded = ArmatureLoadIPAdapterEmbeds.execute(name).args[0]
    direct = ArmatureApplyIPAdapter.execute(sd15, found, image=picture(count=2), clip_vision=encoder).args[0]
    kept = ArmatureApplyIPAdapter.execute(sd15, found, embeds=loaded).args[0]
    assert torch.equal(loaded.image, embeds.image) and torch.equal(loaded.negative, embeds.negative)
    assert_alike(sampled(kept), sampled(direct))


def test_broken_and_foreign_files_are_named(folders) -> None:
    from safetensors.torch import save_file

    save_file({"image": torch.zeros(1, 8)}, folders / "input" / "other.safetensors")
    with pytest.raises(ValueError, match="holds no IP-Adapter embeddings"):
        ArmatureLoadIPAdapterEmbeds.execute("other.safetensors")
    (folders / "secret.safetensors").touch()
    for name in ("../secret.safetensors", "gone.safetensors", "../secret.safetensors [output]"):
        with pytest.raises(ValueError, match="There are no embeddings"):
            ArmatureLoadIPAdapterEmbeds.execute(name)
    with pytest.raises(ValueError, match="IP_ADAPTER_EMBEDS are wanted"):
        ArmatureSaveIPAdapterEmbeds.execute(torch.zeros(1))


@pytest.mark.parametrize("prefix", ["../x", "a/../../x", "/tmp/armature_climbs"])
def test_a_prefix_that_climbs_writes_nothing(folders, prefix) -> None:
    before = sorted(folders.rglob("*"))
    with pytest.raises(ValueError, match="filename_prefix"):
        ArmatureSaveIPAdapterEmbeds.execute(ImageEmbeds("pooled", torch.zeros(1, 1, 4)), prefix)
    assert sorted(folders.rglob("*")) == before and not list(Path("/tmp").glob("armature_climbs*"))


def test_norm_average_counts_every_picture_alike() -> None:
    rows = torch.stack([torch.eye(4)[0], 9 * torch.eye(4)[1]])
    combined = ImageEmbeds("pooled", rows).combined("norm average").image
    assert combined is not None
    assert torch.allclose(combined[0, 0], combined[0, 1]) and torch.allclose(combined[0, :2], torch.tensor(2.5))


# Identity ---------------------------------------------------------------------------------------------------------


def test_an_identity_from_a_folder_names_the_one_that_does_not_belong(sd15, encoder, folders) -> None:
    photos = folders / "input" / "person"
    photos.mkdir()
    base = picture(1, height=40, width=56)[0]
    for index in range(6):
        noise = 0.02 * torch.rand(base.shape, generator=torch.Generator().manual_seed(index))
        Image.fromarray(((base + noise).clamp(0, 1) * 255).byte().numpy()).save(photos / f"{index}.png")
    Image.new("RGB", (64, 64), (255, 0, 0)).save(photos / "stranger.png")
    found = adapter("base", "sd15")
    embeds, kept, report = ArmatureIdentityFromFolder.execute(found, encoder, "person").args
    assert embeds.count == 1 and kept.shape == (6, 28, 28, 3)
    assert "stranger.png  <- unlike the others, left out" in report and "6 of 7 pictures count" in report
    everything = ArmatureIdentityFromFolder.execute(found, encoder, "person", leave_out=False).args
    assert everything[1].shape[0] == 7 and "stranger.png  <- unlike the others" in everything[2]
    assert not torch.equal(everything[0].image, embeds.image)
    before = ArmatureIdentityFromFolder.fingerprint_inputs(folder="person")
    (photos / "0.png").unlink()
    assert ArmatureIdentityFromFolder.fingerprint_inputs(folder="person") != before
    patched = ArmatureApplyIPAdapter.execute(sd15, found, embeds=embeds).args[0]
    assert not torch.equal(sampled(patched), sampled(sd15))


def test_folders_that_are_none(encoder, folders) -> None:
    found = adapter("base", "sd15")
    (folders / "input" / "empty").mkdir()
    for name, words in (("..", "there is no folder"), (".", "there is no folder"), ("empty", "holds no pictures")):
        with pytest.raises(ValueError, match=words):
            ArmatureIdentityFromFolder.execute(found, encoder, name)
    (folders / "input" / "empty" / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"broken.png cannot be read"):
        ArmatureIdentityFromFolder.execute(found, encoder, "empty")


def test_outliers_need_a_crowd() -> None:
    assert outliers([0.9, 0.1]) == ()
    assert outliers([0.99, 0.98, 0.97, 0.5]) == (3,)
    assert outliers([0.999, 0.998, 0.9999, 0.99]) == ()


# Consistency ------------------------------------------------------------------------------------------------------


def measured(*given: Any, **inputs: Any) -> Any:
    return ArmatureConsistency.execute(*given, **inputs).args


def test_the_same_picture_scores_one(encoder) -> None:
    same = picture(5).repeat(3, 1, 1, 1)
    passing, report, score, ok = measured(same, encoder, same[:1])
    assert abs(score - 1) < 1e-3 and ok and passing is same and "against the reference" in report
    assert abs(measured(same, encoder)[2] - 1) < 1e-3


def test_what_stands_apart_is_marked_and_held_back(encoder) -> None:
    pictures = torch.cat([picture(5).repeat(4, 1, 1, 1), torch.ones(1, 28, 28, 3)])
    passing, report, _, ok = measured(pictures, encoder, picture(5), minimum=0.9, gate="filter")
    assert not ok and passing.shape[0] == 4 and "5: " in report and "below the minimum" in report
    assert "unlike the others" in report
    with pytest.raises(ValueError, match="score of picture 5 is below 0.9"):
        measured(pictures, encoder, picture(5), minimum=0.9, gate="error")
    assert measured(pictures, encoder, picture(5), minimum=0.9)[0].shape[0] == 5


def test_faces_are_compared_where_there_are_some(encoder) -> None:
    from armature_pack.models.ip_adapter.faces import FaceEmbeds

    faces = FaceEmbeds(torch.eye(512)[:2])
    report = measured(
        picture(count=2), encoder, picture(), face_embeds=faces, reference_face_embeds=FaceEmbeds(torch.eye(512)[:1])
    )[1]
    assert "face 1.000" in report and "face 0.000" in report
    with pytest.raises(ValueError, match="2 faces came in for 1 pictures"):
        measured(picture(), encoder, face_embeds=faces)


def test_bad_inputs(encoder) -> None:
    with pytest.raises(ValueError, match="CLIP_VISION is wanted"):
        measured(picture(), None)
    with pytest.raises(ValueError, match="gate"):
        measured(picture(), encoder, gate="maybe")
    with pytest.raises(ValueError, match="input mode"):
        prepare(picture(), "squash")


def test_every_node_is_registered() -> None:
    from armature_pack.nodes import ArmatureExtension

    nodes = {node.define_schema().node_id for node in asyncio.run(ArmatureExtension().get_node_list())}
    assert {"ArmatureLoadIPAdapter", "ArmatureApplyIPAdapter", "ArmatureConsistency", "ArmatureApplyLoRAStack"} <= nodes


def test_the_hosts_own_folder_is_read_beside_one_that_a_list_of_folders_names(tmp_path, monkeypatch):
    import folder_paths
    from armature_pack.models.ip_adapter.identity_from_folder import file_names

    for place in ("own/ipadapter", "elsewhere"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / f"{place[:3]}.safetensors").write_bytes(b"")
    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path / "own"))
    monkeypatch.setattr(folder_paths, "filename_list_cache", {})
    elsewhere = ([str(tmp_path / "elsewhere")], set())
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "ipadapter", elsewhere)
    assert sorted(file_names()) == sorted(file_names()) == ["els.safetensors", "own.safetensors"]
    assert len(folder_paths.folder_names_and_paths["ipadapter"][0]) == 2, "asked twice, added once"
