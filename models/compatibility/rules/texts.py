"""What prompts name: embeddings, and the words that LoRAs listen to."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...files.families import titles
from ...files.index import ModelFile, as_listed
from ..facts import Facts
from ..finding import Finding, finding
from .rule import Rule

_EMBEDDING = re.compile(r"embedding:([\w./\\ -]+?)(?=[,:()\s]|$)")
_ENDINGS = ("", ".safetensors", ".pt", ".bin")


def embedding(facts: Facts) -> Iterator[Finding]:
    """Embeddings that are not there, or belong to another base."""
    bases = {base for _node, flow in facts.samplers for base in flow.families}
    for node, name, text in facts.texts:
        for wanted in dict.fromkeys(_EMBEDDING.findall(text)):
            file = _find(facts, wanted.strip())
            if file is None:
                yield finding(
                    "warning",
                    node,
                    name,
                    f"{node.label}: there is no embedding '{wanted.strip()}' in models/embeddings; its name is read as "
                    "nothing.",
                    "Put the file there, or correct its name.",
                )
            elif file.identity and file.identity.families and bases and not bases & set(file.identity.families):
                yield finding(
                    "error",
                    node,
                    name,
                    f"{node.label}: the embedding '{wanted.strip()}' is made for {titles(file.identity.families)}, but the "
                    f"model is {titles(tuple(sorted(bases)))}. It is left out with a line in the log alone.",
                    f"Use one for {titles(tuple(sorted(bases)))}, or take it out of the text.",
                )


def trigger_word(facts: Facts) -> Iterator[Finding]:
    """LoRAs whose word stands in no prompt."""
    for use in facts.all_uses:
        words = use.trait("trigger_words")
        if use.kind != "lora" or not isinstance(words, list) or not words or not facts.texts:
            continue
        if not any(str(word).lower() in facts.all_text for word in words):
            yield finding(
                "hint",
                use.node,
                use.input,
                f"{use.node.label}: '{use.name}' listens to {' or '.join(repr(word) for word in words)}, which stands in no "
                "prompt.",
                "Put the word into the positive prompt.",
                (use,),
            )


def _find(facts: Facts, name: str) -> ModelFile | None:
    for ending in _ENDINGS:
        try:
            file = facts.index.find("embeddings", as_listed(name + ending))
        except ValueError:
            return None
        if file is not None:
            return file
    return None


RULES = (
    Rule("embedding", "an embedding that is missing, or for another base", embedding),
    Rule("trigger_word", "a LoRA whose word stands in no prompt", trigger_word),
)
