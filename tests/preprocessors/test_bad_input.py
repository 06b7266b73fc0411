"""What no method may stumble over: sizes, channels, values, empty batches, weight files that would run something."""

from __future__ import annotations

import pickle

import pytest
import torch
from armature_pack.preprocessors.control_map import make_map
from armature_pack.preprocessors.registry import ENTRIES, find_method

FREE = [entry for entry in ENTRIES if not entry.files]
NAMES = [entry.method for entry in FREE]


def run(entry, pictures, **inputs):
    mask = torch.ones(1, *pictures.shape[1:3]) if entry.mask == "needed" and pictures.ndim == 4 else None
    options = {"camera_height": 9.0} if "camera_height" in {option.name for option in entry.options} else {}
    return make_map(entry, pictures, options, mask=mask, **inputs)


def noise(*shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize("entry", FREE, ids=NAMES)
def test_a_single_row_of_4000_pixels_gives_a_map(entry):
    if entry.method == "floor_plan_rooms":
        with pytest.raises(ValueError, match="Floor Plan Rooms: no room was found"):
            run(entry, noise(2, 1, 4000, 3))
        return
    made = run(entry, noise(2, 1, 4000, 3))
    assert made.maps.shape == (2, 1, 4000, 3) and torch.isfinite(made.maps).all()


@pytest.mark.parametrize("entry", FREE, ids=NAMES)
def test_broken_batches_are_refused_by_the_methods_own_name(entry):
    for pictures, words in (
        (noise(0, 32, 32, 3), "batch is empty"),
        (torch.full((2, 16, 16, 3), float("nan")), "not numbers"),
        (noise(2, 16, 16, 2), "1, 3 or 4 channels"),
    ):
        with pytest.raises(ValueError, match=words) as error:
            run(entry, pictures)
        assert entry.title in str(error.value)


@pytest.mark.parametrize("entry", FREE, ids=NAMES)
def test_values_outside_of_the_range_are_cut_and_told(entry):
    plan = torch.ones(2, 24, 24, 3)
    plan[:, 4:20, 4:20], plan[:, 8:16, 8:16] = 0, 1  # a room
    made = run(entry, (plan if entry.method == "floor_plan_rooms" else noise(2, 24, 24, 3)) * 3 - 1)
    assert "they were cut to 0 to 1" in made.report and torch.isfinite(made.maps).all()


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.method for entry in ENTRIES])
def test_8000_pixels_square_are_refused_with_what_to_do(entry):
    """At once, before anything looks at the pixels: one value stands for all of them."""
    huge = torch.zeros(1).expand(1, 8000, 8000, 3)
    mask = torch.zeros(1).expand(1, 8000, 8000) if entry.mask == "needed" else None
    with pytest.raises(ValueError, match=r"Use resolution_mode long_side with a smaller resolution"):
        make_map(entry, huge, {}, mask=mask)


def test_a_picture_that_the_memory_can_never_hold_is_refused_with_the_figures(monkeypatch):
    import comfy.model_management as management

    monkeypatch.setattr(management, "get_total_memory", lambda _device=None: 4e9)
    with pytest.raises(ValueError, match=r"at 3000x2000 it needs about 7 GB, and cpu has 4 GB\. Use resolution_mode"):
        run(find_method("softedge_hed"), torch.zeros(1).expand(1, 2000, 3000, 3))
    with pytest.raises(ValueError, match="ControlNetHED"):  # the size passes, and the missing file is told
        run(find_method("softedge_hed"), noise(1, 2, 3, 3), resolution_mode="long_side", resolution=512)


class Trap:
    """Runs something when it is unpickled."""

    def __reduce__(self):
        return (pytest.fail, ("a weight file ran code",))


@pytest.mark.parametrize("name", ["ControlNetHED.pth", "ControlNetHED.safetensors"])
def test_a_weight_file_that_would_run_something_is_refused_and_nothing_runs(tmp_path, monkeypatch, name):
    import folder_paths

    monkeypatch.setitem(folder_paths.folder_names_and_paths, "annotators", ([str(tmp_path)], set()))
    if name.endswith(".pth"):
        torch.save({"weights": Trap()}, tmp_path / name)
    else:
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(ValueError, match=r"cannot be read.*fetch softedge_hed"):
        run(find_method("softedge_hed"), noise(1, 32, 32, 3))


def test_transformers_weights_that_would_run_something_are_refused(tmp_path, monkeypatch):
    import folder_paths

    transformers = pytest.importorskip("transformers")
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "annotators", ([str(tmp_path)], set()))
    folder = tmp_path / "dpt-hybrid-midas"
    transformers.DPTConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=1).save_pretrained(folder)
    torch.save({"weights": Trap()}, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match="cannot be loaded"):
        run(find_method("depth_midas"), noise(1, 32, 32, 3))


BY_CONTROLNET_AUX = [entry for entry in ENTRIES if "controlnet-aux" in entry.packages]


@pytest.mark.parametrize("entry", BY_CONTROLNET_AUX, ids=[entry.method for entry in BY_CONTROLNET_AUX])
def test_without_controlnet_aux_its_methods_say_how_to_get_it(tmp_path, monkeypatch, entry):
    import sys

    import folder_paths

    monkeypatch.setitem(folder_paths.folder_names_and_paths, "annotators", ([str(tmp_path)], set()))
    for name in [one for one in sys.modules if one.partition(".")[0] == "controlnet_aux"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "controlnet_aux", None)
    for file in entry.files:
        torch.save({"weight": torch.zeros(1)}, tmp_path / file.name)
    with pytest.raises(ValueError, match=r"(?s)controlnet_aux is missing .*pip install --no-deps controlnet-aux timm"):
        run(entry, noise(1, 32, 32, 3))
