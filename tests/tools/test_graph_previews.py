"""The part of an example graph that runs without model files."""

from __future__ import annotations

from armature_pack.tests.models.compatibility.graphs import node
from armature_pack.tools.graph_previews import with_previews, without_models

PROMPT = {
    "1": node("CheckpointLoaderSimple", ckpt_name="a.safetensors"),
    "2": node("ArmatureExamplePicture", name="coffee"),
    "3": node("ArmatureCanny", image=["2", 0]),
    "4": node("VAEEncode", pixels=["3", 0], vae=["1", 2]),
    "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
}
KNOWN = {
    "ArmatureExamplePicture": {"output": ["IMAGE"]},
    "ArmatureCanny": {"output": ["IMAGE", "STRING"]},
    "EmptyLatentImage": {"output": ["LATENT"]},
}


def test_what_hangs_on_a_file_is_left_out():
    assert set(without_models(PROMPT, {"ckpt_name": "checkpoints"})) == {"2", "3", "5"}


def test_every_picture_gets_a_preview():
    part = without_models(PROMPT, {"ckpt_name": "checkpoints"})
    sinks = [one["inputs"]["images"][0] for one in with_previews(part, KNOWN).values() if "images" in one["inputs"]]
    assert sinks == ["2", "3"]
    assert with_previews({"5": PROMPT["5"]}, KNOWN) == {}
