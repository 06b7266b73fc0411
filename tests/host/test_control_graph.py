"""The shipped graph and its neighbours through the real server: pictures, maps and error texts."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from armature_pack.nodes.missing_host_parts import lacks
from armature_pack.preprocessors.registry import available_methods
from armature_pack.runs.api import use_client
from armature_pack.runs.errors import PromptRefused, RunFailed
from armature_pack.runs.graph import set_inputs
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
GRAPH = json.loads((ROOT / "workflows" / "api" / "control_signal.json").read_text(encoding="utf-8"))
PICTURE, MAP, APPLY, SAMPLER = "14", "15", "9", "12"

pytestmark = pytest.mark.host


def graph(server, **changes: Any) -> dict[str, Any]:
    """The shipped graph on generated weights, at 64 px and two steps; changes as title__input=value."""
    small = {
        "Load Checkpoint.ckpt_name": server.model("sd15_checkpoint"),
        "Load ControlNet.control_net_name": server.model("sd15_controlnet_canny"),
        "Empty latent.width": 64,
        "Empty latent.height": 64,
        "Sampler.steps": 2,
    }
    named = {key.replace("__", "."): value for key, value in changes.items()}
    return set_inputs(GRAPH, small | named)


def picture(server, result, node: str) -> np.ndarray:
    (saved,) = result.images(node)
    png = use_client(server.address, lambda client: client.fetch(saved))
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


def with_image(server, kind: str) -> dict[str, Any]:
    prompt = graph(server)
    prompt["3"] = {"class_type": "ArmatureTestImage", "inputs": {"kind": kind}, "_meta": {"title": "Picture"}}
    prompt["7"]["inputs"]["image"] = ["3", 0]
    for node in ("4", "15", "10"):  # the map, and what else looks at the picture
        del prompt[node]
    return prompt


def check_server_still_answers(server) -> None:
    assert picture(server, server.run(graph(server, Sampler__seed=99)), PICTURE).shape == (64, 64, 3)


def test_the_shipped_graph_gives_a_picture_and_the_map_it_follows(server):
    result = server.run(graph(server))
    assert picture(server, result, PICTURE).shape == (64, 64, 3)
    cv2 = pytest.importorskip("cv2")
    photo = np.asarray(Image.open(ROOT / "workflows" / "pictures" / "coffee.jpg").convert("RGB"))
    edges = cv2.Canny(photo, 100, 200)
    assert np.array_equal(picture(server, result, MAP), np.repeat(edges[..., None], 3, -1))
    (report,) = result.texts(APPLY)
    assert report.startswith("Control signal 1 of 1 (ControlNet): applied, weight 0.8, from 0% to 100%")


def test_the_graph_runs_with_every_optional_input_left_out(server):
    prompt = graph(server)
    for node, keep in {
        "3": (),
        "4": ("image", "method"),
        "7": ("control_net", "image"),
        "8": ("signals.signal_0",),
    }.items():
        prompt[node]["inputs"] = {name: value for name, value in prompt[node]["inputs"].items() if name in keep}
    bare, full = server.run(prompt), server.run(graph(server))
    assert np.array_equal(picture(server, bare, PICTURE), picture(server, full, PICTURE))
    assert np.array_equal(picture(server, bare, MAP), picture(server, full, MAP))


def test_the_picture_equals_the_hosts_own_apply_node(server):
    native = graph(server)
    native["9"] = {
        "class_type": "ControlNetApplyAdvanced",
        "inputs": {
            "positive": ["5", 0],
            "negative": ["6", 0],
            "control_net": ["2", 0],
            "image": ["4", 0],
            "strength": 0.8,
            "start_percent": 0,
            "end_percent": 1,
        },
    }
    controlled = picture(server, server.run(graph(server)), PICTURE)
    assert np.array_equal(picture(server, server.run(native), PICTURE), controlled)
    off = graph(server, **{"Control signal__weight": 0})
    assert not np.array_equal(picture(server, server.run(off), PICTURE), controlled)


def test_an_edited_weight_is_the_only_one_that_acts_on_a_requeue(server):
    first = picture(server, server.run(graph(server)), PICTURE)
    edited = picture(server, server.run(graph(server, **{"Control signal__weight": 0.2})), PICTURE)
    again = picture(server, server.run(graph(server)), PICTURE)
    assert np.array_equal(first, again) and not np.array_equal(first, edited)


def test_two_branches_of_one_stack_do_not_touch_each_other(server):
    """One stack applied once and twice in the same run, and the plain conditioning beside them."""
    prompt = graph(server)
    prompt["20"] = {
        "class_type": "ArmatureApplyControlStack",
        "inputs": {"positive": ["9", 0], "negative": ["9", 1], "stack": ["8", 0]},
    }
    for number, conds in enumerate((("20", 0, "20", 1), ("5", 0, "6", 0)), start=1):
        sampler, decode, save = (str(30 * number + offset) for offset in range(3))
        prompt[sampler] = {"class_type": "KSampler", "inputs": dict(prompt[SAMPLER]["inputs"])}
        prompt[sampler]["inputs"] |= {"positive": list(conds[:2]), "negative": list(conds[2:])}
        prompt[decode] = {"class_type": "VAEDecode", "inputs": {"samples": [sampler, 0], "vae": ["1", 2]}}
        prompt[save] = {"class_type": "SaveImage", "inputs": {"filename_prefix": "branch", "images": [decode, 0]}}
    result = server.run(prompt)
    once, twice, none = (picture(server, result, node) for node in (PICTURE, "32", "62"))
    assert np.array_equal(once, picture(server, server.run(graph(server)), PICTURE))
    assert not np.array_equal(once, twice) and not np.array_equal(once, none)


def test_an_empty_stack_and_an_unlinked_stack_pass_through(server):
    empty, unlinked = graph(server), graph(server)
    del empty["8"]["inputs"]["signals.signal_0"]
    del unlinked["9"]["inputs"]["stack"]
    results = [server.run(prompt) for prompt in (empty, unlinked)]
    pictures = [picture(server, result, PICTURE) for result in results]
    assert np.array_equal(pictures[0], pictures[1])
    told = [result.texts(APPLY)[0] for result in results]
    assert all(report.startswith("Warning: nothing controls this picture") for report in told) and told[0] != told[1]


def test_a_gap_in_the_slots_is_no_obstacle(server):
    prompt = graph(server)
    prompt["8"]["inputs"] = {"signals.signal_3": ["7", 0]}
    assert np.array_equal(
        picture(server, server.run(prompt), PICTURE), picture(server, server.run(graph(server)), PICTURE)
    )


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Control signal__weight": 11}, ("weight", "10")),
        ({"Control signal__weight": -1}, ("weight", "0")),
        ({"Control signal__fit": "squeeze"}, ("fit", "squeeze")),
        ({"Control map__resolution": 5}, ("resolution", "64")),
        ({"Control map__method.low_threshold": 300}, ("low_threshold", "255")),
        (
            {"Load ControlNet__control_net_name": "missing.safetensors"},
            ("control_net_name", "missing.safetensors"),
        ),
    ],
)
def test_values_out_of_range_are_refused_before_anything_runs(server, changes, words):
    prompt = graph(server, **changes)
    del prompt["15"]  # with a second, sound branch the server would run that one and leave this out
    with pytest.raises(PromptRefused) as refused:
        server.run(prompt)
    assert all(word in str(refused.value) for word in words)
    check_server_still_answers(server)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"Control map__method": "hed_but_misspelt"}, "one that does not exist. The methods are: canny"),
        ({"Control map__method.low_threshold": 250}, "low_threshold 250 lies above high_threshold 200"),
        ({"Control signal__start_percent": 0.9, "Control signal__end_percent": 0.1}, "starts at 0.9 and ends at 0.1"),
        ({"Control signal__schedule": "0:1, half"}, '"half" in "0:1, half" is not a point'),
    ],
)
def test_settings_that_contradict_fail_with_a_plain_message(server, changes, words):
    with pytest.raises(RunFailed) as failed:
        server.run(graph(server, **changes))
    assert words in failed.value.reason
    check_server_still_answers(server)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("rank", "64x64x3"),
        ("empty", "the batch is empty"),
        ("nan", "not numbers (NaN or infinity)"),
        ("batch", "3 control images came in for a batch of 1 pictures"),
    ],
)
def test_a_broken_control_image_fails_by_name(server, kind, words):
    with pytest.raises(RunFailed) as failed:
        server.run(with_image(server, kind))
    assert "Control signal 1 of 1 (ControlNet)" in failed.value.reason and words in failed.value.reason
    check_server_still_answers(server)


@pytest.mark.parametrize(
    ("kind", "words"), [("rank", "64x64x3"), ("empty", "the batch is empty"), ("nan", "not numbers")]
)
def test_a_broken_picture_fails_at_the_preprocessor_by_name(server, kind, words):
    prompt = graph(server)
    prompt["3"] = {"class_type": "ArmatureTestImage", "inputs": {"kind": kind}}
    del prompt["10"]
    with pytest.raises(RunFailed) as failed:
        server.run(prompt)
    assert (
        failed.value.node == "4" and "Canny Edges, input image" in failed.value.reason and words in failed.value.reason
    )
    check_server_still_answers(server)


@pytest.mark.parametrize(("kind", "words"), [("blank", "is blank"), ("out_of_range", "values from -")])
def test_an_unusable_control_image_is_applied_and_told(server, kind, words):
    (report,) = server.run(with_image(server, kind)).texts(APPLY)
    assert "Warning" in report and words in report


@pytest.mark.parametrize("kind", ["one_channel", "transparent"])
def test_images_of_one_and_four_channels_work(server, kind):
    assert picture(server, server.run(with_image(server, kind)), PICTURE).shape == (64, 64, 3)


def _truncated_net(server) -> bytes:
    whole = (server.models_folder / "controlnet" / server.model("sd15_controlnet_canny")).read_bytes()
    return whole[: len(whole) // 2]


def _lora(_server) -> bytes:
    return safetensors_bytes({"lora_unet_input_blocks_1_1_proj_in.lora_up.weight": (4, 4)})


def safetensors_bytes(shapes: dict[str, tuple[int, ...]]) -> bytes:
    tensors = {name: np.zeros(shape, np.float32) for name, shape in shapes.items()}
    return safetensors.numpy.save(tensors)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.safetensors", b"", "is empty (0 bytes). Download it again"),
        ("text.safetensors", b"not a safetensors file", "is no safetensors file"),
        ("page.safetensors", b"<html><body>Sign in</body></html>", "begins like a web page"),
        ("half.safetensors", _truncated_net, "is incomplete: it should have"),
        ("lora.safetensors", _lora, "holds a LoRA, not a control net. Load it with the host's Load LoRA"),
        (
            "other.safetensors",
            lambda _: safetensors_bytes({"something.weight": (4, 4)}),
            "cannot load 'other.safetensors'",
        ),
        ("pickle.pth", b"cos\nsystem\n(S'true'\ntR.", "is a pickle that holds more than weights"),
    ],
)
def test_a_corrupt_control_net_fails_by_name_and_the_server_goes_on(server, name, content, words):
    folder = server.models_folder / "controlnet"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content(server))
    with pytest.raises(RunFailed) as failed:
        server.run(graph(server, **{"Load ControlNet__control_net_name": name}))
    assert "Load ControlNet" in str(failed.value)
    assert name in failed.value.reason and words in failed.value.reason
    check_server_still_answers(server)


def test_a_value_of_another_type_is_refused(server):
    prompt = graph(server)
    prompt["8"]["inputs"]["signals.signal_0"] = ["4", 0]
    del prompt["15"]
    with pytest.raises(PromptRefused):
        server.run(prompt)


def test_the_log_says_once_what_this_host_lacks(server):
    lines = [line for line in server.log().splitlines() if "[Armature] On ComfyUI" in line]
    assert [line.partition("[Armature] ")[2] for line in lines] == list(lacks())


def test_every_node_is_there_with_help_for_each_input(server):
    ours = {
        name: info for name, info in server.object_info.items() if name.startswith("Armature") and "Test" not in name
    }
    assert set(ours) == {
        *(entry.node_id for entry in available_methods()),
        "ArmatureCompatibilityCheck",
        "ArmatureSaveRecord",
        "ArmatureControlMap",
        "ArmatureControlSignal",
        "ArmatureControlStack",
        "ArmatureApplyControlStack",
        "ArmatureLayerWeights",
        "ArmatureFrameWeights",
        "ArmatureUnionSignal",
        "ArmatureApplyControl",
        "ArmatureMapReference",
        "ArmatureVACEWeights",
        "ArmatureFitControlImage",
        "ArmatureCheckControlImage",
        "ArmaturePlotControlStack",
        "ArmatureControlAdherence",
        "ArmatureWeightSweep",
        "ArmatureSweepSheet",
        "ArmatureControlSavings",
        "ArmatureProfile",
        "ArmatureAlignPoses",
        "ArmatureExamplePicture",
        "ArmatureExamplePoses",
        "ArmatureDrawPoses",
        "ArmaturePosesToJSON",
        "ArmaturePosesFromJSON",
        "ArmatureFixColors",
        "ArmatureLoadControlNet",
        "ArmatureLoadControlNeXt",
        "ArmatureApplyControlNeXtWeights",
        "ArmatureControlNeXtWindows",
        "ArmatureLoadIPAdapter",
        "ArmatureApplyIPAdapter",
        "ArmaturePrepareReferenceImage",
        "ArmatureEncodeIPAdapterImage",
        "ArmatureCombineIPAdapterEmbeds",
        "ArmatureSaveIPAdapterEmbeds",
        "ArmatureLoadIPAdapterEmbeds",
        "ArmatureIdentityFromFolder",
        "ArmatureFaceEmbeds",
        "ArmatureLoRAStack",
        "ArmatureLoRAOptions",
        "ArmatureApplyLoRAStack",
        "ArmatureTrainingFolder",
        "ArmatureTrainControlNeXt",
        "ArmatureTrainIPAdapter",
        "ArmatureTrainingSetForLoRA",
        "ArmatureSampleToAdherence",
        "ArmatureControlAdaptation",
        "ArmatureAdaptationReport",
        "ArmatureConsistency",
    }
    for name, info in ours.items():
        assert info["description"] and info["search_aliases"] and info["category"].startswith("Armature/"), name
        assert (ROOT / "web" / "docs" / f"{name}.md").is_file(), f"{name} has no help page"
        for group in (info["input"].get(kind, {}) for kind in ("required", "optional")):
            for input_name, (_, options, *_rest) in ((key, (*value, {})) for key, value in group.items()):
                assert options.get("tooltip"), f"{name}.{input_name} has no tooltip"
