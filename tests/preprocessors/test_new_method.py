"""A new preprocessor is one file and one line in the registry: a copy of the checkout gets two, and they are everywhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
HOST = os.environ["ARMATURE_COMFYUI"]
NOT_NEEDED = shutil.ignore_patterns(".git", "__pycache__", "bench", "graphs")

POSTERIZED = '''
"""A thrown-away method without weights."""

from __future__ import annotations

import torch

from .blur import BLUR
from .entry import Detected, Option, Options, Preprocessor


def detect_posterized(pictures: torch.Tensor, options: Options) -> Detected:
    """Pictures [B,h,w,3] in so many steps."""
    return Detected((pictures * options["steps"]).round() / options["steps"])


POSTERIZED = Preprocessor(
    method="posterized",
    node_id="ArmaturePosterized",
    title="Posterized",
    summary="The picture in few steps of brightness. For nobody.",
    version=3,
    makes=BLUR.makes,
    wanted_by=BLUR.wanted_by,
    detect=detect_posterized,
    options=(Option("steps", 2, "Steps of brightness.", minimum=1, maximum=9, step=1),),
    search_aliases=("posterize", "steps of brightness"),
    mistakes=("**Too flat.** Take more steps.",),
)
'''

LEARNED_GREY = '''
"""A thrown-away method with weights: how much each colour counts is learned."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from .entry import Detected, Options, Preprocessor
from .inference import network_output
from .model_files import ANNOTATORS, ModelFile
from .network import fill
from .recolor import RECOLOR_LUMINANCE
from .sizing import as_maps

WEIGHTS = ModelFile("grey_weights", "nobody/grey", "grey.pth", ANNOTATORS, "MIT", 0.002)


def detect_learned_grey(pictures: torch.Tensor, _options: Options) -> Detected:
    """Pictures [B,h,w,3] in grey."""
    grey = network_output("learned_grey", WEIGHTS, build_grey, pictures, bytes_per_pixel=16)
    return Detected(as_maps(grey, (pictures.shape[1], pictures.shape[2])))


def build_grey(weights: dict[str, Any]) -> nn.Module:
    """One convolution of one pixel."""
    return fill(nn.Conv2d(3, 1, 1, bias=False), weights)


LEARNED_GREY = Preprocessor(
    method="learned_grey",
    node_id="ArmatureLearnedGrey",
    title="Learned Grey",
    summary="The picture in grey, by weights that were learned. For nobody.",
    version=1,
    makes=RECOLOR_LUMINANCE.makes,
    wanted_by=RECOLOR_LUMINANCE.wanted_by,
    detect=detect_learned_grey,
    files=(WEIGHTS,),
    search_aliases=("grey by weights", "learned luminance"),
    bytes_per_pixel=16,
)
'''

# Method -> the tests of the registry that it must go through, as every method of its sort does.
TESTS = {
    "posterized": {
        "test_an_entry_says_what_it_is",
        "test_a_method_without_weights_gives_a_map_of_the_pictures_size",
        "test_grey_and_transparent_pictures_work",
        "test_values_outside_of_the_range_are_cut_and_told",
        "test_8000_pixels_square_are_refused_with_what_to_do",
        "test_our_preprocessors_are_known_by_node_and_by_method",
    },
    "learned_grey": {
        "test_an_entry_says_what_it_is",
        "test_missing_weights_are_told_with_all_that_one_needs",
        "test_8000_pixels_square_are_refused_with_what_to_do",
        "test_our_preprocessors_are_known_by_node_and_by_method",
    },
}


def run_in(pack: Path, *command: str) -> str:
    """What a command in the copy prints; it must succeed."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST")}
    done = subprocess.run(
        [sys.executable, *command], cwd=pack, env=variables, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def add_method(pack: Path, name: str, source: str) -> None:
    """The one file, and its one line in the registry with the import for it."""
    (pack / "preprocessors" / f"{name}.py").write_text(source.lstrip(), encoding="utf-8")
    registry = pack / "preprocessors" / "registry.py"
    before, start, rest = registry.read_text(encoding="utf-8").partition("ENTRIES: tuple[Preprocessor, ...] = (\n")
    lines, end, after = rest.partition("\n)\n")
    assert start and end
    text = f"{before}from .{name} import {name.upper()}\n\n{start}{lines}\n    {name.upper()},{end}{after}"
    registry.write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    """A copy of the checkout with both methods, after `armature.py pages`."""
    copy = tmp_path_factory.mktemp("checkout") / "armature"
    shutil.copytree(ROOT, copy, ignore=NOT_NEEDED)
    add_method(copy, "posterized", POSTERIZED)
    add_method(copy, "learned_grey", LEARNED_GREY)
    written = run_in(copy, "armature.py", "pages", "--comfyui", HOST, "--python", sys.executable)
    assert set(written.splitlines()) == {
        "ArmaturePosterized.md",
        "ArmatureLearnedGrey.md",
        "ArmatureControlMap.md",
        "nodes.md",
        "method_files.json",
    }
    return copy


def test_nodes_texts_contract_and_maps_follow(pack, tmp_path):
    (tmp_path / "annotators").mkdir()
    torch.save({"weight": torch.tensor([1.0, 0.5, 0.5]).view(1, 3, 1, 1)}, tmp_path / "annotators" / "grey.pth")
    told = run_in(pack, "tests/preprocessors/method_facts.py", str(tmp_path), "posterized", "learned_grey")
    facts = json.loads(told.splitlines()[-1])
    common = ["mask", "target", "resolution_mode", "resolution"]
    for method, title, options, files, mean in (
        ("posterized", "Posterized", ["steps"], [], 0.5),
        ("learned_grey", "Learned Grey", [], ["grey_weights"], 0.6),
    ):
        assert facts[method] == {
            "title": title,
            "category": "Armature/preprocessors/detail and colour",
            "inputs": [*common, *options],
            "control_map": options,
            "adherence": options,
            "english": title,
            "contract": [True, True],
            "files": files,
            "map": [[2, 24, 32, 3], mean],
        }


def test_help_pages_follow(pack):
    docs = pack / "web" / "docs"
    page = (docs / "ArmaturePosterized.md").read_text(encoding="utf-8")
    assert page.startswith("# Posterized\n\nThe picture in few steps of brightness. For nobody.\n\n![Left a portrait")
    assert "- `steps`: Steps of brightness. *1 to 9; default 2*" in page and "- **Too flat.** Take more" in page
    learned = (docs / "ArmatureLearnedGrey.md").read_text(encoding="utf-8")
    assert "![The node Learned Grey as ComfyUI shows it" in learned, "no package ships its weights"
    assert "`grey.pth` in `annotators`, about 2 kB, licence: MIT" in learned and "fetch learned_grey`" in learned
    methods = (docs / "ArmatureControlMap.md").read_text(encoding="utf-8")
    assert "- `posterized`: The picture in few steps of brightness. For nobody. Options: `steps`.\n" in methods
    rows = (pack / "docs" / "nodes.md").read_text(encoding="utf-8")
    assert "| [Posterized](../web/docs/ArmaturePosterized.md) | The picture in few steps of brightness. |\n" in rows
    assert "| [Learned Grey](../web/docs/ArmatureLearnedGrey.md) | The picture in grey, by weights" in rows


def test_fetch_knows_the_weights_with_the_standard_library_alone(pack, tmp_path):
    graph = tmp_path / "graph.json"
    graph.write_text(json.dumps({"1": {"class_type": "ArmatureLearnedGrey", "inputs": {}}}), encoding="utf-8")
    fetch = ("-S", "armature.py", "fetch")  # -S: no packages, so no torch
    assert re.search(r"(?m)^  learned_grey +grey_weights \(about 2 kB, MIT\)$", run_in(pack, *fetch))
    for name in ("learned_grey", "grey_weights", str(graph)):
        told = run_in(pack, *fetch, name, "--dry-run", "--models", str(tmp_path))
        assert "annotators/grey.pth  (to download)" in told, name
        assert "from     https://huggingface.co/nobody/grey/resolve/main/grey.pth" in told


def test_the_tests_of_all_methods_take_it_up(pack):
    files = ("preprocessors/test_registry.py", "preprocessors/test_bad_input.py")
    paths = [f"tests/{file}" for file in (*files, "models/compatibility/test_own_methods.py")]
    chosen = " or ".join((*TESTS, "test_the_table_of_files", "test_help_pages", "test_names_are_unique"))
    told = run_in(pack, "-m", "pytest", "--import-mode=importlib", "-v", "-n", "0", *paths, "-k", chosen)
    passed = re.findall(r"::(\w+)(?:\[(?:\w+-)?(\w+)\])? PASSED", told)
    for method, tests in TESTS.items():
        assert tests <= {test for test, parameter in passed if parameter == method}
    whole = {test for test, parameter in passed if not parameter}
    assert whole == {
        "test_names_are_unique_even_where_files_ignore_case",
        "test_the_table_of_files_is_that_of_the_entries",
        "test_help_pages_are_those_of_the_registry",
    }
