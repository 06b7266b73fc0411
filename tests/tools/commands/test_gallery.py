"""The sheet of all methods."""

from __future__ import annotations

import argparse
import re

from armature_pack.preprocessors.registry import ENTRIES
from armature_pack.tests.server_fixture import PACK
from armature_pack.tools.commands import gallery
from armature_pack.tools.help.photographs import sample_for
from PIL import Image


def test_methods_are_drawn_and_missing_weights_leave_a_grey_panel(tmp_path, capsys, monkeypatch):
    import folder_paths

    monkeypatch.setattr(folder_paths, "folder_names_and_paths", {"custom_nodes": ([str(tmp_path)], set())})
    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    sheet = tmp_path / "sheet.png"
    methods = ["binary", "floor_plan_rooms", "softedge_hed"]
    wanted = argparse.Namespace(methods=methods, output=sheet, models=[], present=False, registry=None, desk=None)
    assert gallery.run(wanted) == 0
    picture = Image.open(sheet).convert("RGB")
    assert picture.size == (gallery.COLUMNS * gallery.PANEL, gallery.PANEL + gallery.LINE)
    fourth = 3 * gallery.PANEL + gallery.PANEL // 2
    assert picture.getpixel((fourth, gallery.PANEL // 2)) == gallery.EMPTY, "the photograph stands first"
    corner = picture.convert("L").getpixel((2 * gallery.PANEL + 30, gallery.PANEL // 2 - 80))
    assert isinstance(corner, int) and corner > 250, (
        "the plan that was seen, white inside, stands in the corner of its coloured rooms"
    )
    shown = capsys.readouterr().out
    assert "is missing" in shown and "3 methods" in shown
    gallery.run(argparse.Namespace(methods=methods, output=sheet, models=[], present=True, registry=None, desk=None))
    assert "2 methods" in capsys.readouterr().out


def test_every_method_has_something_to_look_at():
    for entry in ENTRIES:
        image, mask, options = sample_for(entry)
        assert image.ndim == 4 and image.shape[-1] == 3 and float(image.amin()) >= 0 and float(image.amax()) <= 1
        assert (mask is not None) >= (entry.mask == "needed")
        assert set(options) <= {option.name for option in entry.options}


def test_the_registry_has_an_icon_and_a_banner_of_the_sizes_that_it_takes(tmp_path):
    """A square of at most 400 pixels, and 21 to 9; what is shipped is drawn by the command and named in pyproject.toml."""
    gallery.run(argparse.Namespace(registry=tmp_path))
    settings = (PACK / "pyproject.toml").read_text(encoding="utf-8")
    (repository,) = re.findall(r'Repository = "https://github\.com/(.+)"', settings)
    for field, name in (("Icon", "icon.png"), ("Banner", "banner.jpg")):
        assert f'{field} = "https://raw.githubusercontent.com/{repository}/main/docs/{name}"' in settings
        shipped, drawn = Image.open(PACK / "docs" / name), Image.open(tmp_path / name)
        assert shipped.size == drawn.size
        width, height = drawn.size
        assert (width == height <= 400) if field == "Icon" else width * 9 == height * 21
