"""The trained demo model on the real server: what each control does to a picture, by measure.

Two held-out pictures, eight steps; the margins are a third or less of what 200 pictures show (docs/demo_model.md).
"""

from __future__ import annotations

import io
import json
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from armature_pack.preprocessors.adherence.measures import edge_f1
from armature_pack.preprocessors.canny import detect_canny
from armature_pack.preprocessors.images.example_pictures import example_picture
from armature_pack.runs.api import use_client
from armature_pack.runs.graph import find_node, set_inputs
from armature_pack.tools.demo_training.evaluation.measures import TOLERANCE
from PIL import Image

from .example_graphs import API, demo_models

SIZE, COUNT = 128, 2
WEAK = {"ControlNet signal.weight": 0.3}
CANNY = {"thresholds": "fixed", "low_threshold": 100, "high_threshold": 200}

pytestmark = pytest.mark.host


@cache
def shipped() -> dict[str, Any]:
    """The shipped comparison for a batch of pictures, without words, so that only maps and references decide."""
    graph = json.loads((API / "compare_controls.json").read_text(encoding="utf-8"))
    some = {"batch_index": 0, "length": COUNT, "image": [find_node(graph, "Picture"), 0]}
    scaled = graph[find_node(graph, "Scale picture")]["inputs"]
    scaled["image"] = ["some", 0]
    graph["some"] = {"class_type": "ImageFromBatch", "inputs": some, "_meta": {"title": "Some pictures"}}
    ways = ("no control", "ControlNet", "ControlNeXt", "all three")
    changes: dict[str, Any] = {f"Sampler, {way}.steps": 8 for way in ways} | {f"Sampler, {way}.cfg": 1 for way in ways}
    changes |= {"Picture.name": "still_lifes", "Prompt.text": "", "Empty latent.batch_size": COUNT}
    return set_inputs(graph, changes | {"Apply IP-Adapter.weight": 1})


def upstream(graph: dict[str, Any], ends: list[str]) -> dict[str, Any]:
    """What these nodes need, themselves included."""
    needed, open_ = set(), list(ends)
    while open_:
        node = open_.pop()
        if node not in needed:
            needed.add(node)
            open_ += [str(value[0]) for value in graph[node]["inputs"].values() if isinstance(value, list)]
    return {node: graph[node] for node in graph if node in needed}


class Painter:
    """Draws one of the ways and returns pictures and maps, [B,128,128,3] each."""

    def __init__(self, server: Any) -> None:
        self.server, self.kept = server, {}

    def __call__(
        self, way: str, changes: dict[str, Any] | None = None, **nodes: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        key = json.dumps([way, changes, nodes])
        if key not in self.kept:
            graph = set_inputs(shipped() | nodes, changes or {})
            ends = [find_node(graph, title) for title in (f"Save {way}", "The map")]
            result = self.server.run(upstream(graph, ends), timeout=300)
            self.kept[key] = tuple(self._pictures(result.images(node)) for node in ends)
        return self.kept[key]

    def _pictures(self, files: Any) -> torch.Tensor:
        data = [use_client(self.server.address, lambda client, file=file: client.fetch(file)) for file in files]
        pixels = [np.asarray(Image.open(io.BytesIO(one)).convert("RGB"), np.float32) / 255 for one in data]
        return torch.from_numpy(np.stack(pixels))


@pytest.fixture(scope="module")
def draw(server):
    demo_models(server)
    return Painter(server)


def follows(pictures: torch.Tensor, maps: torch.Tensor, columns: slice = slice(None)) -> float:
    """Mean edge F1 of the pictures, in some columns of them."""
    found = detect_canny(pictures, CANNY).maps
    pairs = zip(found[:, :, columns], maps[:, :, columns], strict=True)
    return sum(edge_f1(one, wanted, TOLERANCE).score for one, wanted in pairs) / len(pictures)


def floor(pictures: torch.Tensor) -> torch.Tensor:
    """Mean colour of the lower rim, [B,3]."""
    return pictures[:, -pictures.shape[1] // 20 :].mean((1, 2))


@pytest.mark.parametrize(("way", "margin"), [("ControlNet", 0.2), ("ControlNeXt", 0.12)])
def test_with_control_the_picture_follows_its_map(draw, way, margin):
    pictures, maps = draw(way)
    free, _ = draw("no control")
    assert follows(pictures, maps) > follows(free, maps) + margin
    assert follows(pictures, maps) > follows(pictures, maps.roll(1, 0)) + margin, "it follows its own map, not any"


def test_less_weight_follows_less_and_none_not_at_all(draw):
    pictures, maps = draw("ControlNet")
    weak, _ = draw("ControlNet", WEAK)
    none, _ = draw("ControlNet", {"ControlNet signal.weight": 0})
    assert follows(weak, maps) < follows(pictures, maps) - 0.1
    assert torch.equal(none, draw("no control")[0])


def test_a_mask_controls_one_half_and_leaves_the_other(draw, server):
    left = np.zeros((SIZE, SIZE), np.uint8)
    left[:, : SIZE // 2] = 255
    Image.fromarray(left).save(server.input_folder / "left_half.png")
    load = {"class_type": "LoadImageMask", "inputs": {"image": "left_half.png", "channel": "red"}}
    graph = shipped()
    signal = find_node(graph, "ControlNet signal")
    masked = {**graph[signal], "inputs": {**graph[signal]["inputs"], "mask": ["left", 0]}}
    # In full, the controlled half draws the other one along: the UNet sees all of it.
    pictures, maps = draw("ControlNet", WEAK, **{"left": load | {"_meta": {"title": "Left half"}}, signal: masked})
    inside, outside = (follows(pictures, maps, side) for side in (slice(0, 60), slice(68, SIZE)))
    everywhere, _ = draw("ControlNet", WEAK)
    assert inside > outside + 0.15
    assert follows(everywhere, maps, slice(68, SIZE)) > outside + 0.3


def test_the_first_steps_and_the_last_each_do_their_part(draw):
    pictures, maps = draw("ControlNet")
    free, _ = draw("no control")
    for some in ({"ControlNet signal.end_percent": 0.5}, {"ControlNet signal.start_percent": 0.65}):
        partly, _ = draw("ControlNet", some)
        assert follows(free, maps) + 0.02 < follows(partly, maps) < follows(pictures, maps) - 0.02, some


def test_the_reference_gives_its_palette_beside_the_map(draw):
    plain = {"Style LoRA.enabled": False}
    pictures, maps = draw("all three", plain)
    without, _ = draw("all three", plain | {"Apply IP-Adapter.weight": 0})
    blue = floor(example_picture("palette"))
    assert (floor(pictures) - blue).abs().mean() < (floor(without) - blue).abs().mean() - 0.05
    assert follows(pictures, maps) > follows(draw("no control")[0], maps) + 0.1


def test_the_lora_gives_its_style_beside_the_others(draw):
    assert ink(draw("all three")[0]) > ink(draw("all three", {"Style LoRA.enabled": False})[0]) + 0.1


def ink(pictures: torch.Tensor) -> float:
    """How much darker lines are than the rest."""
    lines = detect_canny(pictures, CANNY).maps[..., 0] > 0.5
    brightness = pictures.mean(-1)
    return float(1 - brightness[lines].mean() / brightness.mean())
