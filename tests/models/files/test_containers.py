"""Containers: safetensors, torch, GGUF; damaged, unsafe and absurd files."""

from __future__ import annotations

import json
import os
import pickle
import struct
import subprocess
import sys
import types
from collections import Counter
from pathlib import Path

import pytest
import torch
from armature_pack.models.files.container import read_any_header
from armature_pack.models.files.header import BrokenFile
from armature_pack.models.files.identify import identify_file
from armature_pack.models.files.reading import read_state_dict
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import write_file, write_gguf

ROOT = Path(__file__).resolve().parents[3]


class Code:
    def __reduce__(self):
        return os.getcwd, ()


def test_a_torch_file_is_read_without_its_numbers(tmp_path):
    path = tmp_path / "adapter.bin"
    layers = {name: torch.zeros(shape) for name, shape in networks.ip_adapter("sd15", "plus").items()}
    nested: dict = {"image_proj": {}, "ip_adapter": {}}
    for name, tensor in layers.items():
        root, _, rest = name.partition(".")
        nested[root][rest] = tensor
    torch.save(nested, path)
    assert identify_file(path).title == "IP-Adapter Plus for SD 1.5, with CLIP ViT-H/14"
    assert read_any_header(path).bytes_read < 10_000 < path.stat().st_size


def test_training_wrappers_are_taken_off(tmp_path):
    torch.save({"state_dict": {"taesd_decoder.1.weight": torch.zeros(64, 4, 3, 3)}, "epoch": 3}, tmp_path / "v.ckpt")
    assert identify_file(tmp_path / "v.ckpt").kind == "vae"


def test_an_old_torch_file_is_read(tmp_path):
    torch.save({"emb_params": torch.zeros(4, 768)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    assert identify_file(tmp_path / "old.pt").kind == "embedding"


def _with_attribute() -> torch.Tensor:
    tensor = torch.zeros(2, 3)
    tensor.note = "made by hand"  # type: ignore[attr-defined]
    return tensor


_SHARED = torch.zeros(4, 4)
WAYS = {
    "sparse": torch.zeros(3, 4).to_sparse(),
    "rows": torch.eye(3).to_sparse_csr(),
    "without numbers": torch.empty(5, 6, device="meta", dtype=torch.bfloat16),
    "attribute": _with_attribute(),
    "parameter": torch.nn.Parameter(torch.zeros(2)),
    "view": torch.zeros(8, 8).t()[::2],
    "shared": {"a": _SHARED, "b": _SHARED, "part": _SHARED[1:]},
    "network": torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).state_dict(),
    "other values": {"a": torch.zeros(()), "counts": Counter("aab"), "set": {1}, "size": torch.Size((2,)), "n": 10**30},
    "keys": {5: torch.zeros(1), None: torch.zeros(2), 1.5: torch.zeros(3), True: {"x": torch.zeros(4)}},
    "float8": torch.zeros(2, 2).to(torch.float8_e4m3fn),
    "uint16": torch.zeros(2).to(torch.uint16),
}


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("way", WAYS)
def test_every_way_in_which_torch_writes_tensors_is_read(tmp_path, way, zipped):
    path = tmp_path / "file.pt"
    torch.save({"one": WAYS[way]}, path, _use_new_zipfile_serialization=zipped)
    inner = WAYS[way] if isinstance(WAYS[way], dict) else {"": WAYS[way]}
    told = {
        "one" + (f".{name}" if name != "" else "") + (".x" if isinstance(value, dict) else ""): tuple(
            (value["x"] if isinstance(value, dict) else value).shape
        )
        for name, value in inner.items()
        if isinstance(value, torch.Tensor) or (isinstance(value, dict) and "x" in value)
    }
    assert read_any_header(path).shapes == told


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_pickle_with_code_is_refused_by_name(tmp_path, wrapped):
    path = tmp_path / "evil.ckpt"
    if wrapped:
        torch.save({"state_dict": Code()}, path)
    else:
        path.write_bytes(pickle.dumps(Code()))
    with pytest.raises(BrokenFile) as refused:
        read_any_header(path)
    assert "evil.ckpt" in str(refused.value) and "safetensors" in str(refused.value)


@pytest.mark.parametrize("read", [read_any_header, read_state_dict])
def test_what_is_advised_for_a_torch_file_fits_what_is_wrong_with_it(tmp_path, read):
    """Code is named; what is no pickle at all is not called one; and nobody is told to switch the safe reader off."""
    torch.save({"weight": torch.zeros(2), "state": Code()}, tmp_path / "code.bin")
    (tmp_path / "protocol.bin").write_bytes(pickle.dumps({"weight": [1.0]}, protocol=4))
    (tmp_path / "page.bin").write_bytes(b"<html>login</html>" * 9)
    for name, advised in (
        ("code", "safetensors version"),
        ("protocol", "safetensors version"),
        ("page", "Download it again"),
    ):
        with pytest.raises(BrokenFile, match=f"{name}.bin") as refused:
            read(tmp_path / f"{name}.bin")
        told = str(refused.value)
        assert advised in told and ("pickle" in told) == (name != "page")
        assert "weights_only" not in told and "Re-running" not in told
    with pytest.raises(BrokenFile, match=r"posix.getcwd|nt.getcwd"):
        read(tmp_path / "code.bin")


def test_gguf(tmp_path):
    path = write_gguf(tmp_path / "m.gguf", networks.unet("sd15"), {"general.architecture": "sd1"})
    identity = identify_file(path)
    assert identity.kind == "diffusion_model" and identity.families == ("sd15",)
    assert identity.traits["precision"] == "gguf"
    assert read_any_header(path).metadata["general.architecture"] == "sd1"


@pytest.mark.parametrize("ending", [".safetensors", ".bin", ".gguf", ".ckpt"])
@pytest.mark.parametrize(
    "content",
    [b"", b"x", b"\xff" * 64, b"GGUF", b"PK\x03\x04 and no more", b"<html>login</html>" * 9, b"GGUF" + b"\xff" * 64],
)
def test_garbage_is_named(tmp_path, ending, content):
    path = tmp_path / f"broken{ending}"
    path.write_bytes(content)
    with pytest.raises(BrokenFile, match=path.name):
        read_any_header(path)


def test_a_truncated_file_is_named_with_both_sizes(tmp_path):
    path = write_file(tmp_path / "cut.safetensors", networks.CLIP_L)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)
    with pytest.raises(BrokenFile, match="incomplete"):
        read_any_header(path)


def test_a_header_of_100_gigabytes_is_not_read(tmp_path):
    path = tmp_path / "huge.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", 100_000_000_000))
        file.truncate(200_000_000_000)
    with pytest.raises(BrokenFile, match=r"huge\.safetensors"):
        read_any_header(path)


@pytest.mark.parametrize(
    "table",
    [
        [],
        {"a": 1},
        {"a": {"dtype": "F16", "shape": [-1], "data_offsets": [0, 0]}},
        {"a": {"dtype": "F16", "shape": ["x"], "data_offsets": [0, 0]}},
        {"a": {"dtype": "F16", "shape": [1], "data_offsets": [2]}},
        {"__metadata__": 3},
        {"a": {"dtype": "F16", "shape": [1], "data_offsets": [0, 1e400]}},
    ],
)
def test_a_header_that_is_no_table_of_tensors_is_named(tmp_path, table):
    text = json.dumps(table).encode()
    path = tmp_path / "odd.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0" * 64)
    with pytest.raises(BrokenFile, match="damaged"):
        read_any_header(path)


@pytest.mark.parametrize("name", ["gone.safetensors", "gone.bin", "gone.gguf", "gone.txt"])
def test_a_missing_file_and_an_unknown_ending_are_named(tmp_path, name):
    with pytest.raises(BrokenFile, match="gone"):
        read_any_header(tmp_path / name)


PAGE = b"<!doctype html><html><title>Sign in</title>"
GATED = b"Access to model some/model is restricted. You must have access to it and be authenticated."


@pytest.mark.parametrize("name", ["m.safetensors", "m.ckpt", "m.pt", "m.gguf"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (PAGE, "begins like a web page"),
        (GATED, r"it is text: 'Access to model some/model is restricted.*accept its licence"),
        (b'{"error": "Invalid credentials"}', r"it is JSON.*Invalid credentials"),
        (b"Entry not found", "it is text: 'Entry not found'"),
        (b"None", "it is text: 'None'"),
        ("größe".encode(), "it is text: 'größe'"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n", "Git LFS pointer"),
    ],
)
def test_a_text_under_a_models_name_is_named_as_what_it_is(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(BrokenFile, match=words):
        read_any_header(tmp_path / name)


_ALONE = """
import runpy, sys
sys.path.insert(0, sys.argv[2])
import comfy.cli_args
comfy.cli_args.args.cpu = True
runpy.run_path(sys.argv[1])["load_pack"]()
from armature_pack.models.files.torch_header import read_torch_header
print(read_torch_header(sys.argv[3]).shapes)
"""


def test_a_lightning_checkpoint_is_weights_whatever_was_read_before(tmp_path, monkeypatch):
    """Its callbacks are classes that the host takes for safe once its own reader is loaded; nothing else is loaded here."""
    module = types.ModuleType("pytorch_lightning.callbacks.model_checkpoint")
    made = type("ModelCheckpoint", (), {"__module__": module.__name__})
    module.ModelCheckpoint = made  # type: ignore[attr-defined]
    for name in ("pytorch_lightning", "pytorch_lightning.callbacks", module.__name__):
        monkeypatch.setitem(sys.modules, name, module)
    path = tmp_path / "lightning.ckpt"
    torch.save({"state_dict": {"a.weight": torch.zeros(2, 3)}, "callbacks": {made: {}}}, path)
    host = os.environ["ARMATURE_COMFYUI"]
    arguments = [sys.executable, "-c", _ALONE, str(ROOT / "armature.py"), host, str(path)]
    read = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert "{'a.weight': (2, 3)}" in read.stdout, read.stderr[-800:]
