"""Contact sheets: whatever stands in for a picture is no reason to fail, and runs nothing."""

from __future__ import annotations

import io
import random
from pathlib import Path

import pytest
from armature_pack.commands.batch.sheet import write_sheets
from armature_pack.common.picture_files import PictureError, read_picture
from armature_pack.runs.batch.ledger import DONE, Entry
from armature_pack.tests.runs.answering import encoded
from PIL import EpsImagePlugin, Image

DRAWING = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n%%EOF\n"


def done(file: str) -> Entry:
    return Entry(file, 1, "a", "row 1", {}, {}, DONE, 0, 1, 0, None, None, "", [file], {}, None)


@pytest.mark.filterwarnings("ignore")
def test_no_file_ends_the_sheet(tmp_path: Path) -> None:
    chance = random.Random(8)
    forms = ("TGA", "ICO", "PCX", "DDS", "SGI", "PPM", "JPEG2000", "GIF", "TIFF")
    files = {f"{form}.tga": encoded(form) for form in forms}
    buffer = io.BytesIO()
    Image.new("P", (16, 16)).save(buffer, "BLP")
    files["BLP.tga"] = buffer.getvalue()
    names = []
    for number in range(400):
        name, content = chance.choice([*files.items()])
        changed = bytearray(content[: chance.choice((len(content), chance.randrange(len(content))))])
        for _ in range(chance.randrange(1, 6)):
            if changed:
                changed[chance.randrange(min(64, len(changed)))] = chance.randrange(256)
        names.append(f"{number}_{name}")
        (tmp_path / names[-1]).write_bytes(changed)
    assert len(write_sheets(map(done, names), tmp_path)) == 5


def test_no_picture_is_given_to_another_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[object] = []
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", lambda *given, **_named: called.append(given))
    (tmp_path / "a.tga").write_bytes(DRAWING)
    write_sheets([done("a.tga")], tmp_path)
    with pytest.raises(PictureError):
        read_picture(tmp_path / "a.tga")
    assert called == []
