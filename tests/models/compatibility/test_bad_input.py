"""What is no prompt is refused with a reason; what is in one never ends the check."""

from __future__ import annotations

import time
from typing import Any

import pytest
from armature_pack.models.compatibility.prompt import PromptError
from armature_pack.tests.models.compatibility.graphs import check, controlled, node, text_to_image
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
CLASSES = (
    "CheckpointLoaderSimple",
    "UNETLoader",
    "LoraLoader",
    "CLIPTextEncode",
    "ControlNetLoader",
    "ControlNetApplyAdvanced",
    "ArmatureControlSignal",
    "ArmatureControlStack",
    "ArmatureApplyControlStack",
    "EmptyLatentImage",
    "KSampler",
    "LatentBlend",
    "VAELoader",
    "VAEDecode",
    "SetUnionControlNetType",
    "AnyNodeOfAPack",
    "Reroute",
)
INPUTS = (
    "model",
    "clip",
    "vae",
    "positive",
    "negative",
    "conditioning",
    "control_net",
    "image",
    "samples",
    "samples1",
    "samples2",
    "latent_image",
    "lora_name",
    "ckpt_name",
    "unet_name",
    "vae_name",
    "control_net_name",
    "strength",
    "start_percent",
    "end_percent",
    "width",
    "height",
    "text",
    "signals.signal_0",
    "stack",
    "cfg",
    "steps",
    "denoise",
    "type",
    "weight",
    "fit",
)
FILES = (
    "sd15.safetensors",
    "sdxl.safetensors",
    "sd15_canny.safetensors",
    "sdxl_style.safetensors",
    "../x",
    "",
    "None",
    "\0",
)


SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


@st.composite
def prompts(draw: st.DrawFn) -> dict[str, Any]:
    """Nodes of known classes with anything in their inputs: links to any node, files, numbers, nonsense."""
    ids = [str(number) for number in range(draw(st.integers(1, 8)))]
    links = st.tuples(st.sampled_from([*ids, "99"]), st.integers(-1, 4)).map(list)
    values = links | links | st.sampled_from(FILES) | st.floats() | st.integers() | JSON
    made = {}
    for key in ids:
        inputs = draw(st.dictionaries(st.sampled_from(INPUTS), values, max_size=8))
        made[key] = {"class_type": draw(st.sampled_from(CLASSES)), "inputs": inputs}
    return made


@settings(max_examples=300, deadline=None, suppress_health_check=SLOW)
@given(prompt=prompts())
def test_any_graph_of_known_nodes_is_checked(models, prompt):
    report = check(prompt, models)
    assert all(found.node in prompt and found.text for found in report.findings)


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(data=JSON)
def test_anything_else_is_refused_with_a_reason(models, data):
    try:
        check(data, models)
    except PromptError as error:
        assert str(error).endswith(".")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([], "a list"),
        ("x", "a text"),
        (None, "null"),
        (3, "a number"),
        (True, "true or false"),
        ({}, "empty"),
        ({"1": []}, "Node 1"),
        ({"1": {}}, "class_type"),
        ({"1": {"class_type": "A", "inputs": []}}, "inputs of node 1"),
        ({"1": {"class_type": ""}}, "class_type"),
    ],
)
def test_the_reason_names_the_place(models, data, words):
    with pytest.raises(PromptError, match=words):
        check(data, models)


def long_chain(links: int):
    """The worst shape: a chain of LoRAs with a sampler at each, and of controls that each sampler sees."""
    prompt = controlled()
    model, positive, negative = ["1", 0], ["13", 0], ["13", 1]
    for number in range(links):
        lora, apply, sampler = (f"{name}{number}" for name in ("l", "c", "s"))
        prompt[lora] = node("LoraLoaderModelOnly", model=model, lora_name="sd15_style.safetensors", strength_model=1)
        model = [lora, 0]
        prompt[apply] = node(
            "ControlNetApplyAdvanced",
            positive=positive,
            negative=negative,
            control_net=["10", 0],
            image=["12", 0],
            strength=0.5,
            start_percent=0,
            end_percent=1,
        )
        positive, negative = [apply, 0], [apply, 1]
        inputs = {"model": model, "positive": positive, "negative": negative, "latent_image": ["4", 0]}
        prompt[sampler] = node("KSampler", **inputs, cfg=7, steps=20, denoise=1)
    return prompt


def test_5000_nodes_take_about_ten_times_as_long_as_500(models):
    """If each node looked at all others it were a hundred times. A number of seconds would be about the machine."""

    def seconds(prompt) -> float:
        start = time.process_time()  # what the check takes, not what else the machine does meanwhile
        assert check(prompt, models).ok
        return time.process_time() - start

    small, large = long_chain(166), long_chain(1660)
    assert len(large) > 4980
    check(controlled(), models)  # the files are known by now, so the graph alone is measured
    assert min(seconds(large) for _ in range(3)) < 30 * min(seconds(small) for _ in range(3))


def test_a_deep_chain_of_an_unknown_pack(models):
    prompt = text_to_image()
    source = ["1", 0]
    for number in range(3000):
        prompt[f"u{number}"] = node("PassesModelsOn", model=source)
        source = [f"u{number}", 0]
    prompt["5"]["inputs"]["model"] = source
    assert check(prompt, models).ok


def test_a_file_whose_header_asks_for_too_much_is_not_read_and_forbids_nothing(tmp_path):
    """It may be sound: the report names it among what was not understood."""
    from armature_pack.models.files.index import ModelIndex, standard_folders
    from armature_pack.tests.models.files.hostile_files import many_lists

    (tmp_path / "checkpoints").mkdir()
    many_lists(tmp_path / "checkpoints" / "sd15.safetensors")
    report = check(text_to_image(), ModelIndex(standard_folders(tmp_path)))
    (found,) = (one for one in report.findings if one.rule == "unreadable_file")
    assert report.ok and found.severity == "unknown" and "not read: " in found.text and "sd15.safetensors" in found.text


def test_a_file_that_is_deleted_meanwhile(models, tmp_path):
    from armature_pack.models.files.index import ModelIndex, standard_folders
    from armature_pack.tests.models.files import networks
    from armature_pack.tests.models.files.header_files import write_file

    path = write_file(tmp_path / "checkpoints" / "sd15.safetensors", networks.checkpoint("sd15"))
    index = ModelIndex(standard_folders(tmp_path))
    assert check(text_to_image(), index).ok
    path.unlink()
    assert "missing_file" in {found.rule for found in check(text_to_image(), index).findings}
