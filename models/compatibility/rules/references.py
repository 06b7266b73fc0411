"""Pictures that the model itself reads: control LoRAs, VACE, edit models with references."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ...files.families import titles
from ..facts import Facts
from ..file_uses import FileUse
from ..finding import Finding, finding, first_of, named
from ..flows import Flow
from ..prompt import Node
from .rule import Rule

_SECOND_LATENT = ("InstructPixToPixConditioning", "InpaintModelConditioning", "ArmatureMapReference")
_VACE = ("WanVaceToVideo",)
_VACE_CLASSES = ("WAN21_Vace",)
_REFERENCES = ("ReferenceLatent",)
_MAPS = ("ArmatureMapReference",)
# Families whose networks have no place for reference latents (`extra_conds` in the host's model_base.py).
_NO_REFERENCE = frozenset(
    {"sd15", "sd2", "sd_x4_upscaler", "sdxl", "sdxl_refiner", "svd", "sd3", "pixart", "auraflow", "hunyuan_dit"}
)
_READS_MAPS = frozenset({"flux", "flux2", "qwen_image"})  # which Map Reference knows a way for; a test compares


def control_lora(facts: Facts) -> Iterator[Finding]:
    """A control LoRA whose sampling gets no map as second latent."""
    for met in facts.meetings("lora"):
        if not met.use.trait("reads_map") or met.base.unsure:
            continue
        for node, _ in (one for one in facts.samplers if one[1].sources & met.base.sources):
            if _above(facts, node, _SECOND_LATENT) or _unknown_above(facts, node):
                continue
            yield finding(
                "warning",
                met.use.node,
                met.use.input,
                f"{named(met.use)} is a control LoRA: it reads a map as second latent, and the conditioning of {node.label} "
                "brings none. The picture follows no map.",
                "Put Map Reference (or InstructPixToPixConditioning) between the prompts and the sampler, with the map.",
                (met.use,),
            )
            break


# What Flux's own control models take in, by the channels of their input: 16 of the picture, and those of what they read.
_SECOND_INPUT = {32: "a map", 96: "a masked picture"}


def control_model(facts: Facts) -> Iterator[Finding]:
    """A base that reads a map or a masked picture as second latent, and gets none."""
    for node, base in facts.samplers:
        model = _known(base)
        channels = model.trait("in_channels") if model is not None and model.families == ("flux",) else None
        reads = _SECOND_INPUT.get(channels) if isinstance(channels, int) else None
        if model is None or reads is None or _above(facts, node, _SECOND_LATENT) or _unknown_above(facts, node):
            continue
        yield finding(
            "warning",
            node,
            "positive",
            f"{node.label}: {named(model)} reads {reads} as second latent, and the conditioning brings none: it fills in zeroes.",
            "Put InpaintModelConditioning between the prompts and the sampler."
            if channels == max(_SECOND_INPUT)
            else "Put Map Reference (or InstructPixToPixConditioning) between the prompts and the sampler, with the map.",
            (model,),
        )


def vace_model(facts: Facts) -> Iterator[Finding]:
    """VACE controls for a model that is none."""
    for node, base in facts.samplers:
        model = _known(base)
        host_class = model.trait("host_class") if model else None
        if model is None or not isinstance(host_class, str) or host_class in _VACE_CLASSES:
            continue
        for above in _above(facts, node, _VACE):
            yield finding(
                "warning",
                above,
                "",
                f"{above.label} makes VACE controls, but the model '{model.name}' that {node.label} samples is none of VACE "
                f"({model.identity.title if model.identity else ''}): it ignores them.",
                "Load a Wan VACE model.",
                (model,),
            )
    for key in facts.graph.order:
        node = facts.nodes[key]
        model = _known(facts.flows.base(key)) if node.class_type == "ArmatureVACEWeights" else None
        host_class = model.trait("host_class") if model else None
        if model is not None and isinstance(host_class, str) and host_class not in _VACE_CLASSES:
            yield finding(
                "error",
                node,
                "model",
                f"{node.label}: the model '{model.name}' ({model.identity.title if model.identity else ''}) has no VACE. It "
                "stops there.",
                "Load a Wan VACE model, or take this node out.",
                (model,),
            )


def reference_ignored(facts: Facts) -> Iterator[Finding]:
    """Reference pictures for a model that has no place for them."""
    for node, base in facts.samplers:
        families = base.families
        if base.unsure or reads_references(base):
            continue
        for above in _above(facts, node, _REFERENCES):
            yield finding(
                "warning",
                above,
                "",
                f"{above.label} adds a reference picture, but {titles(families)}, which {node.label} samples, reads none: it is "
                "ignored.",
                "Use an IP-Adapter or a control net with this model, or an edit model (Flux Kontext, Flux 2, Qwen-Image-Edit).",
                (first_of(base.sources),),
            )


def reads_references(base: Flow) -> bool:
    """Whether a model may read reference latents: what has no place for them ignores them, of whatever kind they are."""
    families = base.families
    return not families or not set(families) <= _NO_REFERENCE


def map_reference_model(facts: Facts) -> Iterator[Finding]:
    """Map Reference on a model that reads no maps."""
    for key in facts.graph.order:
        node = facts.nodes[key]
        base = facts.flows.base(key) if node.class_type in _MAPS else None
        families = base.families if base is not None and not base.unsure else ()
        if base is not None and families and not set(families) & _READS_MAPS:
            yield finding(
                "error",
                node,
                "model",
                f"{node.label}: the model '{first_of(base.sources).name}' ({titles(families)}) reads no map, neither as second "
                "latent nor as reference. It stops there.",
                f"Use a control net, or a model of {titles(tuple(sorted(_READS_MAPS)))}.",
                (first_of(base.sources),),
            )


def _known(base: Flow | None) -> FileUse | None:
    return first_of(base.sources) if base is not None and base.sources and not base.unsure else None


def _above(facts: Facts, node: Node, classes: Iterable[str]) -> list[Node]:
    """The nodes of some classes that a sampler's conditioning passes through."""
    return [one for one in facts.conditioning_nodes(node) if one.class_type in classes]


def _unknown_above(facts: Facts, node: Node) -> bool:
    return any(facts.graph.types[one.id] is None for one in facts.conditioning_nodes(node))


RULES = (
    Rule("control_lora", "a control LoRA without a map", control_lora),
    Rule("control_model", "a control or fill model without its second picture", control_model),
    Rule("vace_model", "VACE controls for a model that is none", vace_model),
    Rule("reference_ignored", "a reference picture for a model that reads none", reference_ignored),
    Rule("map_reference_model", "Map Reference on a model that reads no maps", map_reference_model),
)
