"""Pictures side by side with their names beneath, as one picture."""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

MIN_HEIGHT, MAX_HEIGHT = 320, 768
BACKGROUND, INK = (24, 24, 26), (235, 235, 235)


def contact_sheet(pictures: Sequence[tuple[str, Image.Image]], caption: str = "") -> Image.Image:
    """Puts labelled pictures in a row, all of one height, in their own proportions.

    The row is as high as the highest picture, within 320 and 768 pixels. `caption` is one line below everything.
    Raises ValueError without pictures.
    """
    if not pictures:
        raise ValueError("A contact sheet needs at least one picture.")
    height = min(MAX_HEIGHT, max(MIN_HEIGHT, *(picture.height for _, picture in pictures)))
    panels = [_scaled(picture, height) for _, picture in pictures]
    font = ImageFont.load_default(size=max(16, height // 20))
    small = ImageFont.load_default(size=max(14, height // 28))
    gap, line = height // 32, 2 * max(16, height // 20)
    panels_width = sum(panel.width + gap for panel in panels) + gap
    width = max(panels_width, round(small.getlength(caption)) + 2 * gap)

    sheet = Image.new("RGB", (width, gap + height + line + (line if caption else 0)), BACKGROUND)
    draw = ImageDraw.Draw(sheet)
    left = gap + (width - panels_width) // 2
    for (label, _), panel in zip(pictures, panels, strict=True):
        sheet.paste(panel, (left, gap))
        draw.text((left + panel.width // 2, gap + height + line // 2), label, INK, font, anchor="mm")
        left += panel.width + gap
    if caption:
        draw.text((width // 2, gap + height + line + line // 3), caption, INK, small, anchor="mm")
    return sheet


def _scaled(picture: Image.Image, height: int) -> Image.Image:
    width = max(1, round(picture.width * height / picture.height))
    # Small pictures keep their pixels visible; smoothing them would show detail that is not there.
    way = Image.Resampling.NEAREST if height > picture.height else Image.Resampling.LANCZOS
    return picture.convert("RGB").resize((width, height), way)
