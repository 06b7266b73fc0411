"""Keeping credentials out of everything that is written down or shown."""

from collections.abc import Iterable, Mapping

from ..address import Address

SHORTEST = 4  # blanking out shorter ones would tear holes into ordinary words


class Secrets:
    """The values that must never be shown: passwords, tokens in the URL, values of headers."""

    def __init__(self, addresses: str | Iterable[str], headers: Mapping[str, str]):
        parsed = [Address.parse(one) for one in ([addresses] if isinstance(addresses, str) else addresses)]
        words = [word for value in headers.values() for word in (value, *value.split())]
        self._words = _longest_first(
            [one.password for one in parsed] + [value for one in parsed for value in one.query.values()] + words
        )

    def hide(self, text: str) -> str:
        """The text with every secret replaced by ***."""
        for word in self._words:
            text = text.replace(word, "***")
        return text


def _longest_first(words: Iterable[str]) -> list[str]:
    return sorted(
        {word for word in words if len(word) >= SHORTEST and word not in ("Basic", "Bearer", "Token")},
        key=len,
        reverse=True,
    )
