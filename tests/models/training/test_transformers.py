"""Training a ControlNeXt for transformers: it learns, its gradients are right, and its files do what was learned."""

from __future__ import annotations

import json
from typing import Any

import comfy.sample
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.training import trainee
from armature_pack.models.training.controlnext import ControlNeXtLearner, Plan, is_learned
from armature_pack.models.training.lessons import Lessons
from armature_pack.models.training.loop import Dice, Pace
from armature_pack.nodes.controlnext import ArmatureApplyControlNeXtWeights, ArmatureLoadControlNeXt
from armature_pack.nodes.training import ArmatureTrainControlNeXt
from armature_pack.tests.models.training.small_bases import BASES, parts
from safetensors import safe_open
from small import squares

pytest.importorskip("cv2")

bases = pytest.mark.parametrize("base", BASES)


def drawn(base: str, model: Any, chosen: Any, control: Any = None) -> torch.Tensor:
    """A latent with a control, or without."""
    clip = parts(base)[1]
    positive, negative = (clip.encode_from_tokens_scheduled(clip.tokenize(one)) for one in ("a square", ""))
    if control is not None:
        applied = apply_stack(positive, negative, ControlStack((ControlSignal(control, chosen.maps([0])),)))
        positive, negative = applied.positive, applied.negative
    shape = (1, 16, 1, 8, 8) if base == "qwen_image" else (1, 16, 8, 8)
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    return comfy.sample.sample(
        model, noise, 2, 3.0, "euler", "simple", positive, negative, torch.zeros_like(noise), seed=1, disable_pbar=True
    )


@bases
def test_the_error_falls_and_the_files_do_what_the_node_gives(folders, base):
    chosen = squares(folders)
    before = drawn(base, parts(base)[0], chosen)
    control, model, losses, sheet, _ = ArmatureTrainControlNeXt.execute(
        *parts(base), chosen, "mine", 10, batch=2, learning_rate=4e-3, subset_rate=2e-3, validation_pictures=1,
        validation_steps=1, scheduler="simple",
    ).args  # fmt: skip
    log = (folders / "output" / "armature_training" / "mine" / "mine.log.jsonl").read_text().splitlines()
    first, last = (row["held_out_error"] for row in map(json.loads, log) if "loss" not in row)
    assert last < 0.9 * first and len(losses["loss"]) == 10 and sheet.shape[0] == 1
    with safe_open(folders / "controlnet" / "mine.safetensors", "pt") as opened:
        told = opened.metadata()
    assert (told["armature.variant"], told["armature.base"]) == (f"tokens_{base}", base)

    loaded = ArmatureLoadControlNeXt.execute("mine.safetensors")
    assert "Warning" not in loaded.ui["text"][0] and " or " not in loaded.ui["text"][0]
    patched, report = ArmatureApplyControlNeXtWeights.execute(parts(base)[0], "mine_unet.safetensors").args
    assert "Warning" not in report and "as its metadata say" in report
    ours, theirs = drawn(base, model, chosen, control), drawn(base, patched, chosen, loaded.args[0])
    assert torch.allclose(ours, theirs, atol=1e-4) and not torch.allclose(ours, drawn(base, model, chosen), atol=1e-2)
    other = "flux" if base != "flux" else "sd3"
    with pytest.raises(ValueError, match="Only 0 of the .* They were made for .* Load a checkpoint for"):
        ArmatureApplyControlNeXtWeights.execute(parts(other)[0], "mine_unet.safetensors")
    # The model that came in is as it was.
    assert torch.equal(drawn(base, parts(base)[0], chosen), before)
    assert not any(one._forward_pre_hooks for one in parts(base)[0].model.diffusion_model.modules())


def learner_of(folders: Any, base: str, learned: Any = None, **plan: Any) -> ControlNeXtLearner:
    model, clip, vae = parts(base)
    lessons = Lessons(squares(folders), model, clip, vae)
    learned = learned or trainee.Trainee(model, lambda key: is_learned(key, "attention outputs"))
    learner = ControlNeXtLearner(lessons, learned, Plan(**plan), Pace(batch=2), frozenset())
    learner.load()
    return learner


def gradients(learner: ControlNeXtLearner) -> dict[str, torch.Tensor]:
    """Of each parameter."""
    learner.loss(Dice.of(0, 0)).backward()
    found = {}
    for _, _, some in learner.groups():
        for name, one in some.items():
            found[name], one.grad = one.grad.clone(), None
    return found


def slope(learner: ControlNeXtLearner, parameters: list[Any], direction: list[torch.Tensor], step: float) -> float:
    """By differences of the loss."""
    losses = []
    with torch.no_grad():
        for sign in (1, -2, 1):
            for one, way in zip(parameters, direction, strict=True):
                one.add_(way, alpha=sign * step)
            losses.append(float(learner.loss(Dice.of(0, 0)).double()))
    return (losses[0] - losses[1]) / (2 * step)


def length_of(tensors: list[torch.Tensor]) -> float:
    return sum(float(one.double().square().sum()) for one in tensors) ** 0.5


@bases
def test_the_gradient_is_that_of_the_loss_and_checkpointing_gives_the_same(folders, base):
    """Flux writes over what its norms have kept: with checkpointing alone its gradient is off by 0.1 %, in silence."""
    with trainee.training_mode():
        learner = learner_of(folders, base, addition="plain")
        try:
            found = gradients(learner)
            again = gradients(learner_of(folders, base, learner.trainee, addition="plain", checkpointing=True))
            assert length_of([found[name] - again[name] for name in found]) < 1e-4 * length_of([*found.values()])
            for _, _, some in learner.groups():
                # Of the module the last convolution: in front of it are bends, which differences do not get over.
                chosen = {
                    name: one for name, one in some.items() if name.startswith(("mid_convs.1", "diffusion_model"))
                }
                ways = [found[name] for name in chosen]
                length = length_of(ways)
                ways = [one / length for one in ways]
                coarse, fine = (slope(learner, [*chosen.values()], ways, one / length) for one in (0.02, 0.01))
                assert (4 * fine - coarse) / 3 == pytest.approx(length, rel=3e-4), [*chosen]
        finally:
            learner.trainee.release()


def test_texts_of_several_lengths_are_no_batch_for_a_transformer(folders):
    chosen = squares(folders)
    for number in range(0, 10, 2):
        (folders / "input" / "squares" / f"{number:03}.txt").write_text("a large red square", encoding="utf-8")
    assert {example.caption for example in squares(folders).examples} != {
        example.caption for example in chosen.examples
    }
    with trainee.training_mode():
        learner = learner_of(folders, "z_image")
        try:
            lessons, noise = learner._lessons, torch.randn(3, 16, 8, 8, generator=torch.Generator().manual_seed(1))
            several = lessons.batches([0, 1, 2], [0.2, 0.3, 0.4], noise, [False] * 3)
            assert sorted(len(one.latents) for one in several) == [1, 2]
            alone = [
                lessons.batch([number], [0.2 + 0.1 * number], noise[number : number + 1], [False])
                for number in range(3)
            ]
            with torch.no_grad():
                whole = sum(float(learner.error(one)) * len(one.latents) for one in several)
                assert whole == pytest.approx(sum(float(learner.error(one)) for one in alone), rel=1e-5)
        finally:
            learner.trainee.release()


def test_which_weights_learn():
    keys = {
        "joint_blocks.3.x_block.attn.proj.weight": True,
        "joint_blocks.3.context_block.attn.proj.weight": False,
        "double_blocks.1.img_attn.proj.weight": True,
        "double_blocks.1.txt_attn.proj.weight": False,
        "layers.2.attention.out.weight": True,
        "noise_refiner.0.attention.out.weight": False,
        "transformer_blocks.5.attn.to_out.0.weight": True,
        "transformer_blocks.5.attn.to_add_out.weight": False,
        "layers.2.attention.qkv.weight": False,
    }
    assert {key: is_learned(f"diffusion_model.{key}", "attention outputs") for key in keys} == keys
    assert is_learned("diffusion_model.layers.2.attention.qkv.weight", "LoRA")
    assert not any(is_learned(f"diffusion_model.{key}", "none") for key in keys)
