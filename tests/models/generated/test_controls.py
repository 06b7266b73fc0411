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


def _shapes_of_input_blocks(model):
    """A clone of ``model`` and the list that its input blocks' output shapes [B, C, H, W] are written to."""
    shapes: list[tuple[int, ...]] = []
    clone = model.clone()
    clone.set_model_input_block_patch(lambda h, options: (shapes.append(tuple(h.shape)), h)[1])
    return clone, shapes


@pytest.mark.parametrize(("base", "name"), CONTROL_NETS)
def test_a_controlnet_fits_and_acts(base, name, load, conditioning, sample, apply_control, host_complaints) -> None:
    import comfy.controlnet

    model, control = load(base), load(name)
    assert type(control) is comfy.controlnet.ControlNet
    positive, negative = conditioning(model, 0), conditioning(model, 1)
    plain = sample(model, positive, negative)
    controlled = sample(model, *apply_control(control, positive, negative))
    other_hint = sample(model, *apply_control(control, positive, negative, hint_seed=2))
    assert controlled.isfinite().all()
    assert (controlled - plain).norm() > 0.05 * plain.norm()
    assert (other_hint - controlled).norm() > 0.05 * plain.norm()
    assert host_complaints() == []


@pytest.mark.parametrize(("base", "name"), CONTROL_NETS)
def test_a_controlnet_has_a_residual_of_the_right_shape_for_every_block(
    base, name, load, conditioning, sample, apply_control
) -> None:
    model, block_shapes = _shapes_of_input_blocks(load(base))
    control = load(name)
    residual_shapes: list[list[tuple[int, ...]]] = []

    def record(module, inputs, output) -> None:
        residual_shapes.append([tuple(residual.shape) for residual in output["output"] + output["middle"]])

    handle = control.control_model.register_forward_hook(record)
    sample(model, *apply_control(control, conditioning(model, 0), conditioning(model, 1)))
    handle.remove()
    blocks = len(model.model.diffusion_model.input_blocks)
    *outputs, middle = residual_shapes[0]
    assert outputs == block_shapes[:blocks]
    assert middle == block_shapes[blocks - 1]


def test_two_controlnets_differ(load, conditioning, sample, apply_control) -> None:
    model = load("sd15_checkpoint")
    positive, negative = conditioning(model, 0), conditioning(model, 1)
    canny, depth = (
        sample(model, *apply_control(load(f"sd15_controlnet_{kind}"), positive, negative)) for kind in ("canny", "depth")
    )
    assert not torch.equal(canny, depth)


@pytest.mark.parametrize("base", ADAPTED)
def test_a_t2i_adapter_fits_and_acts(base, load, conditioning, sample, apply_control, host_complaints) -> None:
    import comfy.controlnet

    model, adapter = load(base), load("sd15_t2i_adapter")
    assert type(adapter) is comfy.controlnet.T2IAdapter
    positive, negative = conditioning(model, 0), conditioning(model, 1)
    plain = sample(model, positive, negative)
    adapted = sample(model, *apply_control(adapter, positive, negative))
    assert adapted.isfinite().all()
    assert (adapted - plain).norm() > 0.05 * plain.norm()
    assert host_complaints() == []


@pytest.mark.parametrize("base", ADAPTED)
def test_a_t2i_adapters_features_have_the_shapes_of_their_blocks(
    base, load, conditioning, sample, apply_control
) -> None:
    model, block_shapes = _shapes_of_input_blocks(load(base))
    adapter = load("sd15_t2i_adapter")
    features: list[list[tuple[int, ...] | None]] = []

    def record(module, inputs, output) -> None:
        # The host takes them from the end of the list, one per input block.
        features.append([None if f is None else tuple(f.shape) for f in reversed(output["input"])])

    handle = adapter.t2i_model.register_forward_hook(record)
    sample(model, *apply_control(adapter, conditioning(model, 0), conditioning(model, 1)))
    handle.remove()
    blocks = len(model.model.diffusion_model.input_blocks)
    met = [(f, shape) for f, shape in zip(features[0], block_shapes[:blocks], strict=False) if f is not None]
    assert [f[1] for f, _ in met] == ADAPTED[base]
    assert [f[1:] for f, _ in met] == [shape[1:] for _, shape in met]


def test_the_diffusers_file_has_no_name_of_the_other_layout(weights_file) -> None:
    from safetensors import safe_open

    with safe_open(weights_file("sd15_xs_controlnet_diffusers"), framework="pt") as file:
        names = set(file.keys())
    assert "controlnet_cond_embedding.conv_out.weight" in names
    assert not [name for name in names if name.startswith(("input_blocks", "zero_convs", "middle_block", "input_hint"))]


def test_the_hosts_diffusers_configuration_has_the_way_down_of_the_base() -> None:
    from armature_pack.models.generated import find_recipe

    source = find_recipe("sd15_xs_controlnet_diffusers").source
    config = source.host_config()
    for key in ("num_res_blocks", "channel_mult", "transformer_depth", "transformer_depth_middle"):
        assert tuple(_as_list(config[key])) == tuple(_as_list(getattr(source.unet, key)))


def test_a_way_down_that_the_host_does_not_know_is_refused() -> None:
    from armature_pack.models.generated.catalog import FP8, SD15
    from armature_pack.models.generated.controlnet_diffusers import ControlNetDiffusers

    with pytest.raises(ValueError, match=r"depths \(1, 1, 1\)"):
        ControlNetDiffusers(unet=SD15, dtype=FP8).build(0)


def _as_list(value) -> list:
    return list(value) if isinstance(value, (list, tuple)) else [value]
