"""Pictures side by side with their names beneath, as one picture."""

from collections.abc import Sequence

from PIL import Image

from ..preprocessors.images.picture_sheet import Sheet, font

MIN_HEIGHT, MAX_HEIGHT = 320, 768


def contact_sheet(
    pictures: Sequence[tuple[str, Image.Image]], caption: str = "", columns: int | None = None
) -> Image.Image:
    """Puts labelled pictures in rows, all of one height, in their own proportions.

    A row is as high as the highest picture, within 320 and 768 pixels. A label may have several lines. `caption` is one
    line below everything; `columns` the pictures in a row, None for all. Raises ValueError without pictures.
    """
    if not pictures:
        raise ValueError("A contact sheet needs at least one picture.")
    height = min(MAX_HEIGHT, max(MIN_HEIGHT, *(picture.height for _, picture in pictures)))
    panels = [(label, _scaled(picture, height)) for label, picture in pictures]
    columns = columns or len(panels)
    rows = [panels[first : first + columns] for first in range(0, len(panels), columns)]
    large, small = max(16, height // 20), max(14, height // 28)
    gap, line = height // 32, 2 * large
    words = line * (1 + max(label.count("\n") for label, _ in panels)) * 3 // 4 + line // 4
    widths = [sum(panel.width + gap for _, panel in row) + gap for row in rows]
    width = max(*widths, round(font(small).getlength(caption)) + 2 * gap)

    sheet = Sheet(width, gap + (height + words) * len(rows) + (line if caption else 0))
    for number, row in enumerate(rows):
        left, top = gap + (width - widths[number]) // 2, gap + number * (height + words)
        for label, panel in row:
            sheet.put(panel, left, top)
            sheet.words(left + panel.width // 2, top + height + words // 2, label, large)
            left += panel.width + gap
    if caption:
        sheet.words(width // 2, sheet.image.height - line * 2 // 3, caption, small)
    return sheet.image


def _scaled(picture: Image.Image, height: int) -> Image.Image:
    width = max(1, round(picture.width * height / picture.height))
    # Small pictures keep their pixels visible; smoothing them would show detail that is not there.
    way = Image.Resampling.NEAREST if height > picture.height else Image.Resampling.LANCZOS
    return picture.convert("RGB").resize((width, height), way)
