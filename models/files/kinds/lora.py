"""A LoRA and its relatives (LoHa, LoKr, GLoRA, OFT, weight differences): its base, and what of it they touch."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping

from ..families import FAMILY_OF_CONTEXT, find_family, titles
from ..identity import Identity, Kind, Tensors, shown
from .lora_transformers import DOWN, FAMILIES, transformer_families

# (layout, title, endings of names); the first that fits names the file.
_RELATIVES = (
    ("loha", "LoHa", (".hada_w1_a",)),
    ("lokr", "LoKr", (".lokr_w1", ".lokr_w1_a", ".lokr_w2")),
    ("oft", "OFT or BOFT", (".oft_blocks", ".oft_diag")),
    ("glora", "GLoRA", (".a1.weight",)),
    (
        "lora",
        "LoRA",
        (
            ".lora_up.weight",
            ".lora_down.weight",
            ".lora_A.weight",
            ".lora_A.default.weight",
            ".lora.up.weight",
            "_lora.up.weight",
            ".lora_linear_layer.up.weight",
            ".lora_A",
        ),
    ),
    ("difference", "weight differences", (".diff", ".diff_b", ".set_weight")),
)
_BLOCK = re.compile(r"(?:input|output|down|up|mid|middle)_blocks?[._]")
_CROSS = re.compile(r"attn2[._](?:processor[._])?to_[kv]")
_DEEP = re.compile(r"transformer_blocks[._]9[._]")
_TEXT = ("lora_te", "text_encoder", "lora_prior_te")
_SECOND_TEXT = ("lora_te2", "text_encoder_2")


def recognise(tensors: Tensors) -> Identity | None:
    """Names that end as a low-rank (or other) difference does."""
    found = next(((layout, title) for layout, title, ends in _RELATIVES if tensors.first(*ends)), None)
    if found is None:
        return None
    layout, title = found
    families, evidence, ambiguity = _families(tensors)
    parts = _parts(tensors)
    touched = " and ".join(part.replace("_", " ") for part in parts)
    return Identity(
        "lora",
        f"{title} for {titles(families)}" + (f", {touched}" if touched else ""),
        families,
        layout,
        evidence or (shown(tensors, next(iter(tensors.shapes))),),
        ambiguity,
        {
            "parts": parts,
            "trigger_words": trigger_words(tensors.metadata),
            "keys": len(tensors.shapes),
            "reads_map": _reads_map(tensors),
        },
    )


def _families(tensors: Tensors) -> tuple[tuple[str, ...], tuple[str, ...], str]:
    """(families, evidence, why several) by the width of what the layers read, else by the layers' names."""
    for name, shape in tensors.shapes.items():
        if _in_block(_CROSS, name) and name.endswith((*DOWN, ".hada_w1_b")) and len(shape) >= 2:
            family = FAMILY_OF_CONTEXT.get(shape[1])
            if family:
                return (family,), (shown(tensors, name),), ""
    found = transformer_families(tensors.shapes)
    if found is not None:
        return found.families, (shown(tensors, found.name),), found.ambiguity
    if tensors.any_starts(*_SECOND_TEXT):
        return ("sdxl",), ("a second text encoder (CLIP-G)",), ""
    if any(_in_block(_DEEP, name) for name in tensors.shapes):
        return ("sdxl",), ("blocks that are ten layers deep",), ""
    told = _told(tensors.metadata)
    if told:
        return (told[0],), (told[1],), ""
    return (), (), "no layer in it depends on the family"


def _in_block(part: re.Pattern[str], name: str) -> bool:
    """Whether a part stands behind the name of a UNet's block. (As one pattern it takes the square of a name's length.)"""
    block = _BLOCK.search(name)
    return block is not None and part.search(name, block.end()) is not None


# The first layer of Flux reads 64 numbers a token, and 128 where a control map is laid beside the picture.
_FIRST = re.compile(r"(img_in|x_embedder)[._]lora[._](A|down)")
_WITH_MAP = 128


def _reads_map(tensors: Tensors) -> bool:
    """Whether it is a control LoRA: it widens the first layer for a second picture."""
    return any(_FIRST.search(name) and shape[-1] == _WITH_MAP for name, shape in tensors.shapes.items() if shape)


def _parts(tensors: Tensors) -> list[str]:
    has_text = tensors.any_starts(*_TEXT)
    has_model = any(not name.startswith(_TEXT) for name in tensors.shapes)
    return [*(["model"] if has_model else []), *(["text_encoder"] if has_text else [])]


_TOLD = (
    ("sdxl", ("sdxl", "stable-diffusion-xl")),
    ("sd3", ("sd3", "stable-diffusion-3")),
    ("flux2", ("flux2", "flux.2", "flux-2")),
    ("flux", ("flux",)),
    ("sd2", ("sd_v2", "sd_2", "stable-diffusion-v2")),
    ("sd15", ("sd_v1", "sd_1.5", "sd_1", "stable-diffusion-v1")),
)


def _told(metadata: Mapping[str, str]) -> tuple[str, str] | None:
    """(family, evidence) from what the training code wrote down; used only where no shape decides."""
    for key in ("modelspec.architecture", "ss_base_model_version"):
        value = metadata.get(key, "").lower()
        for family, words in _TOLD:
            if any(value.startswith(word) for word in words):
                return find_family(family).id, f"its metadata says {key} = {metadata[key][:_LONGEST]}"
    return None


def trigger_words(metadata: Mapping[str, str]) -> list[str]:
    """The words that the training code says must stand in a prompt; at most four.

    A word that stands in (nearly) every caption of the training is one as well; common ones are none.
    """
    for key in ("modelspec.trigger_phrase", "ss_trigger_words", "trigger_words", "trigger_word"):
        if metadata.get(key, "").strip():
            return [word.strip()[:_LONGEST] for word in metadata[key].split(",") if word.strip()][:4]
    try:
        table = json.loads(metadata.get("ss_tag_frequency", "{}"))
        counts: Counter[str] = Counter()
        for tags in table.values():
            counts.update({str(tag).strip(): int(number) for tag, number in tags.items()})
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return []
    if len(counts) < 3:
        return []  # one tag for every picture is a caption, not a trigger word
    (word, most), (_, second) = counts.most_common(2)
    return [word[:_LONGEST]] if most >= 10 and most > 2 * second and word not in _COMMON else []


_LONGEST = 300  # letters that are shown of a text
_COMMON = {"1girl", "solo", "man", "woman", "photo", "person", "realistic", "simple background"}

LORA = Kind(
    "lora",
    "LoRA",
    ("loras",),
    ("LoraLoader", "LoraLoaderModelOnly", "ArmatureLoRAStack"),
    recognise,
    (*FAMILY_OF_CONTEXT.values(), *FAMILIES),
)
