"""`armature.py check`: exit status, JSON, the repaired copy, and the sheet."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from armature_pack.commands import check
from armature_pack.commands.terminal import Problem, Unusable
from armature_pack.tests.file_limit import files_up_to
from armature_pack.tests.models.compatibility.graphs import controlled, text_to_image, write_models
from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    write_models(folder)
    return folder


@pytest.fixture
def run(models, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ARMATURE_CACHE", str(tmp_path / "cache"))

    def run(graph, *more: str) -> tuple[int, str]:
        file = graph if isinstance(graph, Path) else tmp_path / "graph.json"
        if file is not graph:
            file.write_text(graph if isinstance(graph, str) else json.dumps(graph), encoding="utf-8")
        status = check.run(parsed(file, models, *more))
        return status, capsys.readouterr().out

    return run


def parsed(file: Path, models: Path, *more: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    check.add_arguments(parser)
    return parser.parse_args([str(file), "--models", str(models), *more])


def test_exit_status_and_text(run):
    assert run(controlled())[0] == 0
    status, text = run(controlled("sdxl.safetensors"))
    assert status == 1 and "is made for SD 1.5" in text and "sdxl_canny.safetensors" in text


def test_strict_makes_a_status_of_what_was_not_understood(run):
    doubtful = text_to_image() | {"9": {"class_type": "MagicOfNowhere", "inputs": {"model": ["1", 0]}}}
    assert run(doubtful)[0] == 0 and run(doubtful, "--strict")[0] == 2
    status, text = run(doubtful, "--strict", "--json")
    assert json.loads(text)["verdict"] == "not_understood_in_part" and status == 2
    assert run(text_to_image(), "--strict")[0] == 0 and run(controlled("sdxl.safetensors"), "--strict")[0] == 1


def test_verdicts_of_another_host_are_not_believed(run, tmp_path):
    from armature_pack.models.files import index as index_module

    store = tmp_path / "cache" / "model_headers.json"
    index_module.forget()
    assert run(controlled())[0] == 0
    table = json.loads(store.read_text(encoding="utf-8"))
    table["made_by"]["host"] = "0.0.1"
    for entry in table["files"]:
        entry[3:] = [None, "an old verdict"]
    store.write_text(json.dumps(table), encoding="utf-8")
    index_module.forget()
    assert run(controlled())[0] == 0


@pytest.mark.parametrize("adherence", ["nan", "7", "-0.1", "inf"])
def test_an_adherence_that_is_none_is_refused_before_anything_is_done(run, tmp_path, adherence):
    sheet = tmp_path / "sheet.json"
    with pytest.raises(Problem, match="between 0 and 1"):
        run(text_to_image(), "--record", "validated", "--adherence", adherence, "--sheet", str(sheet))
    assert not sheet.exists()
    run(text_to_image(), "--record", "validated", "--adherence", "0.5", "--sheet", str(sheet))
    assert json.loads(sheet.read_text(encoding="utf-8"))["combinations"][0]["adherence"] == 0.5


@pytest.mark.parametrize("verdict", ["validated", "refused"])
def test_no_verdict_on_files_that_are_not_there(run, tmp_path, verdict):
    sheet = tmp_path / "sheet.json"
    for graph in (text_to_image("gone.safetensors"), controlled(net="gone.safetensors")):
        with pytest.raises(Problem, match="gone.safetensors is not there"):
            run(graph, "--record", verdict, "--sheet", str(sheet))
    assert not sheet.exists()


def test_an_old_verdict_on_a_missing_file_counts_for_no_other(run, tmp_path):
    """Sheets of earlier versions may hold them: without a hash, which all missing files share."""
    sheet = tmp_path / "sheet.json"
    run(text_to_image(), "--record", "validated", "--sheet", str(sheet))
    table = json.loads(sheet.read_text(encoding="utf-8"))
    table["combinations"][0]["checkpoint"] |= {"hash": "", "name": "gone.safetensors"}
    sheet.write_text(json.dumps(table), encoding="utf-8")
    _, text = run(text_to_image("other.safetensors"), "--sheet", str(sheet), "--json")
    assert "validated" not in {one["standing"] for one in json.loads(text)["validated"]}


@pytest.mark.skipif(sys.platform == "win32", reason="limits the size of files as POSIX does")
def test_a_full_disk_leaves_the_old_sheet_and_the_old_copy(run, models, tmp_path):
    sheet, copy = tmp_path / "sheet.json", tmp_path / "fixed.json"
    run(controlled(), "--record", "validated", "--sheet", str(sheet), "--fix", str(copy))
    before = sheet.read_bytes(), copy.read_bytes()
    for more in (("--record", "refused", "--sheet", str(sheet)), ("--fix", str(copy))):
        with files_up_to(100), pytest.raises(Unusable, match="Choose another place"):
            check.run(parsed(tmp_path / "graph.json", models, *more))
    assert (sheet.read_bytes(), copy.read_bytes()) == before
    assert not list(tmp_path.glob(".*.partial"))


def test_json(run):
    status, text = run(controlled("sdxl.safetensors"), "--json")
    report = json.loads(text)
    assert status == 1 and report["schema"] == "armature.compatibility/1" and report["counts"]["error"] == 1


def test_a_second_run_reads_the_stored_verdicts(run, tmp_path, monkeypatch):
    from armature_pack.models.files import index as index_module

    index_module.forget()
    assert run(controlled())[0] == 0
    assert (tmp_path / "cache" / "model_headers.json").is_file()
    index_module.forget()
    monkeypatch.setattr(index_module, "identify_file", lambda path: pytest.fail(f"{path} was read again"))
    assert run(controlled())[0] == 0


def test_the_repaired_copy_is_sound(run, tmp_path):
    target = tmp_path / "fixed.json"
    assert run(controlled("sdxl.safetensors"), "--fix", str(target))[0] == 1
    assert run(json.loads(target.read_text(encoding="utf-8")))[0] == 0


def test_a_saved_graph_is_converted(run):
    status, text = run((ROOT / "workflows" / "control_signal.json").read_text(encoding="utf-8"), "--json")
    assert status == 1 and {found["rule"] for found in json.loads(text)["findings"]} == {"missing_file"}


def test_record_and_validated_only(run, tmp_path):
    assert run(controlled(), "--policy", "validated_only")[0] == 1
    assert run(controlled(), "--record", "validated", "--note", "looks right", "--adherence", "0.9")[0] == 0
    assert (
        json.loads((tmp_path / "armature.json").read_text(encoding="utf-8"))["combinations"][0]["note"] == "looks right"
    )
    assert run(controlled(), "--policy", "validated_only")[0] == 0


def test_a_graph_in_a_picture_in_a_wrapping_and_behind_a_byte_order_mark(run, tmp_path):
    broken = controlled("sdxl.safetensors")
    info = PngInfo()
    info.add_text("prompt", json.dumps(broken))
    Image.new("RGB", (8, 8)).save(tmp_path / "picture.png", pnginfo=info)
    for graph in (tmp_path / "picture.png", {"input": {"workflow": broken}}, "\ufeff" + json.dumps(broken)):
        assert run(graph)[0] == 1
    assert run({"input": {"workflow": controlled()}})[0] == 0


def test_a_name_with_another_systems_separator_is_missing_and_is_repaired(run, models, tmp_path):
    target = models / "checkpoints" / "sub" / "x.safetensors"
    target.parent.mkdir(exist_ok=True)
    shutil.copyfile(models / "checkpoints" / "sd15.safetensors", target)
    own, foreign = ("sub/x.safetensors", "sub\\x.safetensors")[:: 1 if os.sep == "/" else -1]
    assert run(text_to_image(own))[0] == 0
    status, text = run(text_to_image(foreign), "--fix", str(tmp_path / "fixed.json"))
    assert status == 1 and f"lies there as '{own}'" in text
    assert json.loads((tmp_path / "fixed.json").read_text(encoding="utf-8"))["1"]["inputs"]["ckpt_name"] == own


def test_a_folder_a_level_too_low_and_one_without_models(run, models, tmp_path, capsys):
    assert run(controlled(), "--models", str(models / "loras"))[0] == 0
    (tmp_path / "empty").mkdir()
    with pytest.raises(Problem, match="none of ComfyUI's model folders"):
        run(controlled(), "--models", str(tmp_path / "empty"))


@pytest.mark.parametrize("graph", ["", "{", "[]", "{}", '{"1": 3}', '{"nodes": [3], "links": []}'])
def test_what_cannot_be_checked_is_a_problem(run, graph):
    with pytest.raises(Problem, match=r"graph\.json"):
        run(graph)


def test_folders_and_files_that_are_not_there(run, tmp_path):
    with pytest.raises(Problem, match="no such folder"):
        run(text_to_image(), "--models", str(tmp_path / "nowhere"))
    with pytest.raises(Problem, match="no such file"):
        run(text_to_image(), "--sheet", str(tmp_path / "nowhere.json"))


def test_from_the_front_door_the_status_is_2_for_what_could_not_be_checked(tmp_path, models, host_options):
    command = [sys.executable, str(ROOT / "armature.py"), "check", str(tmp_path / "none.json"), "--models", str(models)]
    result = subprocess.run([*command, *host_options], capture_output=True, text=True, check=False)
    assert result.returncode == 2 and "none.json" in result.stderr


@pytest.fixture
def host_options() -> list[str]:
    from armature_pack.tests.server_fixture import find_host

    host = find_host()
    return ["--comfyui", str(host.comfyui), "--python", str(host.python)]
