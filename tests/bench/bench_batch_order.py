"""What standing next to each other gains: the same rows as they came and in the batch's order, on a real ComfyUI.

Run it in the host's Python:  ARMATURE_COMFYUI=/path/to/ComfyUI python tests/bench/bench_batch_order.py
12 rows of the example graph on generated weights (2 checkpoints x 2 pictures x 3 seeds, the seed changing slowest), at 128
pixels and one step. Each order starts with an emptied cache.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

from bench_batch import ROOT, load_pack


def rows(checkpoints: list[str], control_net: str) -> list[dict[str, Any]]:
    """The product, in the order that suits the host's cache least."""
    fixed = {"Load ControlNet.control_net_name": control_net, "Sampler.steps": 1}
    size = {"Empty latent.width": 128, "Empty latent.height": 128}
    return [
        {**fixed, **size, "Sampler.seed": seed, "Picture.name": picture, "Load Checkpoint.ckpt_name": checkpoint}
        for seed in range(3)
        for picture in ("coffee", "astronaut")
        for checkpoint in checkpoints
    ]


async def measure(address: str, values: list[dict[str, Any]]) -> None:
    """Prints seconds and nodes that ran, for both orders."""
    from armature_pack.runs.batch.columns import find_columns
    from armature_pack.runs.batch.plan import plan_rows
    from armature_pack.runs.batch.rows import Row
    from armature_pack.runs.client import Client
    from armature_pack.runs.graph import with_changes

    graph = json.loads((ROOT / "workflows" / "api" / "control_signal.json").read_text(encoding="utf-8"))
    async with Client(address) as client:
        info = await client.object_info()
        planned = plan_rows(graph, [Row("", one) for one in values], find_columns(graph, values[0], info), Path())
        assert not any(row.problem for row in planned), {row.problem for row in planned}
        for label, order in (("as they came", sorted(planned, key=lambda row: row.number)), ("grouped", planned)):
            await client.forget_results()
            await asyncio.sleep(3)
            start, ran = time.perf_counter(), 0
            for row in order:
                result = await client.run(with_changes(graph, row.changes))
                ran += len(graph) - len(result.cached)
            print(f"{label:13} {time.perf_counter() - start:6.1f} s, {ran} nodes ran of {len(order) * len(graph)}")


def main() -> None:
    """Starts a server on generated weights and measures."""
    load_pack()
    from armature_pack.commands.private_host.files import cache_folder
    from armature_pack.commands.private_host.server import start_server
    from armature_pack.tests.generated.catalog import find_recipe
    from armature_pack.tests.generated.generation import generate
    from armature_pack.tests.model_links import link_model
    from armature_pack.tests.server_fixture import find_host

    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        models = [
            link_model(generate(one, cache_folder() / "generated"), base / "models" / find_recipe(one).folder)
            for one in ("sd15_checkpoint", "sd15_controlnet_canny")
        ]
        folder = base / "models" / "checkpoints"
        shutil.copyfile(folder / models[0], folder / "second.safetensors")
        with start_server(find_host(), pack=ROOT, base_directory=base) as server:
            asyncio.run(measure(server.address, rows([models[0], "second.safetensors"], models[1])))


if __name__ == "__main__":
    main()
