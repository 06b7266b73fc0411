"""The pictures of the help pages: each node is drawn in one way, and the files are small."""

from __future__ import annotations

import json

import torch
from armature_pack.nodes import NODES
from armature_pack.preprocessors.registry import ENTRIES
from armature_pack.tools.help.charts import CHARTS
from armature_pack.tools.help.effects import EFFECTS, Graph
from armature_pack.tools.help.method_page import shows_map
from armature_pack.tools.help.node_pictures import API_GRAPHS, settings
from armature_pack.tools.help.panels import panels
from armature_pack.tools.help.pictures import MOST_BYTES, WIDE, save
from armature_pack.tools.help.scenes import SCENES
from PIL import Image


def test_a_picture_is_made_in_one_way_and_for_a_node_that_there_is():
    maps = {entry.node_id for entry in ENTRIES if shows_map(entry)}
    assert not set(SCENES) & {*CHARTS, *EFFECTS} and not maps & {*SCENES, *CHARTS, *EFFECTS}
    assert {*SCENES, *CHARTS, *EFFECTS, *WIDE} <= {node.define_schema().node_id for node in NODES}


def test_methods_whose_weights_no_package_ships_are_shown_as_nodes():
    shown = {entry.method for entry in ENTRIES if shows_map(entry)}
    assert {"canny", "softedge_hed", "mlsd", "blazepose", "person_mask"} <= shown
    assert not {"dwpose", "depth_anything_v2", "softedge_teed", "seg_sam"} & shown


def test_pictures_of_nodes_show_their_defaults():
    graphs = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(API_GRAPHS.glob("*.json"))]
    changed = 0
    for node in NODES:
        info = node.GET_NODE_INFO_V1()
        declared = {key: one for part in info["input"].values() for key, one in part.items()}
        shown = settings(graphs, node.define_schema().node_id, info)
        assert not [key for key in shown if "default" in (declared[key][1] if len(declared[key]) > 1 else {})]
        changed += len(shown)
    assert changed > 3, "names of files are shown as a graph has them"


def test_noise_is_stored_in_few_bytes(tmp_path):
    noise = torch.rand(1, 700, 900, 3, generator=torch.Generator().manual_seed(1))
    save(noise, tmp_path / "noise.jpg")
    assert (tmp_path / "noise.jpg").stat().st_size <= MOST_BYTES
    save(Image.new("RGB", (300, 200)), tmp_path / "small.jpg")
    assert Image.open(tmp_path / "small.jpg").size == (300, 200), "nothing is enlarged"


def test_panels_fill_the_sheet_row_by_row():
    sheet = panels([(name, torch.rand(1, 40, 60, 3)) for name in "abcde"], 3)
    assert sheet.width == 640 and 330 < sheet.height < 350


def test_every_chart_is_drawn():
    for node, draw in CHARTS.items():
        drawn = draw()
        assert drawn.shape == (1, 320, 640, 3) and 0.01 < float(1 - drawn.mean()) < 0.2, node


def test_every_effect_is_a_graph_of_nodes_and_inputs_that_there_are():
    """They run with the command; here they are only read."""
    declared = {node.define_schema().node_id: {one.id for one in node.define_schema().inputs} for node in NODES}
    for node, fill in EFFECTS.items():
        graph = Graph()
        columns = fill(graph)
        # An effect is seen beside something else; a drawing of the node's own says all by itself.
        own = {graph.nodes[number]["class_type"] for _, (number, _), _ in graph.shown} == {node}
        assert 1 <= columns <= 3 and len(graph.shown) >= (1 if own else 2), node
        used = {one["class_type"] for one in graph.nodes.values()}
        assert node in used, f"{node} is not in its own picture"
        for one in graph.nodes.values():
            given = {name.partition(".")[0] for name in one["inputs"]}
            assert given <= declared.get(one["class_type"], given), one
        links = [value for one in graph.nodes.values() for value in one["inputs"].values() if isinstance(value, list)]
        assert all(number in graph.nodes for number, _ in [*links, *(image for _, image, _ in graph.shown)])
