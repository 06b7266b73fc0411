"""The training pictures that are shipped are the ones that the generator draws."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from armature_pack.tools.demo_training.scenes.captioned_folder import COUNT, SIZE, TRIGGER, write_captioned_folder
from PIL import Image

SHIPPED = Path(__file__).resolve().parents[4] / "workflows" / "training" / "ink_solids"


def test_the_shipped_pictures_and_captions_can_be_made_again(tmp_path: Path) -> None:
    write_captioned_folder(tmp_path, count=1)
    for made in sorted(tmp_path.glob("*.jpg")):
        shipped, again = (np.asarray(Image.open(folder / made.name), dtype=float) for folder in (SHIPPED, tmp_path))
        assert shipped.shape == (SIZE, SIZE, 3) and abs(shipped - again).mean() < 1
        assert (SHIPPED / f"{made.stem}.txt").read_bytes() == made.with_suffix(".txt").read_bytes()


def test_every_picture_has_a_caption_that_begins_with_the_trigger() -> None:
    pictures, captions = sorted(SHIPPED.glob("*.jpg")), sorted(SHIPPED.glob("*.txt"))
    assert [one.stem for one in pictures] == [one.stem for one in captions] and len(pictures) == COUNT
    assert all(one.read_text(encoding="utf-8").startswith(f"{TRIGGER} of a") for one in captions)
