"""Image prompts beside nodes that repeat the rows of a cross-attention's queries, as those for regional prompts do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from armature_pack.models.guidance.layer_weights import LayerWeights
from armature_pack.models.guidance.roles import CONDITIONAL, UNCONDITIONAL
from armature_pack.models.ip_adapter.query_rows import traced
from guiding import cfg, distance, dual_cfg, half_mask, plain, with_ip_adapter
from ip_adapter_recipes import picture
from other_nodes import attention_couple, shuffling

EXACT = 1e-4


def first_list(options: Any, number: int) -> bool:
    """The prompt's chunk under CFG."""
    return options["cond_or_uncond"][number] == 0


def coupled(run: Any, regions: int) -> Any:
    """One text for all regions: nothing may change by it."""
    return replace(run, model=attention_couple(run.model, [run.positive[0][0]] * regions, first_list))


SETTINGS: dict[str, dict[str, Any]] = {
    "plain": {},
    "mask": {"mask": half_mask()},
    "halves": {"layer_weights": LayerWeights(conditional=1.0, unconditional=0.25)},
    "picture for each": {"image": picture(count=2), "combine": "per picture", "pictures": 2},
    "keys and values": {"embeds_scaling": "K+V"},
}


@pytest.mark.parametrize(("regions", "scale"), [(2, 1.0), (3, 2.0)])
@pytest.mark.parametrize("name", SETTINGS)
def test_one_text_for_all_regions_changes_nothing(name, regions, scale):
    settings = dict(SETTINGS[name])
    run = replace(plain(), cfg=scale, pictures=settings.pop("pictures", 1))
    alone = with_ip_adapter(run, **settings)
    wanted = alone.sample(cfg)
    assert distance(wanted, run.sample(cfg)) > 0.01
    adapter_first, couple_first = coupled(alone, regions), with_ip_adapter(coupled(run, regions), **settings)
    assert distance(adapter_first.sample(cfg), wanted) < EXACT
    assert distance(couple_first.sample(cfg), wanted) < EXACT


def test_regions_with_texts_of_their_own_keep_the_negative_prompt_apart():
    """Other texts in the regions: the picture still acts on the prompt's rows and not on the negative prompt's."""
    run = replace(plain(), steps=2, cfg=2.0)
    texts = [run.positive[0][0], run.positive[0][0].flip(1) * 0.7]
    only_prompt = {"layer_weights": LayerWeights(conditional=1.0, unconditional=0.0)}

    def sampled(first: Any, second: Any) -> torch.Tensor:
        made = with_ip_adapter(run, **only_prompt)
        return replace(made, model=attention_couple(made.model, [first, second], first_list)).sample(cfg)

    swapped = sampled(texts[1], texts[0])
    assert distance(sampled(*texts), swapped) > 0.001  # the regions do differ
    both = with_ip_adapter(run)
    coupled_both = replace(both, model=attention_couple(both.model, texts, first_list))
    assert distance(coupled_both.sample(cfg), sampled(*texts)) > 0.001


def test_rows_that_cannot_be_told_are_one_error_that_names_the_other_patch():
    run = with_ip_adapter(replace(plain(), steps=1))
    with pytest.raises(ValueError, match=r"IP-Adapter.*from 2 to 4 .*other_nodes"):
        replace(run, model=shuffling(run.model)).sample(cfg)
    replace(run, model=shuffling(plain().model)).sample(cfg)  # without pictures it is none of our business


def test_rows_are_traced_by_what_is_in_them():
    query, text, other = torch.randn(2, 32, 4), torch.randn(2, 5, 3), torch.randn(1, 5, 3)
    same = query[:1].expand(2, -1, -1)  # before the first text is read
    labels = ((UNCONDITIONAL, 0), (CONDITIONAL, 0))
    new_text = torch.cat((text[:1], other, other))
    assert traced(query, text, query[[0, 1, 1]], new_text, labels) == ((0, 1, 1), True)
    assert traced(same, text, same[[0, 0, 0]], new_text, labels) == ((0, 1, 1), False)
    assert traced(query, text, query[[0, 0, 1]], torch.cat((other, other, text[1:])), labels) == ((0, 0, 1), True)
    assert traced(query, text, query[[0, 1, 1]] + 1, text[[0, 1, 1]], labels) is None
    assert traced(query, text, query[[0, 1, 1]], torch.randn(3, 9, 3), labels) == ((0, 1, 1), True)
    alike = ((UNCONDITIONAL, 0), (UNCONDITIONAL, 0))
    assert traced(same, text, same[[0, 0, 0]], new_text, alike) == ((0, 0, 0), True)


def test_regions_of_the_negative_prompt_are_found_out():
    """Which cannot be told in the first layer: no picture is drawn with a wrong guess."""
    run = with_ip_adapter(replace(plain(), steps=1))
    texts = [run.negative[0][0] * 0.5, run.negative[0][0] * 0.7]
    wrong = attention_couple(run.model, texts, lambda options, number: options["cond_or_uncond"][number] == 1)
    with pytest.raises(ValueError, match="IP-Adapter.*other_nodes"):
        replace(run, model=wrong).sample(cfg)


def test_under_another_guider():
    """Where the couple asks for the first list, under Dual CFG that is the negative prompt's: still nothing changes."""
    run = with_ip_adapter(replace(plain(), steps=2))
    negative = replace(run, model=attention_couple(run.model, [run.negative[0][0]] * 2, first_list))
    assert distance(negative.sample(dual_cfg), run.sample(dual_cfg)) < EXACT
