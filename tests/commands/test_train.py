"""The command `train`: its graph on the real server, its bar, and what stops it before anything starts."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from armature_pack.commands.training.graph import SHEET, TRAIN, Choices, training_graph
from armature_pack.commands.training.run import TrainingBar
from armature_pack.runs.errors import RunFailed
from armature_pack.runs.events import Progress
from armature_pack.tests.server_fixture import RunningServer
from PIL import Image, ImageDraw

pytest.importorskip("cv2")


def draw(folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        picture = Image.new("RGB", (64, 64), (40, 90, 160))
        ImageDraw.Draw(picture).rectangle((4 + number, 8, 30 + number, 40), (220, 60, 30))
        picture.save(folder / f"{number}.png")


@pytest.mark.host
def test_the_graph_of_the_command_trains_on_a_server(server: RunningServer) -> None:
    draw(server.input_folder / "drawn", 5)
    more = {"subset": "none", "validation_steps": "1", "validation_pictures": "1"}
    checkpoint = server.model("sd15_checkpoint")
    choices = Choices("controlnext", checkpoint, "drawn", "by_command", "canny", 64, None, 1, 1, 1e-4, more=more)
    result = server.run(training_graph(choices))
    (report,) = result.texts(TRAIN)
    assert "1 steps" in report and result.images(SHEET)
    assert (server.models_folder / "controlnet" / "by_command.safetensors").is_file()
    log = server.output_folder / "armature_training" / "by_command" / "by_command.log.jsonl"
    assert [json.loads(line)["step"] for line in log.read_text().splitlines()] == [0, 1, 1]
    with pytest.raises(RunFailed, match="plain file name"):
        server.run(
            training_graph(Choices("controlnext", checkpoint, "drawn", "../out", "canny", 64, steps=1, more=more))
        )


@pytest.mark.parametrize(("caption", "captions"), [(None, "from files"), ("a cup", "one for all"), (" ", "empty")])
def test_a_caption_is_for_all_and_an_empty_one_means_none(caption: str | None, captions: str) -> None:
    graph = training_graph(Choices("controlnext", "base.safetensors", "drawn", "mine", caption=caption))
    assert graph["2"]["inputs"]["captions"] == captions


@pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, "{}", "\udcff"])
def test_a_further_input_that_is_no_number_is_a_text(text: str) -> None:
    graph = training_graph(Choices("controlnext", "a.safetensors", "b", "c", more={"subset": text}))
    assert graph[TRAIN]["inputs"]["subset"] == text


def test_the_bar_says_loss_adherence_and_the_time_that_is_left(tmp_path: Path) -> None:
    log = tmp_path / "x.log.jsonl"
    log.write_text('{"step": 1, "loss": 0.9}\n', encoding="utf-8")  # of an earlier start
    watch = TrainingBar(log, 10, io.StringIO())
    watch.show(Progress(TRAIN, 1, 10))
    with log.open("a", encoding="utf-8") as stream:
        stream.write('{"step": 2, "loss": 0.25}\n{"step": 2, "adherence": 0.5, "adherence_without": 0.1}\n{"st')
    watch.show(Progress(TRAIN, 2, 10))
    assert "2 of 10" in watch.line() and "loss 0.2500" in watch.line() and "0.50 (0.10 without)" in watch.line()
    assert "left" in watch.line()
