"""One server for a long time: prompts in turns equal those of a fresh server, and its memory stays where it was.

Run it:  python armature.py test tests/bench/bench_long_service.py -s
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import safetensors.numpy
from armature_pack.commands.demo.weights import written_models
from armature_pack.commands.private_host.files import cache_folder
from armature_pack.commands.private_host.model_paths import link_folder
from armature_pack.commands.private_host.server import start_server
from armature_pack.runs.graph import set_inputs
from armature_pack.tests.server_fixture import ONE_THREAD, PACK, RunningServer, find_host

pytestmark = [pytest.mark.bench, pytest.mark.host]

TURNS = 60
QUEUED = 150
PICTURES = 16  # of the first re-queues: what a server keeps from its first runs is no growth
COMPANY = "05 LoRA, ControlNet and IP-Adapter"
CONTROLNEXT = "03 ControlNeXt"
THREE = "02 Three control signals"


@contextmanager
def fresh_server(base: Path) -> Iterator[tuple[RunningServer, psutil.Process]]:
    """A server of its own, with the demo's models, and its process."""
    base.mkdir()
    link_folder(written_models(cache_folder() / "demo") / "models", base)
    whitelist = ["--whitelist-custom-nodes", PACK.name]
    with start_server(
        find_host(), pack=PACK, base_directory=base, arguments=whitelist, environment=ONE_THREAD
    ) as running:
        yield RunningServer(running, base), psutil.Process(running.process.pid)


def prompt(name: str, **changes: Any) -> dict[str, Any]:
    """A shipped graph in two steps, which also saves its latent."""
    graph = json.loads((PACK / "workflows" / "api" / f"{name}.json").read_text(encoding="utf-8"))
    graph = set_inputs(graph, {"Sampler.steps": 2, **changes})
    (sampler,) = (number for number, node in graph.items() if node["class_type"] == "KSampler")
    graph["latent"] = {"class_type": "SaveLatent", "inputs": {"samples": [sampler, 0], "filename_prefix": "latent"}}
    return graph


def latent(server: RunningServer, asked: Mapping[str, Any]) -> np.ndarray:
    """What the sampler made of a prompt."""
    server.run(asked, timeout=600)
    (file,) = server.output_folder.glob("latent_*.latent")
    values = safetensors.numpy.load_file(file)["latent_tensor"]
    file.unlink()
    return values


def test_prompts_in_turns_equal_those_of_fresh_servers(tmp_path, capsys):
    names = (COMPANY, CONTROLNEXT, THREE)
    alone = []
    for number, name in enumerate(names):
        with fresh_server(tmp_path / str(number)) as (server, _):
            alone.append(latent(server, prompt(name)))
    changed = 0
    with fresh_server(tmp_path / "long") as (server, _):
        for turn in range(TURNS):
            for name, expected in zip(names, alone, strict=True):
                # Another seed first, as nothing runs where nothing changed.
                latent(server, prompt(name, **{"Sampler.seed": 1000 + turn}))
                changed += not np.array_equal(latent(server, prompt(name)), expected)
    with capsys.disabled():
        print(f"\n{TURNS} alternations of {len(names)} prompts: {changed} differ from a fresh server's")
    assert changed == 0


def test_requeued_weights_leave_no_memory_behind(tmp_path, capsys):
    used = []
    with fresh_server(tmp_path / "long") as (server, process):
        for number in range(QUEUED):
            weight = round(0.1 + number % 50 / 50, 3)
            latent(server, prompt(COMPANY, **{"Control signal.weight": weight, "Apply IP-Adapter.weight": weight}))
            used.append(process.memory_full_info().uss / 2**20)
    early, late = (statistics.median(part) for part in (used[PICTURES : 2 * PICTURES], used[-PICTURES:]))
    with capsys.disabled():
        print(
            f"\n{QUEUED} re-queues: {early:.0f} MB of its own after {PICTURES} to {2 * PICTURES}, {late:.0f} MB at the end, "
            f"most {max(used):.0f} MB; {(late - early) * 1024 / (QUEUED - 2 * PICTURES):.0f} kB a run"
        )
