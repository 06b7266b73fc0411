"""Files that were trained here say what the check cannot see from their keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from armature_pack.models.files.identify import identify_file
from armature_pack.models.files.index import ModelIndex
from armature_pack.models.files.layouts.controlnext import PLAIN, STEM, TOKENS, Layout
from armature_pack.models.files.trained import Trained
from armature_pack.tests.models.compatibility.graphs import Prompt, check, controlled, node, rules_of
from armature_pack.tests.models.files.header_files import write_file

XL = "sdxl.safetensors"
LOADER = "ArmatureLoadControlNeXt"
UNET = {
    f"diffusion_model.input_blocks.{block}.1.transformer_blocks.0.attn1.to_out.0.weight": (320, 320) for block in (1, 2)
}


def with_files(models: ModelIndex, folder: Path, **files: tuple[dict[str, tuple[int, ...]], Trained]) -> ModelIndex:
    for name, (shapes, trained) in files.items():
        write_file(folder / "controlnet" / f"{name}.safetensors", shapes, "F32", trained.metadata())
    return ModelIndex({**models.folders, "controlnet": [folder / "controlnet"]})


def found(models: ModelIndex, folder: Path, trained: Trained, prompt: Prompt, layout: Layout = STEM) -> set[str]:
    index = with_files(models, folder, mine=(layout.shapes(trained.addition == "zero convolution"), trained))
    return rules_of(check(prompt, index), "error", "warning")


@pytest.mark.parametrize("loader", [LOADER, "ArmatureLoadControlNet"])
@pytest.mark.parametrize("trained", [Trained("sdxl"), Trained(base="sdxl"), Trained("sdxl", "zero convolution")])
def test_a_control_for_another_base_is_found_though_its_keys_do_not_tell(trained, loader, models, tmp_path) -> None:
    on_sd15 = controlled(net="mine.safetensors", loader=loader)
    assert "controlnext_family" in found(models, tmp_path, trained, on_sd15)
    on_sdxl = controlled(XL, "mine.safetensors", loader)
    assert "controlnext_family" not in found(models, tmp_path, trained, on_sdxl)
    assert "controlnext_family" not in found(models, tmp_path, Trained(), on_sd15)


def test_a_control_for_sd2_fits_sd2_alone(models, tmp_path) -> None:
    trained = Trained("sd15_training", base="sd2")
    assert "controlnext_family" in found(models, tmp_path, trained, controlled(net="mine.safetensors", loader=LOADER))
    on_sd2 = controlled("sd2.safetensors", "mine.safetensors", LOADER)
    assert "controlnext_family" not in found(models, tmp_path, trained, on_sd2)


def fed_by(class_type: str, net: str = "mine.safetensors", **widgets: str) -> Prompt:
    prompt = controlled(net=net, loader=LOADER)
    prompt["12"] = node(class_type, image=["11", 0], **widgets)
    return prompt


@pytest.mark.parametrize(
    ("trained_on", "maker", "rules"),
    [
        ("canny", "MiDaS-DepthMapPreprocessor", {"control_map"}),
        ("canny", "CannyEdgePreprocessor", set()),
        ("depth", "MiDaS-DepthMapPreprocessor", set()),  # no published file, so gray depth may be right
        ("depth_viridis", "MiDaS-DepthMapPreprocessor", {"control_map"}),
        ("depth", "ArmatureDepthToViridis", {"control_map"}),
        ("segmentation", "CannyEdgePreprocessor", {"control_map"}),
        ("garments", "CannyEdgePreprocessor", set()),  # a kind of its own: nothing is known of it
        ("", "MiDaS-DepthMapPreprocessor", {"depth_colours"}),
    ],
)
def test_the_map_that_it_was_trained_on(trained_on: str, maker: str, rules: set[str], models, tmp_path) -> None:
    trained = Trained("sd15_training", map=trained_on)
    assert found(models, tmp_path, trained, fed_by(maker)) & {"control_map", "depth_colours"} == rules


def test_metadata_count_more_than_the_name(models, tmp_path) -> None:
    index = with_files(models, tmp_path, my_depth=(STEM.shapes(), Trained("sd15_training", map="canny")))
    report = check(fed_by("CannyEdgePreprocessor", "my_depth.safetensors"), index)
    assert not rules_of(report, "error", "warning")


def test_the_part_of_the_unet_belongs_to_its_base(models, tmp_path) -> None:
    """Attention outputs alone are as wide for SD 1.5 as for SD 2."""
    unet = Trained("sd15_training", base="sd2", part="unet", format="delta")
    index = with_files(
        models, tmp_path, mine=(STEM.shapes(), Trained("sd15_training", base="sd2")), mine_unet=(UNET, unet)
    )
    for checkpoint, rules in (("sd15.safetensors", {"controlnext_weights_family"}), ("sd2.safetensors", set())):
        prompt = controlled(checkpoint, "mine.safetensors", LOADER)
        prompt["20"] = node("ArmatureApplyControlNeXtWeights", model=["1", 0], weights_name="mine_unet.safetensors")
        prompt["5"]["inputs"]["model"] = ["20", 0]
        assert rules_of(check(prompt, index)) & {"controlnext_weights_family", "wrong_kind"} == rules


TRANSFORMERS = {
    "sd3": "joint_blocks.{}.x_block.attn.proj.weight",
    "flux": "double_blocks.{}.img_attn.proj.weight",
    "z_image": "layers.{}.attention.out.weight",
    "qwen_image": "transformer_blocks.{}.attn.to_out.0.weight",
}


@pytest.mark.parametrize("base", TRANSFORMERS)
def test_files_for_a_transformer_belong_to_their_base(base: str, models, tmp_path) -> None:
    """Flux and Qwen-Image are equally wide, so that only the metadata tell their controls apart."""
    says = Trained(f"tokens_{base}", base=base)
    changed = {f"model.diffusion_model.{TRANSFORMERS[base].format(block)}": (3072, 3072) for block in range(19)}
    part = Trained(f"tokens_{base}", base=base, part="unet", format="delta")
    index = with_files(models, tmp_path, mine=(TOKENS.shapes(), says), mine_unet=(changed, part))
    prompt = controlled(net="mine.safetensors", loader=LOADER)
    prompt["20"] = node("ArmatureApplyControlNeXtWeights", model=["1", 0], weights_name="mine_unet.safetensors")
    prompt["5"]["inputs"]["model"] = ["20", 0]
    report = check(prompt, index)
    assert {"controlnext_family", "controlnext_weights_family"} <= rules_of(report, "error")
    for name, kind in (("mine", "controlnext"), ("mine_unet", "unet_weights")):
        identity = identify_file(tmp_path / "controlnet" / f"{name}.safetensors")
        assert (identity.kind, identity.families, identity.ambiguity) == (kind, (base,), "")
        assert identity.traits["variant"] == f"tokens_{base}" and not identity.traits.get("problems")
    of_another = Trained(base="sdxl", part="unet", format="delta")
    index = with_files(models, tmp_path, other=(changed, of_another))
    identity = identify_file(tmp_path / "controlnet" / "other.safetensors")
    assert identity.families == (base,) and "blocks are those of another" in identity.traits["problems"][0]


def test_a_control_that_was_trained_alone_is_not_asked_for_weights(models, tmp_path) -> None:
    prompt = controlled(XL, "mine.safetensors", LOADER)
    for settings, asked in (({"subset": "none"}, False), ({}, True)):
        index = with_files(models, tmp_path, mine=(STEM.shapes(), Trained("sdxl", settings=settings)))
        assert ("controlnext_alone" in rules_of(check(prompt, index))) == asked


def test_what_nobody_understands_changes_nothing(models, tmp_path) -> None:
    prompt = controlled(net="mine.safetensors", loader=LOADER)
    for trained in (Trained("sd99"), Trained("sdxl"), Trained(base="flux")):
        assert not found(models, tmp_path, trained, prompt, PLAIN)
