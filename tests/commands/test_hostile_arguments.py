"""Every command with no arguments, wrong and hostile ones: a sentence and an exit status, never a traceback."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from armature_pack.commands import COMMANDS, command_line, load
from armature_pack.commands.private_host import host_options
from armature_pack.commands.terminal import Problem
from armature_pack.common.graph_files import read_graph_file
from armature_pack.tests.runs.batch.host_stub import GRAPH, huge_png, png
from armature_pack.tests.server_fixture import find_host

WORKFLOWS = Path(__file__).resolve().parents[2] / "workflows" / "api"
CHECKED = WORKFLOWS / "control_signal.json"
LONG = "x" * 5000
STRANGE = "\udcff\x07=1+1"  # bytes of a file name that are no text, as Python gives them
DEEP = "[" * 100_000

# Each line: the command and its arguments. Of the names in braces `folder` holds one of every kind of file.
LINES = """
batch
batch {graph}
batch {graph} {missing}
batch {missing} {rows}
batch {folder} {rows}
batch {deep} {rows}
batch {binary} {rows}
batch {long} {rows}
batch {graph} {long}
batch {graph} {strange}
batch {graph} {binary}
batch {graph} {graph}
batch {graph} {rows} --server nowhere:0
batch {graph} {rows} --server
batch {graph} {rows} --server http://127.0.0.1:9 --out {file}
batch {graph} {rows} --server http://127.0.0.1:9 --header X
batch {graph} {rows} --server http://127.0.0.1:9 --header @{missing}
batch {graph} {rows} --server http://127.0.0.1:9 --header @{long}
batch {graph} {rows} --server http://127.0.0.1:9 --header X:\x01
batch {graph} {rows} --server http://127.0.0.1:9 --header X:\x00y
batch {graph} {rows} --server http://127.0.0.1:9 --header X y:z
batch {graph} {rows} --server http://127.0.0.1:9 --header X:ü\udcff
batch {graph} {rows} --server http://\udcff:8188
batch {graph} {rows} --server http://127.0.0.1:9/\udcff
batch {graph} {rows} --server http://127.0.0.1:9/?a=\udcff
batch {graph} {rows} --server http://{long}
batch {graph} {rows} --patience nan
batch {graph} {rows} --patience -1
batch {graph} {rows} --patience x
batch {graph} {rows} --row-timeout nan
batch {graph} {rows} --row-timeout 0
batch {graph} {rows} --row-timeout -3
batch {graph} {rows} --retry -1
batch {graph} {rows} --retry 1.5
batch {graph} {rows} --minimum-adherence nan
batch {scored} {rows} --minimum-adherence nan
batch {scored} {rows} --minimum-adherence 7
batch {graph} {rows} --ahead x
batch {graph} {rows} --ahead 0
batch {graph} {rows} --vary Sampler.seed
batch {graph} {rows} --vary Sampler.seed=9..1
batch {graph} {rows} --vary Sampler.seed={long}
batch {graph} {rows} --vary Sampler.seed=1..99999999999999999999
batch {graph} {rows} --vary Sampler.text={strange}
batch {graph} {rows} --map =
batch {graph} {rows} --pictures {missing}
batch {graph} {rows} --resources x=y --ray nowhere
batch {graph} {rows} --ray auto --server-arguments "
measure
measure {check}
measure {check} --pictures
measure {missing} --pictures {folder} --server http://127.0.0.1:9
measure {folder} --pictures {folder} --server http://127.0.0.1:9
measure {long} --pictures {folder} --server http://127.0.0.1:9
measure {strange} --pictures {folder} --server http://127.0.0.1:9
measure {binary} --pictures {folder} --server http://127.0.0.1:9
measure {deep} --pictures {folder} --server http://127.0.0.1:9
measure {bomb} --pictures {folder} --server http://127.0.0.1:9
measure {list} --pictures {folder} --server http://127.0.0.1:9
measure {number} --pictures {folder} --server http://127.0.0.1:9
measure {check} --pictures {folder} --server http://127.0.0.1:9
measure {check} --pictures {missing} --server http://127.0.0.1:9
measure {check} --pictures {folder} --server http://127.0.0.1:9 --savings --steps 0
measure {check} --pictures {folder} --server http://127.0.0.1:9 --savings --steps
measure {check} --pictures {folder} --server http://127.0.0.1:9 --savings --steps 4 --samplers {long}
measure {check} --pictures {folder} --server http://127.0.0.1:9 --steps 4
measure {check} --pictures {folder} --server http://127.0.0.1:9 --savings --record validated --models {folder}
measure {check} --pictures {file} --server http://127.0.0.1:9
measure {check} --pictures {long} --server http://127.0.0.1:9
measure {check} --pictures {strange} --server http://127.0.0.1:9
measure {check} --pictures {folder}/models --server http://127.0.0.1:9
measure {check} --pictures {folder} --server nowhere:0
measure {check} --pictures {folder} --server http://127.0.0.1:9 --header X
measure {check} --pictures {folder} --server http://127.0.0.1:9 --out {file}
measure {check} --pictures {folder} --server http://127.0.0.1:9 --out {file}/below
measure {check} --pictures {folder} --server http://127.0.0.1:9 --out {long}
measure {check} --pictures {folder} --server http://127.0.0.1:9 --limit 0
measure {check} --pictures {folder} --server http://127.0.0.1:9 --limit x
measure {check} --pictures {folder} --server http://127.0.0.1:9 --patience nan
measure {check} --pictures {folder} --server http://127.0.0.1:9 --retry -1
measure {check} --pictures {folder} --server http://127.0.0.1:9 --record maybe --models {folder}
measure {check} --pictures {folder} --server http://127.0.0.1:9 --record validated
measure {check} --pictures {folder} --server http://127.0.0.1:9 --record validated --models {missing}
check
check {check}
check {check} --models
check {check} --models {missing}
check {check} --models {long}
check {check} --models {file}
check {check} --models {strange}
check {missing} --models {folder}
check {long} --models {folder}
check {folder} --models {folder}
check {strange} --models {folder}
check {binary} --models {folder}
check {deep} --models {folder}
check {bomb} --models {folder}
check {list} --models {folder}
check {number} --models {folder}
check {check} --models {folder} --sheet {missing}
check {check} --models {folder} --sheet {deep}
check {check} --models {folder} --sheet {binary}
check {check} --models {folder} --sheet {folder}
check {check} --models {folder} --object-info {list}
check {check} --models {folder} --object-info {missing}
check {check} --models {folder} --object-info {binary}
check {check} --models {folder} --object-info {oddinfo}
check {check} --models {folder} --fix {file}/below
check {check} --models {folder} --fix {folder}
check {check} --models {folder} --fix {long}
check {check} --models {folder} --record validated --adherence nan
check {check} --models {folder} --record validated --adherence 7
check {check} --models {folder} --record validated --adherence -0.1
check {check} --models {folder} --record validated --adherence x
check {check} --models {folder} --record validated
check {check} --models {folder} --record validated --sheet {file}/below
check {check} --models {folder} --record maybe
check {check} --models {folder} --policy x
check {check} --models {nobody}
check {check} --models {loop}
check {loop} --models {folder}
check {pipe} --models {folder}
check /dev/zero --models {folder}
check {check} --models {folder} --object-info /dev/zero
measure {check} --pictures {loop} --server http://127.0.0.1:9
measure {check} --pictures {folder} --server http://127.0.0.1:9 --record validated --models {nobody}
batch /dev/zero {rows}
replay {pipe}
replay {loop}
replay /dev/zero
diff /dev/zero {pipe}
convert {pipe}
convert /dev/zero
convert {check} --dry-run --object-info {pipe}
fetch sd15 --models {nobody} --dry-run
fetch sd15 --models {loop} --dry-run
demo --checkpoint {nobody}
demo --models {loop}
serve --base-directory {loop}
serve --base-directory {nobody}
serve --models {nobody}
serve --comfyui {nobody}
host --comfyui {loop}
host --python {nobody} --comfyui {folder}
train controlnext --data {loop} --checkpoint {check} --to x
train controlnext --data {folder} --checkpoint {nobody} --to x
train controlnext --data {folder} --checkpoint {check} --to x --output {nobody}
train controlnext --data {folder} --checkpoint {check} --to x --models {loop}
train controlnext --data {folder} --checkpoint {check} --to ../x --set a={brackets}
convert
convert {missing}
convert {folder}
convert {long}
convert {binary}
convert {deep}
convert {list}
convert {bomb}
convert {check} -o {file}/below
convert {check} -o {folder}
convert {check} -o {long}
convert {check} -o {file}
convert {check} --dry-run --object-info {missing}
convert {check} --dry-run --object-info {deep}
convert {check} --base x
convert {strange}
replay
replay {missing}
replay {folder}
replay {long}
replay {strange}
replay {binary}
replay {deep}
replay {badpng}
replay {bomb}
replay {record}
replay {record} --server nowhere:0
replay {record} --server http://127.0.0.1:9 --header X
replay {record} --server http://127.0.0.1:9 --models {missing}
diff
diff {record}
diff {record} {missing}
diff {record} {badpng}
diff {record} {bomb}
diff {record} {bombrecord}
diff {folder} {long}
diff {record} {record} --out {file}/below
diff {record} {record} --out {folder}
fetch nothing_of_that_name
fetch {missing}
fetch {long}
fetch {deep} --dry-run
fetch {binary} --dry-run
fetch {list} --dry-run
fetch {bomb} --dry-run
fetch canny --models {long}
demo --seed -1
demo --seed x
demo --steps 0
demo --size 100
demo --image {missing}
demo --image {binary}
demo --image {folder}
demo --image {long}
demo --palette {badpng}
demo --image {bomb}
demo --output {file}
demo --output {file}/below
demo --output {long}
demo --checkpoint {missing} --controlnet {check}
demo --checkpoint {check} --controlnet {check}
demo --checkpoint {folder}
demo --checkpoint {long} --controlnet {check}
demo --checkpoint {strange}
demo --checkpoint {binary} --controlnet {binary}
demo --controlnet {bomb}
demo --ip-adapter {file}
demo --models {missing}
demo --models {folder}
demo --models {file} --dry-run
demo --models {long}
demo --map canny
demo --fetch --models {folder}
demo --fetch --models {file}/below
serve --port x
serve --port 99999
serve --port -1
serve --port 70000 --listen ::1
serve --listen {long}
serve --listen {strange}
serve --port 0 --listen nowhere.invalid
serve --base-directory {file}
serve --base-directory {file}/below
serve --base-directory {long}
serve --models {missing}
serve --comfyui {missing}
serve --comfyui {long}
serve --comfyui {file}
host --remove nothing
host --remove
host --remove ..
host --remove {long}
host --comfyui {folder}
host --comfyui {long} --python {long}
host --python x
host --host 9.9.9
host --host {strange}
host --source x
host --list --rebuild
test --comfyui {folder}
test --python x
train
train nothing
train controlnext --data {missing} --checkpoint {check} --to x
train controlnext --data {file} --checkpoint {check} --to x
train controlnext --data {long} --checkpoint {check} --to x
train controlnext --data {folder} --checkpoint {missing} --to x
train controlnext --data {folder} --checkpoint {folder} --to x
train controlnext --data {folder} --checkpoint {long} --to x
train controlnext --data {folder} --checkpoint {check} --to x --models {file}/below
train controlnext --data {folder} --checkpoint {check} --to x --output {file}
train controlnext --data {folder} --checkpoint {check} --to x --steps x
train ip-adapter --data {folder} --checkpoint {check} --to x
train ip-adapter --data {folder} --checkpoint {check} --to x --clip-vision {missing}
train ip-adapter --data {folder} --checkpoint {check} --to x --clip-vision {check} --start-from {folder}
train controlnext --data {folder} --checkpoint {check} --to x --set x
train controlnext --data {folder} --checkpoint {check} --to x --set =1
train controlnext --data {folder} --checkpoint {check} --to ../x
train controlnext --data {folder} --checkpoint {check} --to {long}
train controlnext --data {folder} --checkpoint {check} --to x --steps 0
train controlnext --data {folder} --checkpoint {check} --to x --size 7
train controlnext --data {folder} --checkpoint {check} --to x --batch -1
train controlnext --data {folder} --checkpoint {check} --to x --learning-rate nan
demo-models
demo-models --to {file}
demo-models --to {file}/below
demo-models --to {long}
train-demo
train-demo nothing --to {folder}
train-demo --to {file}/below
train-demo --pack --to {missing}
train-demo --compare x --to {folder}
train-demo --compare 0 --to {folder}
train-demo --compare 2 --seeds 0 --to {folder}
train-demo --compare 2 --batch -4 --to {folder}
train-demo --to {folder} --device nothing
train-demo --to {folder} --device cuda:99
train-demo --to {folder} --scenes x
evaluate-demo
evaluate-demo --to {folder} --scenes x
evaluate-demo --to {folder} --device nothing
examples
examples --keep nothing
examples --keep {long}
blueprints nothing
graphs nothing
graphs {long}
locales --phrases x
locales --phrases de
locales --phrases de={missing}
locales --phrases de={deep}
locales --phrases de={list}
locales --phrases de={binary}
gallery nothing
gallery canny --output {file}/below
pages --pictures --only nothing
"""


# These ask for nothing that cannot be had.
HARMLESS = """
convert {check} --dry-run --object-info {oddinfo}
fetch
fetch {graph} --dry-run --models {file}/below
fetch {oddgraph} --dry-run
host --list
"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """One of every kind of file, by name."""
    folder = tmp_path_factory.mktemp("hostile")
    scored = {**GRAPH, "9": {"class_type": "ArmatureControlAdherence", "inputs": {"image": ["3", 0]}}}
    oddgraph = {"1": {"class_type": 7, "inputs": []}, "nodes": None, "2": {"class_type": "x", "properties": 3}}
    oddgraph |= {"definitions": {"subgraphs": [3, {"nodes": {}}]}}
    picture = folder / "p_00001_.png"
    picture.write_bytes(png())
    record = {
        "schema": "armature.record/1",
        "created": "x",
        "node": "4",
        "prompt": GRAPH,
        "sampling": [],
        "signals": [],
        "models": [],
        "inputs": [],
        "reports": [],
        "versions": {},
        "device": {},
        "pictures": [{"file": picture.name, "sha256": "x"}],
    }
    (folder / "p_00001_.record").mkdir()
    (folder / "models" / "checkpoints").mkdir(parents=True)
    contents: dict[str, object] = {
        "graph": GRAPH,
        "scored": scored,
        "list": [1, None, "x"],
        "number": 7,
        "oddgraph": oddgraph,
        "check": read_graph_file(CHECKED),
        "oddinfo": {"CheckpointLoaderSimple": 3, "KSampler": {"input": [], "output": {}}, "VAEDecode": None},
    }
    for name, content in contents.items():
        (folder / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "p_00001_.record" / "record.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "bomb.record").mkdir()
    (folder / "bomb.png").write_bytes(huge_png())
    record["pictures"] = [{"file": "bomb.png", "sha256": "y"}]
    (folder / "bomb.record" / "record.json").write_text(json.dumps(record), encoding="utf-8")
    (folder / "deep.json").write_text(DEEP, encoding="utf-8")
    (folder / "binary.json").write_bytes(bytes(range(256)) * 9)
    (folder / "bad.png").write_bytes(png()[:40])
    (folder / "rows.csv").write_text("Sampler.text\na\n", encoding="utf-8")
    (folder / "file").write_text("", encoding="utf-8")
    if sys.platform != "win32":
        (folder / "loop").symlink_to("loop")
        os.mkfifo(folder / "pipe")
    named = {name: str(folder / f"{name}.json") for name in (*contents, "deep", "binary")}
    return named | {
        "folder": str(folder),
        "file": str(folder / "file"),
        "rows": str(folder / "rows.csv"),
        "bomb": str(folder / "bomb.png"),
        "bombrecord": str(folder / "bomb.record"),
        "badpng": str(folder / "bad.png"),
        "missing": str(folder / "missing" / "missing.json"),
        "record": str(folder / "p_00001_.record"),
        "loop": str(folder / "loop"),
        "pipe": str(folder / "pipe"),
        "nobody": "~no-such-user/x",
        "brackets": DEEP,
        "long": LONG,
        "strange": STRANGE,
    }


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As if the front door had found the host already; its cache is empty, and no other host can be made."""
    for name, value in {**find_host().environment(), command_line.INSIDE: "1", "ARMATURE_CACHE": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])

    def no_host(*_: object, **__: object) -> Any:
        raise Problem("no host is made here")

    monkeypatch.setattr(load("host"), "ensure_private_host", no_host)
    monkeypatch.setattr(host_options, "ensure_test_tools", no_host)
    monkeypatch.setattr(host_options, "ensure_private_host", lambda _request: find_host())


def run(line: str, files: dict[str, str]) -> int:
    """The exit status of a command line, as a shell sees it."""
    os.environ[command_line.INSIDE] = "1"  # every start takes it away
    arguments = [part.format(**files) for part in line.split(" ")]
    try:
        return command_line.main(arguments)
    except SystemExit as error:  # argparse
        return error.code if isinstance(error.code, int) else 1


@pytest.mark.parametrize("line", LINES.strip().splitlines())
def test_wrong_arguments(line: str, files: dict[str, str], inside: None, capsys: pytest.CaptureFixture[str]) -> None:
    status = run(line, files)
    told = capsys.readouterr()
    assert status in (1, 2), told
    assert "Traceback" not in told.err


@pytest.mark.parametrize("line", HARMLESS.strip().splitlines())
def test_odd_arguments(line: str, files: dict[str, str], inside: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line, files) == 0, capsys.readouterr()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_table(command: str) -> None:
    assert any(line.split(" ")[0] == command for line in LINES.strip().splitlines())


@pytest.mark.parametrize(
    "line",
    [
        "convert {check} -o {file}/below",
        "check {check} --models {folder} --fix {file}/below",
        "check {check} --models {folder} --fix {folder}",
        "demo --output {file}/below",
        "demo-models --to {file}",
        "train-demo --to {file}/below",
        "serve --base-directory {file}/below",
        "diff {record} {record} --out {file}/below",
        "batch {graph} {rows} --server http://127.0.0.1:9 --out {file}",
        "measure {check} --pictures {folder} --server http://127.0.0.1:9 --out {file}/below",
    ],
)
def test_places_that_take_nothing_give_a_sentence_and_status_2(
    line: str, files: dict[str, str], inside: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(line, files) == 2
    told = capsys.readouterr().err
    assert "armature: " in told


def test_a_cache_that_takes_nothing(
    files: dict[str, str], inside: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where it is needed, a sentence; a check goes without."""
    monkeypatch.setenv("ARMATURE_CACHE", files["file"])
    assert run("serve", files) == 2
    assert run("host --list", files) == 0
    assert run("check {check} --models {folder}", files) == 1
    told = capsys.readouterr()
    assert files["file"] in told.err and "checkpoint" in told.out.lower()
