"""The pack in an older ComfyUI, whose source runs in the environment of the newest: its nodes, its log, a picture.

`armature.py test --host VERSION` runs everything on an older host with an environment of its own.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from armature_pack.commands.private_host.definition import DEFAULT, Request, find_release
from armature_pack.commands.private_host.host import Host
from armature_pack.commands.private_host.processes import CommandFailed
from armature_pack.commands.private_host.server import start_server
from armature_pack.nodes import NODES
from armature_pack.runs.api import use_client
from armature_pack.tests.server_fixture import ONE_THREAD, PACK, RunningServer, find_host
from armature_pack.tests.source_only import ensure_source
from PIL import Image

from .example_graphs import small_graph

pytestmark = pytest.mark.host

VERSION = "0.24.0"
MAP, PICTURE = "15", "14"


def older_host() -> Host:
    newest = find_host()
    if newest.version != DEFAULT.version:
        pytest.skip(f"runs in the environment of ComfyUI {DEFAULT.version}, and this host is {newest.version}")
    try:
        return replace(newest, comfyui=ensure_source(Request(find_release(VERSION))), version=VERSION)
    except CommandFailed as failure:
        if failure.unreachable:
            pytest.skip(f"the source of ComfyUI {VERSION} cannot be fetched: no network")
        raise


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    host, base = older_host(), tmp_path_factory.mktemp("older")
    with start_server(host, pack=PACK, base_directory=base, environment=ONE_THREAD) as running:
        yield RunningServer(running, base)


def test_every_node_is_there_and_the_log_names_no_lack(older):
    assert f"ComfyUI version: {VERSION}" in older.log()
    assert {node.__name__ for node in NODES} <= older.object_info.keys()
    assert "[Armature] On ComfyUI" not in older.log()


def test_a_shipped_graph_gives_its_map_and_a_controlled_picture(older):
    pictures = {}
    for weight in (0.8, 0):
        result = older.run(small_graph(older, "control_signal", {"Control signal.weight": weight}))
        for node in (MAP, PICTURE):
            (saved,) = result.images(node)
            png = use_client(older.address, lambda client, one=saved: client.fetch(one))
            pictures[node, weight] = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert np.array_equal(pictures[MAP, 0.8], pictures[MAP, 0]) and pictures[MAP, 0.8].max() == 255
    assert not np.array_equal(pictures[PICTURE, 0.8], pictures[PICTURE, 0])
