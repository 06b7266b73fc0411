"""A control that the host applies as a patch of the MODEL, through our stack: equal to the host's own node, and more."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.fit import fitted
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.curve import Curve
from armature_pack.tests.models.control.sampling import picture
from comfy_extras import nodes_model_patch
from small_transformers import CASES, Case, Encoder, model, model_patch, prompt, sampled


def by_host(
    case: Case,
    image: torch.Tensor | None,
    strength: float,
    base: Any = None,
    mask: torch.Tensor | None = None,
    painted: torch.Tensor | None = None,
    span: tuple[float, float] = (0.0, 1.0),
) -> Any:
    """MODEL with the host's own patch. span: its range, which only the nodes of Anima and Wan have."""
    base = model(case.family) if base is None else base
    patch, vae = model_patch(case.patch), case.vae
    if case.family == "anima":
        node: Any = nodes_model_patch.AnimaLLLiteApply()
        return node.apply_patch(base, patch, image, strength, *span, mask=mask)[0]
    if case.family.startswith("wan"):
        return nodes_model_patch.WanUni3CControlnetApply().apply_patch(base, patch, vae, image, strength, *span)[0]
    if case.family == "z_image":
        node = nodes_model_patch.ZImageFunControlnet()
        options = {"image": image, "inpaint_image": painted, "mask": mask, "strength": strength}
        return node.diffsynth_controlnet(base, patch, vae, **options)[0]
    node = nodes_model_patch.QwenImageDiffsynthControlnet()
    return node.diffsynth_controlnet(base, patch, vae, image, strength, mask=mask)[0]


def signal(case: Case, image: torch.Tensor, **settings: Any) -> ControlSignal:
    return ControlSignal(model_patch(case.patch), image, **settings)


def stacked(case: Case, *signals: ControlSignal, **options: Any) -> tuple[Any, Any]:
    applied = apply_stack(
        prompt(case.family, 1), prompt(case.family, 2), ControlStack(signals, **options), vae=case.vae
    )
    return applied.positive, applied.negative


def plain(case: Case, shape: tuple[int, ...], base: Any = None, **settings: Any) -> torch.Tensor:
    base = model(case.family) if base is None else base
    return sampled(base, prompt(case.family, 1), prompt(case.family, 2), shape, **settings)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize(("height", "width", "cfg"), [(8, 8, 2.0), (6, 10, 1.0), (7, 9, 2.0)])
def test_a_stack_of_one_equals_the_hosts_node(name, height, width, cfg):
    case = CASES[name]
    shape, image = case.shape(1, height, width), case.image(3, height, width)
    ours = sampled(model(case.family), *stacked(case, signal(case, image, weight=0.7)), shape, cfg=cfg)
    host = plain(case, shape, by_host(case, image, 0.7), cfg=cfg)
    without = plain(case, shape, cfg=cfg)
    assert torch.equal(ours, host)
    assert float((host - without).abs().max()) > 0.01


@pytest.mark.parametrize("name", ["qwen", "z_image", "anima", "uni3c"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_in_half_precision_too(name, dtype):
    case = CASES[name]
    base, image, shape = model(case.family, dtype), case.image(3), case.shape()
    ours = sampled(base, *stacked(case, signal(case, image, weight=0.7)), shape)
    host = plain(case, shape, by_host(case, image, 0.7, base))
    assert torch.equal(ours, host) and host.isfinite().all()
    assert float((host - plain(case, shape, base)).abs().max()) > 0.01
    masked = sampled(base, *stacked(case, signal(case, image, weight=0.7, mask=torch.ones(1, 64, 64))), shape)
    assert torch.equal(masked, host)


@pytest.mark.parametrize("name", CASES)
def test_several_maps_in_a_batch_of_three(name):
    case = CASES[name]
    shape = case.shape(3)
    maps = [case.image(seed, *size) for seed, size in ((3, (8, 8)), (4, (8, 10)), (5, (5, 8)))]
    ours = sampled(model(case.family), *stacked(case, *(signal(case, one, weight=0.5) for one in maps)), shape)
    patched = model(case.family)
    for one in maps:
        patched = by_host(case, one, 0.5, patched)
    # Where the host's patch encodes its map in the middle of a step, those before it start anew: its second sampling is sound.
    plain(case, shape, patched, steps=1)
    assert torch.equal(ours, plain(case, shape, patched))


@pytest.mark.parametrize("name", [name for name in CASES if "uni3c" not in name])
def test_a_map_for_each_picture(name):
    case = CASES[name]
    batch = picture(6, 64, 64, batch=3)
    each = sampled(model(case.family), *stacked(case, signal(case, batch, weight=0.7)), case.shape(3))
    for number in range(3):
        only = stacked(case, signal(case, batch[number : number + 1], weight=0.7))
        alone = sampled(model(case.family), *only, case.shape(3))
        assert torch.allclose(each[number], alone[number], atol=1e-4)
    with pytest.raises(ValueError, match="2 control images came in for a batch of 3 pictures"):
        sampled(model(case.family), *stacked(case, signal(case, batch[:2])), case.shape(3))


@pytest.mark.parametrize("name", ["anima", "anima_inpaint", "uni3c"])
@pytest.mark.parametrize("span", [(0.0, 0.6), (0.4, 1.0), (0.2, 0.8)])
def test_a_range_equals_the_hosts(name, span):
    case = CASES[name]
    shape, image = case.shape(), case.image(3)
    ours = stacked(case, signal(case, image, weight=0.7, start=span[0], end=span[1]))
    result = sampled(model(case.family), *ours, shape, steps=4)
    assert torch.equal(result, plain(case, shape, by_host(case, image, 0.7, span=span), steps=4))
    assert not torch.equal(result, plain(case, shape, by_host(case, image, 0.7), steps=4))


@pytest.mark.parametrize("name", CASES)
def test_mask_curve_and_one_prompt_alone(name):
    case = CASES[name]
    shape, image = case.shape(), case.image(3)
    without = plain(case, shape)

    def run(**settings: Any) -> torch.Tensor:
        return sampled(model(case.family), *stacked(case, signal(case, image, **{"weight": 0.7, **settings})), shape)

    full = run()
    assert torch.equal(run(mask=torch.ones(1, 64, 64)), full)
    assert torch.equal(run(mask=torch.zeros(1, 64, 64)), without)
    assert torch.equal(run(schedule=Curve.from_text("0:0")), without)
    half = plain(case, shape, by_host(case, image, 0.35))
    assert torch.equal(run(schedule=Curve.from_text("0:0.5")), half)
    left = torch.zeros(1, 64, 64)
    left[..., :32] = 1
    change = (run(mask=left) - without).abs().amax(dim=tuple(range(without.ndim - 1)))
    assert float(change[:4].max()) > 2 * float(change[4:].max())
    positive, _ = stacked(case, signal(case, image, weight=0.7))
    one = sampled(model(case.family), positive, prompt(case.family, 2), shape)
    assert not torch.equal(one, full) and not torch.equal(one, without)
    assert torch.equal(plain(case, shape), without)  # the MODEL is never changed


# Masks of the place to paint ------------------------------------------------------------------------------------------


PLACE = torch.zeros(1, 64, 64)
PLACE[:, 16:48, 16:40] = 1


@pytest.mark.parametrize("name", ["qwen_inpaint", "anima_inpaint"])
def test_an_inpaint_mask_equals_the_hosts_node(name):
    case = CASES[name]
    shape, image = case.shape(), picture(3, 64, 64)
    ours = sampled(model(case.family), *stacked(case, signal(case, image, weight=0.7, inpaint_mask=PLACE)), shape)
    assert torch.equal(ours, plain(case, shape, by_host(case, image, 0.7, mask=PLACE)))
    assert not torch.equal(ours, plain(case, shape, by_host(case, image, 0.7)))


@pytest.mark.parametrize("name", ["qwen_inpaint", "anima_inpaint", "z_image_refiner", "flux2"])
def test_image_mask_and_picture_are_each_one_for_all_or_one_for_each(name):
    case = CASES.get(name) or Case(name, name)
    places = PLACE.repeat(2, 1, 1)
    places[1, :16] = 1
    images, photographs = picture(3, 64, 64, batch=2), picture(4, 64, 64, batch=2)

    def run(image: torch.Tensor, place: torch.Tensor, painted: torch.Tensor | None = None) -> torch.Tensor:
        settings = {"weight": 0.7, "inpaint_mask": place, "inpaint_image": painted}
        return sampled(model(case.family), *stacked(case, signal(case, image, **settings)), case.shape(2))

    def compare(images: torch.Tensor, places: torch.Tensor, painted: torch.Tensor | None = None) -> None:
        both = run(images, places, painted)
        for number in range(2):
            image, place = (one[number % len(one)][None] for one in (images, places))
            alone = run(image, place, None if painted is None else painted[number % len(painted)][None])
            assert torch.allclose(both[number], alone[number], atol=1e-4)

    compare(images[:1], places)
    compare(images, places[:1])
    compare(images, places.bool())
    if name in ("z_image_refiner", "flux2"):
        compare(images[:1], places[:1], photographs)
        compare(images, places, photographs[:1])
    with pytest.raises(ValueError, match="2 control images came in with 3 masks of inpaint_mask"):
        run(images, places[[0, 1, 1]])
    with pytest.raises(ValueError, match="3 inpaint masks came in for a batch of 2 pictures"):
        run(images[:1], places[[0, 1, 1]])


def test_a_picture_to_paint_into_stands_alone_or_beside_a_map():
    case = CASES["z_image_refiner"]
    shape, image, photograph = case.shape(), picture(3, 64, 64), picture(4, 64, 64)

    def ours(seen: torch.Tensor, **settings: Any) -> torch.Tensor:
        control = signal(case, seen, weight=0.7, inpaint_mask=PLACE, **settings)
        return sampled(model(case.family), *stacked(case, control), shape)

    alone = by_host(case, None, 0.7, mask=PLACE, painted=photograph)
    assert torch.equal(ours(photograph), plain(case, shape, alone))
    beside = by_host(case, image, 0.7, mask=PLACE, painted=photograph)
    assert torch.equal(ours(image, inpaint_image=photograph), plain(case, shape, beside))
    wide = picture(5, 64, 128)
    stretched = fitted(wide.movedim(-1, 1), 64, 64, "stretch").movedim(1, -1)
    over = torch.zeros(1, 64, 128)
    over[:, 16:48, 32:80] = 1
    host = plain(case, shape, by_host(case, None, 0.7, mask=PLACE, painted=stretched))
    followed = signal(case, wide, weight=0.7, inpaint_mask=over, fit="stretch")
    assert torch.allclose(sampled(model(case.family), *stacked(case, followed), shape), host, atol=1e-4)


def test_a_mask_that_is_missing_or_of_no_use_is_told():
    image = picture(3, 64, 64)

    def report(name: str, **settings: Any) -> str:
        case = CASES[name]
        stack = ControlStack((signal(case, image, weight=0.7, **settings),))
        return apply_stack(prompt(case.family, 1), prompt(case.family, 2), stack, vae=case.vae).report[0]

    assert "Link the mask" in report("qwen_inpaint") and "inpaint mask" in report("qwen_inpaint", inpaint_mask=PLACE)
    assert "has no effect" in report("qwen", inpaint_mask=PLACE)
    assert "inpaint" not in report("z_image_refiner")
    assert "picture" in report("z_image_refiner", inpaint_mask=PLACE, inpaint_image=image)
    assert "without inpaint_mask" in report("z_image_refiner", inpaint_image=image)
    assert "reads one picture" in report("qwen_inpaint", inpaint_mask=PLACE, inpaint_image=image)


@pytest.mark.parametrize("name", ["qwen", "z_image", "uni3c", "flux2"])
@pytest.mark.parametrize("wrong", ["channels", "dimensions"])
def test_a_vae_of_another_model_is_an_error_that_names_what_differs(name, wrong):
    case = CASES.get(name) or Case(name, name)
    video = (case.family in ("qwen_image", "wan")) ^ (wrong == "dimensions")
    vae = Encoder(video, channels=4 if wrong == "channels" else case.shape()[1])
    applied = apply_stack(
        prompt(case.family, 1), prompt(case.family, 2), ControlStack((signal(case, case.image(3)),)), vae=vae
    )
    with pytest.raises(ValueError, match="the VAE that is linked makes latents of .* of your model"):
        sampled(model(case.family), applied.positive, applied.negative, case.shape())
    assert vae.calls == 0


def test_of_a_line_that_the_hosts_crop_would_cut_to_nothing_a_little_stays():
    case = CASES["qwen"]
    line = picture(3, 1, 64)
    cut = sampled(model(case.family), *stacked(case, signal(case, line)), case.shape())
    whole = sampled(model(case.family), *stacked(case, signal(case, line, fit="stretch")), case.shape())
    assert cut.isfinite().all() and whole.isfinite().all() and not torch.equal(cut, whole)


def test_what_a_kind_cannot_do_is_an_error_before_sampling():
    case = CASES["qwen"]
    from armature_pack.models.guidance.layer_weights import LayerWeights

    layers = signal(case, picture(3, 64, 64), layer_weights=LayerWeights.from_text("block.0: 0.5"))
    with pytest.raises(ValueError, match="weights per layer do not act"):
        stacked(case, layers)
    with pytest.raises(ValueError, match="needs a VAE"):
        apply_stack(prompt("qwen_image", 1), prompt("qwen_image", 2), ControlStack((signal(case, picture(3)),)))
    wrong = stacked(case, signal(case, picture(3, 64, 64)))
    other = CASES["z_image"]
    with pytest.raises(ValueError, match="Qwen-Image.*Z-Image"):
        positive = [[prompt(other.family, 1)[0][0], wrong[0][0][1]]]
        sampled(model(other.family), positive, positive, other.shape())
