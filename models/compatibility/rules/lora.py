"""How much of a LoRA acts on the model that it meets."""

from __future__ import annotations

from collections.abc import Iterator

from ....common.file_stamp import file_stamp
from ...files.families import titles
from ..coverage import Coverage, coverage
from ..facts import Facts
from ..file_uses import FileUse
from ..finding import Finding, finding, first_of, wants_family
from ..flows import Meeting
from .families import fits_family
from .rule import Rule

_FEW, _NONE = 0.9, 0.02
_UNETS = frozenset({"sd15", "sd2", "sdxl", "sdxl_refiner"})


def lora_coverage(facts: Facts) -> Iterator[Finding]:
    """LoRAs of the right family whose layers the model lacks, or has in other shapes."""
    for met, model, matching in facts.once(_covered):
        families = met.base.families
        if matching.share >= _FEW:
            continue
        nothing = matching.share <= _NONE
        yield finding(
            "error" if nothing else "warning",
            met.use.node,
            met.use.input,
            f"'{met.use.name}' has {matching.layers} layers for the model, of which '{model.name}' ({titles(families)}) has "
            f"{matching.named} by name and {matching.fitting} in the same shape: "
            f"{'nothing of it acts' if nothing else f'{matching.share:.0%} of it acts'}.",
            f"Choose a LoRA made for {titles(families)}.",
            (met.use, model),
            wants_family(met.use, families),
        )


def _covered(facts: Facts) -> list[tuple[Meeting, FileUse, Coverage]]:
    """The LoRAs of the right family, where they meet one UNet model, with their coverage."""
    covered = []
    for met in facts.meetings("lora"):
        families = met.base.families
        model = first_of(met.base.sources) if met.base.sources else None
        if model is None or met.base.unsure or len(families) != 1 or families[0] not in _UNETS:
            continue
        if met.use.families and not fits_family("lora", met.use.families, families[0]):
            continue  # the rule on families says all that is to be said
        parts = met.use.trait("parts")
        if not isinstance(parts, list) or "model" not in parts:
            continue
        found = _measured(met.use, model)
        if found is not None and found.layers:
            covered.append((met, model, found))
    return covered


def _measured(lora: FileUse, model: FileUse) -> Coverage | None:
    if lora.file is None or model.file is None:
        return None
    try:
        return coverage(file_stamp(lora.file.path), file_stamp(model.file.path))
    except OSError:
        return None


def lora_names(facts: Facts) -> Iterator[Finding]:
    """LoRAs that fit, but whose layers are spelt in a way that the host's loader does not read."""
    for met, model, found in facts.once(_covered):
        host_reads = not met.use.node.class_type.startswith("Armature")
        if host_reads and found.share >= _FEW and found.read <= _NONE * found.layers:
            yield finding(
                "error",
                met.use.node,
                met.use.input,
                f"{met.use.node.label}: '{met.use.name}' fits '{model.name}', but its layers are named as the PEFT library names "
                "them, which this loader does not read: nothing of it acts, with a line in the log alone.",
                "Load it with Armature's LoRA Stack, which knows these names, or convert it.",
                (met.use, model),
            )


RULES = (
    Rule("lora_coverage", "a LoRA of which the model has few layers", lora_coverage),
    Rule("lora_names", "a LoRA whose names the loader does not read", lora_names),
)
