"""The compatibility sheet of the docs, written from the rules themselves."""

from __future__ import annotations

from collections.abc import Iterable

from ...models.compatibility.rules import RULES
from ...models.compatibility.rules.families import PAIRS, fits_family
from ...models.compatibility.rules.maps import reads
from ...models.files.families import FAMILIES, find_family
from ...models.files.kinds import KINDS
from ...models.files.kinds.clip_vision import ENCODERS
from ...models.files.kinds.text_encoder import encoder_name_title
from ...models.files.layouts.ip_adapter import LAYOUTS
from ...models.files.layouts.ip_adapter_transformers import TRANSFORMERS
from ...preprocessors.images.kinds import kinds_of_nets

_HEAD = """# The compatibility sheet

What the compatibility check knows: which files work with which base models, and everything that it looks at. This page is
written by the check itself (`tools/help/compatibility_page.py`), and a test holds it true.
"""


def compatibility_page() -> str:
    """The page as Markdown."""
    parts = [
        _HEAD,
        "## Files and base families\n\nA cell names the families whose files of this kind work with the base.\n",
        _pairs(),
        "## Base families\n",
        _families(),
        "## IP-Adapters and their image encoders\n",
        _adapters(),
        "## Control nets and maps\n\nA control net's maps are told by its file name alone, so a mismatch is a warning.\n",
        _maps(),
        "## All that is checked\n",
        _rules(),
    ]
    return "\n".join(parts)


def families_that_fit(kinds: Iterable[str], base: str) -> list[str]:
    """The families whose files of some kinds work with a base."""
    known = dict.fromkeys(family for kind in KINDS if kind.id in kinds for family in kind.families)
    return [family for family in known if any(fits_family(kind, (family,), base) for kind in kinds)]


def _pairs() -> str:
    rows = []
    for family in FAMILIES:
        cells = [families_that_fit(pair.kinds, family.id) for pair in PAIRS]
        if any(cells):
            rows.append([family.title, *(", ".join(find_family(one).title for one in cell) or "–" for cell in cells)])
    return _table(["Base", *(_kind_title(pair.kinds) for pair in PAIRS)], rows)


def _kind_title(kinds: tuple[str, ...]) -> str:
    return " / ".join(dict.fromkeys(kind.title for name in kinds for kind in KINDS if kind.id == name))


def _families() -> str:
    rows = []
    for family in FAMILIES:
        encoders = ", ".join(encoder_name_title(name) for name in family.text_encoders) or "any"
        size = f"{family.size} px" if family.size else "any"
        rows.append(
            [
                family.title,
                str(family.latent_channels),
                encoders,
                ", ".join(family.encoder_types) or "any",
                size,
                str(family.multiple),
            ]
        )
    return _table(["Base", "Latent channels", "Text encoders", "CLIP loader type", "Trained at", "Multiple of"], rows)


def _adapters() -> str:
    rows = [
        [layout.title, ", ".join(ENCODERS[name][0] for name in layout.encoders.values()) or "face embeddings"]
        for layout in LAYOUTS
        if not layout.refusal
    ]
    rows += [[layout.title, ENCODERS[layout.encoder][0]] for layout in TRANSFORMERS if layout.layout is not None]
    return _table(["Adapter", "Reads"], rows)


def _maps() -> str:
    return _table(
        ["Net for", "Follows"], [[kind.name, ", ".join(sorted(reads(kind.name)))] for kind in kinds_of_nets()]
    )


def _rules() -> str:
    return _table(["Rule", "What it finds"], [[f"`{rule.id}`", rule.title] for rule in RULES])


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines) + "\n"
