"""All preprocessors. A new one is a new file and one line here."""

from __future__ import annotations

from .canny import CANNY
from .channels import SWAP_RED_BLUE
from .entry import Preprocessor
from .viridis import DEPTH_TO_VIRIDIS

ENTRIES: tuple[Preprocessor, ...] = (CANNY, DEPTH_TO_VIRIDIS, SWAP_RED_BLUE)


def find_method(method: object) -> Preprocessor:
    """The entry of a method name, or a ValueError that lists the names there are."""
    for entry in ENTRIES:
        if entry.method == method:
            return entry
    known = ", ".join(entry.method for entry in ENTRIES)
    if isinstance(method, (list, tuple)):
        raise ValueError(f"Control Map, input method: it cannot be linked; choose one of {known}.")
    if method is None:  # the host leaves out a choice that it does not know
        raise ValueError(
            f"Control Map, input method: none was given, or one that does not exist. The methods are: {known}."
        )
    raise ValueError(f'Control Map, input method: "{method}" is not a method. The methods are: {known}.')
