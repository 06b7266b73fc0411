"""Control files on disk: what is read, and what is refused with a reason."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from armature_pack.models.files.layouts.controlnext import LAYOUTS, PLAIN, POOLED, STEM
from controlnext_recipes import control_weights
from public_path import loaded, node
from safetensors.torch import save_file

Weights = dict[str, torch.Tensor]


def write(folder: Path, name: str, weights: Any) -> str:
    if name.endswith(".safetensors"):
        save_file(weights, folder / name)
    else:
        torch.save(weights, folder / name)
    return name


def assert_holds(net: Any, weights: Weights) -> None:
    found = net.network.module.state_dict()
    assert found.keys() == weights.keys()
    assert all(torch.equal(found[key], weights[key].to(found[key].dtype)) for key in weights)


@pytest.mark.parametrize("ending", ["safetensors", "bin", "pt"])
@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_layout_in_every_format(layout, ending: str, folder) -> None:
    weights = control_weights(layout)
    net = loaded(write(folder, f"control.{ending}", OrderedDict(weights)))
    assert net.network.module.layout is layout and net.network.file_name == f"control.{ending}"
    assert_holds(net, weights)
    assert_holds(node("ArmatureLoadControlNet").execute(f"control.{ending}").args[0], weights)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_stored_precisions(dtype: torch.dtype, folder) -> None:
    weights = {key: value.to(dtype) for key, value in control_weights(PLAIN).items()}
    assert_holds(loaded(write(folder, "control.safetensors", weights)), weights)


@pytest.mark.parametrize("prefix", ["controlnext.", "controlnet.", "module.", "module.controlnext."])
@pytest.mark.parametrize("layout", [PLAIN, STEM], ids=["plain", "stem"])
def test_prefixes_on_disk(layout, prefix: str, folder) -> None:
    weights = control_weights(layout)
    named = {prefix + key: value for key, value in weights.items()}
    assert_holds(loaded(write(folder, "control.safetensors", named)), weights)


@pytest.mark.parametrize("around", [None, "state_dict", "module"])
def test_a_combined_training_file_gives_its_control_part(around: str | None, folder) -> None:
    weights = control_weights(STEM)
    combined: Any = {f"controlnext.{key}": value for key, value in weights.items()}
    combined |= {f"unet.{key}": torch.zeros(2) for key in ("conv_in.weight", "time_embedding.linear_1.weight")}
    if around is not None:
        combined = {around: combined, "global_steps": 3}
    assert_holds(loaded(write(folder, "pytorch_model.bin", combined)), weights)


def test_a_scale_of_one_element_is_a_scalar(folder) -> None:
    weights = {**control_weights(PLAIN), "scale": torch.tensor([0.25])}
    assert loaded(write(folder, "a.safetensors", weights)).network.scale == 0.25


class _Trap:
    """Would write a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def __reduce__(self) -> Any:
        return open, (self.path, "w")


def test_a_pickle_that_runs_code_is_refused_and_does_not_run(folder, tmp_path) -> None:
    write(folder, "evil.bin", {**control_weights(STEM), "trap": _Trap(tmp_path / "sprung")})
    with pytest.raises(ValueError, match=r"evil\.bin cannot be read .*pickle.*run any code"):
        loaded("evil.bin")
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("name", ["control.safetensors", "control.bin"])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.99])
def test_a_truncated_file_is_named(name: str, share: float, folder) -> None:
    path = folder / write(folder, name, control_weights(STEM))
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=name):
        loaded(name)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
@pytest.mark.parametrize("key", ["mid_convs.1.bias", "down_res.0.norm1.weight", "scale"])
def test_a_weight_that_is_no_number_is_named(key: str, value: float, folder) -> None:
    weights = control_weights(PLAIN)
    weights[key].fill_(value)
    with pytest.raises(ValueError, match=rf"'a\.safetensors' is damaged: {key} contains NaN or infinite"):
        loaded(write(folder, "a.safetensors", weights))


FOREIGN = {
    "a ControlNet": ["controlnet_cond_embedding.conv_in.weight", "down_blocks.0.resnets.0.conv1.weight"],
    "a T2I-Adapter": ["body.0.block2.weight", "conv_in.weight"],
    "an IP-Adapter": ["image_proj.norm.weight", "ip_adapter.1.to_k_ip.weight"],
    "a LoRA": ["lora_unet_down_blocks_0_attentions_0_proj_in.lora_down.weight"],
    "a whole checkpoint": ["model.diffusion_model.out.0.weight", "first_stage_model.decoder.conv_in.weight"],
    "a VAE": ["decoder.conv_in.weight", "encoder.conv_in.weight"],
    "UNet weights": ["down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0.weight"],
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_foreign_files_are_named_with_the_node_for_them(kind: str, folder) -> None:
    name = write(folder, "other.safetensors", {key: torch.zeros(2, 2) for key in FOREIGN[kind]})
    with pytest.raises(ValueError, match=rf"'other\.safetensors' holds {kind}, not a ControlNeXt .*Load it with .+"):
        loaded(name)


def test_unknown_and_missing_files(folder) -> None:
    write(folder, "other.safetensors", {"a.weight": torch.zeros(2)})
    with pytest.raises(ValueError, match=r"'other\.safetensors' is no ControlNeXt control file.*a\.weight"):
        loaded("other.safetensors")
    with pytest.raises(ValueError, match=r"no control net 'gone\.safetensors'"):
        loaded("gone.safetensors")


def test_an_incomplete_layout_says_what_is_off(folder) -> None:
    weights = control_weights(STEM)
    del weights["mid_convs.1.bias"]
    with pytest.raises(
        ValueError, match=r"'a\.safetensors' has a layout that is not known.*1 missing \(mid_convs\.1\.bias\)"
    ):
        loaded(write(folder, "a.safetensors", weights))


def test_two_networks_in_one_file(folder) -> None:
    twice = {f"{prefix}{key}": value.clone() for key, value in control_weights(STEM).items() for prefix in ("a.", "b.")}
    with pytest.raises(ValueError, match=r"2 control networks, under 'a\.', 'b\.'"):
        loaded(write(folder, "a.safetensors", twice))


def test_a_variant_that_contradicts_the_file_names_both(folder) -> None:
    name = write(folder, "july.safetensors", control_weights(POOLED))
    with pytest.raises(ValueError, match=r"(?s)variant is set to 'svd_v2', .*'july\.safetensors'.*SDXL of July 2024"):
        loaded(name, variant="svd_v2")
    with pytest.raises(ValueError, match="no form 'fancy'. Choose one of: code, paper"):
        loaded(name, cross_normalization="fancy")
    assert loaded(name, variant="sdxl", cross_normalization="paper").addition == "paper"
