"""What the pack adds to the host's start, beside an empty pack: A B A B, medians.

Run it in the host's Python:  ARMATURE_COMFYUI=/path/to/ComfyUI python tests/bench/bench_start_up.py [rounds]
Each figure comes from a fresh ComfyUI (`--quick-test-for-ci`) that times `load_custom_node` of one pack, as the host
does for its own table of import times, only with more digits.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HOST = Path(os.environ["ARMATURE_COMFYUI"])

# Bytecode is kept, as it is for users from the second start on.
ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}

EMPTY = """WEB_DIRECTORY = None


async def comfy_entrypoint():
    from comfy_api.v0_0_2 import ComfyExtension

    class Empty(ComfyExtension):
        async def get_node_list(self):
            return []

    return Empty()
"""

TIMED_START = """
import asyncio, sys, time
sys.path.insert(0, sys.argv[1])
import comfy.cli_args
comfy.cli_args.args.cpu = True
import nodes, server, execution
import comfy_api.v0_0_2
asyncio.run(nodes.init_extra_nodes(init_custom_nodes=False, init_api_nodes=False))
start = time.perf_counter()
loaded = asyncio.run(nodes.load_custom_node(sys.argv[2]))
print("SECONDS", time.perf_counter() - start if loaded else "failed")
"""


def seconds_to_load(pack: Path, folder: Path) -> float:
    """Seconds that a host with all its own nodes loaded needs for one pack."""
    result = subprocess.run(
        [sys.executable, "-c", TIMED_START, str(HOST), str(pack)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        env=ENVIRONMENT | {"PYTHONPYCACHEPREFIX": str(folder / "bytecode")},
    )
    return float(next(line for line in result.stdout.splitlines() if line.startswith("SECONDS")).split()[1])


def main(rounds: int) -> None:
    """Print both medians, their range and the difference."""
    with tempfile.TemporaryDirectory() as folder:
        empty = Path(folder, "empty_pack")
        empty.mkdir()
        (empty / "__init__.py").write_text(EMPTY, encoding="utf-8")
        packs = {"Armature": ROOT, "empty pack": empty}
        seconds: dict[str, list[float]] = {name: [] for name in packs}
        first = seconds_to_load(ROOT, Path(folder))
        print(f"Armature, first start, bytecode written: {first * 1e3:.1f} ms")
        for _ in range(rounds):
            for name, pack in packs.items():
                seconds[name].append(seconds_to_load(pack, Path(folder)))
    for name, values in seconds.items():
        print(
            f"{name:12} {statistics.median(values) * 1e3:7.1f} ms  ({min(values) * 1e3:.1f} to {max(values) * 1e3:.1f})"
        )
    ours, theirs = (statistics.median(seconds[name]) for name in packs)
    print(f"Armature adds {(ours - theirs) * 1e3:.1f} ms to the start ({rounds} rounds, A B A B, medians)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
