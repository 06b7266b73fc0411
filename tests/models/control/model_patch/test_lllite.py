"""ControlNet-LLLite for SD 1.5 and SDXL: the formula of its authors, and all that a signal has."""

from __future__ import annotations

from typing import Any

import folder_paths
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.loading import load_control_net
from armature_pack.models.control.model_patch.lllite import load_lllite, place_of
from armature_pack.models.control.model_patch.net import model_patch_net
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.tests.alike import assert_alike
from armature_pack.tests.models.control.sampling import picture
from ip_adapter_recipes import prompt, sampled
from safetensors.torch import save_file

INNER, EMBEDDING = 6, 8


def weights(model: Any, seed: int = 2) -> dict[str, torch.Tensor]:
    """For every query, key and value of a narrow UNet, with stems of the depth that each level needs."""
    generator = torch.Generator().manual_seed(seed)
    made: dict[str, torch.Tensor] = {}
    unet = model.model.diffusion_model
    blocks = [("input_blocks", number, block) for number, block in enumerate(unet.input_blocks)]
    blocks += [("output_blocks", number, block) for number, block in enumerate(unet.output_blocks)]
    blocks.append(("middle_block", 0, unet.middle_block))
    for part, number, block in blocks:
        for layer in block:
            for index, transformer in enumerate(getattr(layer, "transformer_blocks", ())):
                stem = (
                    f"lllite_unet_{part}{'' if part == 'middle_block' else f'_{number}'}_1_transformer_blocks_{index}"
                )
                for name, attention in (("attn1", transformer.attn1), ("attn2", transformer.attn2)):
                    for what in ("q", "k", "v") if name == "attn1" else ("q",):
                        width = getattr(attention, f"to_{what}").in_features
                        made |= _module(f"{stem}_{name}_to_{what}", width, generator)
    return made


def _module(name: str, width: int, generator: torch.Generator) -> dict[str, torch.Tensor]:
    shapes: dict[str, tuple[int, ...]] = {
        "conditioning1.0": (EMBEDDING // 2, 3, 4, 4),
        "conditioning1.2": (EMBEDDING, EMBEDDING // 2, 2, 2),
        "down.0": (INNER, width),
        "mid.0": (INNER, INNER + EMBEDDING),
        "up.0": (width, INNER),
    }
    made = {}
    for layer, shape in shapes.items():
        made[f"{name}.{layer}.weight"] = torch.randn(shape, generator=generator) * 0.4
        made[f"{name}.{layer}.bias"] = torch.randn(shape[0], generator=generator) * 0.1
    return made


def net(model: Any, family: str = "sd15") -> Any:
    return model_patch_net(load_lllite(weights(model), family), "lllite.safetensors")


def by_reference(model: Any, image: torch.Tensor, strength: float) -> Any:
    """The formula as a patch on the MODEL, written without any of our code."""
    loaded = weights(model)

    def change(x: torch.Tensor, name: str, size: tuple[int, int]) -> torch.Tensor:
        if f"{name}.down.0.weight" not in loaded:
            return x
        get = lambda layer: (loaded[f"{name}.{layer}.weight"], loaded[f"{name}.{layer}.bias"])  # noqa: E731
        seen = torch.nn.functional.conv2d(image.movedim(-1, 1) * 2 - 1, *get("conditioning1.0"), stride=4).relu()
        seen = torch.nn.functional.conv2d(seen, *get("conditioning1.2"), stride=2)
        seen = torch.nn.functional.interpolate(seen, size, mode="bilinear") if seen.shape[-2:] != size else seen
        seen = seen.flatten(2).transpose(1, 2).expand(x.shape[0], -1, -1)
        hidden = torch.nn.functional.linear(x, *get("down.0")).relu()
        hidden = torch.nn.functional.linear(torch.cat((seen, hidden), 2), *get("mid.0")).relu()
        return x + torch.nn.functional.linear(hidden, *get("up.0")) * strength

    def patch(attention: str) -> Any:
        def apply(q: Any, k: Any, v: Any, options: Any) -> Any:
            part, number = options["block"]
            block = "middle_block" if part == "middle" else f"{part}_blocks_{number}"
            stem = f"lllite_unet_{block}_1_transformer_blocks_{options['block_index']}_{attention}_to_"
            size = tuple(options["activations_shape"][-2:])
            return tuple(change(x, stem + what, size) for what, x in (("q", q), ("k", k), ("v", v)))

        return apply

    clone = model.clone()
    clone.set_model_attn1_patch(patch("attn1"))
    clone.set_model_attn2_patch(patch("attn2"))
    return clone


def controlled(control: Any, family: str, image: torch.Tensor, **settings: Any) -> dict[str, Any]:
    signal = ControlSignal(control, image, **{"weight": 0.7, **settings})
    applied = apply_stack(prompt(1, family), prompt(2, family), ControlStack((signal,)))
    return {"positive": applied.positive, "negative": applied.negative}


@pytest.mark.parametrize("family", ["sd15", "sdxl"])
@pytest.mark.parametrize("size", [(16, 16), (8, 24)])
def test_it_is_the_formula_of_its_authors(family, size, request):
    model = request.getfixturevalue(family)
    image = picture(3, size[0] * 8, size[1] * 8)
    made = sampled(model, family, size=size, **controlled(net(model, family), family, image))
    assert_alike(made, sampled(by_reference(model, image, 0.7), family, size=size))
    assert float((made - sampled(model, family, size=size)).abs().max()) > 0.01


def test_masks_halves_and_ranges(sd15):
    image = picture(3, 128, 128)
    control, without = net(sd15), sampled(sd15)
    full = sampled(sd15, **controlled(control, "sd15", image))
    assert_alike(sampled(sd15, **controlled(control, "sd15", image, mask=torch.ones(1, 16, 16))), full)
    assert torch.equal(sampled(sd15, **controlled(control, "sd15", image, weight=0.0)), without)
    black = torch.zeros(1, 16, 16)
    black[..., :1] = 1e-6
    assert_alike(sampled(sd15, **controlled(control, "sd15", image, mask=black)), without)
    late = sampled(sd15, **controlled(control, "sd15", image, start=0.4))
    assert not torch.equal(late, full) and not torch.equal(late, without)
    prompt_alone = controlled(control, "sd15", image) | {"negative": prompt(2, "sd15")}
    from armature_pack.models.guidance.layer_weights import LayerWeights

    halves = controlled(control, "sd15", image, layer_weights=LayerWeights(unconditional=0.0))
    assert_alike(sampled(sd15, **halves), sampled(sd15, **prompt_alone))
    assert torch.equal(sampled(sd15), without)


@pytest.mark.parametrize("kind", ["tome", "hypertile"])
def test_it_stands_before_patches_that_merge_or_tile_the_tokens(sd15, kind):
    """As it does where its authors' node comes first."""
    from comfy_extras.nodes_hypertile import HyperTile
    from comfy_extras.nodes_tomesd import TomePatchModel

    def merging(model: Any) -> Any:
        node: Any = TomePatchModel if kind == "tome" else HyperTile
        made = node.execute(model, *((0.3,) if kind == "tome" else (64, 2, 2, False)))
        return getattr(made, "args", made)[0]

    def run(model: Any, **conditionings: Any) -> torch.Tensor:
        torch.manual_seed(1)  # both choose at random
        return sampled(model, size=(16, 16), **conditionings)

    image = picture(3, 128, 128)
    two = [ControlSignal(net(sd15), image, weight=0.4), ControlSignal(net(sd15), picture(4, 128, 128), weight=0.3)]
    applied = apply_stack(prompt(1, "sd15"), prompt(2, "sd15"), ControlStack(tuple(two)))
    conds = {"positive": applied.positive, "negative": applied.negative}
    reference = by_reference(by_reference(sd15, image, 0.4), picture(4, 128, 128), 0.3)
    made = run(merging(sd15), **conds)
    assert_alike(made, run(merging(reference)))
    assert float((made - run(sd15, **conds)).abs().max()) > 0.01


def test_a_file_is_loaded_by_its_header(sd15, sdxl, tmp_path, monkeypatch):
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "controlnet", ([str(tmp_path)], {".safetensors"}))
    for family, model in (("sd15", sd15), ("sdxl", sdxl)):
        save_file(weights(model), tmp_path / f"{family}.safetensors")
    folder_paths.filename_list_cache.clear()
    assert load_control_net("sd15.safetensors").family == "sd15"
    wrong = load_control_net("sdxl.safetensors")
    assert wrong.family == "sdxl"
    with pytest.raises(ValueError, match="SDXL.*SD 1.5.*sd15.safetensors"):
        sampled(sd15, **controlled(wrong, "sd15", picture(3, 128, 128)))
    broken = {name: value for name, value in weights(sd15).items() if "mid" not in name}
    save_file(broken, tmp_path / "broken.safetensors")
    folder_paths.filename_list_cache.clear()
    with pytest.raises(ValueError, match="broken.safetensors.*cannot be loaded"):
        load_control_net("broken.safetensors")


def test_names_of_places():
    assert place_of("lllite_unet_input_blocks_4_1_transformer_blocks_1_attn2_to_q") == ("input", 4, 1, "attn2", "q")
    assert place_of("lllite_unet_middle_block_1_transformer_blocks_9_attn1_to_v") == ("middle", 0, 9, "attn1", "v")
    assert place_of("lllite_unet_input_blocks_4_1_proj_in") is None
