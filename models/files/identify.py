"""Naming a file from its header."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ...common.report_lines import warning
from .container import container_of, read_any_header
from .header import BrokenFile, Header
from .identity import Identity, Tensors, shown
from .kinds import KINDS
from .trained import KEYS, told_problems, told_training

UNKNOWN = "unknown"
# What kinds read of a header's free text; the rest (dates, authors, hashes) differs from file to file.
_TOLD = (
    "modelspec.architecture",
    "modelspec.trigger_phrase",
    "ss_base_model_version",
    "ss_tag_frequency",
    "ss_trigger_words",
    "trigger_words",
    "trigger_word",
    "config",
    "_quantization_metadata",
    *KEYS,
)
_QUANTISED = (
    "quant_map",
    "absmax",
    "bitsandbytes__",
    "qweight",
    "wscales",
    "scale_weight",
    "scaled_fp8",
    "comfy_quant",
)


def identify_file(path: str | Path) -> Identity:
    """What a file is. Raises BrokenFile when it cannot be read."""
    identity = identify(read_any_header(path))
    if container_of(path) == "gguf":
        return replace(identity, traits={**identity.traits, "precision": "gguf"})
    return identity


def told_file(path: str | Path) -> str:
    """What a loaded file is, in a line for a person: the host may load what has no header that is known here.

    What it tells of itself and nobody understands stands before that, as a warning.
    """
    try:
        identity = identify_file(path)
    except BrokenFile:
        identity = None
    if identity is None or identity.kind == "unknown":
        return f"{Path(path).name}: loaded; its header is of no kind that is known here."
    unclear = f" ({identity.ambiguity})" if identity.ambiguity else ""
    told = f"{Path(path).name}: {identity.title}{unclear}{told_training(identity.traits)}."
    problems = told_problems(identity.traits.get("problems", []))
    return f"{warning(problems)}\n{told}" if problems else told


def identify(header: Header) -> Identity:
    """What a file with this header is; the kind "unknown" when no kind knows it.

    Files alike in names, shapes and told facts are the same kind of file, so each header is looked at once: a folder of
    fifty checkpoints of one family costs little more than one.
    """
    return identify_tensors(Tensors.of(header))


def identify_tensors(tensors: Tensors) -> Identity:
    """The same for names and shapes that come from elsewhere, such as tensors that are loaded already."""
    signature = _signature(tensors)
    if signature not in _IDENTIFIED:
        if len(_IDENTIFIED) >= _MOST:
            _IDENTIFIED.clear()
        _IDENTIFIED[signature] = _identify(tensors)
    return _IDENTIFIED[signature]


_MOST = 4096
_IDENTIFIED: dict[str, Identity] = {}


def _identify(tensors: Tensors) -> Identity:
    for kind in KINDS:
        identity = kind.recognise(tensors)
        if identity is not None:
            return replace(identity, traits={**identity.traits, **_precision(tensors)})
    names = sorted(tensors.shapes)
    return Identity(
        UNKNOWN,
        "file of an unknown kind",
        evidence=tuple(shown(tensors, name) for name in names[:3]),
        traits=_precision(tensors),
    )


def _signature(tensors: Tensors) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for name, shape in sorted(tensors.shapes.items()):
        digest.update(f"{name}\0{shape}{tensors.dtypes.get(name, '')}\n".encode("utf-8", errors="replace"))
    told = [(key, tensors.metadata[key]) for key in _TOLD if key in tensors.metadata]
    digest.update(repr(told).encode("utf-8", errors="replace"))
    return digest.hexdigest()


def _precision(tensors: Tensors) -> dict[str, Any]:
    """The type of most matrices, and whether they are packed in a way that hides the weights from patches."""
    counts = Counter(tensors.dtypes.get(name, "") for name, shape in tensors.shapes.items() if len(shape) > 1)
    precision = counts.most_common(1)[0][0] if counts else ""
    mark = next((mark for mark in _QUANTISED if any(mark in name for name in tensors.shapes)), "")
    formats = _formats(tensors.metadata)
    told = {"quantised": mark} if mark else {}
    return {"precision": precision, **told} | ({"quantised_formats": formats} if formats else {})


def _formats(metadata: Mapping[str, str]) -> list[str]:
    """Names of the host's packed forms that the header's own table of layers lists."""
    try:
        layers = json.loads(metadata.get("_quantization_metadata", "{}"))["layers"]
        return sorted({str(layer["format"])[:40] for layer in layers.values()})[:20]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return []


def forget_headers() -> None:
    """Empty the cache of headers, for measurements."""
    _IDENTIFIED.clear()
