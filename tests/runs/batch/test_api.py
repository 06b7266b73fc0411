"""What Python users import."""

import json
import subprocess
import sys
from pathlib import Path

from armature_pack.commands.private_host.server import free_port
from armature_pack.runs import api
from armature_pack.tests.commands.batch.batch_process import stub_process, write_batch

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from armature import Client, Settings, batch, read_graph, run_blocking, set_inputs
import armature
assert not hasattr(armature, "no_such_name")
graph = read_graph("graph.json")
result = run_blocking(sys.argv[2], set_inputs(graph, {"Sampler.seed": 4}))
seen = []
done = batch(graph, "rows.csv", server=sys.argv[2], out="out", settings=Settings(retry=1), on_step=seen.append)
print(json.dumps([len(result.images("4")), dict(done.counts), done.status, len(seen), done.table.name]))
"""


def test_every_name_is_there() -> None:
    assert all(hasattr(api, name) for name in api.__all__)
    assert api.__all__ == sorted(api.__all__)


def test_a_script_outside_of_everything(tmp_path: Path) -> None:
    write_batch(tmp_path, 3)
    port = free_port()
    with stub_process(port, tmp_path / "ran.jsonl", 0.01):
        command = [sys.executable, "-c", SCRIPT, str(ROOT), f"http://127.0.0.1:{port}"]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    pictures, counts, status, steps, table = json.loads(result.stdout)
    assert (pictures, counts["done"], status, steps, table) == (1, 3, 0, 3, "summary.csv")
