"""The evaluation draws every row and writes both files; its measures know a right picture from a wrong one."""

from __future__ import annotations

import json

import torch
from armature_pack.models.demo.weights_file import load
from armature_pack.tools.demo_training.evaluation.adaptive import ADAPTIVE, ALL, EACH, Setting, compare, markdown
from armature_pack.tools.demo_training.evaluation.interplay import all_combinations, effects, row_name
from armature_pack.tools.demo_training.evaluation.measures import PictureMeasures, measure_pictures
from armature_pack.tools.demo_training.evaluation.savings import TITLES, page
from armature_pack.tools.demo_training.evaluation.table import evaluate, write
from armature_pack.tools.demo_training.networks.autoencoder import Autoencoder
from armature_pack.tools.demo_training.networks.control_next import ControlNeXt
from armature_pack.tools.demo_training.networks.image_prompt import ImagePrompt
from armature_pack.tools.demo_training.networks.unet import ControlNet, UNet
from armature_pack.tools.demo_training.scenes.rendering import render
from armature_pack.tools.demo_training.scenes.style import inked
from armature_pack.tools.demo_training.training import bank
from armature_pack.tools.demo_training.training.parts import STAGES

CPU = torch.device("cpu")
STEM = "input_blocks.1.0.in_layers.2"
TRUTHS = ("truth through the VAE", "truth, inked, through the VAE")


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
    assert len(table["rows"]) == 21
    assert set(table["company"]) == {"canny", "LoRA", "IP-Adapter"}
    assert not table["not_trained"]
    assert "| controlnext_canny 1.0, wrong map |" in page.read_text(encoding="utf-8")


def test_untrained_parts_are_left_out_and_named():
    result = evaluate(untrained, ("vae", "unet"), 1, CPU, lambda _line: None, steps=1)
    assert "controlnet_canny" in result["not_trained"]
    assert set(result["rows"]) == {"no control", "nothing, no caption", *TRUTHS}
    assert not result["company"]


def test_what_was_measured_is_kept_until_the_weights_change(tmp_path):
    said: list[str] = []

    def run(load, only=()):
        return evaluate(load, ("vae", "unet"), 1, CPU, said.append, steps=1, folder=tmp_path, only=only)["rows"]

    first = run(untrained, ("no control",))
    assert set(first) == {"no control", *TRUTHS}
    (file,) = tmp_path.iterdir()
    stamp = file.stat().st_mtime_ns
    assert run(untrained)["no control"] == first["no control"]
    assert file.stat().st_mtime_ns == stamp
    run(lambda part: {name: value * 1.01 for name, value in untrained(part).items()}, ("no control",))
    assert len(list(tmp_path.iterdir())) == 3


def test_the_truth_scores_high_and_another_scene_low():
    scenes, held = bank.held_out(0, 6, CPU)
    pictures = held.images.float() / 255
    parts = torch.cat([render([scene]).segmentation for scene in scenes])
    right = measure_pictures(pictures, scenes, held.edges, parts, pictures)
    wrong = measure_pictures(pictures.roll(1, 0), scenes, held.edges, parts, pictures)
    assert right.edge_f1.mean() > 0.99
    assert right.colours.mean() > 0.9
    assert right.floor.max() == 0
    assert wrong.edge_f1.mean() < 0.4
    assert wrong.colours.mean() < 0.5
    drawn = measure_pictures(inked(pictures, held.edges), scenes, held.edges, parts, pictures)
    assert drawn.ink.mean() > right.ink.mean() + 0.2


def test_a_part_that_the_others_silence_keeps_nothing():
    def scored(members: tuple[str, ...], loud: bool) -> PictureMeasures:
        edges = 0.8 if "canny" in members and (loud or members == ("canny",)) else 0.1
        ink, floor = 0.5 * ("LoRA" in members), 0.4 - 0.3 * ("IP-Adapter" in members)
        return PictureMeasures(torch.full((3,), edges), torch.ones(3), torch.full((3,), floor), torch.full((3,), ink))

    for loud, kept in ((True, 1.0), (False, 0.0)):
        found = effects({row_name(members): scored(members, loud) for members in all_combinations()})
        assert found["canny"]["kept"] == kept
        assert found["LoRA"]["kept"] == found["IP-Adapter"]["kept"] == 1.0
        assert found["IP-Adapter"]["alone"] == [0.3, 0.0]
        assert found["canny"]["reached_alone"] == [0.8, 0.0]
        assert found["canny"]["reached_together"] == [0.8 if loud else 0.1, 0.0]


def test_weights_that_correct_themselves_are_compared_with_constant_ones_of_the_same_mean(tmp_path):
    said: list[str] = []

    def run(setting: Setting) -> dict:
        return compare(load, 1, CPU, tmp_path, said.append, setting)

    result = run(Setting(rule={"adherence": 1.0, "proportional": 2.0}))
    weights = {way: row["weights"] for way, row in result["rows"].items()}
    assert (
        weights[ADAPTIVE][0] > Setting().weight
        and weights[EACH] == weights[ADAPTIVE]
        and weights[ALL] == [weights[ADAPTIVE][0], 0.0]
    )
    assert result["adaptive_less"][EACH]["relative"][0] != 0.0
    kept = {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert run(Setting(rule={"adherence": 1.0, "proportional": 2.0})) == result and "| adaptive, less |" in markdown(
        result
    )
    assert {file: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == kept, "read from there"


def test_what_savings_gain_and_cost_comes_in_one_table_of_all_graphs():
    row = {"sampler": "lcm", "steps": 6, "saving": "nothing left out", "score": [0.85, 0.02], "lost": None}
    spared = row | {"saving": "every 2", "lost": [0.01, 0.005], "seconds": 2.5, "share": 0.8}
    one = {
        "date": "2026-11-30",
        "armature": {"commit": "0123456789abcdef"},
        "hosts": [{"versions": {"comfyui": "0.30.0", "torch": "2.13.0"}, "device": {"threads": 2}}],
        "sampling": [{"settings": {"seed": 4}}],
        "pictures": [{}, {}],
        "rows": [row | {"seconds": None, "share": 1.0}, spared],
    }
    lines = page(dict.fromkeys(TITLES, one)).splitlines()
    table = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    assert table[0][0] == "control" and len(table) == 1 + 2 * len(TITLES)
    assert table[2] == ["one ControlNet", "lcm, 6 steps", "every 2", "0.850 ± 0.020", "0.010 ± 0.005", "2.50", "0.80"]
    assert table[1][4:] == ["", "", "1.00"]
    assert "2 held-out scenes" in lines[2] and "0123456789ab" in lines[2]
