"""The presets that follow another program: the factors are that program's, family by family, and they act on a picture."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.job_facts import stack_facts
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.layer_weights import LayerWeights, make_layer_weights
from comfy.controlnet import T2IAdapter
from comfy.t2i_adapter.adapter import Adapter

from .links import call, link, seen
from .sampling import picture
from .small import small_bench, small_control_net
from .test_layer_weights import FLUX, SD3, SD15, SDXL, T2I, T2I_SDXL, factors

MODES = ("my_prompt_is_more_important", "controlnet_is_more_important")
# The numbers of sd-webui-controlnet, fine to coarse, as scripts/hook.py multiplies them onto the residuals.
EXTENSION = [0.825 ** (12 - i) for i in range(13)]
SMALL = {"output": [torch.ones(1, 1, n, n) for n in (8, 8, 8, 4, 4)], "middle": [torch.ones(1, 1, 4, 4)]}  # of small.py
CASCADE: dict[str, list[torch.Tensor | None]] = {"input": [torch.ones(1, 1, 2, 2)] * 8}


def values(residuals: Any, preset: str, ratio: float = 0.825) -> list[float]:
    return list(factors(residuals, "", preset=preset, ratio=ratio).values())


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("residuals", "expected"),
    [
        (SD15, EXTENSION),
        (SDXL, EXTENSION[:10]),
        (T2I, [0.25, 0.62, 0.825, 1.0]),
        (T2I_SDXL, [0.25, 0.62, 0.825, 1.0]),
    ],
    ids=["SD1.5", "SDXL", "T2I-Adapter", "T2I-Adapter SDXL"],
)
def test_control_modes_have_the_factors_of_the_extension(residuals, expected, mode):
    assert values(residuals, mode) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("xl", [False, True], ids=["SD1.5", "SDXL"])
def test_features_of_the_hosts_own_adapters_get_theirs_from_fine_to_coarse(xl):
    network = Adapter(channels=[8, 16, 32, 32], nums_rb=2, cin=3 * (16 if xl else 8) ** 2, ksize=1, sk=True, xl=xl)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(1))
    network.requires_grad_(False)

    def features(preset: str) -> list[torch.Tensor]:
        net = T2IAdapter(network, network.input_channels, 8, "nearest-exact", torch.device("cpu"))
        weights = make_layer_weights(preset, 0.825, "")
        signal = ControlSignal(net, picture(3), weight=1.0, layer_weights=weights)
        chain = apply_stack([[torch.zeros(1), {}]], [], ControlStack((signal,))).positive[0][1]["control"]
        chain.pre_run(SimpleNamespace(diffusion_model=object()), lambda percent: 1000 * (1 - percent))
        found = call(chain, halves=(1, 0))
        return [one for one in (*found["input"][::-1], *found["middle"]) if one is not None]

    for mode, negative in zip(MODES, (1.0, 0.0), strict=True):
        for plain, soft, factor in zip(features("none"), features(mode), (0.25, 0.62, 0.825, 1.0), strict=True):
            first, second = soft.expand(2, -1, -1, -1)
            assert plain.abs().max() > 0 and torch.allclose(second, plain[-1] * factor, rtol=1e-6)
            assert torch.allclose(first, plain[0] * factor * negative, rtol=1e-6)


def test_the_middle_of_sdxl_is_what_the_extension_leaves_of_it():
    assert values(SDXL, MODES[0])[-1] == pytest.approx(0.5615, abs=1e-4)
    ours, theirs = values(SDXL, "favour_prompt"), values(SDXL, MODES[0])
    assert [one / other for one, other in zip(ours, theirs, strict=True)] == pytest.approx([1.7809] * 10, abs=1e-4)


@pytest.mark.parametrize("residuals", [FLUX, SD3, CASCADE], ids=["Flux", "SD3", "Cascade"])
def test_where_the_extension_has_no_list_its_modes_are_the_older_presets(residuals):
    assert values(residuals, MODES[0]) == values(residuals, "favour_prompt")


@pytest.mark.parametrize("residuals", [SD15, SDXL, T2I, T2I_SDXL, FLUX])
def test_the_ratio_makes_the_modes_softer_or_switches_them_off(residuals):
    assert values(residuals, MODES[0], ratio=1.0) == [1.0] * len(values(residuals, MODES[0]))
    softer = values(residuals, MODES[0], ratio=0.7)
    pairs = zip(softer, values(residuals, MODES[0]), strict=True)
    assert all(one < other or one == other == 1.0 for one, other in pairs)
    assert all(0.0 <= factor <= 1.0 for factor in values(residuals, MODES[0], ratio=0.0))


@pytest.mark.parametrize("ratio", [0.0, 0.825, 1.0])
@pytest.mark.parametrize("residuals", [SD15, SDXL, T2I])
def test_guess_mode_is_spaced_evenly_in_its_logarithm_and_has_no_ratio(residuals, ratio):
    found = values(residuals, "guess_mode", ratio)
    assert found == pytest.approx(torch.logspace(-1, 0, len(found)).tolist(), rel=1e-6)


def test_guess_mode_of_a_transformer_falls_from_the_first_block():
    found = values(FLUX, "guess_mode")
    assert found == pytest.approx(torch.logspace(0, -1, 57).tolist(), rel=1e-6)


def test_guess_mode_leaves_the_layers_of_a_pooling_net_alone():
    """As diffusers does for nets with global_pool_conditions (Shuffle)."""
    made = link(layer_weights=make_layer_weights("guess_mode", 0.825, "middle: 0.5"))
    made.inner.global_average_pooling = True
    out = call(made, halves=(0,))
    assert [float(one.mean()) for one in out["output"]] == [1.0] * 12 and float(out["middle"][0].mean()) == 0.5


@pytest.mark.parametrize("preset", ["controlnet_is_more_important", "guess_mode"])
def test_the_negative_half_is_left_without_control_and_costs_nothing(preset):
    made = link(layer_weights=make_layer_weights(preset, 0.825, ""))
    out = call(made, pictures=2, halves=(1, 0))
    for one in (*out["output"], *out["middle"]):
        negative, prompt = one.chunk(2)
        assert negative.abs().max() == 0 and prompt.min() > 0.09
    (run,) = seen(made)
    assert run["batch"] == 2


@pytest.mark.parametrize("preset", [*MODES, "guess_mode"])
def test_a_preset_in_a_sampling_is_its_factors_written_out(preset):
    """The same picture by the text and the factor of the half: the one way tests the other."""
    used = values(SMALL, preset)
    text = ", ".join(f"input.{i}: {factor!r}" for i, factor in enumerate(used[:-1])) + f", middle: {used[-1]!r}"
    half = 1.0 if preset == MODES[0] else 0.0
    by_preset = sampled(make_layer_weights(preset, 0.825, ""))
    assert torch.equal(by_preset, sampled(make_layer_weights("none", 0.825, text, unconditional=half)))
    unsoftened, uncontrolled = sampled(None), sampled(None, weight=0.0)
    change, effect = (by_preset - unsoftened).abs().max(), (unsoftened - uncontrolled).abs().max()
    assert change > 0.1 * effect and not torch.equal(by_preset, uncontrolled)


def sampled(weights: LayerWeights | None, weight: float = 1.0) -> torch.Tensor:
    bench = small_bench()
    signal = ControlSignal(small_control_net(), picture(3), weight=weight, layer_weights=weights)
    applied = apply_stack(bench.positive, bench.negative, ControlStack((signal,)))
    return bench.latent(applied.positive, applied.negative)


def test_a_record_names_the_rule_only_where_the_first_release_had_none():
    def recorded(preset: str) -> dict[str, Any]:
        weights = make_layer_weights(preset, 0.9, "")
        signal = ControlSignal(small_control_net(), picture(3), layer_weights=weights)
        (facts,) = stack_facts(ControlStack((signal,)), 64, 64)
        return facts["layer_weights"]

    assert recorded("favour_control") == {"entries": (), "soft": 0.9, "conditional": 1.0, "unconditional": 0.0}
    assert recorded("guess_mode")["rule"] == "guess_mode" and recorded("guess_mode")["soft"] is None
