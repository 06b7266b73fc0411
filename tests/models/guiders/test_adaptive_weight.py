"""A weight that corrects itself while sampling: what it sees and does, and that it does nothing where it may not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import comfy.model_management
import comfy.sd
import comfy.utils
import pytest
import torch
from armature_pack.models.control.adaptation import Adaptation, Adapted, Regulator
from armature_pack.models.control.adaptive_weight import AdaptiveWeight
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.preprocessors.images.tags import tag
from armature_pack.tests.broken_off import check_breaks_leave_nothing
from armature_pack.tests.generated.vae import Taesd
from armature_pack.tests.latest import latest
from guiding import EQUAL_TO_CFG, Run, basic, cfg, control_net, plain, with_control

Settings = dict[str, Any]
BOLD: Settings = {"adherence": 1.0, "every": 2, "highest": 4.0, "proportional": 2.0, "start": 0.0}


@latest(1)
def vae_of(path: Any) -> Any:
    return comfy.sd.VAE(sd=comfy.utils.load_torch_file(str(path)))


@pytest.fixture
def vae(generated: Callable[[str], Any]) -> Any:
    return vae_of(generated("vae_taesd"))


def edges(kind: str = "canny", size: tuple[int, int] = (64, 64)) -> torch.Tensor:
    """A map [1,H,W,3]: the outline of a square."""
    made = torch.zeros(1, *size, 3)
    made[:, 16:48, 16:48] = 1
    made[:, 17:47, 17:47] = 0
    return tag(made, kind)


def run_with(adaptation: Adaptation | None, **how: Any) -> Run:
    run = replace(plain(), steps=6, **how)
    return with_control(run, image=edges(), weight=0.5, adaptation=adaptation)


def only(adaptation: Adaptation) -> Adapted:
    (adapted,) = adaptation.log.kept.values()
    return adapted


def test_the_rule_is_proportional_and_integral_and_soon_forgets_what_no_weight_could_make_good(vae):
    rule = Regulator(Adaptation(vae, 0.8, lowest=0.5, highest=1.5, proportional=0.5, integral=0.25))
    rule.saw(0.6)
    assert rule.factor == pytest.approx(1 + 0.5 * 0.2 + 0.25 * 0.2)
    rule.saw(0.7)
    assert rule.factor == pytest.approx(1 + 0.5 * 0.1 + 0.25 * 0.3)
    for _ in range(50):
        rule.saw(0.0)
    assert rule.factor == 1.5
    for _ in range(11):
        rule.saw(1.0)
    assert rule.factor < 1.0, "fifty lacks would take as many to undo, were they summed up"


def test_what_is_predicted_is_looked_at_and_the_steps_behind_it_have_the_weight_of_the_rule(vae):
    adaptation = Adaptation(vae, **BOLD)
    made = run_with(adaptation).sample(cfg)
    adapted = only(adaptation)
    assert [step for step, _ in adapted.looks] == [1, 3] and len(adapted.steps) == 6, "nothing follows the last"
    rule, wanted = Regulator(adaptation), []
    for step in adapted.steps:
        wanted.append(0.5 * rule.factor)
        if step.adherence is not None:
            rule.saw(step.adherence)
    assert [step.weight for step in adapted.steps] == pytest.approx(wanted) and wanted[0] == wanted[1] == 0.5 < wanted[
        2
    ]
    assert not torch.equal(made, run_with(None).sample(cfg))


@pytest.mark.parametrize("sampler", ["euler", "euler_ancestral", "heun"])
def test_within_limits_of_one_the_picture_is_that_of_the_constant_weight_bit_for_bit(vae, sampler):
    adaptation = Adaptation(vae, every=1, lowest=1.0, highest=1.0, start=0.0)
    assert torch.equal(run_with(adaptation, sampler=sampler).sample(cfg), run_with(None, sampler=sampler).sample(cfg))
    assert len(only(adaptation).looks) == 5, "it looked all the same"


@pytest.mark.parametrize("pictures", [1, 2])
def test_each_sampling_begins_anew(vae, pictures):
    adaptation = Adaptation(vae, **BOLD)
    run = run_with(adaptation, pictures=pictures)
    first, seen = run.sample(cfg), only(adaptation)
    again, seen_again = run.sample(cfg), only(adaptation)
    assert torch.equal(first, again) and seen == seen_again
    replace(run, steps=3).sample(cfg)  # a second sampler on the same conditionings
    assert torch.equal(run.sample(cfg), first)
    if pictures == 1:
        check_breaks_leave_nothing(lambda: replace(run, steps=3).sample(cfg))


@pytest.mark.parametrize("guide", ["basic", *EQUAL_TO_CFG])
def test_under_every_guider(vae, guide):
    adaptation = Adaptation(vae, **BOLD)
    run_with(adaptation).sample({"basic": basic, **EQUAL_TO_CFG}[guide])
    assert len(only(adaptation).looks) == 2 and len({step.weight for step in only(adaptation).steps}) == 3


def test_it_looks_where_it_shall_and_where_the_signal_acts_alone(vae):
    late, short = Adaptation(vae, every=1, start=0.5), Adaptation(vae, every=1, start=0.0)
    run_with(late).sample(cfg)
    assert [step for step, _ in only(late).looks] == [3, 4]
    run = replace(plain(), steps=6)
    with_control(run, image=edges(), range_of="steps", end=0.5, adaptation=short).sample(cfg)
    assert [step for step, _ in only(short).looks] == [0, 1, 2]


def test_two_signals_that_share_an_adaptation_have_a_weight_each(vae):
    adaptation, run = Adaptation(vae, **BOLD), replace(plain(), steps=4)
    first = ControlSignal(control_net(), edges(), 0.5, adaptation=adaptation)
    second = ControlSignal(control_net(), tag(edges().flip(1)[:, :40], "canny"), 0.25, adaptation=adaptation)
    both = apply_stack(run.positive, run.negative, ControlStack((first, second)))
    replace(run, positive=both.positive, negative=both.negative).sample(cfg)
    one, other = adaptation.log.kept.values()
    assert one.label != other.label and (one.steps[0].weight, other.steps[0].weight) == (0.5, 0.25)
    assert one.looks[0] != other.looks[0]


class PushesOut:
    """A VAE that takes the memory of everything else, as a large one does on a small device."""

    def __init__(self, vae: Any) -> None:
        self.vae = vae

    def decode(self, latent: torch.Tensor) -> torch.Tensor:
        comfy.model_management.unload_all_models()
        return self.vae.decode(latent)


def test_what_the_decoding_pushes_out_is_loaded_again(vae):
    plainly, pushing = Adaptation(vae, **BOLD), Adaptation(PushesOut(vae), **BOLD)
    expected = run_with(plainly).sample(cfg)
    run = run_with(pushing)
    assert torch.equal(run.sample(cfg), expected) and only(pushing) == only(plainly)
    assert any(one.is_clone(run.model) for one in comfy.model_management.loaded_models())


def test_a_map_that_cannot_be_looked_for_is_told_and_keeps_its_weight(vae):
    adaptation, run = Adaptation(vae, **BOLD), plain()
    poses = {"image": edges("openpose"), "weight": 0.5}
    stack = ControlStack((ControlSignal(control_net(), **poses, adaptation=adaptation),))
    (told,) = [line for line in apply_stack(run.positive, run.negative, stack).report if "correct itself" in line]
    assert told.startswith("Warning") and "its weight will not correct itself" in told and "key points" in told
    kept = with_control(run, **poses, adaptation=adaptation).sample(cfg)
    assert torch.equal(kept, with_control(run, **poses).sample(cfg)) and not adaptation.log.kept


@pytest.mark.parametrize("latent", [(1, 16, 3, 8, 8), (1, 1, 64)])
def test_clips_and_sound_are_told_and_keep_the_weight(vae, latent, caplog):
    adaptation = Adaptation(vae, every=1, start=0.0)
    weight = AdaptiveWeight(adaptation, ControlSignal(control_net(), edges(), adaptation=adaptation), "Signal 1")
    weight.reset(lambda share: 1 - share)
    weight.begin(torch.tensor([1.0, 0.5, 0.0]), None)
    for _ in range(2):
        weight.acts(0.8)
        weight.saw(torch.zeros(latent))
    weight.finish()
    assert "Signal 1: its weight did not correct itself: it looks at pictures" in caplog.text
    assert weight.factor == 1.0 and not only(adaptation).looks


def test_what_cannot_be_is_refused(vae):
    with pytest.raises(ValueError, match="input vae: a VAE is wanted, not str"):
        Adaptation("vae")
    with pytest.raises(ValueError, match="input lowest: 0.0 lies outside 0.05 to 1"):
        Adaptation(vae, lowest=0.0)
    other = comfy.sd.VAE(sd=Taesd("SD3", "float16").build(1))
    with pytest.raises(ValueError, match="reads latents of 16 channels, and this model makes some of 4"):
        run_with(Adaptation(other, every=1, start=0.0)).sample(cfg)
