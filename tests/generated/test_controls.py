"""ControlNets and T2I-Adapters: every residual fits the network they are made for, and acts."""

from __future__ import annotations

import pytest
import torch

CONTROL_NETS = [
    ("sd15_checkpoint", "sd15_controlnet_canny"),
    ("sd15_checkpoint", "sd15_controlnet_depth"),
    ("sd15_xs_checkpoint", "sd15_xs_controlnet_diffusers"),
    ("sdxl_model", "sdxl_controlnet"),
]
ADAPTED = {"sd15_checkpoint": [320], "sd15_t2i_base": [320, 640]}
"""Channels of the adapter's features that have a place in each network."""


def _recording_block_shapes(model):
    """A clone of ``model`` and the list that its input blocks' output shapes [B, C, H, W] are written to."""
    shapes: list[tuple[int, ...]] = []

    def record(h, options):
        shapes.append(tuple(h.shape))
        return h

    clone = model.clone()
    clone.set_model_input_block_patch(record)
    return clone, shapes


def _recording_residuals(network, residuals: list, choose):
    """Writes what ``network`` puts out at each call; the host empties its lists later, so this takes copies."""
    return network.register_forward_hook(lambda module, inputs, output: residuals.append(choose(output)))


def _assert_acts(controlled, plain) -> None:
    assert controlled.isfinite().all()
    assert (controlled - plain).norm() > 0.05 * plain.norm()


@pytest.mark.parametrize(("base", "name"), CONTROL_NETS)
def test_a_controlnet_fits_every_block_and_acts(
    base, name, base_model, load, conditioning, sample, apply_control, host_complaints
) -> None:
    import comfy.controlnet

    (model, block_shapes), control = _recording_block_shapes(base_model(base)), load(name)
    assert type(control) is comfy.controlnet.ControlNet
    residuals: list[list[torch.Size]] = []
    _recording_residuals(
        control.control_model, residuals, lambda output: [r.shape for r in output["output"] + output["middle"]]
    )
    positive, negative = conditioning(model, 0), conditioning(model, 1)
    controlled = sample(model, *apply_control(control, positive, negative))
    blocks = len(model.model.diffusion_model.input_blocks)
    *outputs, middle = residuals[0]
    assert outputs == block_shapes[:blocks]
    assert middle == block_shapes[blocks - 1]
    _assert_acts(controlled, sample(model, positive, negative))
    _assert_acts(controlled, sample(model, *apply_control(control, positive, negative, hint_seed=2)))
    assert host_complaints() == []


@pytest.mark.parametrize("base", ADAPTED)
def test_a_t2i_adapter_fits_and_acts(
    base, base_model, load, conditioning, sample, apply_control, host_complaints
) -> None:
    import comfy.controlnet

    (model, block_shapes), adapter = _recording_block_shapes(base_model(base)), load("sd15_t2i_adapter")
    assert type(adapter) is comfy.controlnet.T2IAdapter
    features: list[list] = []
    # The host takes them from the end of the list, one per input block; None where a block gets nothing.
    _recording_residuals(adapter.t2i_model, features, lambda output: list(reversed(output["input"])))
    positive, negative = conditioning(model, 0), conditioning(model, 1)
    adapted = sample(model, *apply_control(adapter, positive, negative))
    blocks = len(model.model.diffusion_model.input_blocks)
    met = [(f.shape, shape) for f, shape in zip(features[0], block_shapes[:blocks], strict=False) if f is not None]
    assert [feature[1] for feature, _ in met] == ADAPTED[base]
    assert [feature[1:] for feature, _ in met] == [shape[1:] for _, shape in met]
    _assert_acts(adapted, sample(model, positive, negative))
    assert host_complaints() == []


def test_two_controlnets_differ(weights_file) -> None:
    from safetensors.torch import load_file

    canny, depth = (load_file(weights_file(f"sd15_controlnet_{kind}")) for kind in ("canny", "depth"))
    assert canny.keys() == depth.keys()
    assert not any(torch.equal(canny[name], depth[name]) for name in canny)


def test_the_diffusers_file_has_no_name_of_the_other_layout(weights_file) -> None:
    from safetensors import safe_open

    with safe_open(weights_file("sd15_xs_controlnet_diffusers"), framework="pt") as file:
        names = set(file.keys())
    assert "controlnet_cond_embedding.conv_out.weight" in names
    assert not [name for name in names if name.startswith(("input_blocks", "zero_convs", "middle_block", "input_hint"))]


def test_the_hosts_diffusers_configuration_has_the_way_down_of_the_base() -> None:
    from armature_pack.tests.generated.catalog import find_recipe

    source = find_recipe("sd15_xs_controlnet_diffusers").source
    config = source.host_config()
    for key in ("num_res_blocks", "channel_mult", "transformer_depth", "transformer_depth_middle"):
        assert tuple(_as_list(config[key])) == tuple(_as_list(getattr(source.unet, key)))


def test_a_way_down_that_the_host_does_not_know_is_refused() -> None:
    from armature_pack.tests.generated.catalog import FP8, SD15
    from armature_pack.tests.generated.controlnet_diffusers import ControlNetDiffusers

    with pytest.raises(ValueError, match=r"depths \(1, 1, 1\)"):
        ControlNetDiffusers(unet=SD15, dtype=FP8).build(0)


def _as_list(value) -> list:
    return list(value) if isinstance(value, (list, tuple)) else [value]
