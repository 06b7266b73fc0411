"""`python armature.py demo` from beginning to end, as a user calls it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from armature_pack.commands.private_host.files import cache_folder
from armature_pack.tests.generated.generation import generate
from armature_pack.tests.server_fixture import ONE_THREAD
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--size", "64", "--steps", "2")

pytestmark = pytest.mark.host


def start(folder: Path, *options: str, **how) -> subprocess.Popen:
    host = ("--comfyui", os.environ["ARMATURE_COMFYUI"], "--python", sys.executable)
    command = [sys.executable, str(ROOT / "armature.py"), "demo", *host, *options]
    return subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | ONE_THREAD,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        **how,
    )


def test_a_picture_of_ones_own_is_drawn_four_ways(tmp_path: Path) -> None:
    edge = np.zeros((160, 80, 3), np.uint8)
    edge[:, 40:] = 255
    Image.fromarray(edge).save(tmp_path / "my picture.png")
    process = start(tmp_path, *SMALL, "--image", "my picture.png", "--prompt", "two halves", "--seed", "5")
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, err
    assert out.count("edge F1") == 4

    files = {path.name: Image.open(path) for path in (tmp_path / "output").iterdir()}
    stem = "armature_demo_0001_"
    drawn = ("no_control", "ControlNet", "ControlNeXt", "all_three")
    assert set(files) == {f"{stem}{name}.png" for name in ("picture", "map", *drawn, "side_by_side")}
    assert all(str(Path("output") / name) in out for name in files)
    assert files[f"{stem}picture.png"].size == (64, 64)
    lines = np.asarray(files[f"{stem}map.png"].convert("L"))
    assert lines[:, 29:35].max() == 255
    assert lines[:, :24].max() == 0
    pictures = [np.asarray(files[f"{stem}{name}.png"]) for name in drawn]
    assert all(picture.shape == (64, 64, 3) for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == len(drawn)


def test_models_of_ones_own_draw_the_same_sheet(tmp_path: Path) -> None:
    """Generated weights draw noise; what is shown is that each file is loaded and acts."""
    roles = {
        "checkpoint": "sd15_checkpoint",
        "controlnet": "sd15_controlnet_canny",
        "lora": "sd15_lora",
        "ip_adapter": "sd15_ip_adapter",
        "clip_vision": "clip_vision_l",
    }
    files = {role: generate(name, cache_folder() / "generated") for role, name in roles.items()}
    named = [part for role, file in files.items() for part in (f"--{role.replace('_', '-')}", str(file))]
    process = start(tmp_path, *SMALL[:3], "1", *named, "--seed", "5")
    out, err = process.communicate(timeout=900)
    assert process.returncode == 0, out + err
    assert out.count("edge F1") == 3 and all(str(file) in out for file in files.values())
    stem = "armature_demo_0001_"
    drawn = ("no_control", "ControlNet", "ControlNet_LoRA_and_IP-Adapter")
    files_made = {path.name for path in (tmp_path / "output").iterdir()}
    assert files_made == {f"{stem}{name}.png" for name in ("picture", "map", *drawn, "side_by_side")}
    pictures = [np.asarray(Image.open(tmp_path / "output" / f"{stem}{name}.png")) for name in drawn]
    assert all(picture.shape == (64, 64, 3) for picture in pictures)
    assert len({picture.tobytes() for picture in pictures}) == len(drawn)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_ctrl_c_stops_the_run_and_the_server(tmp_path: Path) -> None:
    process = start(tmp_path, "--size", "64", "--steps", "30", start_new_session=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "Sampler" in line:
            break
    process.send_signal(signal.SIGINT)
    try:
        _, err = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # or the server would sample on beside the other tests
        raise
    assert process.returncode == 130
    assert "Traceback" not in err
    assert not list((tmp_path / "output").iterdir())


@pytest.mark.parametrize(
    ("options", "message", "status"),
    [
        (("--image", "none.png"), "--image none.png: no such file", 1),
        (("--palette", "none.png"), "--palette none.png: no such file", 1),
        (("--image", "text.txt"), "is not a picture that can be read", 1),
        (("--output", "text.txt"), "--output text.txt: File exists", 2),
    ],
)
def test_wrong_options_are_refused_before_anything_starts(
    tmp_path: Path, options: tuple[str, ...], message: str, status: int
) -> None:
    (tmp_path / "text.txt").write_text("words", encoding="utf-8")
    process = start(tmp_path, *options)
    out, err = process.communicate(timeout=300)
    assert process.returncode == status
    assert message in err
    assert "Traceback" not in err
    assert "Starting" not in out
