"""What a batch costs beside the server's own time: per row, per plan, and in memory.

Run it in the host's Python:  ARMATURE_COMFYUI=/path/to/ComfyUI python tests/bench/bench_batch.py [rows]
The server is the tests' stub (HTTP, websocket, queue and history as the host's, in a process of its own) and takes no time for a
prompt, so that all the seconds are the runner's and the wire's. Nothing of the runner is replaced.
"""

from __future__ import annotations

import asyncio
import importlib.util
import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAN_ROWS = 10_000


def load_pack() -> None:
    """The checkout as the package that the tests know."""
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != ROOT]
    spec = importlib.util.spec_from_file_location(
        "armature_pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert spec is not None and spec.loader is not None
    sys.modules["armature_pack"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


def peak_megabytes() -> float:
    """The largest memory this process has had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def write_rows(folder: Path, rows: int) -> None:
    """rows.csv with a text, a seed, a checkpoint and a picture in each row; 100 pictures."""
    from armature_pack.tests.runs.batch.host_stub import png

    for number in range(100):
        (folder / f"{number}.png").write_bytes(png(number))
    lines = ["Sampler.text,Sampler.seed,Picture.image,Load Checkpoint.ckpt_name"]
    lines += [f"text {n},{n},{n % 100}.png,{'ab'[n % 2]}.safetensors" for n in range(rows)]
    (folder / "rows.csv").write_text("\n".join(lines), encoding="utf-8")


def plan(folder: Path):
    """Reads and plans rows.csv, the check included."""
    from armature_pack.runs.batch.columns import find_columns
    from armature_pack.runs.batch.plan import plan_rows
    from armature_pack.runs.batch.rows import read_rows
    from armature_pack.tests.runs.batch.host_stub import GRAPH, OBJECT_INFO

    rows = list(read_rows(folder / "rows.csv"))
    columns = find_columns(GRAPH, rows[0].values, OBJECT_INFO)
    return plan_rows(GRAPH, rows, columns, folder, lambda _prompt: "")


async def run(folder: Path, address: str, ledger) -> list[float]:
    """Runs what waits; the memory peak after each tenth of the rows."""
    from armature_pack.runs.batch.job import Job, Request
    from armature_pack.runs.batch.outcome import Recorder
    from armature_pack.runs.batch.run import Runner
    from armature_pack.runs.client import Client
    from armature_pack.runs.wire import Secrets
    from armature_pack.tests.runs.batch.host_stub import GRAPH

    peaks: list[float] = []
    total, ended = sum(ledger.counts().values()), 0

    def count(_step: object) -> None:
        nonlocal ended
        ended += 1
        if ended % max(1, total // 10) == 0:
            peaks.append(peak_megabytes())

    async with Client(address) as client:
        job = Job(GRAPH, Request(), folder / "out", Secrets(address, {}))
        await Runner(job, client, ledger, Recorder(job, ledger, count)).run()
    return peaks


def main(rows: int) -> None:
    """Prints the three figures."""
    load_pack()
    from armature_pack.commands.private_host.server import free_port
    from armature_pack.runs.batch.ledger import DONE, Ledger
    from armature_pack.tests.commands.batch.batch_process import stub_process

    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        write_rows(folder, PLAN_ROWS)
        start = time.perf_counter()
        planned = plan(folder)
        read = time.perf_counter() - start
        with Ledger(folder / "plan") as ledger:
            ledger.plan(planned)
        print(f"{PLAN_ROWS} rows planned in {read:.2f} s, in the ledger after {time.perf_counter() - start:.2f} s")
        del planned

        write_rows(folder, rows)
        with stub_process(port, folder / "ran.jsonl", 0), Ledger(folder / "out") as ledger:
            ledger.plan(plan(folder))
            start = time.perf_counter()
            peaks = asyncio.run(run(folder, f"http://127.0.0.1:{port}", ledger))
            seconds = time.perf_counter() - start
            assert ledger.counts()[DONE] == rows
        print(f"{rows} rows run in {seconds:.1f} s: {seconds / rows * 1e3:.2f} ms a row")
        print(f"memory peak after each tenth, MB: {', '.join(f'{peak:.0f}' for peak in peaks)}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
