"""Control maps that a model reads itself, against the host's own nodes, on tiny models of the host's classes."""

from __future__ import annotations

import logging
from typing import Any

import comfy.ldm.flux.math as flux_math
import pytest
import torch
import torch._dynamo
from armature_pack.models.control.map_reference.attention import ReferenceBias
from armature_pack.nodes.map_reference import ArmatureMapReference
from comfy.ldm.modules.attention import attention_basic, attention_pytorch, attention_split, attention_sub_quad
from comfy_api.torch_helpers import set_torch_compile_wrapper
from comfy_extras.nodes_edit_model import ReferenceLatent
from comfy_extras.nodes_ip2p import InstructPixToPixConditioning
from comfy_extras.nodes_torch_compile import skip_torch_compile_dict

from .small import small_bench
from .small_map_models import READ_REFERENCES, map_model, picture, prompts, sampled, vae_of, with_control_lora

ROUNDING = 2e-5  # of latents up to ten


def applied(family: str, given: Any = None, model: Any = None, seed: int = 3, **settings: Any) -> Any:
    """(model, positive, negative, report)"""
    positive, negative = prompts(family) if given is None else given[1:3]
    base = model if model is not None else map_model(family) if given is None else given[0]
    image = settings.pop("image", picture(seed))
    return ArmatureMapReference.execute(base, positive, negative, image, vae_of(family), **settings).args


def referenced(family: str, *images: torch.Tensor) -> Any:
    """(model, positive, negative) as the host's nodes make them."""
    conditionings = list(prompts(family))
    for image in images:
        latent = {"samples": vae_of(family).encode(image)}
        conditionings = [ReferenceLatent.execute(one, latent).args[0] for one in conditionings]
    return map_model(family), *conditionings


def latent_of(family: str, made: Any, **settings: Any) -> torch.Tensor:
    return sampled(family, *made[:3], **settings)


# Second latents ---------------------------------------------------------------------------------------------------


def concatenated(image: torch.Tensor, model: Any = None) -> Any:
    positive, negative = prompts("flux")
    made = InstructPixToPixConditioning.execute(positive, negative, image, vae_of("flux")).args
    return (map_model("flux_control") if model is None else model), made[0], made[1]


@pytest.mark.parametrize(("cfg", "batch", "size"), [(1.0, 1, (8, 8)), (2.0, 2, (8, 8)), (2.0, 1, (9, 7))])
def test_a_second_latent_of_weight_1_is_that_of_the_hosts_node(cfg, batch, size):
    image = picture(3, batch=batch)
    settings: dict[str, Any] = {"cfg": cfg, "batch": batch, "size": size}
    made = applied("flux", model=map_model("flux_control"), image=image)
    assert torch.equal(latent_of("flux", made, **settings), latent_of("flux", concatenated(image), **settings))


def test_a_second_latent_is_multiplied_by_its_weight():
    """At 0 the input that the host concatenates is zeros; in between it is scaled, as the input's linear layer shows."""
    seen = []
    network = map_model("flux_control").model.diffusion_model
    hook = network.img_in.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0].clone()))
    try:
        for weight in (1.0, 0.5, 0.0):
            latent_of("flux", applied("flux", model=map_model("flux_control"), weight=weight), steps=1, cfg=1.0)
    finally:
        hook.remove()
    # Tokens are channels x rows x columns of a patch: the picture's 16 channels first.
    whole, half, none = (one[..., 64:] for one in seen)
    assert whole.abs().mean() > 0.01 and not none.any()
    assert torch.allclose(half, whole / 2)
    assert all(torch.equal(one[..., :64], seen[0][..., :64]) for one in seen)


def test_a_range_and_a_curve_of_a_second_latent(caplog):
    caplog.set_level(logging.INFO, logger="armature")
    control = map_model("flux_control")
    whole = latent_of("flux", applied("flux", model=control), steps=4)
    none = latent_of("flux", applied("flux", model=control, weight=0.0), steps=4)
    caplog.clear()
    early = latent_of("flux", applied("flux", model=control, end_percent=0.5), steps=4)
    assert not torch.equal(early, whole) and not torch.equal(early, none)
    assert "Map Reference (second latent) acted in" in caplog.text
    assert torch.equal(latent_of("flux", applied("flux", model=control, schedule="0:0"), steps=4), none)
    assert "never acted" in caplog.text
    half = latent_of("flux", applied("flux", model=control, schedule="0:0.5"), steps=4)
    assert torch.equal(half, latent_of("flux", applied("flux", model=control, weight=0.5), steps=4))


def test_a_control_lora_makes_a_model_that_takes_a_second_latent():
    lora = with_control_lora()
    made = applied("flux", model=lora)
    assert "way concat" in made[3] and "64x64" in made[3] and "8x8" in made[3]
    assert torch.equal(latent_of("flux", made), latent_of("flux", concatenated(picture(3), with_control_lora())))
    assert not torch.equal(latent_of("flux", made), latent_of("flux", applied("flux", model=lora, weight=0.0)))
    assert "way reference" in applied("flux")[3]  # the same model without it, whose weights are still those with it


def test_a_map_of_another_size_is_told(caplog):
    caplog.set_level(logging.INFO, logger="armature")
    odd = applied("flux", model=map_model("flux_control"), image=picture(3, 70, 66))
    assert "66x70 to whole cells" in odd[3]
    latent_of("flux", applied("flux", model=map_model("flux_control"), image=picture(3, 64, 96)))
    assert "the map's latent of 12x8 is resized to the picture's 8x8" in caplog.text
    again = applied("flux", given=odd, image=picture(4))
    assert "It replaces the second latent" in again[3]
    assert torch.equal(latent_of("flux", again), latent_of("flux", concatenated(picture(4))))


# References -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", READ_REFERENCES)
@pytest.mark.parametrize(("cfg", "batch", "size"), [(1.0, 1, (8, 8)), (2.0, 2, (10, 6))])
def test_a_reference_of_weight_1_is_that_of_the_hosts_node(family, cfg, batch, size):
    image = picture(3, 96, 64, batch)
    settings: dict[str, Any] = {"cfg": cfg, "batch": batch, "size": size}
    made = applied(family, image=image)
    host = referenced(family, image)
    if family.startswith("qwen"):  # whose stand-in for a VAE takes no batch as a clip
        host = (host[0], *(_each_alone(one, family, image) for one in prompts(family)))
    assert torch.equal(latent_of(family, made, **settings), latent_of(family, host, **settings))
    assert not torch.equal(
        latent_of(family, made, **settings), sampled(family, map_model(family), *prompts(family), **settings)
    )


def _each_alone(conditioning: Any, family: str, image: torch.Tensor) -> Any:
    latent = torch.cat([vae_of(family).encode(one) for one in image.split(1)])
    return ReferenceLatent.execute(conditioning, {"samples": latent}).args[0]


@pytest.mark.parametrize("family", READ_REFERENCES)
def test_a_reference_of_weight_0_is_none(family):
    none = latent_of(family, (map_model(family), *prompts(family)))
    assert torch.equal(latent_of(family, applied(family, weight=0.0)), none)


@pytest.mark.parametrize("family", READ_REFERENCES)
@pytest.mark.parametrize("batch", [1, 2])
def test_a_reference_before_others_of_weight_0_is_as_if_nobody_heard_it(family, batch):
    """It keeps its place, which others are counted from, so the oracle is the second alone, at that place's position."""
    first, second = picture(3, 48, 64), picture(4)
    silent = applied(family, given=applied(family, image=first, weight=0.0), image=second)
    both = latent_of(family, silent, batch=batch)
    other = applied(family, given=applied(family, image=first.flip(1), weight=0.0), image=second)
    assert torch.allclose(both, latent_of(family, other, batch=batch), rtol=0, atol=ROUNDING)  # whatever it shows
    heard = referenced(family, first, second)
    assert not torch.allclose(both, latent_of(family, heard, batch=batch), rtol=0, atol=1e-3)


@pytest.mark.parametrize("family", READ_REFERENCES)
@pytest.mark.parametrize(("height", "width", "size"), [(64, 64, (8, 8)), (72, 88, (9, 7))])
def test_the_bias_alone_gives_near_0_what_no_reference_gives(family, height, width, size):
    """Without the short cut that takes a silent reference out of the call; odd sizes too, which are padded to tokens."""
    none = latent_of(family, (map_model(family), *prompts(family)), size=size)
    image = picture(3, height, width)
    made = latent_of(family, applied(family, weight=1e-12, image=image), size=size)
    assert torch.allclose(made, none, rtol=0, atol=ROUNDING)
    whole = latent_of(family, applied(family, image=image), size=size)
    assert torch.equal(whole, latent_of(family, referenced(family, image), size=size))


@pytest.mark.parametrize("family", READ_REFERENCES)
def test_in_between_it_grows_with_the_weight(family):
    none = latent_of(family, (map_model(family), *prompts(family)), steps=1, cfg=1.0)
    moved = [
        float((latent_of(family, applied(family, weight=weight), steps=1, cfg=1.0) - none).norm())
        for weight in (0.0, 0.1, 0.3, 0.6, 1.0, 1.5, 2.0)
    ]
    assert moved[0] == 0.0 and moved == sorted(moved) and moved[-1] > 1.2 * moved[4] > 1.2 * moved[2]


def test_a_weight_of_2_is_the_reference_twice():
    """exp(s + log 2) = 2 exp(s): as if each of its tokens were there twice."""
    tokens = torch.randn(1, 2, 14, 8, generator=torch.Generator().manual_seed(1))
    doubled = torch.cat([tokens, tokens[:, :, 10:]], 2)
    one = ReferenceBias([4], [2.0])(attention_pytorch, tokens, tokens, tokens, 2, skip_reshape=True)
    two = attention_pytorch(doubled, doubled, doubled, 2, skip_reshape=True)
    assert torch.allclose(one[:, :10], two[:, :10], atol=1e-6)


def test_several_references_each_with_its_own_weight():
    first, second = picture(3, 48, 64), picture(4)
    both = applied("flux", given=applied("flux", image=first), image=second)
    assert torch.equal(latent_of("flux", both), latent_of("flux", referenced("flux", first, second)))
    assert "reference 2" in both[3]
    last_off = applied("flux", given=applied("flux", image=first), image=second, weight=0.0)
    assert torch.equal(latent_of("flux", last_off), latent_of("flux", referenced("flux", first)))
    lower = [
        latent_of("flux", applied("flux", given=applied("flux", image=first, weight=a), image=second, weight=b))
        for a, b in ((0.5, 1.0), (1.0, 0.5), (0.5, 0.5))
    ]
    assert len({tuple(one.flatten().tolist()) for one in (*lower, latent_of("flux", both))}) == 4
    # One of the host's own before it keeps its weight.
    host = referenced("flux", first)
    mixed = applied("flux", given=host, image=second, weight=0.5)
    assert torch.equal(latent_of("flux", mixed), lower[1])


def test_a_range_and_a_curve_of_a_reference(caplog):
    caplog.set_level(logging.INFO, logger="armature")
    whole, none = latent_of("flux", applied("flux"), steps=4), latent_of("flux", applied("flux", weight=0.0), steps=4)
    caplog.clear()
    early = latent_of("flux", applied("flux", end_percent=0.5), steps=4)
    assert not torch.equal(early, whole) and not torch.equal(early, none)
    assert "Map Reference (reference 1) acted in" in caplog.text
    assert torch.equal(latent_of("flux", applied("flux", schedule="0:0"), steps=4), none)
    assert "Map Reference (reference 1) never acted" in caplog.text
    half = latent_of("flux", applied("flux", schedule="0:0.5"), steps=4)
    assert torch.equal(half, latent_of("flux", applied("flux", weight=0.5), steps=4))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
@pytest.mark.parametrize("family", READ_REFERENCES)
def test_half_precision_is_as_near_with_a_bias_as_without(family, dtype):
    apart = []
    for weight in (1.0, 0.5):  # at 1 it is the host's alone
        made = latent_of(family, applied(family, model=map_model(family, dtype), weight=weight), steps=1)
        apart.append(float((made - latent_of(family, applied(family, weight=weight), steps=1)).norm()))
    assert apart[1] < 1.5 * apart[0]


def test_each_prompt_has_its_own_maps():
    """A conditioning without the map is sampled as without the node, also beside one that has it."""
    _, plain = prompts("flux")
    made = applied("flux", weight=0.5)
    mixed = latent_of("flux", (made[0], made[1], plain))
    one = latent_of("flux", (made[0], made[1], plain), cfg=1.0)
    assert torch.equal(one, latent_of("flux", made, cfg=1.0))
    assert not torch.equal(mixed, latent_of("flux", made))
    combined = [*made[1], *applied("flux", weight=1.5)[1]]  # of one size: they could share a batch
    assert not torch.equal(
        latent_of("flux", (made[0], combined, plain)), latent_of("flux", (made[0], made[1] * 2, plain))
    )


def test_upstream_is_as_it_was_and_an_edited_weight_alone_acts():
    base, (positive, negative) = map_model("flux"), prompts("flux")
    plain = sampled("flux", base, positive, negative)
    first = applied("flux", given=(base, positive, negative), weight=0.5)
    halved = latent_of("flux", first)
    assert torch.equal(sampled("flux", base, positive, negative), plain)
    assert "reference_latents" not in positive[0][1] and base.model_options == map_model("flux").model_options
    assert not base.wrappers and "wrappers" not in base.model_options["transformer_options"]
    edited = latent_of("flux", applied("flux", given=(base, positive, negative)))
    assert torch.equal(edited, latent_of("flux", referenced("flux", picture(3))))
    assert torch.equal(latent_of("flux", first), halved)
    assert torch.equal(sampled("flux", first[0], positive, negative), plain)  # the patched model, without the map


def test_another_packs_attention_stays_in_its_place():
    seen = []

    def override(function: Any, *args: Any, **named: Any) -> Any:
        seen.append(named.get("mask"))
        return function(*args, **named)

    model = map_model("flux").clone()
    model.model_options["transformer_options"]["optimized_attention_override"] = override
    made = applied("flux", model=model, weight=0.5)
    assert torch.equal(latent_of("flux", made, steps=1), latent_of("flux", applied("flux", weight=0.5), steps=1))
    assert (
        sum(mask is not None for mask in seen) == len(seen) / 2 == 4
    )  # the queries of others, and the reference's own


def test_a_compiled_model_heeds_every_weight(monkeypatch):
    """The host's compile node keeps what it compiled, whatever stands in `transformer_options` later."""
    # The CPU's default attention asks the system for free memory, so that nothing around it is compiled.
    monkeypatch.setattr(flux_math, "optimized_attention", attention_pytorch)
    torch._dynamo.reset()
    compiled = map_model("flux").clone()
    guards: Any = {"guard_filter_fn": skip_torch_compile_dict}
    set_torch_compile_wrapper(model=compiled, backend="eager", options=guards)
    settings: dict[str, Any] = {"steps": 1, "cfg": 1.0}
    made = {weight: latent_of("flux", applied("flux", weight=weight), **settings) for weight in (1.0, 0.5, 0.0)}
    for weight in (1.0, 0.5, 1.0, 0.0, 0.5):
        again = latent_of("flux", applied("flux", model=compiled, weight=weight), **settings)
        assert torch.allclose(again, made[weight], rtol=0, atol=ROUNDING)
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] >= 1
    torch._dynamo.reset()


# Attention --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", [attention_basic, attention_pytorch, attention_split, attention_sub_quad])
@pytest.mark.parametrize("mask", ["none", "keys", "full", "bool"])
@pytest.mark.parametrize("heads_apart", [True, False])
def test_the_bias_is_that_of_a_whole_mask(function, mask, heads_apart):
    length, tokens, factors = 23, (5, 6), (0.5, 0.0)
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, 2, length, 8, generator=generator) for _ in range(3))
    whole = torch.zeros(length, length)
    whole[:, 12:17], whole[:, 17:] = torch.log(torch.tensor(0.5)), -torch.inf
    whole[12:17, 12:17] = whole[17:, 17:] = 0
    if mask == "bool" and function is not attention_pytorch:
        pytest.skip("the host's other functions read a bool mask as one of keys")
    masks: dict[str, Any] = {
        "none": None,
        "keys": torch.randn(2, 1, length, generator=generator),
        "full": torch.randn(1, length, length, generator=generator),
        "bool": torch.rand(1, 1, length, length, generator=generator) > 0.2,
    }
    given = masks[mask]
    added = torch.zeros(1, 1, 1) if given is None else given
    if added.dtype == torch.bool:
        added = torch.zeros(added.shape).masked_fill(~added, -torch.inf)
    combined = added + whole
    scores = q @ k.transpose(-1, -2) / 8**0.5 + (combined if combined.ndim == 4 else combined.unsqueeze(1))
    expected = (scores.softmax(-1) @ v).transpose(1, 2).reshape(2, length, 16)
    if not heads_apart:
        q, k, v = (one.transpose(1, 2).reshape(2, length, 16) for one in (q, k, v))
    biased = ReferenceBias(tokens, factors)
    made = biased(function, q, k, v, 2, given, skip_reshape=heads_apart)
    assert torch.allclose(made, expected, atol=1e-5)
    kept = biased(function, q, k, v, 2, mask=given, skip_reshape=heads_apart, skip_output_reshape=True)
    assert torch.allclose(kept.transpose(1, 2).reshape(2, length, 16), expected, atol=1e-5)


# What it refuses --------------------------------------------------------------------------------------------------


def test_what_it_refuses():
    with pytest.raises(ValueError, match=r"SD15|BaseModel"):
        applied("flux", model=small_bench().model)
    with pytest.raises(ValueError, match="inpainting"):
        applied("flux", model=map_model("flux_fill"))
    with pytest.raises(ValueError, match="no room for a second latent"):
        applied("flux", way="concat")
    with pytest.raises(ValueError, match="takes a second latent"):
        applied("flux", model=map_model("flux_control"), way="reference")
    with pytest.raises(ValueError, match="not one of auto"):
        applied("flux", way="sideways")
    for weight in (-0.1, 2.1, float("nan")):
        with pytest.raises(ValueError, match="weight"):
            applied("flux", weight=weight)
    with pytest.raises(ValueError, match="start"):
        applied("flux", start_percent=0.8, end_percent=0.2)
    with pytest.raises(ValueError, match="an IMAGE"):
        applied("flux", image=torch.zeros(4, 4))
    positive, negative = prompts("flux")
    with pytest.raises(ValueError, match="a VAE is wanted"):
        ArmatureMapReference.execute(map_model("flux"), positive, negative, picture(3), None)
    with pytest.raises(ValueError, match="128 channels and 2 dimensions"):
        ArmatureMapReference.execute(map_model("flux"), positive, negative, picture(3), vae_of("flux2"))


def test_references_that_were_replaced_behind_it_are_told():
    made = applied("flux", given=applied("flux"), image=picture(4), weight=0.5)
    cut = [[text, {**more, "reference_latents": more["reference_latents"][:1]}] for text, more in made[1]]
    with pytest.raises(ValueError, match="the map is reference 2, but the conditioning carries 1"):
        latent_of("flux", (made[0], cut, made[2]))


def test_a_blank_map_is_told():
    assert "blank" in applied("flux", image=torch.zeros(1, 64, 64, 3))[3]


@pytest.mark.parametrize(("family", "model"), [("flux", "flux_control"), ("flux2", "flux2")])
def test_a_map_smaller_than_a_cell_of_the_latent_is_refused(family, model):
    with pytest.raises(ValueError, match="a map of 64x7 is smaller than the"):
        applied(family, model=map_model(model), image=picture(3, 7, 64))


@pytest.mark.parametrize(("family", "model"), [("flux", "flux_control"), ("flux", "flux"), ("qwen", "qwen")])
@pytest.mark.parametrize(("maps", "batch"), [(2, 1), (3, 2), (2, 4)])
def test_maps_that_are_neither_one_nor_one_for_each_picture_are_refused(family, model, maps, batch):
    made = applied(family, model=map_model(model), image=picture(3, batch=maps))
    with pytest.raises(ValueError, match=f"{maps} maps came in for a batch of {batch} picture"):
        latent_of(family, made, batch=batch)
