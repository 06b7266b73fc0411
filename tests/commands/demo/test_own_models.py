"""The demo's own-models options: which files are taken, what is refused, and the graph that they make."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import pytest
from armature_pack.commands.demo import add_arguments
from armature_pack.commands.demo.demo_run import run_demo
from armature_pack.commands.demo.own_files import Own, own_models
from armature_pack.commands.demo.own_graph import own_graph
from armature_pack.commands.terminal import Problem
from armature_pack.models.compatibility.check_prompt import check_prompt
from armature_pack.models.files.index import ModelIndex, standard_folders
from armature_pack.tests.models.compatibility.graphs import write_models


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder


def parsed(*options: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    return parser.parse_args(options)


def chosen(*options: str) -> Own:
    return own_models(parsed(*options))


def option(models: Path, name: str, file: str) -> tuple[str, str]:
    folder = {"--checkpoint": "checkpoints", "--lora": "loras", "--controlnet": "controlnet"}[name]
    return name, str(models / folder / file)


def test_a_folder_gives_what_goes_together(models: Path) -> None:
    own = chosen("--models", str(models))
    assert {"checkpoint", "controlnet", "lora", "ip_adapter", "clip_vision"} == set(own.files)
    graph = own_graph(own.files, own.method).graph
    report = check_prompt(graph, ModelIndex(standard_folders(models)))
    assert report.ok, report.as_text()
    assert own.method == "canny"
    said = "\n".join(own.said)
    assert all(str(path) in said for path in own.files.values()) and "also there: " in said


@pytest.mark.parametrize(("checkpoint", "size"), [("sd15.safetensors", 512), ("sdxl.safetensors", 1024)])
def test_what_is_named_decides_over_the_rest(models: Path, checkpoint: str, size: int) -> None:
    own = chosen("--models", str(models), *option(models, "--checkpoint", checkpoint))
    assert own.files["checkpoint"].name == checkpoint and own.family.size == size
    assert own.files["controlnet"].name.startswith(checkpoint.partition(".")[0])


def test_the_map_follows_the_controlnets_name(models: Path, tmp_path: Path) -> None:
    given = option(models, "--checkpoint", "sd15.safetensors")
    net = models / "controlnet" / "sd15_canny.safetensors"
    for name, method in (("x_scribble", "scribble_xdog"), ("x_lineart", "lineart_standard"), ("plain", "canny")):
        file = tmp_path / f"{name}.safetensors"
        file.symlink_to(net)
        own = chosen(*given, "--controlnet", str(file))
        made = own_graph(own.files, own.method).graph
        kinds = {node["class_type"]: node["inputs"] for node in made.values()}
        assert own.method == method
        assert "ArmatureCanny" in kinds if method == "canny" else kinds["ArmatureControlMap"]["method"] == method
    depth = tmp_path / "x_depth.safetensors"
    depth.symlink_to(net)
    with pytest.raises(Problem, match="x_depth.safetensors follows depth maps.*--map"):
        chosen(*given, "--controlnet", str(depth))
    assert chosen(*given, "--controlnet", str(depth), "--map", "canny").method == "canny"
    with pytest.raises(Problem, match="--map nothing: .*canny"):
        chosen(*given, "--controlnet", str(depth), "--map", "nothing")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"--checkpoint": "sd15.safetensors"}, "a controlnet is needed"),
        ({"--controlnet": "sd15_canny.safetensors"}, "a checkpoint is needed"),
        ({"--checkpoint": "sdxl.safetensors", "--controlnet": "sd15_canny.safetensors"}, "made for SD 1.5"),
        ({"--checkpoint": "broken.safetensors", "--controlnet": "sd15_canny.safetensors"}, "broken.safetensors: "),
        ({"--checkpoint": "none.safetensors", "--controlnet": "sd15_canny.safetensors"}, "there is no such file"),
        ({"--checkpoint": "lies_wrong.safetensors", "--controlnet": "sd15_canny.safetensors"}, "does not go there"),
        (
            {
                "--checkpoint": "sd15.safetensors",
                "--controlnet": "sd15_canny.safetensors",
                "--lora": "sdxl_style.safetensors",
            },
            "do not go together",
        ),
    ],
)
def test_what_does_not_fit_is_told_before_anything_starts(models: Path, given: dict[str, str], told: str) -> None:
    with pytest.raises(Problem, match=told):
        chosen(*(part for name, file in given.items() for part in option(models, name, file)))


def test_ways_without_files_are_left_out(models: Path) -> None:
    files = {"checkpoint": Path("c.safetensors"), "controlnet": Path("n.safetensors")}
    plain = own_graph(files, "canny")
    assert list(plain.ways.values()) == ["no control", "ControlNet"]
    kinds = [node["class_type"] for node in plain.graph.values()]
    assert kinds.count("KSampler") == 2 and not {"ArmatureApplyIPAdapter", "ArmatureLoadControlNeXt"} & set(kinds)
    lora = own_graph(files | {"lora": Path("l.safetensors")}, "canny")
    assert list(lora.ways.values())[-1] == "ControlNet, LoRA"
    graph: dict[str, Any] = lora.graph
    last = next(node for node in graph.values() if node["_meta"]["title"] == "Sampler, all three")["inputs"]
    assert graph[last["model"][0]]["class_type"] == "ArmatureApplyLoRAStack"
    text = graph[graph[last["positive"][0]]["inputs"]["positive"][0]]["inputs"]
    assert graph[text["clip"][0]]["class_type"] == "ArmatureApplyLoRAStack" and text["text"]


def test_fetch_says_what_it_would_download_and_asks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_demo(parsed("--fetch", "--models", str(tmp_path), "--dry-run")) == 0
    said = capsys.readouterr().out
    names = ("v1-5-pruned", "control_v11p_sd15_canny", "ip-adapter-plus_sd15", "CLIP-ViT-H", "animeoutlineV4")
    for words in (*names, "2130 MB", "CreativeML OpenRAIL-M", "Apache-2.0", str(tmp_path)):
        assert words in said, words
    with pytest.raises(Problem, match="nothing was downloaded"):
        run_demo(parsed("--fetch", "--models", str(tmp_path)))
    assert not list(tmp_path.iterdir())


def test_options_that_would_have_no_effect_are_refused(models: Path) -> None:
    with pytest.raises(Problem, match="--map is for your own models"):
        run_demo(parsed("--map", "canny"))
    given = (
        *option(models, "--checkpoint", "sd15.safetensors"),
        *option(models, "--controlnet", "sd15_canny.safetensors"),
    )
    picture = str(Path(__file__).resolve().parents[3] / "workflows" / "pictures" / "coffee.jpg")
    with pytest.raises(Problem, match="--palette is a picture for an IP-Adapter"):
        run_demo(parsed(*given, "--palette", picture, "--dry-run"))
