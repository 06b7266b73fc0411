"""Every layout of IP-Adapter files. Adding one is one file beside this one and one line here."""

from __future__ import annotations

from ...files.families import FAMILY_OF_CONTEXT
from .base import BASE
from .face_id import FACE_ID
from .face_id_plus import FACE_ID_PLUS
from .full_face import FULL_FACE
from .kolors import KOLORS
from .kolors_face_id import KOLORS_FACE_ID
from .layout import ATTENTION, IMAGE_PROJECTION, Layout, Shapes
from .plus import PLUS
from .portrait import PORTRAIT
from .portrait_unnormalised import PORTRAIT_UNNORMALISED

# The first whose sign is there counts: the special ones stand before those that share some of their keys.
LAYOUTS: tuple[Layout, ...] = (
    KOLORS_FACE_ID,
    FACE_ID_PLUS,
    FULL_FACE,
    PORTRAIT_UNNORMALISED,
    KOLORS,
    PLUS,
    FACE_ID,
    PORTRAIT,
    BASE,
)

AUTO = "auto"
VARIANTS: tuple[str, ...] = (AUTO, *dict.fromkeys(variant for layout in LAYOUTS for variant in layout.variants))

FAMILY_TITLES = {"sd15": "SD 1.5", "sd2": "SD 2", "sdxl": "SDXL", "kolors": "Kolors", "flux": "Flux", "sd3": "SD 3.5"}


def plain_key(key: str) -> str:
    """The usual name of a tensor: `adapter_modules.` is what training code writes for `ip_adapter.`."""
    return ATTENTION + key.removeprefix("adapter_modules.") if key.startswith("adapter_modules.") else key


def is_ip_adapter(shapes: Shapes) -> bool:
    """Whether a header has the two parts of an IP-Adapter for UNets."""
    return any(key.startswith(IMAGE_PROJECTION) for key in shapes) and bool(attention_numbers(shapes))


def attention_numbers(shapes: Shapes) -> tuple[int, ...]:
    """The numbers of the attention layers that a file has keys and values for, ascending; keys as `plain_key` gives them."""
    numbers = {
        key.removeprefix(ATTENTION).partition(".")[0]
        for key in shapes
        if key.startswith(ATTENTION) and key.endswith(".to_k_ip.weight")
    }
    return tuple(sorted(int(number) for number in numbers if number.isdigit()))


def find_layout(shapes: Shapes) -> Layout | None:
    """The layout that a header has, or None."""
    return next((layout for layout in LAYOUTS if layout.sign(shapes)), None)


def family_of(shapes: Shapes, layout: Layout | None) -> str:
    """Id of the base family by the width of the tokens; "" when no family has it."""
    if layout is not None and layout.name.startswith("kolors"):
        return "kolors"
    numbers = attention_numbers(shapes)
    return FAMILY_OF_CONTEXT.get(context_width(shapes, numbers), "") if numbers else ""


def context_width(shapes: Shapes, numbers: tuple[int, ...]) -> int:
    """Width of the tokens that the attention layers read; 0 for a file whose layers have no shape."""
    shape = shapes[f"{ATTENTION}{numbers[0]}.to_k_ip.weight"]
    return shape[-1] if shape else 0
