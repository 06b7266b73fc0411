"""The check through the real server: node and routes, the same report from both, and bad input answered with a reason."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from armature_pack.commands.private_host.definition import DEFAULT
from armature_pack.models.compatibility.node_types import record
from armature_pack.runs.errors import RunFailed
from armature_pack.runs.graph import set_inputs
from armature_pack.tests.server_fixture import find_host

ROOT = Path(__file__).resolve().parents[2]
GRAPH = json.loads((ROOT / "workflows" / "api" / "control_signal.json").read_text(encoding="utf-8"))
RECORDED = ROOT / "models" / "compatibility" / "host_nodes.json"
CHECK = "90"

pytestmark = pytest.mark.host


def graph(server, net: str = "sd15_controlnet_canny", policy: str | None = None, **changes: Any) -> dict[str, Any]:
    small = {
        "1.ckpt_name": server.model("sd15_checkpoint"),
        "2.control_net_name": server.model(net),
        "Empty latent.width": 64,
        "Empty latent.height": 64,
        "Sampler.steps": 1,
    }
    prompt = set_inputs(GRAPH, small | {key.replace("__", "."): value for key, value in changes.items()})
    values = {} if policy is None else {"policy": policy}
    prompt[CHECK] = {"class_type": "ArmatureCompatibilityCheck", "inputs": values}
    prompt["91"] = {"class_type": "PreviewAny", "inputs": {"source": [CHECK, 0]}}
    return prompt


def post(
    server, body: Any, raw: bytes | None = None, route: str = "/armature/compatibility"
) -> tuple[int, dict[str, Any]]:
    data = json.dumps(body).encode() if raw is None else raw
    request = urllib.request.Request(f"{server.address}{route}", data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def test_a_sound_graph_runs_and_its_report_says_so(server):
    result = server.run(graph(server))
    (text,) = result.texts(CHECK)
    assert text.startswith("The parts of this graph fit together") and "ControlNet for SD 1.5" in text
    assert list(result.texts("91")) == [text]


def test_policy_error_stops_a_graph_before_anything_is_loaded(server):
    with pytest.raises(RunFailed) as failed:
        server.run(graph(server, "sdxl_controlnet", "error"))
    assert failed.value.node == CHECK and "SDXL" in failed.value.reason and "SD 1.5" in failed.value.reason


def test_validated_only_rejects_what_no_sheet_holds(server):
    with pytest.raises(RunFailed) as failed:
        server.run(graph(server, policy="validated_only"))
    assert "not in your team's sheet" in failed.value.reason


def test_an_edit_changes_the_report_and_an_edit_elsewhere_does_not(server):
    first = server.run(graph(server, Sampler__seed=5))
    again = server.run(graph(server, Sampler__seed=6))
    other = server.run(graph(server, "sd15_controlnet_depth", Sampler__seed=6))
    assert first.texts(CHECK) and list(other.texts(CHECK)) != list(first.texts(CHECK))
    assert list(again.texts(CHECK)) == list(first.texts(CHECK))


def test_the_route_gives_the_report_and_a_repaired_copy(server):
    prompt = graph(server, "sdxl_controlnet")
    server.model("sd15_controlnet_canny")
    status, report = post(server, {"prompt": prompt, "fix": True})
    assert status == 200 and report["schema"] == "armature.compatibility/1" and not report["ok"]
    (found,) = [one for one in report["findings"] if one["rule"] == "control_net_family"]
    assert found["node"] == "2" and found["candidates"]
    assert report["prompt"]["2"]["inputs"]["control_net_name"] == found["candidates"][0]
    assert post(server, report["prompt"])[1]["ok"]


def test_a_saved_graph_is_converted(server):
    saved = json.loads((ROOT / "workflows" / "control_signal.json").read_text(encoding="utf-8"))
    status, report = post(server, {"workflow": saved})
    assert status == 200 and report["nodes"] == len(GRAPH)


def test_what_a_repaired_saved_graph_becomes_is_accepted_and_runs(server):
    """By the server itself: it refuses a prompt in which a value is missing, of a wrong type, or in a wrong place."""
    graph = json.loads((ROOT / "workflows" / "control_signal.json").read_text(encoding="utf-8"))
    server.model("sd15_controlnet_canny")
    small = {
        "CheckpointLoaderSimple": {0: server.model("sd15_checkpoint")},
        "ArmatureLoadControlNet": {0: server.model("sdxl_controlnet")},
        "EmptyLatentImage": {0: 64, 1: 64},
        "KSampler": {2: 1},
    }
    for node in graph["nodes"]:
        for place, value in small.get(node["type"], {}).items():
            node["widgets_values"][place] = value
        if node["type"] == "EmptyLatentImage":  # by its own numbers, not as large as the picture
            for one in node["inputs"]:
                one["link"] = None
    graph["links"] = [link for link in graph["links"] if link[5] != "INT"]
    status, report = post(server, {"input": {"workflow": graph}})
    assert status == 200 and not report["ok"]
    status, report = post(server, {"workflow": graph, "fix": True})
    assert status == 200 and len(report["changes"]) == 1
    assert server.run(report["prompt"]).outputs


@pytest.mark.parametrize(
    ("body", "raw", "words"),
    [
        (None, b"{", "no JSON"),
        (None, b"", "no JSON"),
        (None, b"\xff\xfe", ""),
        ([], None, "a list"),
        ({}, None, "empty"),
        ({"prompt": {}}, None, "empty"),
        ({"1": {"inputs": {}}}, None, "class_type"),
        ({"prompt": GRAPH, "policy": "strict"}, None, "policy"),
        (None, b"[" * 100_000, ""),
    ],
)
def test_bad_bodies_are_answered_with_a_reason(server, body, raw, words):
    status, answer = post(server, body, raw)
    assert status == 400 and words in answer["error"]["message"]


def test_a_recorded_graph_is_validated_and_then_runs(server):
    prompt = graph(server, "sd15_controlnet_depth", "validated_only")
    status, answer = post(
        server, {"prompt": prompt, "verdict": "validated", "note": "host test"}, route="/armature/sheet"
    )
    assert status == 200 and len(answer["recorded"]) == 1 and answer["sheet"].endswith("armature.json")
    try:
        (text,) = server.run(prompt).texts(CHECK)
        assert "validated by your team" in text and "host test" in text
    finally:
        Path(answer["sheet"]).unlink()


@pytest.mark.parametrize("more", [{}, {"verdict": "maybe"}, {"verdict": "refused", "adherence": 2}])
def test_a_verdict_that_is_none_is_answered_with_a_reason(server, more):
    status, answer = post(server, {"prompt": graph(server), **more}, route="/armature/sheet")
    assert status == 400 and answer["error"]["message"]


def test_the_models_route_lists_files_with_what_they_are(server):
    name = server.model("sd15_t2i_adapter")
    with urllib.request.urlopen(f"{server.address}/armature/models?folder=controlnet", timeout=60) as response:
        table = json.load(response)
    (row,) = [one for one in table["files"] if one["name"] == name]
    assert row["kind"] == "t2i_adapter" and row["families"] == ["sd15"] and row["belongs_into"] == ""
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{server.address}/armature/models?folder=../etc", timeout=60)
    assert refused.value.code == 400


def test_the_recorded_types_are_those_of_the_server(server):
    """They serve where no server runs. ARMATURE_RECORD=1 writes them again, after nodes were added."""
    live = record(server.object_info)["nodes"]
    ours = {name: types for name, types in live.items() if "ArmatureTest" not in name}
    newest = find_host().version == DEFAULT.version
    if not newest:  # the host's own nodes have other types there
        ours = {name: types for name, types in ours.items() if name.startswith("Armature")}
        assert len(ours) > 80
    if newest and os.environ.get("ARMATURE_RECORD"):
        rows = [f"{json.dumps(name)}: {json.dumps(types, separators=(',', ':'))}" for name, types in ours.items()]
        RECORDED.write_text('{"nodes": {\n' + ",\n".join(rows) + "\n}}\n", encoding="utf-8")
    recorded = json.loads(RECORDED.read_text(encoding="utf-8"))["nodes"]
    if not newest:  # it has fewer methods
        ours, recorded = _without_choices(ours), _without_choices(recorded)
    other = [name for name, types in ours.items() if recorded.get(name) != types]
    assert not other, "run this test with ARMATURE_RECORD=1 and commit models/compatibility/host_nodes.json"


def _without_choices(types: dict[str, Any]) -> dict[str, Any]:
    """Recorded types without what the choices of dynamic combos add."""
    plain = {name: json.loads(json.dumps(entry)) for name, entry in types.items()}
    for entry in plain.values():
        for widget in entry.get("part", {}).get("widgets", ()):
            if len(widget) > 3:
                widget[3].pop("parts", None)
    return plain
