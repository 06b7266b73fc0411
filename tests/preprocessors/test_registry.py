"""What every method declares, and that it works as declared."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from armature_pack.commands.fetch.manifest import METHOD_FILES, METHOD_NODES
from armature_pack.preprocessors.control_map import make_map
from armature_pack.preprocessors.images.example_pictures import example_picture
from armature_pack.preprocessors.model_files import UNKNOWN
from armature_pack.preprocessors.registry import ENTRIES, all_files, find_method
from armature_pack.preprocessors.weights import find_weights
from armature_pack.tools.commands import pages

FREE = [entry for entry in ENTRIES if not entry.files]
LEARNED = [entry for entry in ENTRIES if entry.files]


def names(entries):
    return [entry.method for entry in entries]


def small_picture(batch: int = 1) -> torch.Tensor:
    picture = example_picture("astronaut")[:, ::4, ::4]
    return torch.cat([picture.roll(3 * shift, 2) for shift in range(batch)])


def test_names_are_unique_even_where_files_ignore_case():
    for values in (names(ENTRIES), [entry.node_id.lower() for entry in ENTRIES], [entry.title.lower() for entry in ENTRIES]):  # fmt: skip  # noqa: E501
        assert len(values) == len(set(values))


@pytest.mark.parametrize("entry", ENTRIES, ids=names(ENTRIES))
def test_an_entry_says_what_it_is(entry):
    assert entry.node_id.startswith("Armature") and entry.version >= 1 and entry.wanted_by and entry.search_aliases
    assert entry.summary.endswith(".") and len(entry.summary) < 130
    for option in entry.options:
        assert option.help.endswith("."), option.name
        if option.choices:
            assert option.default in option.choices
        elif not isinstance(option.default, bool):
            assert option.minimum <= option.default <= option.maximum and option.step, option.name
    assert len({option.name for option in entry.options}) == len(entry.options)


def test_the_table_of_files_is_that_of_the_entries():
    """Of the table that `fetch` reads without the registry; `python armature.py pages` writes it."""
    assert {entry.method: entry.files for entry in LEARNED} == METHOD_FILES
    assert {entry.node_id: entry.method for entry in LEARNED} == METHOD_NODES
    places = [(file.folder, file.name) for file in all_files().values()]
    assert len(places) == len(set(places)), "two files would overwrite each other"


@pytest.mark.parametrize("entry", FREE, ids=names(FREE))
def test_a_method_without_weights_gives_a_map_of_the_pictures_size(entry):
    pictures = small_picture(2)
    options = {"camera_height": 9.0} if "camera_height" in {option.name for option in entry.options} else {}
    mask = torch.zeros(1, 64, 64)
    mask[:, 10:30, 10:30] = 1
    made = make_map(entry, pictures, options, mask=mask if entry.mask == "needed" else None)
    assert made.maps.shape == pictures.shape and made.maps.dtype == torch.float32 and made.maps.is_contiguous()
    assert made.maps.amin() >= entry.makes.lowest and made.maps.amax() <= 1 and torch.isfinite(made.maps).all()
    assert not made.maps.is_inference(), "nodes behind this one change images in place"
    assert made.report.startswith(f"{entry.title} (version {entry.version}): 2 maps of 128x128")
    if entry.makes.polarity != "colour":
        assert torch.equal(made.maps[..., 0], made.maps[..., 1]) and torch.equal(made.maps[..., 0], made.maps[..., 2])
    if entry.sees == "frames":
        one = make_map(entry, pictures[1:], options, mask=mask if entry.mask == "needed" else None)
        assert torch.equal(one.maps, made.maps[1:]), "a batch is its pictures one by one"
    again = make_map(entry, pictures, options, mask=mask if entry.mask == "needed" else None)
    assert torch.equal(again.maps, made.maps), "the same picture and options give the same map"


def noise_is_no_plan(entry):
    """Rooms are refused where there are none; every other method gives a map of anything."""
    refuses = entry.method == "floor_plan_rooms"
    return pytest.raises(ValueError, match="Floor Plan Rooms: no room was found") if refuses else nullcontext()


@pytest.mark.parametrize("entry", FREE, ids=names(FREE))
@pytest.mark.parametrize("size", [(1, 1), (1, 70), (70, 1), (5, 3)])
def test_tiny_and_thin_pictures_work(entry, size):
    pictures = torch.rand(2, *size, 3, generator=torch.Generator().manual_seed(1))
    with noise_is_no_plan(entry):
        made = make_map(entry, pictures, {}, mask=torch.ones(1, *size) if entry.mask == "needed" else None)
        assert made.maps.shape == pictures.shape


@pytest.mark.parametrize("entry", FREE, ids=names(FREE))
def test_grey_and_transparent_pictures_work(entry):
    mask = torch.ones(1, 32, 32) if entry.mask == "needed" else None
    for channels in (1, 4):
        pictures = torch.rand(2, 32, 32, channels, generator=torch.Generator().manual_seed(1))
        with noise_is_no_plan(entry):
            assert make_map(entry, pictures, {}, mask=mask).maps.shape == (2, 32, 32, 3)


@pytest.mark.parametrize("entry", LEARNED, ids=names(LEARNED))
def test_missing_weights_are_told_with_all_that_one_needs(entry, tmp_path, monkeypatch):
    import folder_paths

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {"custom_nodes": ([str(tmp_path)], set())})
    with pytest.raises(ValueError, match="is missing") as error:
        make_map(entry, small_picture(), {})
    file = entry.files[0]
    for word in (file.name, file.size, file.licence, str(tmp_path / file.folder), f"armature.py fetch {entry.method} --models {tmp_path}", file.address):  # fmt: skip  # noqa: E501
        assert word in str(error.value), word


@pytest.mark.parametrize(
    ("method", "place"),
    [
        ("softedge_hed", "comfyui_controlnet_aux/ckpts/lllyasviel/Annotators/ControlNetHED.pth"),
        ("dwpose", "comfyui_controlnet_aux/ckpts/yzd-v/DWPose/yolox_l.onnx"),
        ("normal_bae", "models/controlnet_aux/lllyasviel/Annotators/scannet.pt"),
        ("mlsd", "elsewhere/lllyasviel/Annotators/mlsd_large_512_fp32.pth"),
    ],
)
def test_files_of_comfyui_controlnet_aux_are_found_where_they_are(tmp_path, monkeypatch, method, place):
    import folder_paths

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path / "models"))
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {"custom_nodes": ([str(tmp_path)], set())})
    monkeypatch.setenv("AUX_ANNOTATOR_CKPTS_PATH", str(tmp_path / "elsewhere"))
    theirs = tmp_path / place
    theirs.parent.mkdir(parents=True)
    theirs.touch()
    assert find_weights(method, find_method(method).files[0]) == theirs


def test_safetensors_are_taken_before_a_pickle_of_the_same_weights(tmp_path, monkeypatch):
    import folder_paths

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {"custom_nodes": ([], set())})
    for name in ("ControlNetHED.pth", "ControlNetHED.safetensors", "dpt-hybrid-midas/pytorch_model.bin"):
        (tmp_path / "annotators" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "annotators" / name).touch()
    (hed,), (midas, _config) = find_method("softedge_hed").files, find_method("depth_midas").files
    assert find_weights("softedge_hed", hed).name == "ControlNetHED.safetensors"
    assert find_weights("depth_midas", midas).name == "pytorch_model.bin"
    (tmp_path / "annotators" / "dpt-hybrid-midas" / "model.safetensors").touch()
    assert find_weights("depth_midas", midas).name == "model.safetensors"


def test_sizes_and_checksums_are_whole_and_unknown_licences_say_so():
    for file in all_files().values():
        assert file.licence and file.megabytes > 0 and file.kind == "annotator"
        assert file.sha256 is None or (len(file.sha256) == 64 and not set(file.sha256) - set("0123456789abcdef"))
        assert file.bytes is None or abs(file.bytes / 1e6 - file.megabytes) < max(0.1, 0.02 * file.megabytes), file.id
        assert file.commercial == ("commercial" not in file.licence), file.id
        assert file.licence == UNKNOWN or "unknown" not in file.licence
    assert sum(file.sha256 is not None for file in all_files().values()) >= 14


@pytest.mark.parametrize("method", ["inpaint_hint", "mask"])
def test_a_method_that_needs_a_mask_says_so(method):
    with pytest.raises(ValueError, match="input mask: this method needs one"):
        make_map(find_method(method), small_picture(), {})


def test_help_pages_are_those_of_the_registry():
    for path, text in pages.pages().items():
        assert path.is_file() and path.read_text(encoding="utf-8") == text, (
            f"{path.name}: run `python armature.py pages`"
        )
    for entry in [entry for entry in ENTRIES if entry.help_by_hand]:
        page = (pages.DOCS / f"{entry.node_id}.md").read_text(encoding="utf-8")
        assert all(f"`{option.name}`" in page for option in entry.options)
