"""What a header costs: hostile files of every container in memory and time, and the largest honest ones, which are read."""

from __future__ import annotations

import builtins
import json
import os
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from armature_pack.models.files.container import read_any_header
from armature_pack.models.files.header import NOT_READ, BrokenFile, NotRead
from armature_pack.models.files.identify import identify_file
from armature_pack.models.files.index import ModelIndex
from armature_pack.models.files.torch_names import is_safe
from armature_pack.tests.models.files.header_files import write_file
from armature_pack.tests.models.files.hostile_files import HOSTILE

MEGABYTES = 128  # the largest honest headers below need half of it
SECONDS = 20  # of a busy machine's processor; on an idle one each takes less than one


def cost(work: Callable[[], Any]) -> dict[str, Any]:
    """What a piece of work answers in a process of its own, the most memory (MB) that it took there, and its time (s)."""
    import resource

    reads, writes = os.pipe()
    child = os.fork()
    if not child:
        resource.setrlimit(resource.RLIMIT_CPU, (2 * SECONDS, 2 * SECONDS))
        before, start = _resident(), time.process_time()
        try:
            told = f"{work()}"
        except BrokenFile as error:
            told = str(error)
        except BaseException as error:
            told = f"raised {error!r}"
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        answer = {"told": told, "seconds": time.process_time() - start, "megabytes": (most - before) / 2**20}
        os.write(writes, json.dumps(answer).encode())
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads, "rb") as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    assert status == 0 and text, f"ended by signal {status}"
    return json.loads(text)


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def detection() -> None:
    """Have the host's detection in memory before anything is measured."""
    import comfy.model_detection
    import comfy.sd  # noqa: F401


@pytest.mark.skipif(sys.platform != "linux", reason="measured by Linux's own counters")
@pytest.mark.parametrize("name", HOSTILE)
def test_no_file_costs_more_than_the_largest_honest_one(tmp_path, name):
    detection()
    ending, make = HOSTILE[name]
    path = make(tmp_path / f"{name}{ending}")
    found = cost(lambda: identify_file(path).title)
    assert not found["told"].startswith("raised"), found
    assert found["megabytes"] < MEGABYTES and found["seconds"] < SECONDS, found


WIDE = {f"model.layers.{number // 100}.experts.{number % 100}.down_proj.weight": (64, 64) for number in range(10_000)}


def large_safetensors(path: Path) -> Path:
    words = {"tags": {f"a word of the captions {number}": number for number in range(100_000)}}
    return write_file(path, WIDE, metadata={"ss_tag_frequency": json.dumps(words), "note": "é😀"})


def large_torch(path: Path) -> Path:
    torch.save({"state_dict": {name: torch.empty(shape, device="meta") for name, shape in WIDE.items()}}, path)
    return path


def large_gguf(path: Path) -> Path:
    """262,000 words, twice as many merges, and a score and a type for each."""

    def text(value: bytes) -> bytes:
        return struct.pack("<Q", len(value)) + value

    words = b"".join(text(b"word%d" % number) for number in range(262_144))
    values = [
        text(b"words") + struct.pack("<IIQ", 9, 8, 262_144) + words,
        text(b"merges") + struct.pack("<IIQ", 9, 8, 524_288) + words * 2,
        text(b"scores") + struct.pack("<IIQ", 9, 6, 262_144) + b"\0" * 4 * 262_144,
        text(b"types") + struct.pack("<IIQ", 9, 5, 262_144) + b"\0" * 4 * 262_144,
    ]
    rows = (text(name.encode()) + struct.pack("<IQQIQ", 2, 64, 64, 1, 0) for name in WIDE)
    path.write_bytes(
        b"GGUF" + struct.pack("<IQQ", 3, len(WIDE), len(values)) + b"".join(values) + b"".join(rows) + b"\0" * 64
    )
    return path


@pytest.mark.parametrize("make", [large_safetensors, large_torch, large_gguf])
def test_the_largest_honest_headers_are_read(tmp_path, make):
    detection()
    path = make(tmp_path / f"large.{make.__name__.partition('_')[2].replace('torch', 'pt')}")
    header = read_any_header(path)
    assert dict(header.shapes) == WIDE
    if make is large_safetensors:
        assert len(header.metadata["ss_tag_frequency"]) > 3_000_000 and header.metadata["note"] == "é😀"
    if sys.platform == "linux":
        found = cost(lambda: identify_file(path).title)
        assert found["megabytes"] < MEGABYTES / 2, found


def test_a_file_that_is_not_read_says_so(tmp_path):
    ending, make = HOSTILE["many_lists"]
    (tmp_path / "loras").mkdir()
    path = make(tmp_path / "loras" / f"big{ending}")
    with pytest.raises(NotRead, match=f"{NOT_READ}.*big.safetensors.*bytes"):
        read_any_header(path)
    (file,) = ModelIndex({"loras": [tmp_path / "loras"]}).files()
    assert file.problem.startswith(NOT_READ) and file.is_unread and str(tmp_path) not in file.problem


def test_sizes_that_no_memory_has_are_no_tensors(tmp_path):
    for number, shape in enumerate([(2**40, 2**40), (2**62, 2, 0), (1,) * 65]):
        rows = json.dumps({"img_in.weight": {"dtype": "F16", "shape": shape, "data_offsets": [0, 0]}}).encode()
        path = tmp_path / f"{number}.safetensors"
        path.write_bytes(struct.pack("<Q", len(rows)) + rows)
        with pytest.raises(BrokenFile, match="damaged"):
            identify_file(path)


def test_numbers_that_are_too_large_to_be_told(tmp_path):
    """An offset of 4,300 digits, which Python does not write out; a count of a caption's word that is infinite."""
    row = {"dtype": "F16", "shape": [1], "data_offsets": [0, int("9" * 4300)]}
    rows = json.dumps({"a.weight": row}).encode()
    path = tmp_path / "offset.safetensors"
    path.write_bytes(struct.pack("<Q", len(rows)) + rows)
    with pytest.raises(BrokenFile, match="damaged"):
        identify_file(path)
    names = ("lora_unet_a.lora_up.weight", "lora_unet_a.lora_down.weight")
    words = {"ss_tag_frequency": '{"a": {"x": 1e999, "y": NaN, "z": 3}}'}
    found = identify_file(write_file(tmp_path / "words.safetensors", dict.fromkeys(names, (4, 4)), metadata=words))
    assert found.kind == "lora"


def test_digits_that_are_no_numbers(tmp_path):
    """'²' counts as a digit, and is no number."""
    names = ("1.weight", "3.conv.0.weight", "²")
    for shapes in (
        {"0.weight": (64, 3), **dict.fromkeys(names, (4, 4))},
        {f"image_proj.{name}": (4,) for name in names},
    ):
        keys = {**shapes, "ip_adapter.².to_k_ip.weight": (4,)} if "0.weight" not in shapes else shapes
        assert identify_file(write_file(tmp_path / "digits.safetensors", keys)).title


def test_what_torch_takes_for_safe_is_safe_and_nothing_else_of_its_own():
    from torch import _utils, _weights_only_unpickler

    safe = set(_weights_only_unpickler._get_allowed_globals()) | set(
        _weights_only_unpickler._get_user_allowed_globals()
    )
    assert [name for name in safe if not is_safe(name)] == []
    others = {
        f"{module.__name__}.{name}"
        for module in (torch, torch.storage, _utils, torch.serialization, torch.nn.parameter, os, builtins)
        for name in dir(module)
    } - safe
    taken = {name for name in others if is_safe(name)}
    assert {name for name in taken if callable(_found(name)) and not isinstance(_found(name), type)} == set()


def _found(name: str) -> Any:
    module, _, last = name.rpartition(".")
    return getattr(sys.modules.get(module), last, None)
