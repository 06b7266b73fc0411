"""What Train IP-Adapter learns of one thing on the demo's models: the figures and the sheet of its help page.

Run it in the host's Python:
    ARMATURE_COMFYUI=/path/to/ComfyUI python tests/bench/bench_train_ip_adapter.py [ArmatureTrainIPAdapter.jpg]
Sixteen views of a green cube, rendered here. From the demo's own adapter, then anew. Prints the node's two reports; the first
training's sheet is written where one is named. No time is claimed.
"""

from __future__ import annotations

import importlib
import math
import random
import sys
import tempfile
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS)]
importlib.import_module("conftest").prepare_host()  # it also puts the host on the path and loads the pack

import comfy.clip_vision  # noqa: E402
import comfy.sd  # noqa: E402
import folder_paths  # noqa: E402
from armature_pack.commands.demo.weights import written_models  # noqa: E402
from armature_pack.commands.private_host.files import cache_folder  # noqa: E402
from armature_pack.models.ip_adapter.loading import load_ip_adapter  # noqa: E402
from armature_pack.models.training.from_folder import set_of_folder  # noqa: E402
from armature_pack.models.training.training_set import Wanted  # noqa: E402
from armature_pack.nodes.train_ip_adapter import ArmatureTrainIPAdapter  # noqa: E402
from armature_pack.tools.demo_training.scenes.layout import Placed, Scene  # noqa: E402
from armature_pack.tools.demo_training.scenes.rendering import render  # noqa: E402
from armature_pack.tools.help.method_maps import picture_of  # noqa: E402
from armature_pack.tools.help.pictures import save  # noqa: E402

VIEWS, SIZE = 16, 128
DRAWN = {
    "validation_pictures": 3,
    "validation_steps": 10,
    "cfg": 2.0,
    "sampler_name": "lcm",
    "scheduler": "sgm_uniform",
}
FURTHER = {"steps": 40, "learning_rate": 0.001, "validate_every": 20}
ANEW = {"steps": 30, "learning_rate": 0.003, "validate_every": 30}


def write_views(folder: Path) -> None:
    """One cube, seen from many sides."""
    dice = random.Random("views of a cube")
    folder.mkdir(parents=True)
    for number in range(VIEWS):
        yaw = dice.uniform(-math.pi / 4, math.pi / 4)
        cube = Placed("cube", "green", dice.uniform(-0.3, 0.3), dice.uniform(-0.2, 0.3), 0.8, yaw)
        angles = {"camera_elevation": dice.uniform(24, 34), "light_azimuth": 135, "light_elevation": 50}
        view = Scene((cube,), "white", **{name: math.radians(value) for name, value in angles.items()})
        picture_of(render([view], SIZE).images.movedim(1, -1)).save(folder / f"{number + 1:02}.png")


def main(sheet: Path | None) -> None:
    models = written_models(cache_folder() / "demo") / "models"
    checkpoint = str(models / "checkpoints" / "armature_demo.safetensors")
    loaded: Any = comfy.sd.load_checkpoint_guess_config(checkpoint, output_vae=True, output_clip=True)
    model, clip, vae, *_ = loaded
    seen_by = comfy.clip_vision.load(str(models / "clip_vision" / "armature_demo_clip_vision.safetensors"))
    known = load_ip_adapter(models / "ipadapter" / "armature_demo_ip_adapter.safetensors", "auto")
    with tempfile.TemporaryDirectory() as place:
        folders = Path(place)
        write_views(folders / "input" / "cube")
        folder_paths.set_input_directory(str(folders / "input"))
        folder_paths.set_output_directory(str(folders / "output"))
        folder_paths.folder_names_and_paths["ipadapter"] = ([str(folders / "ipadapter")], {".safetensors"})
        views = set_of_folder("cube", Wanted(size=SIZE, captions="empty", maps="none")).set
        for name, start_from, plan in (("further", known, FURTHER), ("anew", None, ANEW)):
            made = ArmatureTrainIPAdapter.execute(
                model, clip, vae, seen_by, views, name, start_from=start_from, **plan, **DRAWN
            )
            print(f"{name}: {plan}\n{made.args[3]}\n", flush=True)
            if sheet and start_from:
                save(made.args[2], sheet)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else None)
