"""Any bytes and any table of tensors: a file is named, or refused with a reason; nothing else is ever raised."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
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
