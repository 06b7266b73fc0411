"""A training set as ComfyUI's Train LoRA takes it: the same latents and conditionings as the host's own node makes."""

from __future__ import annotations

import pytest
import torch
from armature_pack.models.training.from_folder import set_of_folder
from armature_pack.models.training.training_set import Wanted
from armature_pack.nodes.training_for_lora import ArmatureTrainingSetForLoRA
from comfy.sd import load_checkpoint_guess_config
from comfy_extras.nodes_dataset import MakeTrainingDataset
from comfy_extras.nodes_train import LoraModelLoader, TrainLoraNode
from small import SIDE, checkpoint, checkpoint_file, draw_squares, kept, squares

TRAINING = {
    "batch_size": 1, "steps": 2, "grad_accumulation_steps": 1, "learning_rate": 1e-3, "rank": 4, "optimizer": "AdamW",
    "loss_function": "MSE", "seed": 1, "training_dtype": "fp32", "lora_dtype": "fp32", "quantized_backward": False,
    "algorithm": "LoRA", "gradient_checkpointing": False, "checkpoint_depth": 1, "offloading": False,
    "existing_lora": "[None]", "bucket_mode": False, "bypass_mode": False,
}  # fmt: skip


def test_it_is_what_the_hosts_own_node_makes_of_the_same_pictures(folders):
    chosen = squares(folders, 3, None)
    _, clip, vae = checkpoint()
    latents, positive, report = ArmatureTrainingSetForLoRA.execute(chosen, clip, vae).args
    pictures = [chosen.pictures([number]) for number in range(3)]
    theirs, texts = MakeTrainingDataset.execute(pictures, [vae], [clip], ["a square"] * 3).args
    assert len(latents) == len(positive) == 3 and "3 pictures" in report
    for ours, other in zip(latents, theirs, strict=True):
        assert torch.equal(ours["samples"], other["samples"])
    for ours, other in zip(positive, texts, strict=True):
        assert torch.equal(ours[0][0], other[0][0]) and ours[0][1].keys() == other[0][1].keys()


def test_repeats_count_and_lacking_captions_are_told(folders):
    draw_squares(folders / "input" / "kohya" / "3_squares", 2)
    draw_squares(folders / "input" / "kohya" / "1_others", 1)
    _, clip, vae = checkpoint()
    wanted = Wanted(size=SIDE, captions="empty", maps="none")
    latents, positive, report = ArmatureTrainingSetForLoRA.execute(
        set_of_folder("kohya", wanted, kept()).set, clip, vae
    ).args
    assert len(latents) == len(positive) == 7
    assert report.startswith("Warning: No picture has a caption") and "7 with their repeats" in report
    assert len({id(one["samples"]) for one in latents}) == 7, "what one reader changes is not another's"


def test_the_hosts_training_takes_it(folders):
    _, clip, vae = checkpoint()
    model = load_checkpoint_guess_config(checkpoint_file(), output_vae=False, output_clip=False)[0]  # it reads it again
    latents, positive, _ = ArmatureTrainingSetForLoRA.execute(squares(folders, 3, None), clip, vae).args
    given = {name: [value] for name, value in TRAINING.items()}
    lora, losses, steps = TrainLoraNode.execute(model=[model], latents=latents, positive=positive, **given).args
    assert steps == 2 and len(losses["loss"]) == 2
    assert any(one.abs().sum() > 0 for key, one in lora.items() if "up" in key)
    assert LoraModelLoader.execute(model, lora, 1.0).args[0].patches


def test_what_is_no_set_is_refused(folders):
    _, clip, vae = checkpoint()
    with pytest.raises(ValueError, match="input set: a TRAINING_SET is needed"):
        ArmatureTrainingSetForLoRA.execute("a folder", clip, vae)
    with pytest.raises(ValueError, match="one picture"):
        ArmatureTrainingSetForLoRA.execute(squares(folders, 1, None), clip, vae)
