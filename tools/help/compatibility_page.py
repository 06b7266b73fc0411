"""The compatibility sheet of the docs, written from the rules themselves."""

from __future__ import annotations

from collections.abc import Iterable

from ...models.compatibility.file_inputs import known_names, known_words
from ...models.compatibility.packs import packs
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

What the compatibility check knows: which files work with which base models, which nodes it understands, everything that it
looks at, and what it does not. This page is written by the check itself (`tools/help/compatibility_page.py`), and a test
holds it true.

## Verdicts

| Verdict | What it says | Exit status of `check` |
| --- | --- | --- |
| `fits` | All files were looked at, all nodes that could matter are known, and nothing is wrong. | 0 |
| `not_understood_in_part` | Nothing wrong was found in what was understood; the report names the rest. | 0, with `--strict` 2 |
| `does_not_fit` | Something cannot work, or is ignored. | 1 |
| (no report) | The graph could not be checked. | 2 |

`ok` in the JSON report is false with `does_not_fit` alone. Under the policy `validated_only` whatever was not understood is an
error as well.
"""

_NODES = """## Nodes that it understands

A node is known by its types: those that the running ComfyUI tells, or the answer of its `/object_info` (`--object-info`);
without either, those recorded of ComfyUI, of this pack, and of the packs below. Models are followed through pipes,
contexts, stacks and switches. Rows and nodes whose switch is off count as absent. A node that nothing reads is left out, as
ComfyUI does.
"""

_FILES = """## Files that it finds

An input names a file when it is one of these, or holds a name with the ending of a weight file; also inside nested values,
lists, rows, and `<lora:NAME:1>` in nodes that load such.

By the name of the input:
"""

_WORDS = """By words in the name of the input, else in the node's, where the value is the name of a weight file:
"""

_NOT = """A file of any other input is looked up in all model folders; one that none holds, or several, is not looked at, and
named in the report.

## What it does not understand

- Nodes of packs that are not recorded, without a server's types: what passes through them is followed by names alone, and the
  report names their types.
- Values of a saved graph whose order only an unknown node's type would tell.
- Files in formats of other programs (engines, ONNX, detectors, face and pose models): they are found, and not judged.
- Names of files that another node makes while the graph runs.
- What stands in no header: a fine-tune against its base, VAEs of one shape, the maps that a control net was trained on (its
  name alone tells), how many steps a model was made for (its name alone), and whether the picture is any good.
- What a LoRA, an IP-Adapter or a patch of a pack does inside a sampler of that pack, beside the family that it is made for.
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
        _NODES,
        _packs(),
        _FILES,
        _table(["Input", "Folder"], [[_code(name), folder] for name, folder in known_names()]),
        _WORDS,
        _table(["Word", "Folder"], [[_code(word), folder] for word, folder in known_words()]),
        _NOT,
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
        named = [
            encoder_name_title(name) + (" (or none)" if name in family.optional else "")
            for name in family.text_encoders
        ]
        encoders = ", ".join(named) or "not looked at"
        encoders = f"one of {encoders}" if family.one_of else encoders
        types = ", ".join(family.encoder_types) or f"any{_but(family.other_types)}"
        size = f"{family.size} px" if family.size else "any"
        rows.append(
            [
                family.title,
                str(family.latent_channels or "–"),
                encoders,
                types,
                size,
                str(family.multiple),
            ]
        )
    return _table(["Base", "Latent channels", "Text encoders", "CLIP loader type", "Trained at", "Multiple of"], rows)


def _but(types: tuple[str, ...]) -> str:
    return f" but {', '.join(types)}" if types else ""


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


def _packs() -> str:
    rows = [[f"[{one.name}]({one.source})", str(one.nodes), str(one.loaders)] for one in packs()]
    return _table(["Pack", "Nodes recorded", "of which load files"], rows)


def _code(pattern: str) -> str:
    """A pattern in a cell of a table, where a bar would end it."""
    return f"`{pattern}`".replace("|", "\\|")


def _rules() -> str:
    return _table(["Rule", "What it finds"], [[f"`{rule.id}`", rule.title] for rule in RULES])


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(row)} |" for row in lines) + "\n"
