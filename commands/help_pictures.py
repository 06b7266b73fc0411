"""Draw what each preprocessor makes of a picture, for its help page: the picture left, the map right."""

from pathlib import Path
from typing import Any

WIDTH, QUALITY = 560, 82  # pixels of both together; of JPEG


def draw_help_pictures(folder: Path, models: list[Path]) -> list[str]:
    """Write `folder`/<node id>.jpg for every method whose weights are here. Returns the methods that have none.

    What is there already stays for methods whose weights are not.
    """
    from ..preprocessors.registry import ENTRIES
    from .gallery import _panel, _prepare_host

    _prepare_host(models)
    folder.mkdir(parents=True, exist_ok=True)
    without = []
    for entry in ENTRIES:
        _label, drawn = _panel(entry)
        path = folder / f"{entry.node_id}.jpg"
        if drawn is not None:
            _side_by_side(_seen_by(entry.method), drawn).save(path, quality=QUALITY, optimize=True)
        elif not path.is_file():
            without.append(entry.method)
    return without


def _seen_by(method: str) -> Any:
    """The picture that a method was shown; for one that works on a mask, the mask."""
    from .gallery import _picture
    from .gallery_pictures import sample_for

    image, mask, _options = sample_for(method)
    return _picture(image) if mask is None else _picture(mask[..., None].expand(-1, -1, -1, 3))


def _side_by_side(before: Any, after: Any) -> Any:
    from PIL import Image

    height = round(WIDTH / (before.width / before.height + after.width / after.height))
    sheet = Image.new("RGB", (WIDTH, height))
    left = round(height * before.width / before.height)
    sheet.paste(before.resize((left, height), Image.Resampling.LANCZOS), (0, 0))
    sheet.paste(after.resize((WIDTH - left, height), Image.Resampling.LANCZOS), (left, 0))
    return sheet
