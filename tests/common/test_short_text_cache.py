"""Answers for short texts are remembered; a long text is answered as well, and not kept."""

from __future__ import annotations

import gc
import weakref

from armature_pack.common.short_text_cache import short_text_cache


class Text(str):
    """A text that can be watched."""

    __slots__ = ("__weakref__",)


def test_short_texts_are_worked_out_once_and_long_ones_never_kept():
    asked = []

    @short_text_cache
    def length(text: str, other: str = "") -> int:
        """How long."""
        asked.append(text)
        return len(text) + len(other)

    long = "x" * 10_000
    assert [length("ab"), length("ab"), length("ab", "c"), length(long), length(long), length("ab", long)] == [
        *(2, 2, 3),
        *(10_000, 10_000, 10_002),
    ]
    assert asked == ["ab", "ab", long, long, "ab"]
    assert length.__doc__ == "How long."


def test_what_strangers_send_does_not_stay():
    @short_text_cache
    def same(text: str) -> str:
        return text

    long = Text("x" * 10_000)
    seen = weakref.ref(long)
    assert same(long) == long
    asked = ["x" * 256 + str(number) for number in range(10)]
    assert [same(text) for text in asked] == asked
    del long
    gc.collect()
    assert seen() is None
