"""Embeddings from several places as one: as if their pictures had been encoded together."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.ip_adapter.embeds import ImageEmbeds
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from armature_pack.nodes.ip_adapter_embeds import ArmatureCombineIPAdapterEmbeds, ArmatureEncodeIPAdapterImage
from armature_pack.tests.alike import assert_alike
from ip_adapter_recipes import adapter, picture, sampled

WAYS = ("average", "norm average", "add", "subtract", "max", "min", "concat")


@pytest.fixture(scope="module", params=["base", "plus"])
def ip_adapter(request) -> Any:
    return adapter(request.param, "sd15")


@pytest.fixture
def encoded(ip_adapter, encoder):
    def run(images: torch.Tensor, **inputs: Any) -> ImageEmbeds:
        return ArmatureEncodeIPAdapterImage.execute(ip_adapter, images, encoder, **inputs).args[0]

    return run


def combined(*given: Any, **inputs: Any) -> ImageEmbeds:
    slots = {f"embeds_{number}": one for number, one in enumerate(given)}
    return ArmatureCombineIPAdapterEmbeds.execute(embeds=slots, **inputs).args[0]


@pytest.mark.parametrize("how", WAYS)
def test_pictures_encoded_apart_are_as_one_batch(how, encoded) -> None:
    images = picture(count=3)
    found = combined(encoded(images[:1]), encoded(images[1:]), combine=how)
    wanted = encoded(images, combine=how)
    torch.testing.assert_close(found.image, wanted.image, atol=1e-5, rtol=1e-4)
    assert found.negative is not None and wanted.negative is not None
    torch.testing.assert_close(found.negative, wanted.negative, atol=1e-5, rtol=1e-4)


def test_the_result_acts_as_the_batch_does(sd15, ip_adapter, encoder, encoded) -> None:
    images = picture(count=2)

    def run(**inputs: Any) -> torch.Tensor:
        return sampled(ArmatureApplyIPAdapter.execute(sd15, ip_adapter, **inputs).args[0])

    apart = run(embeds=combined(encoded(images[:1]), encoded(images[1:]), combine="average"))
    batch = run(image=images, clip_vision=encoder, combine="average")
    assert_alike(apart, batch)


def test_what_is_not_wanted_comes_from_pictures(encoded) -> None:
    unwanted, images = picture(9, count=2), picture(count=2)
    found = combined(encoded(images), negative_embeds=encoded(unwanted), combine="concat").negative
    assert found is not None and found.shape[0] == 1
    own = encoded(images, negative_image=unwanted)
    mixed = combined(own, encoded(images[:1]), combine="concat")
    assert mixed.count == mixed.negative.shape[0] == 3  # type: ignore[union-attr]
    assert torch.equal(mixed.negative[:2], own.negative)  # type: ignore[index]


def test_bad_links_are_named(encoded) -> None:
    one = encoded(picture())
    other = ImageEmbeds("pooled", torch.zeros(1, 7), torch.zeros(1, 7), source="file other.safetensors")
    for given, words in (
        ({}, "nothing is linked"),
        ({"embeds_0": None}, "nothing is linked"),
        ({"embeds_0": 3}, "embeds_0: IP_ADAPTER_EMBEDS are wanted, not int"),
        ({"one": one}, "no input embeds.one"),
        ({"embeds_0": one, "embeds_1": other}, r"two kinds are linked, .*pooled of size 7 \(file other.safetensors\)"),
    ):
        with pytest.raises(ValueError, match=words):
            ArmatureCombineIPAdapterEmbeds.execute(embeds=given)
    with pytest.raises(ValueError, match='combine: "mean"'):
        combined(one, combine="mean")
