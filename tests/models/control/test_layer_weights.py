"""Weights per layer by name: which residual answers to which name, and what a text or a preset makes of it."""

from __future__ import annotations

import math

import pytest
import torch
from armature_pack.models.guidance.layer_weights import PRESETS, LayerWeights, described, layers_of, make_layer_weights

from .links import GRIDS, call, link, seen

SD15 = {"output": [torch.ones(1, 1, size, size) for size in GRIDS], "middle": [torch.ones(1, 1, 1, 1)]}
SDXL = {"output": [torch.ones(1, 1, n, n) for n in (8, 8, 8, 4, 4, 4, 2, 2, 2)], "middle": [torch.ones(1, 1, 2, 2)]}
# A T2I-Adapter's list as the host keeps it: taken from its end, a feature behind every third input block.
T2I = {"input": [one for size in (1, 2, 4, 8) for one in (torch.ones(1, 1, size, size), None, None)]}
FLUX = {"input": [torch.ones(1, 9, 1)] * 19, "output": [torch.ones(1, 9, 1)] * 38}
SD3 = {"output": [torch.ones(1, 9, 1)] * 24}
# An adapter for SDXL: features behind the input blocks 3, 5 and 8, and one in the middle.
T2I_SDXL = {
    "input": [None if n is None else torch.ones(1, 1, n, n) for n in (None, 2, None, None, 4, None, 4, *[None] * 3)],
    "middle": [torch.ones(1, 1, 2, 2)],
}


def factors(residuals, text: str, **settings) -> dict[str, float]:
    """Factor of each residual by its first name."""
    weights = make_layer_weights(settings.pop("preset", "none"), settings.pop("ratio", 0.825), text, **settings)
    layers = layers_of(residuals, 8)
    found = weights.factors(layers, "Signal")
    return {layer.names[0]: found[layer.place] for layer in layers}


def test_a_skip_of_a_unet_answers_to_both_ends_and_its_level():
    names = {layer.place: layer.names for layer in layers_of(SD15, 8)}
    assert names["output", 0] == ("input.0", "output.11", "level.0")
    assert names["output", 4] == ("input.4", "output.7", "level.1")
    assert names["output", 11] == ("input.11", "output.0", "level.3")
    assert names["middle", 0] == ("middle",)


@pytest.mark.parametrize(
    ("residuals", "names"),
    [
        (SD15, "input.0 to input.11, output.0 to output.11, level.0 to level.3, middle"),
        (SDXL, "input.0 to input.8, output.0 to output.8, level.0 to level.2, middle"),
        (FLUX, "double.0 to double.18, single.0 to single.37"),
        (SD3, "block.0 to block.23"),
    ],
)
def test_every_family_has_its_own_names(residuals, names):
    assert described(layers_of(residuals, 8)) == names


def test_features_of_an_adapter_are_named_by_the_input_block_that_takes_them():
    assert [layer.names for layer in layers_of(T2I, 8)] == [
        ("input.2", "level.0"),
        ("input.5", "level.1"),
        ("input.8", "level.2"),
        ("input.11", "level.3"),
    ]


def test_a_factor_is_the_product_of_all_entries_that_name_a_layer():
    found = factors(SD15, "input.0-2: 0.5, middle: 0.9\noutput: 0.8, level.3: 0")
    assert found["input.0"] == found["input.2"] == pytest.approx(0.4)
    assert found["input.3"] == pytest.approx(0.8) and found["input.10"] == 0 and found["middle"] == 0.9


def test_soft_weights_of_sd15_are_those_of_the_webui():
    found = factors(SD15, "", preset="favour_prompt")
    assert list(found.values()) == pytest.approx([0.825 ** (12 - i) for i in range(13)])


@pytest.mark.parametrize("preset", ["favour_prompt", "favour_control"])
@pytest.mark.parametrize(
    ("residuals", "distances"),
    [
        (SD15, [12 - i for i in range(13)]),
        (SDXL, [9 - i for i in range(10)]),
        (T2I, [3, 2, 1, 0]),
        (T2I_SDXL, [3, 2, 1, 0]),
        (FLUX, [12 * i / 56 for i in range(57)]),
        (SD3, [12 * i / 23 for i in range(24)]),
    ],
    ids=["SD1.5", "SDXL", "T2I-Adapter", "T2I-Adapter SDXL", "Flux", "SD3"],
)
def test_saved_graphs_keep_the_factors_of_the_first_release(residuals, distances, preset):
    assert list(factors(residuals, "", preset=preset).values()) == [0.825**distance for distance in distances]
    made = make_layer_weights(preset, 0.825, "")
    assert (made.conditional, made.unconditional) == (1.0, 0.0 if preset == "favour_control" else 1.0)


@pytest.mark.parametrize("residuals", [SDXL, T2I, FLUX, SD3])
def test_soft_weights_rise_to_one_at_the_layer_that_settles_the_layout(residuals):
    values = list(factors(residuals, "", preset="favour_prompt").values())
    assert max(values) == 1.0 and min(values) >= 0.825**12 - 1e-9
    assert values in (sorted(values), sorted(values, reverse=True))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("inputs.3: 0.5", 'no network has a layer "inputs.3"'),
        ("middle.2: 1", 'no network has a layer "middle.2"'),
        ("input.0-2", "is not an entry"),
        ("input.0: loud", '"loud"'),
        ("input.0: 11", "outside 0 to 10"),
        ("input.0: nan", "outside 0 to 10"),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_with_the_names_there_are(text, words):
    with pytest.raises(ValueError, match="Layer weights") as error:
        LayerWeights.from_text(text)
    assert words in str(error.value)
    if "network" in words:
        assert "input, middle, output, level, double, single, block" in str(error.value)


@pytest.mark.parametrize(("residuals", "text"), [(SD15, "input.12: 1"), (SD15, "double: 1"), (FLUX, "middle: 1")])
def test_a_layer_that_this_net_does_not_have_is_refused_with_its_list(residuals, text):
    with pytest.raises(ValueError, match="which it does not have. It has (input.0 to input.11|double.0)"):
        factors(residuals, text)


def test_unknown_presets_and_broken_ratios_are_refused():
    with pytest.raises(ValueError, match='"loud" is not one of none, favour_prompt'):
        make_layer_weights("loud", 0.8, "")
    for ratio in (-0.1, 1.1, math.nan):
        with pytest.raises(ValueError, match="ratio"):
            make_layer_weights("favour_prompt", ratio, "")


def test_the_presets_of_the_first_release_keep_their_places():
    assert list(PRESETS)[:4] == ["none", "favour_prompt", "favour_control", "conditional_only"]


def test_the_link_applies_the_factor_of_each_layer():
    made = link(layer_weights=LayerWeights.from_text("input.0: 0.5, level.3: 0.25"), weight=0.8)
    out = call(made)
    assert out["output"][0].unique().item() == pytest.approx(0.4)
    assert out["output"][1].unique().item() == pytest.approx(0.8)
    assert out["output"][11].unique().item() == pytest.approx(0.2) and out["middle"][
        0
    ].unique().item() == pytest.approx(0.8)


def test_the_link_names_the_signal_when_a_layer_is_missing():
    with pytest.raises(ValueError, match='Signal 1: its layer weights name "single", which'):
        call(link(layer_weights=LayerWeights.from_text("single: 0")))


def test_tokens_take_factors_by_block():
    out = call(link(tokens=True, layer_weights=LayerWeights.from_text("double.1: 0.5, single: 0")))
    assert [float(one.mean()) for one in out["input"]] == [1, 0.5, 1]
    assert [float(one.mean()) for one in out["output"]] == [0, 0]


def test_the_halves_of_the_guidance_have_factors_of_their_own():
    made = link(layer_weights=make_layer_weights("none", 0.825, "", conditional=0.5, unconditional=0.25))
    first, second = call(made, halves=(1, 0))["output"][0][:, 0, 0, 0].tolist()
    assert (first, second) == (0.25, 0.5)


@pytest.mark.parametrize("halves", [(1, 0), (0, 1)])
def test_a_half_with_factor_zero_is_exactly_zero_and_is_not_computed(halves):
    made = link(layer_weights=make_layer_weights("conditional_only", 0.825, ""))
    out = call(made, pictures=3, halves=halves)
    ran = halves.index(0)
    for one in (*out["output"], *out["middle"]):
        parts = one.chunk(2)
        assert parts[ran].min() == 1 and parts[1 - ran].abs().max() == 0
    (run,) = seen(made)
    assert (run["batch"], run["chunks"], run["cond"]) == (3, 1, {"c_crossattn": 3, "y": 3})
    assert call(made, halves=(1,)) is None and len(seen(made)) == 1
