"""One table for all files: the graphs carry the same, and `fetch` knows every one of them."""

from __future__ import annotations

import json

import pytest
from armature_pack.commands.fetch.manifest import GRAPH_FILES, METHOD_FILES, find_file, host_metadata, manifest
from armature_pack.commands.fetch.wanted import WORKFLOWS, wanted_files
from armature_pack.models.demo.export import FILES
from armature_pack.preprocessors.model_files import UNKNOWN

GRAPHS = sorted(WORKFLOWS.glob("*.json"))
# What nobody can download: LoRAs of the user's own, which a graph only has a place for.
OWN_LORAS = ("ArmatureLoRAStack", "LoraLoader", "ArmatureConceptLoRA", "LoraSave")
SUFFIXES = (".safetensors", ".bin", ".pth", ".pt", ".ckpt", ".onnx")


def nodes_of(graph: dict) -> list[dict]:
    inner = [node for part in (graph.get("definitions") or {}).get("subgraphs") or [] for node in part["nodes"]]
    return [*graph["nodes"], *inner]


def test_names_and_places_are_unique_and_no_name_means_two_things():
    files = list(manifest().values())
    assert len({(file.folder, file.name) for file in files}) == len(files)
    assert not {file.id for file in GRAPH_FILES} & ({path.stem for path in GRAPHS} | set(METHOD_FILES))
    for file in GRAPH_FILES:
        assert file.kind != "annotator" and file.address.startswith("https://huggingface.co/")
        assert file.megabytes == 0 or file.megabytes > 1
        assert file.sha256 is None or len(file.sha256) == 64
        assert file.commercial == ("non-commercial" not in file.licence)
    assert sum(file.licence == UNKNOWN for file in files) >= 2, "what nobody states is said to be unknown"


DEMO = {f"{file.name}.safetensors" for file in FILES}


@pytest.mark.parametrize("path", GRAPHS, ids=[path.stem for path in GRAPHS])
def test_a_graph_carries_the_files_of_the_table(path):
    for node in nodes_of(json.loads(path.read_text(encoding="utf-8"))):
        carried = {model["name"]: model for model in node.get("properties", {}).get("models", [])}
        for value in node.get("widgets_values") or []:
            if not isinstance(value, str) or not value.endswith(SUFFIXES) or " " in value:
                continue
            if value in DEMO:  # `armature.py demo-models` writes them
                continue
            if value not in carried:
                assert node["type"] in OWN_LORAS, (
                    f"{node['type']} names {value}, which the table lacks: `armature.py graphs`"
                )
                continue
            file = find_file(carried[value]["directory"], value)
            assert file is not None, f"{value} is not in the table"
            assert carried[value] == host_metadata(file), "run `python armature.py graphs`"


def test_a_file_of_a_graph_is_shown_with_its_licence_and_checked_with_its_sum():
    (canny,) = wanted_files(["sd15_canny"])
    assert canny.path == "controlnet/control_v11p_sd15_canny_fp16.safetensors" and canny.sha256.startswith("8932b66e")
    assert "OpenRAIL" in canny.licence and canny.size == "about 723 MB"
    assert canny in wanted_files(["control_signal"]), "the same from the graph's own metadata"
    (video,) = wanted_files(["svd_xt"])
    assert not video.commercial and video.path == "checkpoints/svd_xt_1_1.safetensors"
