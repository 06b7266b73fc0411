"""Any bytes and any table of tensors: a file is named, or refused with a reason; nothing else is ever raised."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from armature_pack.models.files.container import read_any_header
from armature_pack.models.files.header import BrokenFile
from armature_pack.models.files.identify import identify
from armature_pack.models.files.kinds import KINDS
from armature_pack.tests.models.files import networks
from armature_pack.tests.models.files.header_files import header_of
from armature_pack.tests.models.files.test_identify import EXPECTED
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]
KNOWN = sorted({name for *_, shapes in EXPECTED[9:] for name in list(shapes())[:40]})
SHAPES = st.lists(st.integers(0, 4096), max_size=5).map(tuple)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=8,
)
ROWS = st.fixed_dictionaries(
    {},
    optional={"dtype": st.sampled_from(["F16", "F32", "X"]) | VALUES, "shape": SHAPES | VALUES, "data_offsets": VALUES},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("headers")


def read(path: Path) -> None:
    try:
        identify(read_any_header(path))
    except BrokenFile as error:
        assert path.name in str(error) and str(error).endswith(".")


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(content=st.binary(max_size=200), ending=st.sampled_from([".safetensors", ".gguf", ".pt", ".bin"]))
def test_any_bytes(folder, content, ending):
    path = folder / f"a{ending}"
    path.write_bytes(content)
    read(path)


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(
    table=st.dictionaries(st.sampled_from([*KNOWN, "__metadata__"]), ROWS | VALUES, max_size=6),
    more=st.binary(max_size=64),
)
def test_any_table(folder, table, more):
    text = json.dumps(table).encode()
    path = folder / "table.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text + more)
    read(path)


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(content=st.binary(max_size=200))
def test_any_gguf(folder, content):
    path = folder / "m.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<I", 3) + content)
    read(path)


@settings(max_examples=400, deadline=None, suppress_health_check=SLOW)
@given(shapes=st.dictionaries(st.sampled_from(KNOWN), SHAPES, min_size=1, max_size=10))
@example(shapes={"adapter_modules.1.to_k_ip.weight": (), "image_proj.latents": ()})
def test_any_mixture_of_known_names_in_any_shape(shapes):
    """Each kind looks at names first; a name of its own in a shape that it never has must not end the check."""
    identity = identify(header_of(shapes))
    assert identity.kind in {kind.id for kind in KINDS} | {"unknown"} and identity.title


@settings(max_examples=100, deadline=None, suppress_health_check=SLOW)
@given(
    metadata=st.dictionaries(
        st.sampled_from(["ss_tag_frequency", "modelspec.architecture", "trigger_word"]), st.text(max_size=40)
    )
)
def test_any_free_text(metadata):
    identify(header_of(networks.lora("sd15"), metadata=metadata))


KEYS = st.text(st.characters(codec="utf-8"), max_size=12)
LENGTHS = st.lists(st.integers(0, 2**11), max_size=5).map(tuple)


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(
    shapes=st.dictionaries(KEYS.filter(lambda name: name != "__metadata__"), LENGTHS, max_size=5),
    metadata=st.none() | st.dictionaries(KEYS, KEYS | st.text('\\"\n{[,', max_size=9) | st.integers(), max_size=3),
    style=st.fixed_dictionaries({"indent": st.sampled_from([None, 1]), "ensure_ascii": st.booleans()}),
    padding=st.sampled_from(["", " ", "\n  "]),
)
def test_every_spelling_of_a_safetensors_header_is_read_as_json_is(folder, shapes, metadata, style, padding):
    table: dict[str, Any] = {
        name: {"dtype": "F16", "shape": list(shape), "data_offsets": [0, 0]} for name, shape in shapes.items()
    }
    text = (padding + json.dumps({"__metadata__": metadata, **table}, **style) + padding).encode()
    path = folder / "spelt.safetensors"
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    header = read_any_header(path)
    assert header.shapes == shapes
    assert header.metadata == {key: str(value) for key, value in (metadata or {}).items()}


DTYPES = st.sampled_from([torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8])
TENSORS = st.builds(
    lambda shape, dtype: torch.zeros(shape, dtype=dtype), st.lists(st.integers(0, 3), max_size=4), DTYPES
)
LEAVES = (
    TENSORS
    | TENSORS.map(lambda one: torch.nn.Parameter(one, requires_grad=False))
    | TENSORS.map(lambda one: one[..., :1] if one.ndim else one)
    | st.none()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.binary(min_size=1, max_size=3)
    | st.lists(st.integers(), max_size=3)
)
NESTED = st.recursive(st.dictionaries(KEYS, LEAVES, max_size=4), lambda inner: st.dictionaries(KEYS, inner, max_size=3))


@settings(max_examples=60, deadline=None, suppress_health_check=SLOW)
@given(nested=NESTED, wrapped=st.booleans(), zipped=st.booleans())
def test_a_torch_file_is_read_as_torch_reads_it(folder, nested, wrapped, zipped):
    path = folder / "nested.pt"
    torch.save({"state_dict": nested, "epoch": 1} if wrapped else nested, path, _use_new_zipfile_serialization=zipped)
    told: dict[str, tuple[tuple[int, ...], str]] = {}

    def gather(value: Any, prefix: str, depth: int) -> None:
        if isinstance(value, torch.Tensor):
            told[prefix] = tuple(value.shape), str(value.dtype).removeprefix("torch.")
        elif isinstance(value, dict) and depth < 4:
            for key, inner in value.items():
                own = prefix if not depth and key in ("state_dict", "model_state_dict", "module") else f"{prefix}.{key}"
                gather(inner, own if prefix or own == prefix else key, depth + 1)

    gather(torch.load(path, map_location="meta", weights_only=True), "", 0)
    if not told:
        with pytest.raises(BrokenFile, match="no tensors"):
            read_any_header(path)
        return
    names = {"float32": "F32", "float16": "F16", "bfloat16": "BF16", "int64": "I64"}
    found = read_any_header(path).tensors
    assert {name: (info.shape, info.dtype) for name, info in found.items()} == {
        name: (shape, names.get(dtype, dtype.upper())) for name, (shape, dtype) in told.items()
    }


PIECES = st.lists(
    st.sampled_from(
        [
            *(code.encode("latin-1") for code in "}]()\x85\x86\x87tauseRbNQ\x81\x88\x89\x8f"),
            *(
                b"K\x02",
                b"J\xff\xff\xff\x7f",
                b"\x8a\x01\x05",
                b"X\x01\0\0\0k",
                b"U\x07storage",
                b"q\0",
                b"q\1",
                b"h\0",
                b"h\1",
            ),
            *(
                b"ccollections\nOrderedDict\n",
                b"ctorch\nFloatStorage\n",
                b"c__builtin__\nbytearray\n",
                b"ctorch\nSize\n",
            ),
            *(
                b"ctorch._utils\n_rebuild_tensor_v2\n",
                b"ctorch._utils\n_rebuild_parameter\n",
                b"r\xff\xff\xff\xff",
                b"G" + b"\0" * 8,
            ),
            b"(X\x07\0\0\0storagectorch\nHalfStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQK\0)",
        ]
    )
    | st.binary(max_size=3),
    max_size=60,
)


@settings(max_examples=400, deadline=None, suppress_health_check=SLOW)
@given(pieces=PIECES)
def test_any_pickle_costs_what_its_own_bytes_cost(folder, pieces):
    path = folder / "pieces.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", b"\x80\x02" + b"".join(pieces) + b".")
    read(path)
    tracemalloc.start()
    try:
        read(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(
    places=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=8), zipped=st.booleans()
)
def test_a_torch_file_with_any_bytes_changed(folder, places, zipped):
    path = folder / "changed.pt"
    torch.save({"a": torch.zeros(2, 3), "b": {"c": torch.zeros(1)}}, path, _use_new_zipfile_serialization=zipped)
    content = bytearray(path.read_bytes())
    for place, byte in places:
        content[place % len(content)] = byte
    path.write_bytes(content)
    read(path)


GGUF_VALUES = st.recursive(
    st.tuples(st.just(8), st.text(max_size=9)) | st.tuples(st.sampled_from([0, 4, 7, 10]), st.just(1)),
    lambda inner: st.tuples(st.just(9), st.lists(inner, max_size=3)),
    max_leaves=5,
)
_FORMS = {0: "<B", 4: "<I", 7: "<B", 10: "<Q"}


def gguf_value(kind: int, value: Any) -> bytes:
    if kind == 9:  # all of one type, that of the first
        alike = [one for one in value if one[0] == value[0][0]]
        head = struct.pack("<IQ", alike[0][0] if alike else 4, len(alike))
        return head + b"".join(gguf_value(*one) for one in alike)
    return gguf_text(value) if kind == 8 else struct.pack(_FORMS[kind], value)


def gguf_text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(
    values=st.dictionaries(st.text("abc.", min_size=1, max_size=5), GGUF_VALUES, max_size=4),
    shapes=st.dictionaries(KEYS, st.lists(st.integers(0, 2**20), max_size=2).map(tuple), max_size=4),
)
def test_any_gguf_table(folder, values, shapes):
    data = b"GGUF" + struct.pack("<IQQ", 3, len(shapes), len(values))
    for key, (kind, value) in values.items():
        data += gguf_text(key) + struct.pack("<I", kind) + gguf_value(kind, value)
    for name, shape in shapes.items():
        data += gguf_text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *reversed(shape))
        data += struct.pack("<IQ", 0, 0)
    path = folder / "table.gguf"
    path.write_bytes(data)
    header = read_any_header(path)
    assert header.shapes == shapes and header.bytes_read == len(data)
    assert header.metadata == {key: value for key, (kind, value) in values.items() if kind == 8}
