"""What is kept of a header while it is read, and how much that may be, whatever the container.

The largest headers of models that are known list about 10,000 tensors in 3 MB, and a vocabulary of 262,000 words with twice
as many merges takes 15 MB. What asks for several times as much is no model's.
"""

from __future__ import annotations

import math

from .header import Header, TensorInfo, TooMuch

MOST_TENSORS = 50_000
MOST_BYTES = 32 * 1024 * 1024  # of a header as it is read
LONGEST_NAME = 2000  # letters
LONG_NAMES = "names its tensors at more length than fits"
_MOST_LETTERS = 16 * 1024 * 1024  # of all names
MOST_AXES = 64  # torch's own limit
_MOST_SIZES = 8 * MOST_TENSORS  # axes of all tensors
_LONGEST_DTYPE = 100  # letters
_MOST_PLACES = 1 << 63  # of a file
_MOST_NUMBERS = 1 << 59  # in a tensor; torch counts their bytes in 63 bits
# A text of metadata may be JSON that is read later: a part takes some 60 bytes then, however short it is.
_MOST_METADATA = 8 * 1024 * 1024  # letters
_MOST_PARTS = 500_000


class HeaderTable:
    """Tensors and metadata, one by one. Raises TooMuch for more than a header may hold, ValueError for what is none."""

    def __init__(self) -> None:
        self.tensors: dict[str, TensorInfo] = {}
        self.metadata: dict[str, str] = {}
        self.end = 0  # of the last tensor's bytes
        self._letters = 0
        self._sizes = 0
        self._metadata_letters = 0

    def expect(self, tensors: int) -> None:
        """Look at the number that a header gives before its table."""
        if tensors > MOST_TENSORS:
            raise TooMuch(f"lists more than {MOST_TENSORS:,} tensors")

    def add(self, name: str, info: TensorInfo) -> None:
        """One more tensor."""
        shape = info.shape
        if len(shape) > MOST_AXES or (shape and min(shape) < 0):
            raise ValueError
        if info.end > _MOST_PLACES or len(info.dtype) > _LONGEST_DTYPE:
            raise ValueError
        if math.prod(length or 1 for length in shape) > _MOST_NUMBERS:
            raise ValueError
        self.tensors[name] = info
        self.end = max(self.end, info.end)
        self._letters += len(name)
        self._sizes += len(shape)
        self.expect(len(self.tensors))
        if self._letters > _MOST_LETTERS or len(name) > LONGEST_NAME:
            raise TooMuch(LONG_NAMES)
        if self._sizes > _MOST_SIZES:
            raise TooMuch(f"gives its tensors more than {_MOST_SIZES:,} sizes")

    @property
    def room(self) -> int:
        """How many letters of metadata may still be kept."""
        return _MOST_METADATA - self._metadata_letters

    def tell(self, key: str, value: str) -> None:
        """One more text of the metadata; what there is no room for, or would grow when it is read as JSON, is left out."""
        length = len(key) + len(value)
        parts = value.count(",") + value.count("[") + value.count("{")
        if length <= self.room and parts <= _MOST_PARTS:
            self._metadata_letters += length
            self.metadata[key] = value

    def header(self, bytes_read: int) -> Header:
        """What was gathered."""
        return Header(self.tensors, self.metadata, bytes_read)
