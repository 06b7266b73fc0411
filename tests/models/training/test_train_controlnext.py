"""Training a ControlNeXt through its node: it learns, its files load, and nothing is lost or left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.sample
import pytest
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.training import loop, trainee, validation
from armature_pack.models.training.controlnext import ControlNeXtLearner, Plan, is_learned
from armature_pack.models.training.lessons import Lessons
from armature_pack.models.training.loop import Dice, Pace
from armature_pack.nodes.controlnext import ArmatureApplyControlNeXtWeights, ArmatureLoadControlNeXt
from armature_pack.nodes.training import ArmatureTrainControlNeXt
from armature_pack.tests.latest import latest
from safetensors.torch import load_file
from small import base, checkpoint, own_folders, squares

pytest.importorskip("cv2")

QUICK = {"batch": 2, "validate_every": 100, "validation_pictures": 1, "validation_steps": 1}


def trained(folders: Path, steps: int = 2, name: str = "mine", **settings: Any) -> Any:
    """What the node gives."""
    given = {**QUICK, **settings}
    chosen = given.pop("set", None) or squares(folders)
    return ArmatureTrainControlNeXt.execute(*checkpoint(), chosen, name, steps, **given)


def files(folders: Path, name: str = "mine") -> dict[str, torch.Tensor]:
    """All tensors of the two files."""
    module = load_file(folders / "controlnet" / f"{name}.safetensors")
    return module | load_file(folders / "controlnet" / f"{name}_unet.safetensors")


def equal(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@latest(1)
def prompts() -> list[Any]:
    """Both prompts of what is drawn: the text encoder takes longer than the network."""
    clip = checkpoint()[1]
    return [clip.encode_from_tokens_scheduled(clip.tokenize(one)) for one in ("a square", "")]


def drawn(model: Any, chosen: Any, control: Any = None) -> torch.Tensor:
    """A latent with a control, or without."""
    positive, negative = prompts()
    if control is not None:
        applied = apply_stack(positive, negative, ControlStack((ControlSignal(control, chosen.maps([0])),)))
        positive, negative = applied.positive, applied.negative
    noise = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(1))
    return comfy.sample.sample(
        model, noise, 2, 3.0, "euler", "normal", positive, negative, torch.zeros_like(noise), seed=1, disable_pbar=True
    )


def test_the_loss_falls_and_the_files_do_what_the_node_gives(folders):
    chosen = squares(folders)
    before = drawn(checkpoint()[0], chosen)
    control, model, losses, sheet, report = trained(folders, 12, learning_rate=1e-3, subset_rate=1e-3).args
    first, last = (sum(losses["loss"][part]) for part in (slice(4), slice(-4, None)))
    assert last < first and len(losses["loss"]) == 12
    assert sheet.shape[0] == 1 and "12 steps" in report
    loaded = ArmatureLoadControlNeXt.execute("mine.safetensors").args[0]
    patched, told = ArmatureApplyControlNeXtWeights.execute(checkpoint()[0], "mine_unet.safetensors").args
    assert "another checkpoint" not in told
    ours, theirs = drawn(model, chosen, control), drawn(patched, chosen, loaded)
    assert torch.allclose(ours, theirs, atol=1e-4) and not torch.allclose(ours, drawn(model, chosen), atol=1e-2)
    # The model that came in is as it was.
    assert torch.equal(drawn(checkpoint()[0], chosen), before)
    log = (folders / "output" / "armature_training" / "mine" / "mine.log.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in log]
    assert [row["step"] for row in rows if "loss" in row] == list(range(1, 13))
    assert {"held_out_error", "adherence", "adherence_without"} <= next(row for row in rows if "loss" not in row).keys()


def test_a_control_without_effect_is_told_with_the_likely_cause(folders, monkeypatch):
    monkeypatch.setattr(validation, "_EXPECTED", 2)
    report = trained(folders, learning_rate=1e-8, subset="none").args[-1]
    assert "after 2 steps the pictures do not follow their maps" in report and "raise learning_rate" in report
    monkeypatch.setattr(validation, "_EXPECTED", 3)
    assert "do not follow" not in trained(folders, name="early", learning_rate=1e-8, subset="none").args[-1]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The files of three steps in one go."""
    with pytest.MonkeyPatch.context() as patch, torch.inference_mode():
        folders = own_folders(tmp_path_factory.mktemp("whole"), patch)
        trained(folders, 3, "whole")
        return files(folders, "whole")


def test_a_resumed_training_equals_one_in_one_go(folders, monkeypatch, whole):
    step, stop_at = loop.Loop._step, 1

    def interrupt(self: Any, course: Any) -> None:
        if course.step == stop_at:
            comfy.model_management.interrupt_current_processing(True)
            comfy.model_management.throw_exception_if_processing_interrupted()
        step(self, course)

    monkeypatch.setattr(loop.Loop, "_step", interrupt)
    with pytest.raises(comfy.model_management.InterruptProcessingException):
        trained(folders, 3, "parts")
    monkeypatch.setattr(loop.Loop, "_step", step)
    assert not (folders / "controlnet" / "parts.safetensors").exists()
    report = trained(folders, 3, "parts").args[-1]
    assert "3 steps, 2 of them now" in report and equal(whole, files(folders, "parts"))
    again = trained(folders, 3, "parts").args[-1]
    assert "all of them done before" in again and equal(whole, files(folders, "parts"))


def test_want_of_memory_leaves_a_state_that_goes_on(folders, monkeypatch, whole):
    loss, calls = ControlNeXtLearner.loss, []

    def fails(self: Any, dice: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return loss(self, dice)

    monkeypatch.setattr(ControlNeXtLearner, "loss", fails)
    with pytest.raises(torch.OutOfMemoryError):
        trained(folders, 3, "parts")
    trained(folders, 3, "parts")
    assert equal(whole, files(folders, "parts"))


@pytest.mark.parametrize("addition", ["plain", "zero convolution"])
def test_other_additions_are_told_by_their_files(folders, addition):
    control, model, *_ = trained(folders, 3, addition=addition, learning_rate=1e-2).args
    loaded = ArmatureLoadControlNeXt.execute("mine.safetensors").args[0]
    assert loaded.addition == "plain" == control.addition
    chosen = squares(folders)
    assert torch.allclose(drawn(model, chosen, control), drawn(model, chosen, loaded), atol=1e-5)


@pytest.mark.parametrize("subset", ["LoRA", "none", "attention outputs and convolutions"])
def test_other_parts_of_the_base(folders, subset):
    _, _, _, _, report = trained(folders, 1, subset=subset, rank=2).args
    path = folders / "controlnet" / "mine_unet.safetensors"
    assert path.exists() == (subset != "none") and ("Weights of the base" in report) == (subset != "none")


def test_a_step_that_goes_wrong_loses_nothing(folders, monkeypatch):
    loss, calls = ControlNeXtLearner.loss, []

    def wrong(self: Any, dice: Any) -> Any:
        calls.append(1)
        return loss(self, dice) * (float("nan") if len(calls) == 3 else 1)

    monkeypatch.setattr(ControlNeXtLearner, "loss", wrong)
    with pytest.raises(ValueError, match="step 3 of 4"):
        trained(folders, 4)
    monkeypatch.setattr(ControlNeXtLearner, "loss", loss)
    assert "2 of them now" in trained(folders, 4).args[-1]


def test_gradient_checkpointing_gives_the_same_gradients(folders):
    model, clip, vae = checkpoint()
    chosen, found = squares(folders), {}
    with trainee.training_mode():
        lessons = Lessons(chosen, model, clip, vae)
        learned = trainee.Trainee(model, lambda key: is_learned(key, "attention outputs"))
        for wanted in (False, True):
            learner = ControlNeXtLearner(lessons, learned, Plan(checkpointing=wanted), Pace(batch=2), frozenset())
            learner.load()
            learner.loss(Dice.of(0, 0)).backward()
            found[wanted] = [one.grad.clone() for _, _, some in learner.groups() for one in some.values()]
            for _, _, some in learner.groups():
                for one in some.values():
                    one.grad = None
        learned.release()
    assert all(torch.allclose(one, other, rtol=1e-4, atol=1e-7) for one, other in zip(*found.values(), strict=True))
    assert "forward" not in vars(next(iter(model.model.diffusion_model.input_blocks[1])))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_base_of_half_the_bits_teaches_numbers_of_all_bits(folders, dtype):
    chosen, (_, clip, vae), found = squares(folders), checkpoint(), {}
    for kept in (torch.float32, dtype):
        model = base(kept)
        network = model.model.diffusion_model
        before = {key: value.clone() for key, value in network.state_dict().items()}
        assert {value.dtype for value in before.values()} == {kept}
        given = {**QUICK, "learning_rate": 1e-3, "subset_rate": 1e-3}
        _, _, losses, *_ = ArmatureTrainControlNeXt.execute(model, clip, vae, chosen, str(kept)[6:], 4, **given).args
        learned = files(folders, str(kept)[6:])
        assert {value.dtype for value in learned.values()} == {torch.float32}
        assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
        found[kept] = torch.tensor(losses["loss"]), learned
    (whole, one), (half, other) = found[torch.float32], found[dtype]
    assert torch.allclose(whole, half, rtol=0.02) and len(whole) == 4
    # Of what is learned, too: steps smaller than half the bits could hold are not lost.
    key = max(one, key=lambda name: one[name].numel() if "to_out" in name or "attn" in name else 0)
    assert torch.nn.functional.cosine_similarity(one[key].flatten(), other[key].flatten(), 0) > 0.9


def test_what_cannot_be_trained_is_refused_before_the_first_step(folders):
    with pytest.raises(ValueError, match="it has no maps"):
        trained(folders, set=squares(folders, method=None))
    with pytest.raises(ValueError, match="plain file name"):
        trained(folders, name="../mine")
    trained(folders, 1)
    with pytest.raises(ValueError, match="training of this name already.*addition"):
        trained(folders, 2, addition="plain")
    assert "1 steps" in trained(folders, 1, addition="plain", resume=False).args[-1]
