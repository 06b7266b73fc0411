"""docs/controls.md says what a signal can do with each kind of control: every cell tried on small networks, yes and no."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.controlnet
import comfy.model_patcher
import comfy.sampler_helpers
import comfy.t2i_adapter.adapter
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.model_patch.kinds import KINDS
from armature_pack.models.control.model_patch.lllite import load_lllite
from armature_pack.models.control.model_patch.net import model_patch_net
from armature_pack.models.control.savings import NONE, Savings
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.curve import Curve
from armature_pack.models.guidance.frame_weights import FrameWeights
from armature_pack.models.guidance.layer_weights import LayerWeights
from armature_pack.tests.latest import latest
from armature_pack.tests.models.control.sampling import picture
from armature_pack.tests.models.control.small import small_bench, small_control_net
from armature_pack.tools.help.control_table import control_kinds
from small_transformers import CASES, Case, model, model_patch, prompt, sampled, seeded
from test_lllite import weights as lllite_weights

sys.path.append(str(Path(__file__).parents[2] / "controlnext"))

CONTROL_KINDS = control_kinds()
BOTH = 2  # pictures in a batch
PATCHES = {"qwen_blockwise": "qwen", "anima_lllite": "anima", "uni3c": "uni3c", "z_image_fun": "z_image"}
PAINTERS = {"qwen_blockwise": "qwen_inpaint", "anima_lllite": "anima_inpaint", "z_image_fun": "z_image_refiner"}


@dataclass(frozen=True, eq=False)
class Subject:
    """A control net with the model that it is for. run: (positive, negative, pictures) -> what two steps make of it."""

    net: Any
    positive: Any
    negative: Any
    run: Callable[[Any, Any, int], torch.Tensor]
    image: torch.Tensor
    vae: Any = None
    painter: Any = None

    def applied(self, savings: Savings = NONE, net: Any = None, image: Any = None, **settings: Any) -> Any:
        net, image = net or self.net, self.image if image is None else image
        signal = ControlSignal(net, image, **{"weight": 0.7, **settings})
        return apply_stack(self.positive, self.negative, ControlStack((signal,)), self.vae, savings=savings)

    def made(self, pictures: int = 1, **settings: Any) -> torch.Tensor:
        applied = self.applied(**settings)
        return self.run(applied.positive, applied.negative, pictures)

    def without(self, pictures: int = 1) -> torch.Tensor:
        return self.run(self.positive, self.negative, pictures)


def of_patch(layout: str) -> Subject:
    case = Case("flux2", "flux2") if layout == "flux2_fun" else CASES[PATCHES[layout]]
    painter = model_patch(case.patch) if layout == "flux2_fun" else None
    if layout in PAINTERS:
        painter = model_patch(PAINTERS[layout])

    def run(positive: Any, negative: Any, pictures: int) -> torch.Tensor:
        return sampled(model(case.family), positive, negative, case.shape(pictures))

    prompts = prompt(case.family, 1), prompt(case.family, 2)
    return Subject(model_patch(case.patch), *prompts, run, case.image(3), case.vae, painter)


def of_unet(kind: str) -> Subject:
    """For the host's UNet of SD 1.5 at a tenth of its width."""
    bench = small_bench()
    if kind == "controlnet":
        net: Any = small_control_net()
    elif kind == "t2i_adapter":
        adapter = comfy.t2i_adapter.adapter.Adapter_light(channels=[32, 64, 128, 128], nums_rb=1, cin=192)
        net = comfy.controlnet.T2IAdapter(seeded(adapter, 0.2), 3, 8, "nearest-exact", device=torch.device("cpu"))
    else:
        net = model_patch_net(load_lllite(lllite_weights(bench.model), "sd15"))

    def run(positive: Any, negative: Any, pictures: int) -> torch.Tensor:
        return bench.latent(positive, negative, pictures, steps=2)

    return Subject(net, bench.positive, bench.negative, run, picture(3))


def of_controlnext() -> Subject:
    """For the small UNet of its fixtures, which is as wide as its maps."""
    import controlnext_recipes as recipes

    cpu = torch.device("cpu")
    patcher = comfy.model_patcher.ModelPatcher(recipes.host_model("small_sd15"), cpu, cpu)

    def run(positive: Any, negative: Any, pictures: int) -> torch.Tensor:
        return recipes.sampled(patcher, positive, negative, pictures=pictures, size=(8, 8))

    return Subject(
        recipes.control("sd15_training"), recipes.prompt(1), recipes.prompt(2), run, recipes.image(1, 64, 64)
    )


@latest(len(CONTROL_KINDS))
def subject(kind: str) -> Subject:
    if kind == "controlnext":
        return of_controlnext()
    return of_unet(kind) if kind in ("controlnet", "t2i_adapter", "control_lllite") else of_patch(kind)


def halves() -> LayerWeights:
    return LayerWeights(unconditional=0.0)


def differs(one: torch.Tensor, *others: torch.Tensor) -> bool:
    return all(not torch.allclose(one, other, atol=1e-5) for other in others)


def layers_act(it: Subject, full: torch.Tensor) -> bool:
    try:
        return differs(it.made(layer_weights=LayerWeights(soft=0.5)), full)
    except ValueError as error:
        assert "weights per layer do not act" in str(error)
        return False


def clip_is_read(it: Subject, _: torch.Tensor) -> bool:
    """Whether more maps than pictures are drawn are taken, as the frames of one clip."""
    try:
        it.made(image=it.image[:1].repeat(9, 1, 1, 1))
    except ValueError as error:
        assert "9 control images came in" in str(error)
        return False
    return True


def masked(it: Subject, **more: Any) -> str:
    place = torch.zeros(1, *it.image.shape[1:3])
    place[:, 16:32, 16:32] = 1
    return it.applied(net=it.painter, inpaint_mask=place, **more).report[0]


def computed(it: Subject, savings: Savings) -> list[int]:
    """Pictures that the net itself looked at, call by call; for those that have a network of their own."""
    seen: list[int] = []
    network = getattr(it.net, "control_model", None)
    assert isinstance(network, torch.nn.Module)
    handle = network.register_forward_pre_hook(
        lambda _module, given, named: seen.append((given[0] if given else named["x"]).shape[0]),
        with_kwargs=True,
    )
    try:
        it.made(savings=savings)
    finally:
        handle.remove()
    return seen


PROBES: dict[str, Callable[[Subject, torch.Tensor], bool]] = {
    "layers": layers_act,
    "halves": lambda it, full: differs(it.made(layer_weights=halves()), full),
    "every": lambda it, full: differs(it.made(savings=Savings(every=2)), full),
    "conditional_only": lambda it, _: (
        hasattr(it.net, "control_model") and max(computed(it, Savings(conditional_only=True))) < max(computed(it, NONE))
    ),
    "clip": clip_is_read,
    "inpaint_mask": lambda it, _: "has no effect" not in masked(it),
    "inpaint_image": lambda it, _: "has no effect" not in masked(it, inpaint_image=picture(5, 64, 64)),
}


def test_the_table_has_a_row_for_each_kind():
    assert set(CONTROL_KINDS) == {"controlnet", "t2i_adapter", "controlnext", *(kind.layout for kind in KINDS)}


@pytest.mark.parametrize("kind", CONTROL_KINDS)
def test_every_cell_of_the_table(kind):
    it, row = subject(kind), CONTROL_KINDS[kind]
    full = it.made()
    found = {name for name, probe in PROBES.items() if probe(it, full)}
    assert found == set(row.abilities) - {"union"}  # which takes a net in full width: test_union_pass
    assert (it.vae is not None and kind != "anima_lllite") == (row.vae == "yes")


@pytest.mark.parametrize("kind", CONTROL_KINDS)
def test_what_all_have(kind):
    it = subject(kind)
    full, without = it.made(), it.without()
    assert differs(full, without)
    assert differs(it.made(weight=0.35), full, without)
    assert differs(it.made(end=0.3), full, without)
    assert differs(it.made(start=0.5, range_of="steps"), full, without)
    assert torch.equal(it.made(schedule=Curve.from_text("0:0")), without)
    left = torch.zeros(1, 64, 64)
    left[..., :32] = 1
    assert differs(it.made(mask=left), full, without)
    applied = it.applied()
    assert differs(it.run(applied.positive, it.negative, 1), full, without)
    weights = FrameWeights.from_text("0: 1, 1: 0")
    if "clip" in CONTROL_KINDS[kind].abilities:
        assert differs(it.made(frame_weights=weights), full, without)
        return
    maps = torch.cat((it.image, it.image.flip(1)))
    each = it.made(BOTH, image=maps)
    assert differs(each[1], it.made(BOTH)[1])
    faded = it.made(BOTH, image=maps, frame_weights=weights)
    near = 1e-5 * float(each.abs().max())
    assert torch.allclose(faded[0], each[0], atol=near) and torch.allclose(faded[1], it.without(BOTH)[1], atol=near)


@pytest.mark.parametrize("kind", CONTROL_KINDS)
def test_copies_for_another_device_act_alike(kind):
    """As the host makes them for several GPUs: a copy of each link of the chain, with weights of its own."""
    it, other = subject(kind), torch.device("cpu:0")
    signals = (ControlSignal(it.net, it.image, weight=0.5), ControlSignal(it.net, it.image.flip(2), weight=0.3))
    applied = apply_stack(it.positive, it.negative, ControlStack(signals), it.vae)
    expected = it.run(applied.positive, applied.negative, 1)
    elsewhere = comfy.model_patcher.ModelPatcher(torch.nn.Module(), other, torch.device("cpu"))
    base = comfy.model_patcher.ModelPatcher(torch.nn.Module(), torch.device("cpu"), torch.device("cpu"))
    base.set_additional_models("multigpu", [elsewhere])
    conds = {name: [half[0][1]] for name, half in (("positive", applied.positive), ("negative", applied.negative))}
    comfy.sampler_helpers.preprocess_multigpu_conds(conds, base, {})
    moved = [
        [[half[0][0], {**half[0][1], "control": half[0][1]["control"].get_instance_for_device(other)}]]
        for half in (applied.positive, applied.negative)
    ]
    first, second = applied.positive[0][1]["control"], moved[0][0][1]["control"]
    assert first is not second and first.previous_controlnet is not second.previous_controlnet
    assert not {id(one.model) for one in signals[0].control_net.get_models()} & {
        id(one.model) for one in second.get_models()
    }
    assert torch.allclose(it.run(moved[0], moved[1], 1), expected, atol=1e-5 * float(expected.abs().max()))
