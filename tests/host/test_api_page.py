"""The scripts of docs/api.md, each run as it stands there against the real server."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from armature_pack.runs.graph import set_inputs
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^```(python|sh)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
TOOLS = {"python": (sys.executable,), "sh": ("sh", "jq", "curl")}

pytestmark = pytest.mark.host


def test_the_page_has_three_scripts():
    assert [language for language, _ in SCRIPTS] == ["python", "python", "sh"]
    assert "urllib.request" in SCRIPTS[0][1] and "Client(" in SCRIPTS[1][1] and "curl" in SCRIPTS[2][1]


@pytest.mark.parametrize("number", range(3), ids=("standard_library", "client", "curl"))
def test_the_script_saves_a_picture_made_with_its_values(server, tmp_path, number):
    language, script = SCRIPTS[number]
    missing = [tool for tool in TOOLS[language] if not shutil.which(tool)]
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    graph = json.loads((ROOT / "workflows" / "api" / "control_signal.json").read_text(encoding="utf-8"))
    files = {
        "Load Checkpoint.ckpt_name": server.model("sd15_checkpoint"),
        "Load ControlNet.control_net_name": server.model("sd15_controlnet_canny"),
    }
    graph = set_inputs(graph, files | {"Sampler.steps": 1})
    (tmp_path / "graph.json").write_text(json.dumps(graph), encoding="utf-8")
    with Image.open(ROOT / "workflows" / "pictures" / "coffee.jpg") as photograph:
        photograph.resize((96, 64)).save(tmp_path / f"cup {number}.png")
    file = tmp_path / f"run.{language}"
    file.write_text(script, encoding="utf-8")
    arguments = [server.address, tmp_path / "graph.json", tmp_path / f"cup {number}.png", tmp_path / "out.png"]
    done = subprocess.run(
        [TOOLS[language][0], file, *arguments],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    content = (tmp_path / "out.png").read_bytes()
    with Image.open(io.BytesIO(content)) as picture:
        assert picture.size == (96, 64)
        made_by = json.loads(picture.info["prompt"])
    changed = {node["_meta"]["title"]: node["inputs"] for node in made_by.values()}
    assert changed["Prompt"]["text"] == "a cup of tea on a stone table"
    assert changed["Control signal"]["weight"] == 0.6 and changed["Sampler"]["seed"] == 42
    assert changed["Picture"]["image"] == f"cup {number}.png"


def test_the_desk_and_its_parts_are_served_below_any_path(server):
    import urllib.request

    def get(path: str) -> tuple[int, str]:
        with urllib.request.urlopen(f"{server.address}{path}") as answer:
            return answer.status, answer.geturl()

    assert get("/armature") == (200, f"{server.address}/armature")
    assert get("/armature/") == (200, f"{server.address}/armature")
    assert get("/armature/pictures/coffee")[0] == get("/armature/pictures/mood_board")[0] == 200
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "nodes" / "desk").iterdir()]
    addresses = [one for text in texts for one in re.findall(r"""(?:href|src)="([^"#]*)\"""", text)]
    assert addresses and all(not one.startswith(("/", "http", "//")) for one in addresses)
    assert not any(re.search(r"""["'`](?:https?:)?//""", text) for text in texts)
