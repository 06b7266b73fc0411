"""The file writer: same bytes each time, readable by the library, all or nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from armature_pack.models.files.writing import write_safetensors
from safetensors import safe_open

TENSORS = {
    "half": torch.arange(3, dtype=torch.float16),
    "wide": torch.arange(6, dtype=torch.float32).reshape(2, 3),
    "scalar": torch.tensor(0.5),
    "narrow": torch.tensor([1.0, -2.0]).to(torch.float8_e4m3fn),
    "transposed": torch.arange(6, dtype=torch.float32).reshape(2, 3).T,
}
METADATA = {"b": "two", "a": "one", "c": "ü"}


def test_the_library_reads_what_was_written(tmp_path) -> None:
    path = tmp_path / "deep" / "file.safetensors"
    write_safetensors(path, TENSORS, METADATA)
    with safe_open(path, framework="pt") as file:
        assert file.metadata() == METADATA
        assert set(file.keys()) == set(TENSORS)
        for name, tensor in TENSORS.items():
            read = file.get_tensor(name)
            assert read.dtype == tensor.dtype
            assert torch.equal(read.float(), tensor.float())


def test_the_order_of_the_input_does_not_change_the_bytes(tmp_path) -> None:
    write_safetensors(tmp_path / "a.safetensors", TENSORS, METADATA)
    backwards = (dict(reversed(mapping.items())) for mapping in (TENSORS, METADATA))
    write_safetensors(tmp_path / "b.safetensors", *backwards)
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_an_interrupted_write_leaves_nothing(tmp_path) -> None:
    without_data = {**TENSORS, "half": torch.empty(3, dtype=torch.float16, device="meta")}
    with pytest.raises((TypeError, NotImplementedError, RuntimeError)):
        write_safetensors(tmp_path / "file.safetensors", without_data, METADATA)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_write_keeps_the_file_that_was_there(tmp_path) -> None:
    path = tmp_path / "file.safetensors"
    write_safetensors(path, TENSORS, METADATA)
    before = path.read_bytes()
    with pytest.raises((TypeError, NotImplementedError, RuntimeError)):
        write_safetensors(path, {"half": torch.empty(3, dtype=torch.float16, device="meta")}, METADATA)
    assert path.read_bytes() == before


def test_many_writers_at_once_leave_one_whole_file(tmp_path) -> None:
    path = tmp_path / "file.safetensors"
    with ThreadPoolExecutor(8) as pool:
        for result in [pool.submit(write_safetensors, path, TENSORS, METADATA) for _ in range(32)]:
            result.result()
    with safe_open(path, framework="pt") as file:
        assert set(file.keys()) == set(TENSORS)
    assert list(tmp_path.iterdir()) == [path]
