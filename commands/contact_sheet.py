"""Pictures side by side with their names beneath, as one picture."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

MIN_HEIGHT, MAX_HEIGHT = 320, 768
BACKGROUND, INK = (24, 24, 26), (235, 235, 235)


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
    font = ImageFont.load_default(size=max(16, height // 20))
    small = ImageFont.load_default(size=max(14, height // 28))
    gap, line = height // 32, 2 * max(16, height // 20)
    words = line * (1 + max(label.count("\n") for label, _ in panels)) * 3 // 4 + line // 4
    widths = [sum(panel.width + gap for _, panel in row) + gap for row in rows]
    width = max(*widths, round(small.getlength(caption)) + 2 * gap)

    sheet = Image.new("RGB", (width, gap + (height + words) * len(rows) + (line if caption else 0)), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    for number, row in enumerate(rows):
        left, top = gap + (width - widths[number]) // 2, gap + number * (height + words)
        for label, panel in row:
            sheet.paste(panel, (left, top))
            draw.text((left + panel.width // 2, top + height + words // 2), label, INK, font, "mm", align="center")
            left += panel.width + gap
    if caption:
        draw.text((width // 2, sheet.height - line * 2 // 3), caption, INK, small, anchor="mm")
    return sheet


def _scaled(picture: Image.Image, height: int) -> Image.Image:
    width = max(1, round(picture.width * height / picture.height))
    # Small pictures keep their pixels visible; smoothing them would show detail that is not there.
    way = Image.Resampling.NEAREST if height > picture.height else Image.Resampling.LANCZOS
    return picture.convert("RGB").resize((width, height), way)
