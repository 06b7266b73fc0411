"""Training Folder on the real server: what the list offers, the set's sheet and report, and what makes it look again."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from armature_pack.runs.api import use_client
from armature_pack.runs.errors import PromptRefused, RunFailed

sys.path.append(str(Path(__file__).resolve().parents[1] / "models" / "training"))

from training_pictures import colours, folder_of, save

pytestmark = pytest.mark.host
NODE = "ArmatureTrainingFolder"


def prompt(folder: str, **inputs: Any) -> dict[str, Any]:
    """The node alone, with its report and its sheet shown behind it."""
    behind = {
        "text": {"class_type": "PreviewAny", "inputs": {"source": ["set", 2]}},
        "sheet": {"class_type": "PreviewImage", "inputs": {"images": ["set", 1]}},
    }
    return {"set": {"class_type": NODE, "inputs": {"folder": folder, "size": 64, **inputs}}, **behind}


def report(result: Any) -> str:
    return result.texts("text")[0]


def offered(server) -> list[str]:
    info = use_client(server.address, lambda client: client.object_info())
    kind, options = info[NODE]["input"]["required"]["folder"]
    return options["options"] if kind == "COMBO" else kind


def test_a_folder_becomes_a_set_and_is_looked_at_again_when_it_changes(server):
    folder = folder_of(server.input_folder / "trained" / "blocks", 3, maps=True)
    (server.input_folder / "trained" / "words").mkdir()
    names = offered(server)
    assert {"trained", "trained/blocks"} <= set(names) and "trained/words" not in names
    result = server.run(prompt("trained/blocks"))
    assert "trained/blocks: 3 pictures; 3 of 64x64." in report(result) and "3 pictures are few" in report(result)
    assert len(result.images("sheet")) == 1
    save(colours(9), folder / "9.png")
    assert "Pictures without a map: 9.png." in report(server.run(prompt("trained/blocks")))


def test_maps_are_made_by_a_method_once(server):
    folder_of(server.input_folder / "made", 2)
    cache = server.output_folder / "armature_training" / "cache"
    before = set(cache.glob("*"))
    choice = {"map": "canny", "map.low_threshold": 50, "captions": "one for all", "caption": "blocks"}
    said = report(server.run(prompt("made", **choice)))
    assert "made by Canny" in said and '"blocks" for all' in said
    kept = {file: file.stat().st_mtime_ns for file in cache.iterdir()}
    assert len(kept.keys() - before) == 2
    server.run(prompt("made", **{**choice, "caption": "others"}))
    assert {file: file.stat().st_mtime_ns for file in cache.iterdir()} == kept


def test_what_cannot_be_a_set_is_refused_in_words(server):
    folder_of(server.input_folder / "bare", 1)
    with pytest.raises(RunFailed, match="holds no maps"):
        server.run(prompt("bare"))
    for name in ("..", "../output", "bare/../.."):
        with pytest.raises(PromptRefused, match="not in list"):
            server.run(prompt(name))
