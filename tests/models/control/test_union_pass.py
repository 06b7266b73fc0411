"""Several maps of different types through a union net in one pass: what the authors' code and the host compute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import comfy.ops
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.savings import Savings
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.control.union_signal import make_union_signal
from armature_pack.models.guidance.curve import Curve
from armature_pack.models.guidance.layer_weights import LayerWeights
from armature_pack.models.guidance.progress import Progress
from armature_pack.preprocessors.images.tags import tag
from comfy.cldm.cldm import ControlNet as Network
from comfy.cldm.control_types import UNION_CONTROLNET_TYPES as TYPES
from comfy.controlnet import ControlNet
from diffusers.models.controlnets.controlnet_union import ControlNetUnionModel

from . import oracle
from .sampling import picture
from .small import FULL, small_bench, small_control_net
from .test_oracle_diffusers import TOLERANCE, residuals_of

COUNT = 8
# Union nets of diffusers have attention in the middle, which the small SDXL network of the oracle does without.
FAMILY = replace(oracle.SDXL, unet=replace(oracle.SDXL.unet, transformer_depth_middle=2))


@pytest.fixture(scope="module")
def theirs() -> ControlNetUnionModel:
    """The union net of diffusers in small, with seeded weights."""
    with torch.device("meta"):
        settings = {name: value for name, value in FAMILY.settings.items() if name != "mid_block_type"}
        network = ControlNetUnionModel(
            **settings, num_control_type=COUNT, conditioning_embedding_out_channels=(16, 32, 96, 256)
        )
    return oracle.seeded(network, 5)


@pytest.fixture(scope="module")
def ours(theirs) -> ControlNet:
    """The same weights in the host's network."""
    config = FAMILY.unet.model_config().unet_config
    config = {key: value for key, value in config.items() if key not in {"out_channels", "dtype", "device"}}
    network = Network(
        **config,
        hint_channels=3,
        union_controlnet_num_control_type=COUNT,
        operations=comfy.ops.disable_weight_init,
        device="meta",
    )
    given = theirs.state_dict()
    own = {
        "task_embedding": given["task_embedding"],
        **{
            name: value
            for name, value in given.items()
            if name.startswith(("spatial_ch_projs", "control_add_embedding"))
        },
        **{_block_name(name): value for name, value in given.items() if name.startswith("transformer_layes")},
    }
    rest = [name for name in network.state_dict() if name not in own]
    network.load_state_dict({**own, **oracle.in_host_names(theirs, FAMILY, rest)}, strict=True, assign=True)
    return ControlNet(network, load_device=torch.device("cpu"))


def _block_name(name: str) -> str:
    for theirs_, host in (("attn.in_proj_weight", "attn.in_proj.weight"), ("attn.in_proj_bias", "attn.in_proj.bias")):
        name = name.replace(theirs_, host)
    return name


def part(net, image, kind: str, **settings: Any) -> ControlSignal:
    return ControlSignal(net, tag(image.clone(), kind), **{"weight": 1.0, **settings})


def union(*parts: ControlSignal, **settings: Any) -> ControlStack:
    made = make_union_signal({f"signal_{i}": one for i, one in enumerate(parts)}, **settings)
    assert made is not None
    return ControlStack((made,))


def one_map(given: oracle.Inputs, number: int) -> torch.Tensor:
    """The same map for every picture: their transformer mixes the pictures of a batch, which is no part of the method."""
    return given.hints[number][:1]


def their_residuals(theirs, given, numbers, kinds, scale) -> list[torch.Tensor]:
    batch = oracle.LATENT[0]
    index = [TYPES[kind] for kind in kinds]
    flags = torch.zeros(batch, COUNT)
    flags[:, index] = 1
    with torch.no_grad():
        downs, middle = theirs(
            given.noisy, torch.tensor(oracle.STEP), given.context.expand(batch, -1, -1),
            controlnet_cond=[one_map(given, n).expand(batch, -1, -1, -1) for n in numbers], control_type=flags,
            control_type_idx=index, conditioning_scale=scale, from_multi=isinstance(scale, list) and len(set(scale)) == 1,
            added_cond_kwargs=given.conditions["added_cond_kwargs"], return_dict=False,
        )  # fmt: skip
    return [*downs, middle]


KINDS = {"depth": "depth", "openpose": "openpose", "canny": "canny/lineart/anime_lineart/mlsd"}


@pytest.mark.parametrize(
    ("kinds", "weights", "whole"),
    [
        (("depth", "canny"), (1.0, 1.0), 0.7),
        (("depth", "canny"), (0.8, 0.5), 1.0),
        (("openpose", "canny", "depth"), (1.0, 0.3, 0.6), 1.0),
    ],
)
def test_several_types_in_a_pass_are_those_of_diffusers(theirs, ours, kinds, weights, whole):
    given = oracle.inputs(FAMILY, len(kinds))
    parts = [
        part(ours, one_map(given, n).movedim(1, -1), kind, weight=weight)
        for n, (kind, weight) in enumerate(zip(kinds, weights, strict=True))
    ]
    scale = [whole] * len(kinds) if len(set(weights)) == 1 else list(weights)
    expected = their_residuals(theirs, given, range(len(kinds)), [KINDS[kind] for kind in kinds], scale)
    with torch.no_grad():
        made = residuals_of(union(*parts, weight=whole), given)
    for mine, wanted in zip([*made["output"], *made["middle"]], expected, strict=True):
        assert wanted.abs().max() > 100 * TOLERANCE
        assert (mine - wanted).abs().max() < TOLERANCE


def made_by(stack: ControlStack, given: oracle.Inputs) -> list[torch.Tensor]:
    with torch.no_grad():
        out = residuals_of(stack, given)
    return [*out["output"], *out["middle"]]


def equal(some: list[torch.Tensor], others: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(some, others, strict=True))


@pytest.fixture(scope="module")
def given() -> oracle.Inputs:
    return oracle.inputs(FAMILY, 2, (16, 16))


def maps(given: oracle.Inputs) -> tuple[torch.Tensor, torch.Tensor]:
    """Two maps for Control Signals, of two sizes."""
    return one_map(given, 0).movedim(1, -1), one_map(given, 1)[..., :96, :96].movedim(1, -1)


def test_a_map_alone_is_what_the_same_signal_gives_without_the_union_node(ours, given):
    first, second = maps(given)
    lone = part(ours, first, "depth", weight=0.6)
    expected = made_by(ControlStack((lone,)), given)
    assert equal(made_by(union(lone), given), expected)
    late = part(ours, second, "canny", start=0.99)  # not yet
    skipped = part(ours, torch.zeros(1, 64, 64, 3), "normal", on_invalid="skip")
    assert equal(made_by(union(lone, late, skipped), given), expected)
    faded = part(ours, second, "canny", schedule=Curve.from_text("0:0"))
    assert equal(made_by(union(lone, faded), given), expected)


def test_the_network_runs_once_for_a_call_however_many_maps(ours, given):
    first, second = maps(given)
    ran: list[int] = []
    middle = ours.control_model.middle_block
    hook = middle.register_forward_hook(lambda *_: ran.append(1))
    try:
        made_by(union(part(ours, first, "depth"), part(ours, second, "canny"), part(ours, first, "openpose")), given)
        assert len(ran) == 1
        made_by(ControlStack((part(ours, first, "depth"), part(ours, second, "canny"))), given)
        assert len(ran) == 3  # a stack of two signals runs it twice
    finally:
        hook.remove()


def test_a_mask_of_a_map_bounds_that_map_and_a_mask_of_the_whole_the_residuals(ours, given):
    first, second = maps(given)
    left = torch.zeros(1, 128, 128)
    left[..., :64] = 1
    depth, canny = part(ours, first, "depth"), part(ours, second, "canny")
    whole = union(depth, canny, mask=left)
    for one in made_by(whole, given):
        half = one.shape[-1] // 2
        assert one[..., half:].abs().max() == 0 and one[..., :half].abs().max() > 0
    # Where a map is masked out its changes do not count; where it is not, they do.
    masked = replace(canny, mask=left)
    changed = masked.image.clone()
    changed[:, :, 56:] = 0.5
    other = replace(masked, image=tag(changed, "canny"))
    seen: list[torch.Tensor] = []
    for one in (masked, other):
        feed = apply_stack([[given.context, {}]], [], union(depth, one)).positive[0][1]["control"]
        seen.append(_fused(feed, given, 1))
    assert seen[0][..., 8:].abs().max() == 0 and seen[0][..., :8].abs().max() > 0
    assert equal(
        made_by(union(depth, replace(canny, mask=torch.ones(1, 8, 8))), given), made_by(union(depth, canny), given)
    )


def _fused(chain: Any, given: oracle.Inputs, number: int) -> torch.Tensor:
    """What one map adds behind the first block."""
    from armature_pack.models.control.image_feed import Call
    from armature_pack.models.guidance.batch_view import BatchView

    chain._feed.prepare(None, Call(given.noisy, BatchView((0,), oracle.LATENT[0], None), (), Progress(0.5)))
    forward = chain.inner.control_model
    image = chain.inner.cond_hint_original.chunk(2, dim=1)[number]
    with torch.no_grad():
        return forward._fused(image, forward.parts[number], torch.zeros(1), given.context, given.noisy)


def test_the_report_names_each_map_its_type_and_what_became_of_it(ours, given, caplog):
    first, second = maps(given)
    blank = part(ours, torch.zeros(1, 64, 64, 3), "normal", on_invalid="skip")
    *warnings, done = apply_stack(
        [], [], union(part(ours, first, "depth"), blank, part(ours, second[:, :48], "canny", fit="pad"))
    ).report
    assert "union of 3 maps" in done and "one pass for all" in done
    assert "map 1: applied" in done and "union type depth" in done and "union type canny" in done
    assert any("map 2: skipped" in line and "blank" in line for line in warnings)
    made_by(union(part(ours, first, "depth"), part(ours, second[:, :48], "canny", fit="pad")), given)
    assert "map 2: the control image is 96x48" in caplog.text and "pad leaves 50%" in caplog.text


def test_what_a_pass_cannot_take_is_refused_by_name(ours, given):
    first, second = maps(given)
    depth = part(ours, first, "depth")
    with pytest.raises(ValueError, match="map 2: its type is not known"):
        apply_stack([], [], union(depth, ControlSignal(ours, first.clone())))
    with pytest.raises(ValueError, match="map 2: it has the type of .*map 1.*one map of each type"):
        apply_stack([], [], union(depth, part(ours, second, "depth")))
    with pytest.raises(ValueError, match="layer_weights, which act on what the net gives"):
        union(depth, part(ours, second, "canny", layer_weights=LayerWeights.from_text("middle: 0")))
    with pytest.raises(ValueError, match="signal 2: its control net \\(ControlNet\\) takes one map in a pass"):
        union(depth, part(small_control_net(1), second, "canny"))
    with pytest.raises(ValueError, match="signal 2: its control net is another one"):
        union(depth, part(small_control_net(3, union_types=6), second, "canny"))
    with pytest.raises(ValueError, match="union signal already"):
        union(union(depth).signals[0])
    with pytest.raises(ValueError, match="no input signals.depth"):
        make_union_signal({"depth": depth})
    assert make_union_signal({"signal_0": None}) is None


def test_a_map_that_control_map_made_is_not_to_be_made_with_it_again(ours, given):
    """Union nets have no type for some kinds of maps, and those of the first kind none for tile and inpainting."""
    first, second = maps(given)
    with pytest.raises(ValueError, match="no type for maps of the kind color_grid") as refused:
        apply_stack([], [], union(part(ours, first, "depth"), part(ours, second, "color_grid")))
    assert "Make the map" not in str(refused.value) and "ControlNet Stack" in str(refused.value)


def test_a_union_signal_samples_and_changes_the_picture_with_every_map():
    run = small_bench(FULL)
    net = small_control_net(3, union_types=6)
    depth, canny = part(net, picture(1), "depth"), part(net, picture(2, 128, 64), "canny", weight=0.7, end=0.5)

    def latent(stack, **settings):
        applied = apply_stack(run.positive, run.negative, stack, **settings)
        return run.latent(applied.positive, applied.negative, size=(8, 8), steps=1)

    both = latent(union(depth, canny))
    assert torch.equal(both, latent(union(depth, canny), savings=Savings(every=1)))
    assert not torch.equal(both, latent(union(depth))) and not torch.equal(both, latent(union(canny)))
