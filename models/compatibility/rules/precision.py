"""Weights in a form that the loader, or the part, cannot run in."""

from __future__ import annotations

from collections.abc import Iterator

from ...files.index import ModelFile
from ..facts import Facts
from ..finding import Finding, finding, wanted_for
from .rule import Rule

# Forms that other programs pack weights into; the host's own (scale_weight, comfy_quant) it can read.
_FOREIGN = {
    "quant_map": "bitsandbytes",
    "absmax": "bitsandbytes (NF4 or 8 bit)",
    "bitsandbytes__": "bitsandbytes",
    "qweight": "GPTQ, AWQ or SVDQuant",
    "wscales": "SVDQuant",
}
_READERS = ("nf4", "bnb", "nunchaku", "gptq", "awq", "svdq")
_EIGHT_BIT = ("F8_E4M3", "F8_E5M2")
# Parts whose numbers the host uses as they are: eight bits lose what they hold.
_FULL_ONLY = {"vae": "VAE", "embedding": "embedding", "upscaler": "upscaler"}


def packed_weights(facts: Facts) -> Iterator[Finding]:
    """Weights packed by another program, in a loader that cannot unpack them."""
    for use in facts.all_uses:
        form = _FOREIGN.get(str(use.trait("quantised", "")))
        if form and not any(word in use.node.class_type.lower() for word in _READERS):
            yield finding(
                "error",
                use.node,
                use.input,
                f"{use.node.label}: '{use.name}' holds weights packed by {form}, which this loader cannot unpack.",
                "Use the loader of a pack that reads this form, or the file in fp16 or fp8.",
                (use,),
                wanted_for(use, lambda file, use=use: _plain(file, use.kind)),
            )


def eight_bits(facts: Facts) -> Iterator[Finding]:
    """Parts that need more than eight bits."""
    for use in facts.all_uses:
        title = _FULL_ONLY.get(use.kind)
        if title and use.trait("precision") in _EIGHT_BIT and not use.trait("is_approximate"):
            yield finding(
                "warning",
                use.node,
                use.input,
                f"{use.node.label}: '{use.name}' is a {title} in eight bits per number. Colours break into bands.",
                f"Use the {title} in fp16, bf16 or fp32.",
                (use,),
                wanted_for(use, lambda file, use=use: _plain(file, use.kind)),
            )


def _plain(file: ModelFile, kind: str) -> bool:
    identity = file.identity
    return (
        identity is not None
        and identity.kind == kind
        and "quantised" not in identity.traits
        and identity.traits.get("precision") not in _EIGHT_BIT
    )


RULES = (
    Rule("packed_weights", "weights packed in a form that the loader cannot read", packed_weights),
    Rule("eight_bits", "a part in eight bits that needs more", eight_bits),
)
