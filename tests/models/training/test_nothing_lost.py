"""A training that is killed while it writes its state, and one on a full disk, go on to the same files as one left alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from armature_pack.nodes.training import ArmatureTrainControlNeXt
from armature_pack.tests.file_limit import files_up_to
from safetensors.torch import load_file
from small import checkpoint, own_folders, squares

pytest.importorskip("cv2")
if os.name == "nt":
    pytest.skip("signals and limits of POSIX", allow_module_level=True)

ROOT = Path(__file__).resolve().parents[3]
STEPS, EVERY_STEP = 3, {"batch": 2, "save_every": 1, "validate_every": 100, "validation_pictures": 0}
# What the child does: the same training, and an end by force as its second state is about to take the first one's place.
CHILD = """
import importlib.util, os, signal, sys
from pathlib import Path
import comfy.cli_args
comfy.cli_args.args.cpu = True
spec = importlib.util.spec_from_file_location("armature", sys.argv[1])
armature = importlib.util.module_from_spec(spec)
spec.loader.exec_module(armature)
armature.load_pack()
import folder_paths
folders = Path(sys.argv[2])
folder_paths.input_directory, folder_paths.output_directory = str(folders / "input"), str(folders / "output")
folder_paths.folder_names_and_paths["controlnet"] = ([str(folders / "controlnet")], {".safetensors"})
from armature_pack.common import atomic_write
replaced = []
def replace(temporary, path, same_bytes, usual=atomic_write._replace):
    if path.name.endswith(".state.safetensors"):
        replaced.append(path)
        if len(replaced) == 2:
            os.kill(os.getpid(), signal.SIGKILL)
    usual(temporary, path, same_bytes)
atomic_write._replace = replace
import test_nothing_lost
test_nothing_lost.trained(folders, "parts")
"""


def trained(folders: Path, name: str) -> str:
    """The node's report."""
    with torch.inference_mode():
        given = (*checkpoint(), squares(folders), name, STEPS)
        return ArmatureTrainControlNeXt.execute(*given, **EVERY_STEP).args[-1]


def files(folders: Path, name: str) -> dict[str, torch.Tensor]:
    module = load_file(folders / "controlnet" / f"{name}.safetensors")
    return module | load_file(folders / "controlnet" / f"{name}_unet.safetensors")


def equal(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The files of a training that is left alone."""
    with pytest.MonkeyPatch.context() as patch:
        folders = own_folders(tmp_path_factory.mktemp("whole"), patch)
        trained(folders, "whole")
        return files(folders, "whole")


def test_killed_while_its_state_is_written(folders: Path, whole: dict[str, torch.Tensor]) -> None:
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    threads = str(torch.get_num_threads())
    ended = subprocess.run(
        [sys.executable, "-c", CHILD, str(ROOT / "armature.py"), str(folders)],
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": threads},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr.decode()[-2000:]
    state = folders / "output" / "armature_training" / "parts"
    assert (state / "parts.state.safetensors").is_file() and not (folders / "controlnet" / "parts.safetensors").exists()
    report = trained(folders, "parts")
    assert "3 steps, 2 of them now" in report and equal(whole, files(folders, "parts"))


def test_a_full_disk_is_told_and_the_same_again_goes_on(folders: Path, whole: dict[str, torch.Tensor]) -> None:
    with files_up_to(1_000_000), pytest.raises(ValueError, match=r"state of the training cannot be written.*Make room"):
        trained(folders, "parts")
    written = [
        file for file in (folders / "output" / "armature_training" / "parts").iterdir() if file.suffix != ".jsonl"
    ]
    assert not written, "nothing half written is left"
    report = trained(folders, "parts")
    assert "3 steps" in report and equal(whole, files(folders, "parts"))
