"""Files that were trained here: what they say of themselves decides how they are run, and is told."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from armature_pack.models.controlnext.variants import VARIANTS
from armature_pack.models.files.fingerprint import fingerprint
from armature_pack.models.files.identify import told_file
from armature_pack.models.files.layouts.controlnext import PLAIN, STEM, VARIANT_BASES, Layout
from armature_pack.models.files.trained import KEYS, Trained, of_file, of_metadata
from controlnext_recipes import BY_NAME, base_stub
from public_path import loaded, node
from safetensors.torch import save_file
from trained_files import write, zero_convolution
from unet_files import assert_changed, differences, full

WHOLE: dict[str, Any] = {
    "variant": "sd15_training",
    "addition": "plain",
    "map": "canny",
    "base": "sd15",
    "base_hash": "ab12",
    "steps": 600,
    "adherence": 0.425,
    "settings": '{"batch": 4}',
    "part": "control",
}


def shown(name: str, **widgets: Any) -> str:
    """What the loader shows on itself."""
    return node("ArmatureLoadControlNeXt").execute(name, **widgets).ui["text"][0]


def names(net: Any) -> list[str]:
    return [variant.name for variant in net.network.variants]


def test_metadata_are_read_as_they_are_written(folder) -> None:
    told = ("sdxl", "zero convolution", "garment", "sdxl", "f00d", 7, -0.25, {"seed": 1}, "unet", "delta")
    trained = Trained(*told, likeness=0.5, encoder_hash="beef")
    assert of_metadata(trained.metadata()) == trained and set(trained.metadata()) == set(KEYS)
    assert of_metadata({}) == Trained() and Trained().metadata() == {}
    assert of_file(folder / write(folder, STEM, **WHOLE)).settings == {"batch": 4}


@pytest.mark.parametrize("name", VARIANT_BASES)
def test_a_file_that_names_its_variant_is_that_one(name: str, folder) -> None:
    layout, bases = VARIANT_BASES[name]
    file = write(folder, layout, variant=name)
    net = loaded(file)
    assert names(net) == [name] == names(node("ArmatureLoadControlNet").execute(file).args[0])
    assert " or " not in told_file(folder / file)
    assert {one.name for one in VARIANTS} == set(VARIANT_BASES) and BY_NAME[name].base in bases


def test_a_file_that_names_its_base_is_for_no_other(folder) -> None:
    assert names(loaded(write(folder, STEM, base="sdxl"))) == ["sdxl"]
    assert names(loaded(write(folder, STEM, base="sd2"))) == ["sd15_training"]
    assert names(loaded(write(folder, STEM))) == ["sd15_training", "sdxl", "svd_v2"]


def test_another_base_stops_the_sampling_with_what_to_do(folder) -> None:
    net = loaded(write(folder, STEM, variant="sdxl"))
    model = base_stub("sd15_training")
    with pytest.raises(ValueError, match=r"'a\.safetensors' is for SDXL and needs SDXL") as raised:
        net.pre_run(model, model.model_sampling.percent_to_sigma)
    assert "set variant to auto" not in str(raised.value)


@pytest.mark.parametrize(
    ("says", "runs"), [("cross normalization", "code"), ("plain", "plain"), (None, "code"), ("magic", "code")]
)
def test_the_addition_of_the_file_counts_where_none_is_chosen(says: str | None, runs: str, folder) -> None:
    name = write(folder, STEM, **({"addition": says} if says else {}))
    assert loaded(name).addition == runs == loaded(name).copy().addition
    assert loaded(name, cross_normalization="paper").addition == "paper"


def test_the_loader_names_all_of_it(folder) -> None:
    told = shown(write(folder, STEM, **WHOLE))
    for part in ("ControlNeXt", "SD 1.5", "sd15_training", "plain", "canny", "600 steps", "0.425"):
        assert part in told, told
    assert "Warning" not in told and "\n" not in told
    assert "zero convolution" in shown(write(folder, STEM, zero_convolution(STEM)))


CONTRADICTIONS: list[tuple[dict[str, Any], dict[str, str], str]] = [
    ({"addition": "plain"}, {"cross_normalization": "paper"}, "trained with plain"),
    ({"addition": "cross normalization"}, {"cross_normalization": "plain"}, "trained with cross normalization"),
    ({"variant": "sdxl"}, {"variant": "sd15_training"}, "trained as sdxl"),
    ({"base": "sdxl"}, {"variant": "svd_v2"}, "trained as sdxl"),
]


@pytest.mark.parametrize(("says", "chosen", "told"), CONTRADICTIONS)
def test_a_choice_counts_and_is_told_where_it_contradicts(says, chosen, told: str, folder) -> None:
    name = write(folder, STEM, **says)
    first = shown(name, **chosen).splitlines()[0]
    assert first.startswith("Warning: ") and told in first
    net = loaded(name, **chosen)
    assert names(net) == [chosen["variant"]] if "variant" in chosen else net.addition == chosen["cross_normalization"]
    assert len(shown(name).splitlines()) == 1


def test_a_choice_that_agrees_is_not_told(folder) -> None:
    name = write(folder, STEM, zero_convolution(STEM), addition="zero convolution", variant="svd_v2_training")
    assert "Warning" not in shown(name, cross_normalization="plain", variant="svd_v2_training")
    assert names(loaded(name)) == ["svd_v2_training"]


DAMAGED: list[tuple[Layout, dict[str, Any]]] = [
    (STEM, {"variant": "sd99"}),
    (STEM, {"variant": "sd15"}),  # of another layout
    (STEM, {"addition": "magic"}),
    (STEM, {"map": "a\nb"}),
    (STEM, {"map": "m" * 5000}),
    (STEM, {"base": "sd99"}),
    (STEM, {"base": "flux"}),
    (PLAIN, {"variant": "sd15", "base": "sdxl"}),
    (STEM, {"steps": "-3"}),
    (STEM, {"steps": "9" * 5000}),
    (STEM, {"adherence": "nan"}),
    (STEM, {"adherence": "high"}),
    (STEM, {"settings": "["}),
    (STEM, {"settings": "[" * 20000}),
    (STEM, {"part": "unet"}),
    (STEM, {"format": "half"}),
]


@pytest.mark.parametrize(("layout", "says"), DAMAGED, ids=lambda value: str(value)[:40])
def test_damaged_metadata_are_told_in_one_line_and_count_as_none(layout: Layout, says, folder) -> None:
    name = write(folder, layout, **says)
    key = list(says)[-1]
    first, *rest = shown(name).splitlines()
    assert first.startswith("Warning: ") and f"armature.{key} " in first and len(first) < 300 and len(rest) == 1
    others = {name: value for name, value in says.items() if name != key}
    sound = loaded(write(folder, layout, name="b.safetensors", **others))
    net = loaded(name)
    assert (names(net), net.addition) == (names(sound), sound.addition)


def test_what_the_keys_show_counts_more_than_what_the_file_says(folder) -> None:
    name = write(folder, STEM, zero_convolution(STEM), addition="cross normalization")
    assert loaded(name).addition == "plain" and "holds a zero convolution" in shown(name)
    name = write(folder, STEM, addition="zero convolution", name="b.safetensors")
    assert loaded(name).addition == "plain" and "holds none" in shown(name)


# The UNet's part --------------------------------------------------------------------------------------------------------


def apply(model: Any, folder: Any, weights: dict[str, torch.Tensor], says: dict[str, str], **widgets: Any) -> Any:
    metadata = {f"armature.{key}": value for key, value in says.items()}
    save_file({key: value.contiguous() for key, value in weights.items()}, folder / "a_unet.safetensors", metadata)
    return node("ArmatureApplyControlNeXtWeights").execute(model, "a_unet.safetensors", **widgets).args


def test_the_format_is_taken_from_the_file_without_comparing(sd15, folder) -> None:
    """Changes as large as the weights themselves, of which no comparison could tell what they are."""
    base = differences(sd15, size=0.0)
    changes = {key: 0.5 * value for key, value in full(sd15, base).items()}
    patched, report = apply(sd15, folder, changes, {"part": "unet", "format": "delta"})
    assert_changed(sd15, patched, changes)
    assert "differences to the base (as its metadata say)" in report and "Warning" not in report
    _, compared = apply(sd15, folder, changes, {"part": "unet"})
    assert "full weights (decided by comparison" in compared


def test_a_format_chosen_by_hand_counts_and_is_told(sd15, folder) -> None:
    weights = full(sd15, differences(sd15))
    patched, report = apply(sd15, folder, weights, {"format": "delta"}, format="full")
    assert_changed(sd15, patched, differences(sd15))
    assert "full weights (chosen by hand)" in report and "format is set to full" in report.splitlines()[0]
    _, report = apply(sd15, folder, differences(sd15), {"format": "half"})
    assert "decided by comparison" in report and "armature.format 'half'" in report.splitlines()[0]


def test_another_base_of_the_same_shape_is_told_and_the_same_one_is_not(sd15, folder) -> None:
    changes = differences(sd15)
    of_this = fingerprint(sd15.model.diffusion_model)
    _, plain = apply(sd15, folder, changes, {"format": "delta"})
    _, same = apply(sd15, folder, changes, {"format": "delta", "base_hash": of_this})
    patched, other = apply(sd15, folder, changes, {"format": "delta", "base_hash": "ab12"})
    assert same == plain and len(other.splitlines()) == len(plain.splitlines()) + 1
    assert_changed(sd15, patched, changes)
    # A change that is only noted down is no other base.
    _, again = apply(patched, folder, changes, {"format": "delta", "base_hash": of_this})
    assert len(again.splitlines()) == len(plain.splitlines()) + 1, "the overlap alone"
