"""Union nets: the type follows the preprocessor that made the map, unless it was set by hand."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import comfy.latent_formats
import comfy.ops
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.control.union_signal import (
    FLUX_MODES,
    is_union,
    make_union_signal,
    union_type,
)
from armature_pack.models.host import host_nodes
from armature_pack.preprocessors.control_map import control_map
from armature_pack.preprocessors.images.kinds import MAP_KINDS
from armature_pack.preprocessors.images.tags import tag
from armature_pack.preprocessors.registry import ENTRIES, find_method
from comfy.cldm.control_types import UNION_CONTROLNET_TYPES
from comfy.controlnet import ControlNet

from .sampling import picture
from .small import FULL, small_bench, small_control_net

DEPTH = UNION_CONTROLNET_TYPES["depth"]


@pytest.fixture(scope="module")
def union_net() -> ControlNet:
    """A union net of six types, with seeded random weights."""
    return small_control_net(3, union_types=6)


def told(net, image) -> str:
    applied = apply_stack([], [], ControlStack((ControlSignal(net, image),)))
    return "\n".join(applied.report)


def test_the_type_follows_the_map_that_was_made(union_net):
    run = small_bench(FULL)
    image = tag(picture(1), "depth")
    by_tag = apply_stack(run.positive, run.negative, ControlStack((ControlSignal(union_net, image, weight=1.0),)))
    by_hand = union_net.copy()
    by_hand.set_extra_arg("control_type", [DEPTH])
    native = (
        host_nodes()
        .ControlNetApplyAdvanced()
        .apply_controlnet(run.positive, run.negative, by_hand, image, 1.0, 0.0, 1.0)
    )
    latent = run.latent(by_tag.positive, by_tag.negative, steps=1)
    assert torch.equal(latent, run.latent(*native, steps=1))
    assert not torch.equal(latent, run.latent(run.positive, run.negative, steps=1))
    assert "union type depth, because the map was made as depth" in "\n".join(by_tag.report)
    assert "control_type" not in union_net.extra_args  # the net that was linked stays as it is


def test_a_type_set_by_hand_stays(union_net):
    by_hand = union_net.copy()
    by_hand.set_extra_arg("control_type", [3])
    found = union_type(by_hand, tag(picture(1), "depth"))
    assert found is not None and found.number is None and "set by hand" in found.told


def test_without_a_tag_it_is_told_that_the_net_runs_untyped(union_net):
    assert "nothing is known about what made the map" in told(union_net, picture(1))
    assert "no type for maps of the kind flow" in told(union_net, tag(picture(1), "flow"))


def test_a_type_that_this_net_is_too_small_for_is_not_set(union_net):
    found = union_type(union_net, tag(picture(1), "tile"))
    assert found is not None and found.number is None


def test_other_nets_have_no_type():
    net = small_control_net(1)
    assert not is_union(net) and union_type(net, tag(picture(1), "depth")) is None
    assert "union" not in told(net, tag(picture(1), "depth"))


def test_all_types_are_names_of_the_host():
    assert {kind.union_type for kind in MAP_KINDS.values()} - {""} <= set(UNION_CONTROLNET_TYPES)
    assert {kind.flux_mode for kind in MAP_KINDS.values()} - {""} == set(FLUX_MODES)


def test_the_kinds_of_all_our_methods_have_the_types_of_the_authors_list(union_net):
    """ControlNetPlus lists openpose, depth, hed/pidi/scribble/ted, canny/lineart/anime lineart/mlsd, normal, segment, ..."""
    known = {entry.makes.name: entry.makes.union_type for entry in ENTRIES}
    assert {name: kind for name, kind in known.items() if kind} == {
        "openpose": "openpose",
        "depth": "depth",
        "softedge": "hed/pidi/scribble/ted",
        "scribble": "hed/pidi/scribble/ted",
        "canny": "canny/lineart/anime_lineart/mlsd",
        "lineart": "canny/lineart/anime_lineart/mlsd",
        "mlsd": "canny/lineart/anime_lineart/mlsd",
        "normal": "normal",
        "segmentation": "segment",
        "tile": "tile",
        "inpaint": "repaint",
    }


def test_a_map_fresh_from_its_preprocessor_brings_its_type(union_net):
    maps, _ = control_map(find_method("canny"), picture(5, 64, 64), {})
    assert "union type canny/lineart/anime_lineart/mlsd, because the map was made as canny" in told(union_net, maps)


# Flux: the modes of InstantX's Union and Shakker's Union Pro, from their model cards.
MODES = {"canny": 0, "tile": 1, "depth": 2, "blur": 3, "openpose": 4, "gray": 5, "low_quality": 6}


@pytest.fixture(scope="module")
def flux_net() -> ControlNet:
    from comfy.ldm.flux.controlnet import ControlNetFlux
    from comfy.ldm.flux.model import FluxParams

    newer = {field.name for field in fields(FluxParams)} & {"txt_ids_dims"}
    settings: dict[str, Any] = {name: [] for name in newer}

    network = ControlNetFlux(
        latent_input=True, num_union_modes=7, operations=comfy.ops.disable_weight_init, dtype=torch.float32, device="cpu",
        in_channels=16, out_channels=16, vec_in_dim=8, context_in_dim=8, hidden_size=32, mlp_ratio=1.0, num_heads=2, depth=1,
        depth_single_blocks=1, axes_dim=[4, 6, 6], theta=10000, patch_size=2, qkv_bias=True, guidance_embed=False,
        **settings,
    )  # fmt: skip
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.2)
    return ControlNet(
        network,
        compression_ratio=1,
        latent_format=comfy.latent_formats.Flux(),
        load_device=torch.device("cpu"),
        extra_conds=["y"],
    )


def flux_residuals(net: ControlNet, image: torch.Tensor) -> tuple[Any, list[int], str]:
    """What a stack of one signal gives a Flux model, the mode that its network looked up, and the report."""
    vae = SimpleNamespace(
        spacial_compression_encode=lambda: 8,
        encode=lambda pixels: pixels.movedim(-1, 1).mean(1, keepdim=True)[..., ::8, ::8].expand(-1, 16, -1, -1),
    )
    applied = apply_stack(
        [[torch.zeros(1, 4, 8), {}]], [], ControlStack((ControlSignal(net, image, weight=1.0),)), vae=vae
    )
    chain = applied.positive[0][1]["control"]
    sampling = SimpleNamespace(timestep=lambda t: t, calculate_input=lambda _t, x: x)
    chain.pre_run(SimpleNamespace(model_sampling=sampling, diffusion_model=object()), lambda percent: 1 - percent)
    modes: list[int] = []
    network: Any = net.control_model
    hook = network.controlnet_mode_embedder.register_forward_hook(lambda _m, given, _o: modes.extend(given[0].tolist()))
    try:
        with torch.no_grad():
            cond = {"c_crossattn": torch.ones(1, 4, 8), "y": torch.ones(1, 8)}
            made = chain.get_control(torch.ones(1, 16, 8, 8), torch.full((1,), 0.5), cond, 1, {"cond_or_uncond": [0]})
    finally:
        hook.remove()
    return made, modes, "\n".join(applied.report)


@pytest.mark.parametrize("kind", MODES)
def test_a_flux_union_net_is_told_the_mode_of_the_model_cards(flux_net, kind):
    image = picture(4, 64, 64)
    made, modes, report = flux_residuals(flux_net, tag(image, kind))
    assert (
        modes == [MODES[kind]] and f"union type {FLUX_MODES[MODES[kind]]}, because the map was made as {kind}" in report
    )
    by_hand = flux_net.copy()
    by_hand.set_extra_arg("control_type", [MODES[kind]])
    expected, _, told_by_hand = flux_residuals(by_hand, image.clone())
    untyped, none, _ = flux_residuals(flux_net, image.clone())
    assert none == [] and torch.equal(made["input"][0], expected["input"][0])
    assert not torch.equal(made["input"][0], untyped["input"][0])
    assert f"to this Flux net number {MODES[kind]} means {FLUX_MODES[MODES[kind]]}" in told_by_hand


def test_a_flux_union_net_takes_one_map_in_a_pass(flux_net):
    signal = ControlSignal(flux_net, tag(picture(4), "depth"))
    with pytest.raises(ValueError, match="the union nets of Flux too, run once for each map"):
        make_union_signal({"signal_0": signal, "signal_1": signal})
