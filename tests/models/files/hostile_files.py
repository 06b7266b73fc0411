"""Small files whose headers ask for gigabytes, or for minutes: each container's own ways."""

from __future__ import annotations

import pickle
import struct
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

_BLOCK = 1 << 20


def _torch_zip(path: Path, pickled: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/data.pkl", pickled)
        archive.writestr("m/data/0", b"\0" * 4)
        archive.writestr("m/version", "3\n")
    return path


def shared_dictionaries(path: Path) -> Path:
    """60 references to the next dictionary, four deep, with a tensor's worth of names at the end: 12,960,000 entries."""
    inner: dict[str, object] = {f"k{number}": number for number in range(60)}
    for _ in range(3):
        inner = {f"k{number}": inner for number in range(60)}
    return _torch_zip(path, pickle.dumps(inner, 2))


def inflating_pickle(path: Path) -> Path:
    """A table that packs to 256 KB and unpacks to 256 MB: one text of nothing but one letter."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("m/data.pkl", "w", force_zip64=True) as entry:
            entry.write(b"\x80\x02X" + struct.pack("<I", 256 * _BLOCK))
            for _ in range(256):
                entry.write(b"a" * _BLOCK)
            entry.write(b".")
        archive.writestr("m/version", "3\n")
    return path


def _call(name: str, argument: bytes) -> bytes:
    module, _, attribute = name.rpartition(".")
    return b"c" + f"{module}\n{attribute}\n".encode() + argument + b"\x85R"


def pickle_that_allocates(path: Path) -> Path:
    """bytearray(2**31 - 1), which torch's reader takes for safe."""
    size = b"J" + struct.pack("<i", 2**31 - 1)
    return _torch_zip(path, b"\x80\x02}X\x01\x00\x00\x00a" + _call("__builtin__.bytearray", size) + b"s.")


def memo_far_out(path: Path) -> Path:
    """A memo at number four thousand million: a reader with an array of memos makes room for all before it."""
    return _torch_zip(path, b"\x80\x02}r" + struct.pack("<I", 2**32 - 1) + b".")


def pickle_of_nothing(path: Path) -> Path:
    """600,000 empty dictionaries, each remembered."""
    made = b"".join(b"}r" + struct.pack("<I", number) for number in range(600_000))
    return _torch_zip(path, b"\x80\x02](" + made + b"e.")


def names_without_end(path: Path) -> Path:
    """One key of a megabyte, four deep, before forty thousand tensors: 160 GB of names."""
    key = b"X" + struct.pack("<I", _BLOCK) + b"k" * _BLOCK + b"q\x00"
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ"
    tensor = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + b"K\x00K\x01\x85K\x01\x85\x89}tRq\x01"
    entries = b"".join(b"J" + struct.pack("<i", number) + b"h\x01" for number in range(40_000))
    inner = b"}(K\x00" + tensor + entries + b"u"
    return _torch_zip(path, b"\x80\x02}" + key + b"}h\x00}h\x00" + inner + b"sss.")


def old_format(path: Path) -> Path:
    """torch's format without a table of contents, with an allocation in it."""
    head = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2)
    size = b"J" + struct.pack("<i", 2**31 - 1)
    path.write_bytes(head + b"\x80\x02}X\x01\x00\x00\x00a" + _call("__builtin__.bytearray", size) + b"s.")
    return path


def _remembered(made: bytes, name: str, arguments: bytes) -> bytes:
    """A pickle that makes something long once (memo 2), and calls a function with it 100,000 times."""
    module, _, attribute = name.rpartition(".")
    return (
        made
        + b"q\x02c"
        + f"{module}\n{attribute}\n".encode()
        + b"q\x03("
        + (b"h\x03" + arguments + b"R") * 100_000
        + b"t."
    )


def calls_with_a_long_tuple(path: Path) -> Path:
    """250,000 arguments, remembered once and handed over each time."""
    made = b"\x80\x02(" + b"K\x01" * 250_000 + b"t"
    return _torch_zip(path, _remembered(made, "torch._utils._rebuild_parameter", b"h\x02"))


def dictionaries_of_one_list(path: Path) -> Path:
    """150,000 pairs, remembered once and made into a dictionary each time."""
    pairs = b"".join(b"J" + struct.pack("<i", number) + b"K\x01\x86" for number in range(150_000))
    return _torch_zip(path, _remembered(b"\x80\x02](" + pairs + b"e", "collections.OrderedDict", b"h\x02\x85"))


def tensors_of_one_long_shape(path: Path) -> Path:
    """250,000 sizes, remembered once and copied for each tensor."""
    storage = b"(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x01tQ"
    made = b"\x80\x02](" + b"K\x01" * 250_000 + b"eq\x04" + storage + b"q\x05" + b"(h\x05K\x00h\x04K\x01\x85\x89}t"
    return _torch_zip(path, _remembered(made, "torch._utils._rebuild_tensor_v2", b"h\x02"))


def keys_of_one_place(path: Path) -> Path:
    """60,000 whole numbers for which Python's dictionaries look in the same place, one after the other."""
    numbers = (((1 << 61) - 1) * number for number in range(1, 60_001))
    keys = b"".join(b"\x8a\x0b" + number.to_bytes(11, "little") + b"N" for number in numbers)
    return _torch_zip(path, b"\x80\x02}(" + keys + b"u.")


def zip_of_empty_fields(path: Path) -> Path:
    """A zip file whose entries have as many fields of their own as there is room for, all of them empty."""
    fields = struct.pack("<HH", 0xCAFE, 0) * 16_000
    with zipfile.ZipFile(path, "w") as file:
        for number in range(30):
            entry = zipfile.ZipInfo(f"archive/data/{number}")
            entry.extra = fields
            file.writestr(entry, b"")
        file.writestr("archive/data.pkl", b"\x80\x02}.")
    return path


def zip_of_many(path: Path) -> Path:
    """A zip file whose table of contents lists 300,000 empty files: 14 MB."""
    count = 300_000
    entry = struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    table = entry * count
    start = b"PK\x03\x04" + b"\0" * 26
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(table), len(start))
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, len(start) + len(table), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    path.write_bytes(start + table + wide + locator + end)
    return path


_LORA = b'"lora_unet_a.lora_up.weight":{"dtype":"F16","shape":[0,0],"data_offsets":[0,0]}'


def _safetensors(path: Path, text: bytes) -> Path:
    path.write_bytes(struct.pack("<Q", len(text)) + text)
    return path


_ROW = b'"%b":{"dtype":"F16","shape":[0,64],"data_offsets":[0,0]}'


def _rows(names: Iterable[str]) -> bytes:
    return b"{" + b",".join(_ROW % name.encode() for name in names) + b"}"


def many_tensors(path: Path) -> Path:
    """1.6 million tensors without a number."""
    return _safetensors(path, b"{" + (_ROW % b"0" + b",") * 1_600_000 + _ROW % b"1" + b"}")


def fewer_tensors(path: Path) -> Path:
    """As many as go into a header that may be read."""
    return _safetensors(path, _rows(str(number) for number in range(400_000)))


def many_lists(path: Path) -> Path:
    """Thirty million lists in the metadata."""
    return _safetensors(path, b'{"__metadata__":{"a":[' + b"[]," * 30_000_000 + b"[]]}}")


def fewer_lists(path: Path) -> Path:
    """As many lists as go into a header that may be read, as a value of the metadata."""
    return _safetensors(path, b'{"__metadata__":{"a":[' + b"[]," * 8_000_000 + b"[]]}}")


def lists_in_a_text(path: Path) -> Path:
    """Two million lists in a text that is JSON itself."""
    return _safetensors(path, b'{"__metadata__":{"ss_tag_frequency":"[' + b"[]," * 2_000_000 + b'[]]"},' + _LORA + b"}")


def wide_letters(path: Path) -> Path:
    """30 MB of metadata with one letter in it that makes Python keep four bytes for each."""
    return _safetensors(path, b'{"__metadata__":{"a":"' + "😀".encode() + b"x" * (30 * _BLOCK) + b'"}}')


def wide_types(path: Path) -> Path:
    """2,000 types of numbers with names of 16 kB, each with a letter that makes Python keep four bytes for each."""
    row = '"{0}":{{"shape":[0],"data_offsets":[0,0],"dtype":"😀{1}"}}'
    return _safetensors(path, f"{{{','.join(row.format(number, 'x' * 15_800) for number in range(2_000))}}}".encode())


def many_axes(path: Path) -> Path:
    """Thousands of tensors with thousands of axes."""
    axes = ",".join(["70000"] * 600)
    rows = (f'"{number}":{{"dtype":"F16","shape":[{axes}],"data_offsets":[0,0]}}' for number in range(8_000))
    return _safetensors(path, f"{{{','.join(rows)}}}".encode())


def many_blocks(path: Path) -> Path:
    """A diffusion model of 45,000 blocks: the host looks through all names once for each."""
    names = (f"double_blocks.{number}.img_attn.norm.key_norm.scale" for number in range(45_000))
    return _safetensors(path, _rows(("img_in.weight", *names)))


def names_that_look_alike(path: Path) -> Path:
    """Long names that begin as a LoRA's do, again and again."""
    start = "input_blocks.attn2." * 100
    return _safetensors(path, _rows(f"{start}{number}.lora_up.weight" for number in range(5_000)))


def shapes_without_end(path: Path) -> Path:
    """49,000 tensors, no two of one shape, by the names of a diffusion model."""
    row = '"double_blocks.0.{0}":{{"dtype":"F16","shape":[{0}],"data_offsets":[0,0]}}'
    return _safetensors(path, f"{{{','.join(row.format(number) for number in range(49_000))}}}".encode())


def _text(text: bytes) -> bytes:
    return struct.pack("<Q", len(text)) + text


def many_keys(path: Path) -> Path:
    """60 MB of keys with a byte each."""
    pair = _text(b"") + struct.pack("<IB", 0, 1)
    count = 60 * _BLOCK // len(pair)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, count) + pair * count)
    return path


def many_texts(path: Path) -> Path:
    """A vocabulary of seven million empty words."""
    count = 7_000_000
    start = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + _text(b"words") + struct.pack("<IIQ", 9, 8, count)
    path.write_bytes(start + b"\0" * (8 * count))
    return path


def arrays_of_arrays(path: Path) -> Path:
    """Two million arrays in an array."""
    count = 2_000_000
    start = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + _text(b"words") + struct.pack("<IIQ", 9, 9, count)
    path.write_bytes(start + struct.pack("<IQ", 0, 0) * count)
    return path


def wide_key(path: Path) -> Path:
    """A key and its text of 15 MB each, with a letter that makes Python keep four bytes for each."""
    text = _text("😀".encode() + b"x" * (15 * _BLOCK))
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text + struct.pack("<I", 8) + text)
    return path


def axes_of_gguf(path: Path) -> Path:
    """A tensor of 3.9 million axes."""
    count = 3_900_000
    path.write_bytes(
        b"GGUF"
        + struct.pack("<IQQ", 3, 1, 0)
        + _text(b"a")
        + struct.pack("<I", count)
        + struct.pack("<Q", 1 << 60) * count
    )
    return path


def tensors_of_gguf(path: Path) -> Path:
    """1.6 million tensors of no axes."""
    count = 1_600_000
    row = _text(b"") + struct.pack("<IIQ", 0, 0, 0)
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, count, 0) + row * count)
    return path


HOSTILE: dict[str, tuple[str, Callable[[Path], Path]]] = {
    make.__name__: (ending, make)
    for ending, makers in {
        ".pt": (
            *(shared_dictionaries, inflating_pickle, pickle_that_allocates, memo_far_out, pickle_of_nothing),
            *(
                names_without_end,
                old_format,
                zip_of_many,
                zip_of_empty_fields,
                calls_with_a_long_tuple,
                dictionaries_of_one_list,
            ),
            *(tensors_of_one_long_shape, keys_of_one_place),
        ),
        ".safetensors": (
            *(
                many_tensors,
                fewer_tensors,
                many_lists,
                fewer_lists,
                lists_in_a_text,
                wide_letters,
                wide_types,
                many_axes,
                many_blocks,
            ),
            *(names_that_look_alike, shapes_without_end),
        ),
        ".gguf": (many_keys, many_texts, arrays_of_arrays, wide_key, axes_of_gguf, tensors_of_gguf),
    }.items()
    for make in makers
}
