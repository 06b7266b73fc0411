"""Graphs of the host's own apply nodes, before and after the conversion, on the real server: the pictures are bit-equal."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from armature_pack.models.compatibility.node_types import from_table
from armature_pack.models.convert.convert import convert
from armature_pack.runs.api import use_client
from PIL import Image

from ..models.convert.cases import drawing as text_to_image
from ..models.convert.cases import node

pytestmark = pytest.mark.host
RANGE = {"strength": 0.7, "start_percent": 0.1, "end_percent": 0.8}


def drawing(server, **nodes: dict[str, Any]) -> dict[str, Any]:
    """Text to image on generated weights at 64 pixels, with more nodes or others."""
    real = {
        "model": node("CheckpointLoaderSimple", ckpt_name=server.model("sd15_checkpoint")),
        "picture": node("ArmatureExamplePicture", name="coffee"),
        "map": node("Canny", image=["picture", 0], low_threshold=0.1, high_threshold=0.3),
        "net": node("ControlNetLoader", control_net_name=server.model("sd15_controlnet_canny")),
        "latent": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "decode": node("VAEDecode", samples=["sampler", 0], vae=["model", 2]),
        "save": node("SaveImage", images=["decode", 0], filename_prefix="c"),
    }
    return text_to_image(**{**real, **nodes})


def picture(server, prompt: dict[str, Any]) -> np.ndarray:
    (saved,) = server.run(prompt).images("save")
    png = use_client(server.address, lambda client: client.fetch(saved))
    return np.asarray(Image.open(io.BytesIO(png)))


def advanced(server) -> dict[str, Any]:
    links = {"positive": ["yes", 0], "negative": ["no", 0], "control_net": ["net", 0], "image": ["map", 0]}
    made = drawing(server, apply=node("ControlNetApplyAdvanced", **links, **RANGE))
    made["sampler"]["inputs"] |= {"positive": ["apply", 0], "negative": ["apply", 1]}
    return made


def two_in_a_row(server) -> dict[str, Any]:
    links = {"control_net": ["net", 0], "image": ["map", 0]}
    made = drawing(
        server,
        first=node("ControlNetApply", conditioning=["yes", 0], strength=0.4, **links),
        apply=node("ControlNetApply", conditioning=["first", 0], strength=0.5, **links),
    )
    made["sampler"]["inputs"]["positive"] = ["apply", 0]
    return made


def both_prompts(server) -> dict[str, Any]:
    """Each prompt has its control from a node of its own."""
    links = {"control_net": ["net", 0], "image": ["map", 0], "strength": 0.6}
    made = drawing(
        server,
        first=node("ControlNetApply", conditioning=["yes", 0], **links),
        other=node("ControlNetApply", conditioning=["no", 0], **links),
    )
    made["sampler"]["inputs"] |= {"positive": ["first", 0], "negative": ["other", 0]}
    return made


def loras(server) -> dict[str, Any]:
    name = server.model("sd15_lora")
    made = drawing(
        server,
        one=node(
            "LoraLoader", model=["model", 0], clip=["model", 1], lora_name=name, strength_model=0.7, strength_clip=0.6
        ),
        two=node("LoraLoaderModelOnly", model=["one", 0], lora_name=name, strength_model=-0.4),
    )
    made["yes"]["inputs"]["clip"] = made["no"]["inputs"]["clip"] = ["one", 1]
    made["sampler"]["inputs"]["model"] = ["two", 0]
    return made


def patched(server, family: str = "z_image") -> dict[str, Any]:
    """A control that the host applies as a patch of the model, on a small model of its family."""
    made = drawing(
        server,
        model=node("ArmatureTestModel", family=family),
        vae=node("ArmatureTestVAE", family=family),
        yes=node("ArmatureTestText", family=family, text="a"),
        no=node("ArmatureTestText", family=family, text="b"),
        patch=node("ArmatureTestControl", family=family),
        latent=node("EmptySD3LatentImage", width=64, height=64, batch_size=1),
        apply=node(
            "QwenImageDiffsynthControlnet",
            model=["model", 0],
            model_patch=["patch", 0],
            vae=["vae", 0],
            image=["map", 0],
            strength=0.7,
        ),
    )
    made["sampler"]["inputs"]["model"] = ["apply", 0]
    made["decode"]["inputs"]["vae"] = ["vae", 0]
    del made["net"]
    return made


@pytest.mark.parametrize("graph", [advanced, two_in_a_row, loras, patched])
def test_the_pictures_are_the_same(server, graph):
    before = graph(server)
    made = convert(before, from_table(server.object_info))
    assert made.turned and not made.kept
    assert np.array_equal(picture(server, made.data), picture(server, before))


def test_two_nodes_that_become_one_draw_the_same_but_for_rounding(server):
    """One net reckons both prompts in one batch, two nets each its own."""
    before = both_prompts(server)
    made = convert(before, from_table(server.object_info))
    assert len(made.turned) == 2 and not made.kept
    difference = np.abs(picture(server, made.data).astype(int) - picture(server, before))
    assert difference.max() <= 1 and (difference > 0).mean() < 0.005
