"""The file that tells ComfyUI about the user's model folders."""

from __future__ import annotations

import os
import sys

import pytest
import yaml
from armature_pack.commands.private_host.model_paths import write_model_paths
from armature_pack.commands.terminal import Problem


def test_every_standard_folder_and_the_user_s_own(tmp_path):
    models = tmp_path / 'my "models": ü'
    (models / "special").mkdir(parents=True)
    (models / "custom_nodes").mkdir()
    file = write_model_paths(tmp_path, [models, tmp_path])
    first, second = yaml.safe_load(file.read_text(encoding="utf-8")).values()
    assert first["base_path"] == str(models.resolve()) and second["base_path"] == str(tmp_path.resolve())
    assert first["checkpoints"] == "checkpoints" and first["ipadapter"] == "ipadapter" and first["special"] == "special"
    assert first["controlnet"].split("\n") == ["controlnet", "t2i_adapter"]
    assert "custom_nodes" not in first


def test_covers_every_folder_of_the_host(tmp_path):
    folder_paths = pytest.importorskip("folder_paths")
    (entry,) = yaml.safe_load(write_model_paths(tmp_path, [tmp_path]).read_text(encoding="utf-8")).values()
    named = {folder_paths.map_legacy(name) for name in entry}
    assert set(folder_paths.folder_names_and_paths) - {"custom_nodes", "datasets"} - named == set()


def test_folder_that_is_not_there(tmp_path):
    with pytest.raises(Problem, match="no such folder"):
        write_model_paths(tmp_path, [tmp_path / "nowhere"])


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every name is text")
def test_names_that_are_no_text(tmp_path):
    strange = tmp_path / os.fsdecode(b"\xfe")
    (strange / "checkpoints").mkdir(parents=True)
    (entry,) = yaml.safe_load(write_model_paths(tmp_path, [tmp_path]).read_text(encoding="utf-8")).values()
    assert entry["checkpoints"] == "checkpoints"
    with pytest.raises(Problem, match="no UTF-8"):
        write_model_paths(tmp_path, [strange])


def test_of_a_first_folder_what_is_saved_goes_to_the_last_that_is_named(tmp_path):
    """ComfyUI puts each folder of a default one in front: the last of several names is where nodes write."""
    text = write_model_paths(tmp_path, [tmp_path], first=True).read_text(encoding="utf-8")
    assert "is_default: true" in text and '"controlnet": "t2i_adapter\\ncontrolnet"' in text
    assert '"controlnet": "controlnet\\nt2i_adapter"' in write_model_paths(tmp_path, [tmp_path]).read_text(
        encoding="utf-8"
    )
