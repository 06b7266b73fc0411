"""Weights in a form that the loader, or the part, cannot run in."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from ...files.index import ModelFile
from ..facts import Facts
from ..file_uses import FileUse
from ..finding import Change, Finding, Severity, finding, wanted_for
from .rule import Rule

# Forms that other programs pack weights into; the host's own (scale_weight, comfy_quant) it can read.
_FOREIGN = {
    "quant_map": "bitsandbytes",
    "absmax": "bitsandbytes (NF4 or 8 bit)",
    "bitsandbytes__": "bitsandbytes",
    "qweight": "GPTQ, AWQ or SVDQuant",
    "wscales": "SVDQuant",
}
_READERS = ("nf4", "bnb", "nunchaku", "gptq", "awq", "svdq", "int8", "quant")
_EIGHT_BIT = ("F8_E4M3", "F8_E5M2")
_WHOLE_NUMBERS = ("I8", "U8", "I16", "U16", "I32", "I64", "BOOL")
# The host unpacks its own forms in these kinds only (`convert_old_quants` and its callers in comfy/sd.py).
_UNPACKED = ("checkpoint", "diffusion_model", "text_encoder")
# What the host's `comfy.quant_ops.QUANT_ALGOS` held when this was written; the host that runs is asked first.
FORMATS = ("convrot_w4a4", "float8_e4m3fn", "float8_e5m2", "int8_tensorwise", "mxfp8", "nvfp4")
# Parts whose numbers the host uses as they are: eight bits lose what they hold.
_FULL_ONLY = {"vae": "VAE", "embedding": "embedding", "upscaler": "upscaler"}


def packed_weights(facts: Facts) -> Iterator[Finding]:
    """Weights packed by another program, in a loader that cannot unpack them."""
    for use in facts.all_uses:
        form = _FOREIGN.get(str(use.trait("quantised", "")))
        if form and not _reads(use):
            text = f"holds weights packed by {form}, which this loader cannot unpack."
            yield _misread(
                "error", use, text, "Use the loader of a pack that reads this form, or the file in fp16 or fp8."
            )


def scales_ignored(facts: Facts) -> Iterator[Finding]:
    """Weights with scales beside them, in a kind of file whose loader leaves the scales out."""
    for use in facts.all_uses:
        form = str(use.trait("quantised", ""))
        if form and form not in _FOREIGN and use.kind not in _UNPACKED and not _reads(use):
            text = (
                f"holds numbers that are to be multiplied by scales beside them ({form}). ComfyUI does so for diffusion models "
                "and text encoders only; here it takes the bare numbers, and what comes out is noise."
            )
            yield _misread("error", use, text, "Use the file in fp16, bf16 or plain fp8.")


def whole_numbers(facts: Facts) -> Iterator[Finding]:
    """Weights as whole numbers without scales: they are taken as they are."""
    for use in facts.all_uses:
        precision = use.trait("precision")
        known = use.trait("quantised") or use.kind == "unknown" or _reads(use)
        if precision in _WHOLE_NUMBERS and not known:
            text = (
                f"holds its weights as whole numbers ({precision}) without scales that this loader knows. It takes them as they "
                "are, many times too large, and what comes out is noise."
            )
            yield _misread(
                "error", use, text, "Use the loader of the program that packed it, or the file in fp16, bf16 or fp8."
            )


def quantised_format(facts: Facts) -> Iterator[Finding]:
    """Weights in a form that this ComfyUI does not list."""
    for use in facts.all_uses:
        formats = use.trait("quantised_formats")
        unknown = [one for one in formats if one not in host_formats()] if isinstance(formats, list) else []
        if unknown and use.kind in _UNPACKED and not _reads(use):
            text = f"is packed as {', '.join(unknown)}, which is not among the forms that this ComfyUI lists."
            yield _misread(
                "hint", use, text, "A newer ComfyUI may read it; otherwise use the file in fp16, bf16 or plain fp8."
            )


@cache
def host_formats() -> frozenset[str]:
    """The packed forms that the host reads, as it says itself; those that were known here where it does not say."""
    try:
        from comfy.quant_ops import QUANT_ALGOS

        return frozenset(QUANT_ALGOS) or frozenset(FORMATS)
    except Exception:  # older hosts have no such table, and a host without the library that it needs fails here
        return frozenset(FORMATS)


def weight_dtype(facts: Facts) -> Iterator[Finding]:
    """A loader told to make eight bits of a file that has them already."""
    for use in facts.all_uses:
        wanted = str(use.node.value("weight_dtype", "default"))
        if not wanted.startswith("fp8") or use.kind not in _UNPACKED:
            continue
        packed = use.trait("quantised") or use.trait("quantised_formats")
        other = use.trait("precision") in _EIGHT_BIT and not wanted.startswith(_NAMES[str(use.trait("precision"))])
        if packed or other:
            why = (
                "its packed layers stay as they are, and only the rest loses precision"
                if packed
                else "it is rounded twice"
            )
            yield finding(
                "hint",
                use.node,
                "weight_dtype",
                f"{use.node.label}: weight_dtype is {wanted}, but '{use.name}' is in eight bits already: {why}.",
                "Set weight_dtype to default.",
                (use,),
                change=Change(use.node.id, "weight_dtype", "default"),
            )


_NAMES = {"F8_E4M3": "fp8_e4m3fn", "F8_E5M2": "fp8_e5m2"}


def eight_bits(facts: Facts) -> Iterator[Finding]:
    """Parts that need more than eight bits."""
    for use in facts.all_uses:
        title = _FULL_ONLY.get(use.kind)
        if title and use.trait("precision") in _EIGHT_BIT and not use.trait("is_approximate"):
            text = f"is a {title} in eight bits per number. Colours break into bands."
            yield _misread("warning", use, text, f"Use the {title} in fp16, bf16 or fp32.")


def _misread(severity: Severity, use: FileUse, text: str, fix: str) -> Finding:
    """A finding about the numbers in a file, with files of the same kind in a plain form."""
    return finding(
        severity,
        use.node,
        use.input,
        f"{use.node.label}: '{use.name}' {text}",
        fix,
        (use,),
        wanted_for(use, lambda file: _plain(file, use.kind)),
    )


def _reads(use: FileUse) -> bool:
    """Whether the node is the loader of a pack that unpacks by itself."""
    return any(word in use.node.class_type.lower() for word in _READERS)


def _plain(file: ModelFile, kind: str) -> bool:
    identity = file.identity
    return (
        identity is not None
        and identity.kind == kind
        and "quantised" not in identity.traits
        and identity.traits.get("precision") not in (*_EIGHT_BIT, *_WHOLE_NUMBERS)
    )


RULES = (
    Rule("packed_weights", "weights packed in a form that the loader cannot read", packed_weights),
    Rule("scales_ignored", "weights with scales that the loader leaves out", scales_ignored),
    Rule("whole_numbers", "weights as whole numbers without scales", whole_numbers),
    Rule("quantised_format", "weights in a packed form that this ComfyUI does not list", quantised_format),
    Rule("weight_dtype", "a file in eight bits that is made so once more", weight_dtype),
    Rule("eight_bits", "a part in eight bits that needs more", eight_bits),
)
