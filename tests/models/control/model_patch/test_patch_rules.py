"""What a control that is a model patch goes together with: models, prompts, areas, savings; and what is left of it after."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import comfy.ldm.lumina.controlnet
import comfy.ldm.modules.attention as attention
import comfy.model_management
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.model_patch.net import model_patch_net
from armature_pack.models.control.savings import NONE, Savings
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.curve import Curve
from armature_pack.models.host import host_nodes
from armature_pack.tests.models.control.sampling import picture
from comfy_api.torch_helpers import set_torch_compile_wrapper
from comfy_extras import nodes_model_patch
from comfy_extras.nodes_torch_compile import skip_torch_compile_dict
from small_transformers import CASES, OPERATIONS, Case, as_patch, lllite, model, model_patch, prompt, sampled, uni3c
from test_model_patch_net import by_host, plain, signal, stacked

FACTORY: dict[str, Any] = {"device": "cpu", "dtype": torch.float32, "operations": OPERATIONS}
KINDS = ("qwen", "z_image", "anima", "uni3c")


def network(name: str, width: int) -> Any:
    """The network of a patch for a model of another width."""
    if name == "qwen":
        return nodes_model_patch.QwenImageBlockWiseControlNet(num_layers=3, dim=width, **FACTORY)
    if name == "anima":
        return lllite(width=width)
    if name == "uni3c":
        return uni3c(width)
    return comfy.ldm.lumina.controlnet.ZImage_Control(dim=width, n_heads=4, n_kv_heads=4, n_control_layers=6, **FACTORY)


def applied_to(case: Case, patch: Any, **options: Any) -> torch.Tensor:
    stack = ControlStack((ControlSignal(patch, case.image(3), weight=0.7),))
    applied = apply_stack(prompt(case.family, 1), prompt(case.family, 2), stack, vae=case.vae, **options)
    return sampled(model(case.family), applied.positive, applied.negative, case.shape())


# The model ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_a_model_of_another_size_is_an_error_that_names_both(name):
    case = CASES[name]
    width = {"qwen": 64, "z_image": 256, "anima": 64, "uni3c": 48}[name]
    other = as_patch(network(name, width * 2))
    with pytest.raises(ValueError, match=f"is {width} wide. Load the model") as error:
        applied_to(case, other, guard="warn")
    assert f"that is {width * 2} wide" in str(error.value)
    with pytest.raises(ValueError, match=f"is {width} wide"):  # with the host's own node too
        conds = (
            host_nodes()
            .ControlNetApplyAdvanced()
            .apply_controlnet(
                prompt(case.family, 1),
                prompt(case.family, 2),
                model_patch_net(other),
                case.image(3),
                1.0,
                0.0,
                1.0,
                case.vae,
            )
        )
        sampled(model(case.family), *conds, case.shape())


@pytest.mark.parametrize(
    ("name", "base", "words"), [("anima", "uni3c", "Anima.*Wan"), ("uni3c", "anima", "Wan.*Anima")]
)
def test_a_model_of_another_family_is_an_error_and_under_guard_warn_left_out(name, base, words):
    case, other = CASES[name], CASES[base]
    with pytest.raises(ValueError, match=words):
        applied_to(other, model_patch(case.patch))
    assert torch.equal(applied_to(other, model_patch(case.patch), guard="warn"), plain(other, other.shape()))


@pytest.mark.parametrize("name", KINDS)
def test_a_patch_that_adds_nothing_is_told(name, caplog):
    case = CASES[name]
    width = {"qwen": 64, "z_image": 256, "anima": 64, "uni3c": 48}[name]
    empty = as_patch(network(name, width))
    for parameter in empty.model.parameters():
        parameter.zero_()
    with pytest.raises(ValueError, match="nothing but zeros"):
        applied_to(case, empty)
    assert torch.equal(applied_to(case, empty, guard="warn"), plain(case, case.shape()))
    assert "nothing but zeros" in caplog.text


def test_one_that_acts_on_the_feed_forward_layers_alone_is_not_called_silent():
    case = CASES["anima"]
    lone = as_patch(lllite(targets=("mlp_layer1",)))
    assert not torch.equal(applied_to(case, lone), plain(case, case.shape()))


# Prompts and areas ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_one_of_two_prompts_alone(name):
    """At cfg 1 and in one step the result of two prompts is the mean of their own."""
    case = CASES[name]
    controlled, negative = stacked(case, signal(case, case.image(3), weight=0.7))
    free = prompt(case.family, 4)

    def run(positive: Any) -> torch.Tensor:
        return sampled(model(case.family), positive, negative, case.shape(), steps=1, cfg=1.0)

    assert torch.allclose(run([*controlled, *free]), (run(controlled) + run(free)) / 2, atol=1e-4)
    assert not torch.allclose(run(controlled), run(prompt(case.family, 1)), atol=1e-2)


@pytest.mark.parametrize("name", KINDS)
def test_an_area_equals_the_hosts_and_each_size_is_encoded_once(name):
    case = CASES[name]
    image, vae = case.image(3), case.vae
    part = host_nodes().ConditioningSetArea().append(prompt(case.family, 4), 32, 64, 0, 0, 1.0)[0]

    def run(base: Any, positive: Any, negative: Any) -> torch.Tensor:
        return sampled(base, positive, negative, case.shape(), steps=3)

    stack = ControlStack((signal(case, image, weight=0.7),))
    positive = [*prompt(case.family, 1), *part]
    applied = apply_stack(positive, prompt(case.family, 2), stack, vae=vae)
    ours = run(model(case.family), applied.positive, applied.negative)
    assert torch.equal(ours, run(by_host(case, image, 0.7), positive, prompt(case.family, 2)))
    assert vae.calls == (0 if name == "anima" else 2)
    assert any("the whole control image into the area" in line for line in applied.report)


def test_a_map_for_each_picture_is_encoded_once_however_the_prompts_are_batched():
    """Texts of two lengths run in batches of two and of one prompt."""
    case = CASES["qwen"]
    batch, vae = picture(6, 64, 64, batch=3), case.vae
    long = [[torch.randn(1, 9, 32, generator=torch.Generator().manual_seed(4)), {}]]
    stack = ControlStack((signal(case, batch, weight=0.7),))
    applied = apply_stack([*prompt("qwen_image", 1), *long], prompt("qwen_image", 2), stack, vae=vae)
    each = sampled(model("qwen_image"), applied.positive, applied.negative, case.shape(3))
    assert vae.calls == 1
    for number in range(3):
        alone = ControlStack((signal(case, batch[number : number + 1], weight=0.7),))
        lone = apply_stack([*prompt("qwen_image", 1), *long], prompt("qwen_image", 2), alone, vae=vae)
        result = sampled(model("qwen_image"), lone.positive, lone.negative, case.shape(3))
        assert torch.allclose(each[number], result[number], atol=1e-4)


# Stacks and savings ---------------------------------------------------------------------------------------------------


def test_two_kinds_share_a_budget():
    case, other = CASES["z_image"], CASES["z_image_refiner"]
    image = case.image(3)
    ours = stacked(case, signal(case, image), signal(other, image), balance="normalize", budget=1.0)
    host = by_host(other, image, 0.5, by_host(case, image, 0.5))
    assert torch.equal(sampled(model("z_image"), *ours, case.shape()), plain(case, case.shape(), host))


@pytest.mark.parametrize("name", KINDS)
def test_savings_act_where_they_can_and_say_where_not(name):
    case = CASES[name]
    image = case.image(3)

    def run(savings: Savings = NONE, **settings: Any) -> tuple[torch.Tensor, str]:
        stack = ControlStack((signal(case, image, weight=0.7, **settings),))
        applied = apply_stack(prompt(case.family, 1), prompt(case.family, 2), stack, vae=case.vae, savings=savings)
        return sampled(model(case.family), applied.positive, applied.negative, case.shape(), steps=3), "\n".join(
            applied.report
        )

    full, told = run()
    assert "computed in every step" not in told
    every, told = run(Savings(every=2))
    assert torch.equal(every, full) and "computed in every step" in told
    assert torch.equal(run(Savings(until=0.5))[0], run(end=0.5)[0])
    prompt_alone, told = run(Savings(conditional_only=True))
    positive, _ = stacked(case, signal(case, image, weight=0.7))
    apart = sampled(model(case.family), positive, prompt(case.family, 2), case.shape(), steps=3)
    assert torch.allclose(prompt_alone, apart, atol=1e-4) and "saves no time" in told
    assert not torch.allclose(prompt_alone, full, atol=1e-2)


@pytest.mark.parametrize("name", KINDS)
def test_where_the_mask_is_zero_nothing_is_added(name):
    """The link itself, as a stack leaves such a signal out."""
    case = CASES[name]
    net = model_patch_net(model_patch(case.patch))
    net.mask = torch.zeros(1, 8, 8)
    conds = (
        host_nodes()
        .ControlNetApplyAdvanced()
        .apply_controlnet(prompt(case.family, 1), prompt(case.family, 2), net, case.image(3), 0.7, 0.0, 1.0, case.vae)
    )
    assert torch.equal(sampled(model(case.family), *conds, case.shape()), plain(case, case.shape()))


# Memory, interrupts, compiling ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("interrupted", [False, True])
def test_nothing_is_left_of_a_sampling(name, interrupted):
    case = CASES[name]
    vae, held = case.vae, []
    stack = ControlStack((signal(case, case.image(3), weight=0.7),))
    applied = apply_stack(prompt(case.family, 1), prompt(case.family, 2), stack, vae=vae)
    link = applied.positive[0][1]["control"]
    assert model_patch(case.patch) in link.get_models()

    def look(*_: Any) -> None:
        patches = next(iter(link.inner.made.values()))
        held.extend(weakref.ref(patch) for patch in patches.values())
        comfy.model_management.interrupt_current_processing(interrupted)

    def run(callback: Any = None) -> torch.Tensor:
        return sampled(model(case.family), applied.positive, applied.negative, case.shape(), steps=3, callback=callback)

    expected = run()
    assert vae.calls == (0 if name == "anima" else 1)
    if interrupted:
        with pytest.raises(comfy.model_management.InterruptProcessingException):
            run(look)
        comfy.model_management.interrupt_current_processing(False)
    else:
        run(look)
        assert link.inner.made is None
    assert torch.equal(run(), expected)
    gc.collect()
    assert held and not any(one() for one in held)


def test_nothing_is_left_of_an_interrupt_under_the_hosts_node():
    """A link that stands in no signal of a stack."""
    case = CASES["qwen"]
    apply = host_nodes().ControlNetApplyAdvanced().apply_controlnet
    prompts, net = (prompt(case.family, 1), prompt(case.family, 2)), model_patch_net(model_patch(case.patch))
    conds = apply(*prompts, net, case.image(3), 0.7, 0.0, 1.0, case.vae)
    link = conds[0][0][1]["control"]

    def interrupt(*_: Any) -> None:
        assert link.made
        comfy.model_management.interrupt_current_processing(True)

    with pytest.raises(comfy.model_management.InterruptProcessingException):
        sampled(model(case.family), *conds, case.shape(), steps=3, callback=interrupt)
    comfy.model_management.interrupt_current_processing(False)
    assert link.made is None


@pytest.fixture
def _traceable_attention(monkeypatch: pytest.MonkeyPatch) -> None:
    """The CPU's default attention asks the system for free memory, so that nothing around it is compiled."""
    import comfy.ldm.qwen_image.model as qwen

    for module in (attention, qwen):
        monkeypatch.setattr(module, "optimized_attention_masked", attention.attention_pytorch)


@pytest.mark.usefixtures("_traceable_attention")
def test_compiled_as_not_compiled_whatever_came_before():
    torch._dynamo.reset()
    case = CASES["qwen"]
    image, compiled = case.image(3), model("qwen_image").clone()
    options: Any = {"guard_filter_fn": skip_torch_compile_dict}
    set_torch_compile_wrapper(model=compiled, backend="eager", options=options)
    mask = torch.zeros(1, 64, 64)
    mask[..., :32] = 1
    runs: list[list[ControlSignal]] = [
        [],
        [signal(case, image, weight=0.7, schedule=Curve.from_text("0:1, 1:0.2"))],
        [signal(case, image, weight=0.4, mask=mask), signal(case, case.image(4), weight=0.5, end=0.5)],
        [],
    ]
    seen = []
    for signals in runs:
        conds = stacked(case, *signals)
        expected = sampled(model("qwen_image"), *conds, case.shape(), steps=3)
        assert torch.allclose(sampled(compiled, *conds, case.shape(), steps=3), expected, atol=1e-4)
        seen.append(expected)
    assert not torch.allclose(seen[0], seen[1], atol=1e-2) and torch.equal(seen[0], seen[3])
    assert torch._dynamo.utils.counters["stats"]["unique_graphs"] > 0  # those without control ran compiled
    torch._dynamo.reset()
