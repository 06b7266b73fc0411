"""Files are made once, are the same on every run, and say what they are."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from armature_pack.models.files.writing import write_safetensors
from armature_pack.tests.generated.catalog import find_recipe, names
from armature_pack.tests.generated.generation import generate
from armature_pack.tests.generated.weights import random_weights
from safetensors import safe_open

ROOT = Path(__file__).resolve().parents[2]

IN_A_PROCESS_OF_ITS_OWN = """
import importlib.util, sys
from pathlib import Path
root, path = sys.argv[1:]
spec = importlib.util.spec_from_file_location("armature_pack", root + "/__init__.py", submodule_search_locations=[root])
sys.modules["armature_pack"] = importlib.util.module_from_spec(spec)
from armature_pack.models.files.writing import write_safetensors
from armature_pack.tests.generated.weights import random_weights
for _ in range(5):
    write_safetensors(Path(path), random_weights({"a.weight": (1000, 1000), "a.bias": (7,)}, 1, "float16"), {"x": "y"})
"""


def _hash(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


# Made by the same code as the others, at ten seconds and a gigabyte each.
LARGE = {"sdxl_checkpoint", "svd_checkpoint"}


@pytest.mark.parametrize("name", [name for name in names() if name not in LARGE])
def test_a_second_making_gives_the_same_bytes(name, weights_file, tmp_path) -> None:
    kept = Path(weights_file(name))
    again = generate(name, tmp_path)
    same = _hash(again) == _hash(kept)
    again.unlink()  # pytest keeps its folders for a while, and these files are large
    assert same, (
        f"{kept} was made by other code with the same recipe: raise the version of {name!r} (or delete the file)"
    )


def test_a_file_that_is_there_is_not_made_again(tmp_path) -> None:
    path = generate("vae_taesd", tmp_path)
    path.write_bytes(b"kept")
    assert generate("vae_taesd", tmp_path).read_bytes() == b"kept"


def test_the_header_says_that_the_weights_are_untrained(weights_file) -> None:
    recipe = find_recipe("vae_taesd")
    with safe_open(weights_file("vae_taesd"), framework="pt") as file:
        metadata = file.metadata()
    assert metadata["armature.generated"] == "1"
    assert metadata["armature.recipe"] == "vae_taesd"
    assert metadata["armature.seed"] == str(recipe.seed)
    assert "ntrained" in metadata["armature.description"]


def test_processes_at_once_write_one_and_the_same_file(tmp_path, no_partial_files) -> None:
    path = tmp_path / "theirs" / "file.safetensors"
    command = [sys.executable, "-c", IN_A_PROCESS_OF_ITS_OWN, str(ROOT), str(path)]
    processes = [subprocess.Popen(command, cwd=tmp_path) for _ in range(2)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0]
    no_partial_files(path.parent)
    ours = tmp_path / "ours.safetensors"
    write_safetensors(ours, random_weights({"a.weight": (1000, 1000), "a.bias": (7,)}, 1, "float16"), {"x": "y"})
    assert _hash(path) == _hash(ours)
