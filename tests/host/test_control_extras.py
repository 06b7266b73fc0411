"""The nodes around a control signal through the real server: weights, fit, check, plot, savings, and their error texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from armature_pack.runs.errors import RunFailed

from .test_control_graph import APPLY, MAP, PICTURE, graph, picture

pytestmark = pytest.mark.host


def with_extras(server, **changes: Any) -> dict[str, Any]:
    """The shipped graph with every extra linked in; changes as node__input=value."""
    prompt = graph(server)
    added = {
        "layers": ("ArmatureLayerWeights", {"preset": "favour_prompt", "layers": "input.0: 0.5, middle: 1"}),
        "frames": ("ArmatureFrameWeights", {"weights": "0: 1"}),
        "fit": ("ArmatureFitControlImage", {"image": ["4", 0], "target": ["11", 0]}),
        "check": ("ArmatureCheckControlImage", {"image": ["fit", 0], "expected": "canny"}),
        "profile": ("ArmatureProfile", {"profile": "fast"}),
        "plot": ("ArmaturePlotControlStack", {"model": ["1", 0], "stack": ["8", 0], "savings": ["profile", 0]}),
        "texts": ("PreviewAny", {"source": ["plot", 1]}),
        "saved plot": ("SaveImage", {"images": ["plot", 0], "filename_prefix": "plot"}),
        "saved fit": ("SaveImage", {"images": ["fit", 0], "filename_prefix": "fit"}),
    }
    for name, (kind, inputs) in added.items():
        prompt[name] = {"class_type": kind, "inputs": inputs, "_meta": {"title": name}}
    prompt["7"]["inputs"] |= {"image": ["check", 0], "layer_weights": ["layers", 0], "frame_weights": ["frames", 0]}
    prompt["9"]["inputs"]["savings"] = ["profile", 0]
    prompt["12"]["inputs"] |= {name: ["profile", slot] for slot, name in ((2, "sampler_name"), (3, "scheduler"))}
    for change, value in changes.items():
        node, _, name = change.partition("__")
        prompt[node.replace("_", " ")]["inputs"][name] = value
    return prompt


def test_every_extra_works_in_one_graph(server):
    result = server.run(with_extras(server))
    assert picture(server, result, PICTURE).shape == (64, 64, 3)
    assert picture(server, result, MAP).shape == (400, 600, 3)
    fitted = picture(server, result, "saved fit")
    assert fitted.shape == (64, 64, 3) and set(np.unique(fitted)) <= {0, 255}
    plot = picture(server, result, "saved plot")
    assert plot.shape[1] == 1200 and (np.abs(plot.astype(int) - (0, 114, 178)).max(2) < 6).any()
    (table,) = result.texts("plot")
    assert table.splitlines()[0] == "[1] canny 0.8 from check (per layer, per frame)"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers__layers": "sideways: 1"}, 'no network has a layer "sideways"'),
        ({"layers__layers": "double: 1"}, "It has input.0"),
        ({"frames__weights": "0: 1, 5: 0"}, "a keyframe at frame 5"),
    ],
)
def test_what_cannot_be_is_named(server, changes, words):
    with pytest.raises(RunFailed) as error:
        server.run(with_extras(server, **changes))
    assert words in str(error.value)


def with_findings(server, policy: str, broken: bool = True) -> dict[str, Any]:
    """The shipped graph; broken: its map inverted by the host's own node on the way to the signal."""
    prompt = graph(server, **{"Control signal__on_invalid": policy})
    if broken:
        prompt["inverted"] = {"class_type": "ImageInvert", "inputs": {"image": ["4", 0]}, "_meta": {"title": "Invert"}}
        prompt["7"]["inputs"]["image"] = ["inverted", 0]
    return prompt


def test_what_speaks_against_a_map_is_in_the_run_s_history_and_does_as_asked(server):
    (fine,) = server.run(with_findings(server, "error", broken=False)).texts(APPLY)
    (warned,) = server.run(with_findings(server, "warn")).texts(APPLY)
    (skipped,) = server.run(with_findings(server, "skip")).texts(APPLY)
    assert "Warning" not in fine and "applied" in fine
    assert "applied" in warned and "Warning" in warned and "dark on white" in warned
    assert "skipped" in skipped and "dark on white" in skipped
    with pytest.raises(RunFailed, match=r"Control signal 1 of 1 .*dark on white"):
        server.run(with_findings(server, "error"))


def test_a_union_signal_of_a_net_that_is_none_is_refused_by_name(server):
    prompt = graph(server)
    prompt["union"] = {
        "class_type": "ArmatureUnionSignal",
        "inputs": {"signals.signal_0": ["7", 0]},
        "_meta": {"title": "U"},
    }
    prompt["8"]["inputs"]["signals.signal_0"] = ["union", 0]
    with pytest.raises(RunFailed, match="takes one map in a pass"):
        server.run(prompt)


def test_a_control_net_of_another_family_is_named_by_its_file_before_sampling(server):
    wrong, fitting = server.model("sdxl_controlnet"), server.model("sd15_controlnet_canny")
    with pytest.raises(RunFailed) as error:
        server.run(graph(server, **{"Load ControlNet__control_net_name": wrong}))
    told = str(error.value)
    assert wrong in told and fitting in told and "SDXL" in told and "SD 1.5" in told
    assert picture(server, server.run(graph(server, Sampler__seed=7)), PICTURE).shape == (64, 64, 3)


def test_the_steps_in_which_a_signal_acted_are_in_the_log(server):
    prompt = graph(server, **{"Control signal__end_percent": 0.5, "Sampler__steps": 4, "Sampler__seed": 11})
    prompt["7"]["inputs"]["range_of"] = "steps"
    server.run(prompt)
    assert "acted in 2 of 4 steps (steps 1 to 2 of 4)" in server.log()
