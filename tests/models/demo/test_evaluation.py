"""The evaluation draws every row and writes both files; its measures know a right picture from a wrong one."""

from __future__ import annotations

import json

import torch
from armature_pack.models.demo.evaluation.marks import marks
from armature_pack.models.demo.evaluation.table import evaluate, write
from armature_pack.models.demo.networks.autoencoder import Autoencoder
from armature_pack.models.demo.networks.control_next import ControlNeXt
from armature_pack.models.demo.networks.image_prompt import ImagePrompt
from armature_pack.models.demo.networks.unet import ControlNet, UNet
from armature_pack.models.demo.scenes.rendering import render
from armature_pack.models.demo.scenes.style import inked
from armature_pack.models.demo.training import bank
from armature_pack.models.demo.training.parts import STAGES

CPU = torch.device("cpu")
STEM = "input_blocks.1.0.in_layers.2"


def untrained(part: str) -> dict[str, torch.Tensor]:
    torch.manual_seed(4)
    if part == "controlnext_canny":
        return {f"module.{name}": value for name, value in ControlNeXt().state_dict().items()}
    if part == "lora_ink":
        return {f"{STEM}.down": torch.randn(8, 576), f"{STEM}.up": torch.randn(64, 8)}
    makers = {"vae": Autoencoder, "unet": UNet, "ip_adapter": lambda: ImagePrompt(16)}
    return makers.get(part, ControlNet)().state_dict()


def test_every_row_is_drawn_and_both_files_are_written(tmp_path):
    trained = tuple(stage.name for stage in STAGES)
    result = evaluate(untrained, trained, 2, CPU, lambda _line: None, steps=1)
    data, page = write(result, tmp_path)
    table = json.loads(data.read_text(encoding="utf-8"))
    assert len(table["rows"]) == 16
    assert not table["not_trained"]
    assert "| controlnext_canny 1.0, wrong map |" in page.read_text(encoding="utf-8")


def test_untrained_parts_are_left_out_and_named():
    result = evaluate(untrained, ("vae", "unet"), 1, CPU, lambda _line: None, steps=1)
    assert "controlnet_canny" in result["not_trained"]
    assert set(result["rows"]) == {"no control", "no control, no caption", "truth through the VAE"}


def test_the_truth_scores_high_and_another_scene_low():
    scenes, held = bank.held_out(0, 6, CPU)
    pictures = held.images.float() / 255
    parts = torch.cat([render([scene]).segmentation for scene in scenes])
    right = marks(pictures, scenes, held.edges, parts, pictures)
    wrong = marks(pictures.roll(1, 0), scenes, held.edges, parts, pictures)
    assert right.edge_f1.mean() > 0.99
    assert right.colours.mean() > 0.9
    assert right.floor.max() == 0
    assert wrong.edge_f1.mean() < 0.4
    assert wrong.colours.mean() < 0.5
    drawn = marks(inked(pictures, held.edges), scenes, held.edges, parts, pictures)
    assert drawn.ink.mean() > right.ink.mean() + 0.2
