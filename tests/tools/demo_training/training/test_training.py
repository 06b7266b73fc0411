"""Every part of the demo model trains for a moment on a few scenes, stops, and goes on where it stopped."""

from __future__ import annotations

import json
import shutil

import pytest
import torch
from armature_pack.models.demo.weights_file import unpack
from armature_pack.tools.demo_training.evaluation import comparison
from armature_pack.tools.demo_training.evaluation.comparison_plot import plotted
from armature_pack.tools.demo_training.networks.autoencoder import Autoencoder
from armature_pack.tools.demo_training.packing import pack_finished, packed, unpack_missing
from armature_pack.tools.demo_training.scenes.layout import HELD_OUT, TRAINING, scene
from armature_pack.tools.demo_training.training import lessons, loop
from armature_pack.tools.demo_training.training.files import read, write
from armature_pack.tools.demo_training.training.part import Workplace
from armature_pack.tools.demo_training.training.parts import STAGES, stage, train
from safetensors.torch import load_file

SCENES = 8


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All parts after one step each, in the order of the chain."""
    folder = tmp_path_factory.mktemp("training")
    for one in STAGES:
        train(one, folder, lambda _line: None, seconds=0.01, scenes=SCENES, batch=4)
    return folder


@pytest.mark.parametrize("name", [one.name for one in STAGES])
def test_a_part_writes_finite_weights(folder, name):
    tensors, numbers = read(folder / f"{name}.safetensors")
    assert numbers["steps"] >= 1
    assert all(torch.isfinite(tensor).all() for tensor in tensors.values())


def test_a_finished_part_is_left_as_it_is(folder):
    lines = []
    before = (folder / "vae.safetensors").stat().st_mtime_ns
    train(stage("vae"), folder, lines.append, seconds=0.01, scenes=SCENES, batch=4)
    assert lines == ["vae: finished before"]
    assert (folder / "vae.safetensors").stat().st_mtime_ns == before


def test_a_part_begins_with_known_weights_and_goes_on_when_it_gets_more_time(folder, tmp_path):
    shutil.copytree(folder / "scenes", tmp_path / "scenes")
    unpack_missing(tmp_path, ("vae", "unet"))
    given = {"scenes": SCENES, "batch": 4}
    known = packed("controlnext_canny", tmp_path)
    lines = []
    path = train(stage("controlnext_canny"), tmp_path, lines.append, seconds=1e-9, known=lambda: known, **given)
    tensors, numbers = read(path)
    assert numbers["steps"] == 1
    # One step of the warm-up moves little: what began anew would be as far away as the weights are large.
    for name in ("module.mid_convs.1.weight", "unet.output_blocks.3.0.out_layers.3.weight"):
        assert (tensors[name] - known.tensors[name]).abs().mean() < known.tensors[name].abs().mean() / 50
    train(stage("controlnext_canny"), tmp_path, lines.append, seconds=1e-9, **given)
    assert lines == ["controlnext_canny: finished before"]
    train(stage("controlnext_canny"), tmp_path, lines.append, seconds=numbers["seconds"] + 1e-9, **given)
    numbers = read(path)[1]
    assert numbers["steps"] == 2
    assert numbers["before"] == list(known.before) and known.before[-1]["seconds"] > 0
    assert (tmp_path / "controlnext_canny.jsonl").read_text(encoding="utf-8").startswith(known.log) and known.log


@pytest.mark.parametrize(
    ("name", "learns"), [("vae_detail", ("taesd_encoder.", "taesd_decoder.")), ("vae_decoder", ("taesd_decoder.",))]
)
def test_the_autoencoder_goes_on_in_its_own_file(folder, tmp_path, name, learns):
    """The decoder alone leaves the latents as the other parts learned them."""
    shutil.copytree(folder / "scenes", tmp_path / "scenes")
    unpack_missing(tmp_path, stage(name).needs)
    before = read(tmp_path / "vae.safetensors")[0]
    train(stage(name), tmp_path, lambda _line: None, seconds=1e-9, scenes=SCENES, batch=4)
    after = read(tmp_path / "vae.safetensors")[0]
    assert {one for one, value in before.items() if not torch.equal(value, after[one])} == {
        one for one in after if one.startswith(learns)
    }
    target = tmp_path / "weights"
    target.mkdir()
    assert set(pack_finished(tmp_path, target)) == {"vae"}
    kept = unpack(load_file(target / "vae.safetensors"))
    assert all((kept[one] - value).abs().max() < 0.02 for one, value in after.items())
    known = packed(name, tmp_path)
    assert known.tensors.keys() == after.keys()


def test_latents_are_made_anew_for_another_encoder(folder, tmp_path):
    shutil.copytree(folder / "scenes", tmp_path / "scenes")
    place = Workplace(torch.device("cpu"), 4, SCENES)
    latents = []
    for seed in (1, 2, 1):
        torch.manual_seed(seed)
        write(tmp_path / "vae.safetensors", Autoencoder().state_dict())
        latents.append(lessons.load(tmp_path, place).latents)
    assert torch.equal(latents[0], latents[2]) and not torch.allclose(latents[0], latents[1])


@pytest.mark.parametrize("name", [one.name for one in STAGES])
def test_a_part_is_made_of_those_that_it_needs(folder, tmp_path, name):
    shutil.copytree(folder / "scenes", tmp_path / "scenes")
    unpack_missing(tmp_path, stage(name).needs)
    assert stage(name).make(tmp_path, Workplace(torch.device("cpu"), 4, SCENES)).parameters


def test_an_interrupted_part_ends_with_the_same_weights(folder, tmp_path):
    """Time is counted in steps, so both runs do the same eight."""

    trained = folder

    def clock():
        count = 0.0
        while True:
            yield count
            count += 0.5  # asked twice in each step

    def training(folder, budget=4.0):
        place = Workplace(torch.device("cpu"), 3, SCENES)
        (folder / "scenes").mkdir(parents=True, exist_ok=True)
        for shard in (trained / "scenes").iterdir():
            shutil.copy(shard, folder / "scenes")
        return loop.Training(stage("vae").make(folder, place), folder, budget, place.device)

    whole, parts = tmp_path / "whole", tmp_path / "parts"
    ticking = clock()
    training(whole).run(lambda _line: None, lambda: next(ticking))
    first = training(parts)
    for _ in range(3):
        first.step()
        first.progress.seconds += 0.5
    first._save()
    second, ticking = training(parts), clock()
    assert second.progress.step == 3
    second.run(lambda _line: None, lambda: next(ticking))
    expected, numbers = read(whole / "vae.safetensors")
    found, _ = read(parts / "vae.safetensors")
    assert numbers["steps"] == 8
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-5, atol=1e-6)


def test_the_loss_is_logged(folder, tmp_path):
    place = Workplace(torch.device("cpu"), 4, SCENES)
    part = stage("unet").make(folder, place)
    training = loop.Training(part, tmp_path, 1e9, place.device)
    for _ in range(2):
        training.step()
    training._log()
    row = json.loads((tmp_path / "unet.jsonl").read_text(encoding="utf-8"))
    assert row["step"] == 2
    assert row["loss"] > 0


def test_training_never_sees_a_held_out_scene():
    trained_on = {scene(TRAINING, index) for index in range(3000)}
    assert len(trained_on) == 3000
    assert not trained_on & {scene(HELD_OUT, index) for index in range(1000)}


def test_an_unknown_part_is_refused_by_name():
    with pytest.raises(ValueError, match="no part 'clip'.*vae, vae_detail, unet"):
        stage("clip")


def test_ways_of_adding_a_map_are_compared_on_the_same_batches(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(comparison, "_HELD_OUT", 2)
    monkeypatch.setattr(comparison, "_SAMPLED_STEPS", 1)
    shutil.copytree(folder / "scenes", tmp_path / "scenes")
    unpack_missing(tmp_path, ("vae", "unet"))
    folder = tmp_path
    lines = []
    place = Workplace(torch.device("cpu"), 4, SCENES)
    found = comparison.compare(folder, place, 2, lines.append, (0, 1), 3)
    assert [run["seed"] for run in found["runs"]] == [0, 1]
    assert found["runs"][0]["error"] != found["runs"][1]["error"]
    without = found[comparison.NOTHING]["error"]
    for run in found["runs"]:
        # Zero convolutions begin where the network without a map is.
        assert run["error"]["zero convolution"][0] == run["error"]["ControlNet"][0] == [0, without]
        last = {way: points[-1] for way, points in run["error"].items()}
        assert {way: step for way, (step, _) in last.items()} == dict.fromkeys(last, 2) | {"ControlNet": 3}
        assert all(0 < last[way][1] < run["error"][way][0][1] * 1.1 for way in last)
        assert all(0 <= value <= 1 for points in run["edge_f1"].values() for _, value in points)
    assert found["trained_numbers"]["cross normalization"] < found["trained_numbers"]["ControlNet"] / 2
    assert tuple(plotted(found).shape) == (1, 470, 1500, 3)
    assert not (folder / "comparison").exists()
    lines.clear()
    again = comparison.compare(folder, place, 2, lines.append, (0, 1), 3)
    assert not lines and again["runs"] == found["runs"], "what was done is not done again"
