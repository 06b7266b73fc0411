"""Embeddings that ComfyUI_IPAdapter_plus has saved: what they are by their shape alone, and the pictures that they give."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from armature_pack.models.files.header import BrokenFile
from armature_pack.models.ip_adapter.embeds import ImageEmbeds
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from armature_pack.nodes.ip_adapter_embeds import (
    ArmatureCombineIPAdapterEmbeds,
    ArmatureEncodeIPAdapterImage,
    ArmatureLoadIPAdapterEmbeds,
    ArmatureSaveIPAdapterEmbeds,
)
from ip_adapter_recipes import adapter, picture, sampled


@pytest.fixture
def folders(tmp_path, monkeypatch) -> Path:
    import folder_paths

    for name in ("input", "output"):
        (tmp_path / name).mkdir()
        monkeypatch.setattr(folder_paths, f"{name}_directory", str(tmp_path / name))
    return tmp_path


def load(folders: Path, value: Any, name: str = "IP_embeds_00001.ipadpt") -> ImageEmbeds:
    """What the node gives for a file that torch.save wrote, as that pack does."""
    torch.save(value, folders / "input" / name)
    return ArmatureLoadIPAdapterEmbeds.execute(name).args[0]


@pytest.mark.parametrize("layout", ["base", "plus"])
@pytest.mark.parametrize("count", [1, 3])
def test_they_give_the_picture_of_the_same_embeddings_from_our_encoder(layout, count, sd15, encoder, folders) -> None:
    found = adapter(layout, "sd15")
    ours = ArmatureEncodeIPAdapterImage.execute(found, picture(7, count), encoder).args[0]
    wanted = ours.negative.expand_as(ours.image)

    def drawn(embeds: ImageEmbeds, **inputs: Any) -> torch.Tensor:
        return sampled(ArmatureApplyIPAdapter.execute(sd15, found, embeds=embeds, **inputs).args[0])

    expected = drawn(ours)
    assert not torch.equal(expected, sampled(sd15))
    pos, neg = load(folders, ours.image), load(folders, ours.negative, "neg.ipadpt")
    assert torch.equal(drawn(pos, clip_vision=encoder), expected)
    both = ArmatureCombineIPAdapterEmbeds.execute("concat", neg, {"embeds_0": pos}).args[0]
    assert torch.equal(drawn(both), expected)  # without an encoder
    pair = load(folders, torch.stack((ours.image, wanted)), "IPAdapter_00001_.ipadpt")
    assert torch.equal(drawn(pair), expected)
    if layout == "base":
        assert torch.equal(drawn(pos), expected)  # nothing is zeros there, so no encoder is needed


def test_the_negative_is_what_is_linked(sd15, encoder, folders) -> None:
    found, unwanted = adapter("plus", "sd15"), picture(9)
    ours = ArmatureEncodeIPAdapterImage.execute(found, picture(), encoder, unwanted).args[0]
    pos = load(folders, ours.image)
    inputs: dict[str, Any] = {"clip_vision": encoder, "negative_image": unwanted}
    drawn = [
        sampled(ArmatureApplyIPAdapter.execute(sd15, found, embeds=embeds, **more).args[0])
        for embeds, more in ((ours, {}), (pos, inputs), (pos, {"clip_vision": encoder}))
    ]
    assert torch.equal(drawn[0], drawn[1]) and not torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize(
    ("shape", "reads", "image", "negative"),
    [
        ((1, 1024), "pooled", (1, 1024), None),
        ((2, 1280), "pooled", (2, 1280), None),
        ((1, 257, 1280), "hidden", (1, 257, 1280), None),
        ((2, 257, 1664), "hidden", (2, 257, 1664), None),  # two pictures
        ((5, 577, 1024), "hidden", (5, 577, 1024), None),
        ((2, 1, 1024), "pooled", (1, 1024), (1, 1024)),  # image and noise
        ((2, 4, 1024), "pooled", (4, 1024), (4, 1024)),
        ((2, 3, 257, 1280), "hidden", (3, 257, 1280), (3, 257, 1280)),
    ],
)
def test_what_they_are_is_told_by_the_shape(shape, reads, image, negative, folders) -> None:
    found = load(folders, torch.rand(shape, dtype=torch.float16))
    assert found.reads == reads and found.image is not None and found.image.shape == image
    assert found.image.dtype == torch.float32 and "IP_embeds_00001.ipadpt" in found.source
    assert (None if found.negative is None else tuple(found.negative.shape)) == negative


def test_a_shape_with_two_meanings_is_settled_by_the_adapter(sd15, encoder, folders) -> None:
    """Two of something: hidden states of two pictures, or image embeddings and their negatives."""
    hidden = ArmatureEncodeIPAdapterImage.execute(adapter("plus", "sd15"), picture(7, 2), encoder).args[0]
    assert hidden.image.shape[0] == 2
    pooled = torch.stack((torch.rand(64, 32), torch.rand(64, 32)))  # 64 may as well be the patches of an encoder
    for given, layout, count in ((hidden.image, "plus", 2), (pooled, "base", 64)):
        embeds = load(folders, given)
        found, inputs = adapter(layout, "sd15"), {"clip_vision": encoder}
        model = ArmatureApplyIPAdapter.execute(sd15, found, embeds=embeds, combine="average", **inputs).args[0]
        assert model is not sd15
        one = ImageEmbeds(
            "hidden" if layout == "plus" else "pooled", torch.rand(1, *given.shape[-2:][layout == "base" :])
        )
        joined = ArmatureCombineIPAdapterEmbeds.execute("concat", None, {"embeds_0": embeds, "embeds_1": one}).args[0]
        assert joined.reads == one.reads and joined.count == count + 1


def test_without_a_negative_the_encoder_is_wanted(sd15, encoder, folders) -> None:
    found = adapter("plus", "sd15")
    embeds = load(folders, torch.rand(1, 5, 64))
    with pytest.raises(ValueError, match="Link clip_vision"):
        ArmatureApplyIPAdapter.execute(sd15, found, embeds=embeds)
    with pytest.raises(
        ValueError, match=r"pooled embeddings of width 32.*IP_embeds_00001.ipadpt\) are hidden of width 64"
    ):
        ArmatureApplyIPAdapter.execute(sd15, adapter("base", "sd15"), embeds=embeds, clip_vision=encoder)


def test_some_with_and_some_without_a_negative(folders) -> None:
    with_negative = ImageEmbeds("hidden", torch.rand(1, 5, 64), torch.rand(1, 5, 64))
    without = load(folders, torch.rand(1, 5, 64))
    slots = {"embeds_0": without, "embeds_1": with_negative}
    joined = ArmatureCombineIPAdapterEmbeds.execute("concat", None, slots).args[0]
    assert torch.equal(joined.negative, with_negative.negative)
    slots["embeds_2"] = ImageEmbeds("hidden", torch.rand(1, 5, 64), torch.rand(1, 5, 64))
    with pytest.raises(ValueError, match="Link negative_embeds"):
        ArmatureCombineIPAdapterEmbeds.execute("concat", None, slots)


def test_they_can_be_saved_as_our_own(folders) -> None:
    found = load(folders, torch.rand(2, 3, 32))
    file = Path(ArmatureSaveIPAdapterEmbeds.execute(found).args[0])
    again = ArmatureLoadIPAdapterEmbeds.execute(f"ip_adapter_embeds/{file.name} [output]").args[0]
    assert again.reads == found.reads == "pooled"
    assert torch.equal(again.image, found.image) and torch.equal(again.negative, found.negative)


def test_only_the_hosts_folders_are_listed(folders) -> None:
    for place in (
        "input/a.ipadpt",
        "input/sub/b.ipadpt",
        "output/ip_adapter_embeds/c.ipadpt",
        "output/d.ipadpt",
        "e.ipadpt",
    ):
        (folders / place).parent.mkdir(exist_ok=True)
        torch.save(torch.rand(1, 8), folders / place)
    names = ArmatureLoadIPAdapterEmbeds.define_schema().inputs[0].options
    assert names == ["a.ipadpt", "sub/b.ipadpt", "ip_adapter_embeds/c.ipadpt [output]"]
    assert all(ArmatureLoadIPAdapterEmbeds.execute(name).args[0].count == 1 for name in names)
    with pytest.raises(ValueError, match="There are no embeddings"):
        ArmatureLoadIPAdapterEmbeds.execute("../e.ipadpt")


class Trap:
    """Would make a folder when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


def test_a_pickle_with_code_is_refused_by_name_and_does_not_run(folders) -> None:
    with pytest.raises(BrokenFile, match=r"IP_embeds_00001.ipadpt.*mkdir.*Encode the pictures again") as refused:
        load(folders, Trap(folders / "sprung"))
    assert not (folders / "sprung").exists() and "weights_only" not in str(refused.value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([torch.rand(2, 1, 8)], "holds a list"),
        ({"image": torch.rand(1, 8)}, "holds a dict"),
        (torch.rand(8), r"shape \[8\]"),
        (torch.rand(0, 8), r"shape \[0, 8\]"),
        (torch.rand(3, 1, 5, 8), r"shape \[3, 1, 5, 8\]"),
        (torch.ones(1, 8, dtype=torch.int64), "int64"),
        (torch.full((1, 8), torch.nan), "NaN"),
        (torch.zeros(1).expand(1024, 500, 1024), "other numbers"),  # two gigabytes out of four bytes
        (torch.empty(1, 8, device="meta"), "other numbers"),
        (torch.ones(1, 8).to_sparse(), "other numbers"),
    ],
)
def test_what_is_no_embedding_is_refused_by_name(value, words, folders) -> None:
    with pytest.raises(BrokenFile, match=rf"IP_embeds_00001.ipadpt.*{words}"):
        load(folders, value)


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 0.99])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_damaged_file_is_named(share, zipped, folders) -> None:
    path = folders / "input" / "cut.ipadpt"
    torch.save(torch.rand(1, 257, 64), path, _use_new_zipfile_serialization=zipped)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(BrokenFile, match=r"cut.ipadpt.*Save it again"):
        ArmatureLoadIPAdapterEmbeds.execute("cut.ipadpt")
    path.write_bytes(b"<html>no</html>" * 9)
    with pytest.raises(BrokenFile, match="cut.ipadpt.*Save it again") as refused:
        ArmatureLoadIPAdapterEmbeds.execute("cut.ipadpt")
    assert "code" not in str(refused.value)
