"""Every extra under every guider: what follows the prompt and what the negative prompt is known, not guessed."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import comfy.patcher_extension as extension
import comfy.samplers
import pytest
import torch
from armature_pack.models.control.savings import Savings
from armature_pack.models.guidance.layer_weights import LayerWeights
from armature_pack.models.guidance.roles import CONDITIONAL, UNCONDITIONAL, chunk_roles
from armature_pack.tests.latest import latest
from guiding import (
    ALL,
    EQUAL_TO_CFG,
    EXTRAS,
    cfg,
    distance,
    plain,
    sag,
    with_control,
    with_host_control,
    with_ip_adapter,
)

EXACT = (
    1e-4  # the host runs the prompts in other batches, where a convolution may round otherwise; faults were 0.06 to 0.7
)


@pytest.fixture(scope="module")
def by_cfg() -> dict[str, torch.Tensor]:
    """The latent of each extra under plain CFG, and without any."""
    made = {name: extra(plain()).sample(cfg) for name, extra in EXTRAS.items()}
    return {"": plain().sample(cfg), **made}


@pytest.mark.parametrize("extra", EXTRAS)
@pytest.mark.parametrize("guider", EQUAL_TO_CFG)
def test_a_guider_that_is_cfg_by_algebra_gives_what_cfg_gives(guider, extra, by_cfg):
    made = EXTRAS[extra](plain()).sample(EQUAL_TO_CFG[guider])
    assert distance(made, by_cfg[extra]) < EXACT
    assert distance(by_cfg[extra], by_cfg[""]) > 0.01  # or it would say nothing


@latest(len(ALL))
def on_the_prompt_alone(guider: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The latent of the host's control on the positive conditioning, and without any."""
    host = with_host_control(plain(), positive=True, negative=False)
    return host.sample(ALL[guider]), plain().sample(ALL[guider])


@pytest.mark.parametrize("guider", ALL)
@pytest.mark.parametrize("by", ["savings", "layer weights"])
def test_control_on_the_prompt_alone_is_the_hosts_control_on_the_positive_conditioning(guider, by):
    """An oracle under guiders that algebra says nothing of: the host itself leaves a conditioning without control alone."""
    if by == "savings":
        ours = with_control(plain(), Savings(conditional_only=True))
    else:
        ours = with_control(plain(), layer_weights=LayerWeights(unconditional=0.0))
    wanted, without = on_the_prompt_alone(guider)
    assert distance(ours.sample(ALL[guider]), wanted) < EXACT
    assert distance(wanted, without) > 0.01


def test_control_on_the_negative_prompt_alone():
    ours = with_control(plain(), layer_weights=LayerWeights(conditional=0.0))
    host = with_host_control(plain(), positive=False, negative=True)
    for name in ("cfg", "dual_cfg", "perp_neg", "other_pack", "sag"):
        assert distance(ours.sample(ALL[name]), host.sample(ALL[name])) < EXACT


def test_self_attention_guidance_runs_its_negative_prompt_as_one():
    """Against a node that puts the negative prompt of its single call into the place that it has in CFG."""
    run = with_ip_adapter(plain())
    assert distance(run.sample(sag), replace(run, model=_told_apart(run.model)).sample(sag)) < EXACT


def _told_apart(model: Any) -> Any:
    clone, negative = model.clone(), set()

    def wrap(executor, base, conds, x, t, options):
        if len(conds) == 2 and conds[1] is not None:
            negative.update(one["uuid"] for one in conds[1])
        if len(conds) == 1 and conds[0][0]["uuid"] in negative:
            return executor(base, [None, *conds], x, t, options)[1:]
        return executor(base, conds, x, t, options)

    kind = extension.WrappersMP.CALC_COND_BATCH
    extension.add_wrapper_with_key(kind, "reference", wrap, clone.model_options, is_model_options=True)
    return clone


# Roles ------------------------------------------------------------------------------------------------------------


class Nameless(comfy.samplers.CFGGuider):
    """A guider whose names say nothing, and which runs its second prompt first."""

    def predict_noise(self, x, timestep, model_options=None, seed=None):
        second, first = comfy.samplers.calc_cond_batch(
            self.inner_model, [self.conds["b"], self.conds["a"]], x, timestep, model_options or {}
        )
        return comfy.samplers.cfg_function(
            self.inner_model, first, second, self.cfg, x, timestep, model_options=model_options
        )


def nameless(run: Any) -> Any:
    guider = Nameless(run.model)
    guider.inner_set_conds({"a": run.positive, "b": run.negative})
    guider.set_cfg(run.cfg)
    return guider


def test_where_a_role_cannot_be_told_it_is_said_once_by_name_and_all_follow_the_prompt(caplog):
    run = with_control(plain(), layer_weights=LayerWeights(conditional=1.0, unconditional=0.0))
    made = run.sample(nameless)
    told = [record.getMessage() for record in caplog.records if "Nameless" in record.getMessage()]
    assert len(told) == 1 and "Control signal 1 of 1" in told[0]
    assert distance(made, with_host_control(plain()).sample(nameless)) < EXACT
    caplog.clear()
    with_ip_adapter(plain()).sample(nameless)
    assert sum("Nameless" in record.getMessage() for record in caplog.records) == 1
    caplog.clear()
    with_control(plain()).sample(nameless)  # nothing here depends on the role
    assert "Nameless" not in caplog.text


def test_without_a_guider_the_numbers_mean_what_they_are_called():
    assert chunk_roles({"cond_or_uncond": [1, 0]}, 2) == ((UNCONDITIONAL, CONDITIONAL), "")
    assert chunk_roles({}, 2) == ((CONDITIONAL, CONDITIONAL), "")


def test_conditionings_in_areas_keep_their_roles():
    """The host copies a conditioning with an area into the other list, and leaves it its uuid."""
    base = plain()
    area = {"area": (8, 4, 0, 0), "strength": 1.0}
    positive = [*base.positive, [base.positive[0][0] * 0.5, {**base.positive[0][1], **area}]]
    run = replace(base, positive=positive)
    for extra in ("halves", "ip_adapter", "conditional_only"):
        made = EXTRAS[extra](run)
        assert distance(made.sample(EQUAL_TO_CFG["dual_cfg"]), made.sample(cfg)) < EXACT
