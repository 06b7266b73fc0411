"""Union nets: the type follows the preprocessor that made the map, unless it was set by hand."""

from __future__ import annotations

import comfy.ops
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.control.union import FLUX_MODE_OF_MAP, TYPE_OF_MAP, is_union, union_type
from armature_pack.models.generated.catalog import SD15
from armature_pack.models.host import host_nodes
from armature_pack.preprocessors.map_tags import tag
from comfy.cldm.control_types import UNION_CONTROLNET_TYPES
from comfy.controlnet import ControlNet

from .sampling import bench, control_net, picture

DEPTH = UNION_CONTROLNET_TYPES["depth"]


@pytest.fixture(scope="module")
def union_net() -> ControlNet:
    """A union net of six types for the generated SD1.5 model, with seeded random weights."""
    from comfy.cldm.cldm import ControlNet as Network

    config = {
        key: value for key, value in SD15.model_config().unet_config.items() if key not in {"out_channels", "dtype"}
    }
    network = Network(
        **config,
        hint_channels=3,
        union_controlnet_num_control_type=6,
        operations=comfy.ops.disable_weight_init,
        dtype=torch.float32,
        device="cpu",
    )
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=generator) * 0.02)
    return ControlNet(network, load_device=torch.device("cpu"))


def told(net, image) -> str:
    applied = apply_stack([], [], ControlStack((ControlSignal(net, image),)))
    return applied.report[0]


def test_the_type_follows_the_map_that_was_made(union_net, generated):
    run = bench(generated("sd15_checkpoint"))
    image = tag(picture(1), "depth")
    by_tag = apply_stack(run.positive, run.negative, ControlStack((ControlSignal(union_net, image, weight=1.0),)))
    by_hand = union_net.copy()
    by_hand.set_extra_arg("control_type", [DEPTH])
    native = (
        host_nodes()
        .ControlNetApplyAdvanced()
        .apply_controlnet(run.positive, run.negative, by_hand, image, 1.0, 0.0, 1.0)
    )
    latent = run.latent(by_tag.positive, by_tag.negative)
    assert torch.equal(latent, run.latent(*native))
    assert not torch.equal(latent, run.latent(run.positive, run.negative))
    assert "union type depth, because the map was made as depth" in by_tag.report[0]
    assert "control_type" not in union_net.extra_args  # the net that was linked stays as it is


def test_a_type_set_by_hand_stays(union_net):
    by_hand = union_net.copy()
    by_hand.set_extra_arg("control_type", [3])
    found = union_type(by_hand, tag(picture(1), "depth"))
    assert found is not None and found.number is None and "set by hand" in found.told


def test_without_a_tag_it_is_told_that_the_net_runs_untyped(union_net):
    assert "nothing is known about what made the map" in told(union_net, picture(1))
    assert "not known for maps of the kind flow" in told(union_net, tag(picture(1), "flow"))


def test_a_type_that_this_net_is_too_small_for_is_not_set(union_net):
    found = union_type(union_net, tag(picture(1), "tile"))
    assert found is not None and found.number is None


def test_other_nets_have_no_type(generated):
    net = control_net(generated("sd15_controlnet_canny"))
    assert not is_union(net) and union_type(net, tag(picture(1), "depth")) is None
    assert "union" not in told(net, tag(picture(1), "depth"))


def test_all_types_are_names_of_the_host():
    assert set(TYPE_OF_MAP.values()) <= set(UNION_CONTROLNET_TYPES)
    assert set(FLUX_MODE_OF_MAP) <= set(TYPE_OF_MAP)
