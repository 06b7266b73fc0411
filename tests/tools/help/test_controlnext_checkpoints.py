"""The list of published checkpoints agrees with the code, with the preprocessors, and with the help page."""

from __future__ import annotations

from pathlib import Path

from armature_pack.models.controlnext.variants import VARIANTS
from armature_pack.preprocessors.registry import ENTRIES
from armature_pack.tools.help.controlnext_checkpoints import RELEASED, released_list

HELP = Path(__file__).resolve().parents[3] / "web" / "docs" / "ArmatureLoadControlNeXt.md"


def test_every_checkpoint_names_a_variant_for_its_base():
    bases = {variant.setting: variant.base for variant in VARIANTS}
    assert all(bases[one.variant] == one.base for one in RELEASED)


def test_every_map_that_needs_conversion_has_its_preprocessor():
    made = {entry.makes.name for entry in ENTRIES}
    assert {one.map_type for one in RELEASED} & {"canny", "depth_viridis", "pose_bgr"} <= made


def test_the_help_page_holds_the_list():
    assert released_list() in HELP.read_text(encoding="utf-8")
