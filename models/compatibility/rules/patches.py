"""What is patched into a model: IP-Adapters and their encoder, engines that ignore patches, weights of patches."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ...files.families import titles
from ...files.kinds.clip_vision import encoder_title
from ..control_nodes import COMPILED, PACKED
from ..facts import Facts
from ..file_uses import FileUse
from ..finding import Change, Finding, finding, first_of, named, wanted_for
from ..flows import Flow
from ..packs import pack_nodes
from ..prompt import Node
from .rule import Rule

_ADAPTERS = ("IP_ADAPTER", "IPADAPTER")
_LARGE_LORA, _LARGE_ADAPTER = 3.0, 1.5


def ip_adapter_encoder(facts: Facts) -> Iterator[Finding]:
    """An IP-Adapter with another image encoder than the one it was trained with."""
    for key in facts.graph.fed(*_ADAPTERS):
        adapter, vision = _one(facts, key, *_ADAPTERS), _one(facts, key, "CLIP_VISION")
        if adapter is None or vision is None:
            continue
        needs, has = adapter.trait("encoder"), vision.trait("encoder")
        if not isinstance(needs, str) or not isinstance(has, str) or needs == has or _same_width(adapter, vision):
            continue
        face = needs == "face"
        yield finding(
            "error",
            vision.node,
            vision.input,
            f"{named(adapter)} reads {'face embeddings' if face else encoder_title(needs)}, but '{vision.name}' is "
            f"{encoder_title(has)}. They meet at {facts.nodes[key].label}; it fails there with mismatched shapes.",
            "Link face embeddings instead." if face else f"Choose the image encoder {encoder_title(needs)}.",
            (adapter, vision),
            None if face else wanted_for(vision, lambda file, needs=needs: _is_encoder(file, needs)),
        )


def style_model_encoder(facts: Facts) -> Iterator[Finding]:
    """A style model with another image encoder than the one whose features it reads."""
    for key in facts.graph.fed("STYLE_MODEL"):
        style, vision = _one(facts, key, "STYLE_MODEL"), _one(facts, key, "CLIP_VISION_OUTPUT", "CLIP_VISION")
        needs, has = (style.trait("encoder"), vision.trait("encoder")) if style and vision else (None, None)
        if not isinstance(needs, str) or not isinstance(has, str) or needs == has:
            continue
        assert style is not None and vision is not None
        if needs.startswith("siglip") and has.startswith("siglip"):
            continue  # the same features at another size
        yield finding(
            "error",
            vision.node,
            vision.input,
            f"{named(style)} reads {encoder_title(needs)}, but '{vision.name}' is {encoder_title(has)}. They meet at "
            f"{facts.nodes[key].label}; it fails there with mismatched shapes.",
            f"Choose the image encoder {encoder_title(needs)}.",
            (style, vision),
            wanted_for(vision, lambda file, needs=needs: _is_encoder(file, needs)),
        )


_UNIFIED = re.compile(r"ip_?adapter.*unified|unified.*ip_?adapter", re.IGNORECASE)
_UNIFIED_BASES = ("sd15", "sdxl")


def unified_adapter(facts: Facts) -> Iterator[Finding]:
    """An IP-Adapter that a loader chose by itself for one base, and that is used on another, or for a base that has none."""
    chosen: dict[str, tuple[Node, Flow]] = {}
    for key in facts.graph.order:
        node, base = facts.nodes[key], facts.flows.base(key)
        if _UNIFIED.search(node.class_type) and base is not None and not base.unsure and base.sources:
            chosen[key] = (node, base)
            families = base.families
            if families and not set(families) & set(_UNIFIED_BASES):
                yield finding(
                    "error",
                    node,
                    "model",
                    f"{node.label} chooses an IP-Adapter for SD 1.5 or SDXL, but its model '{first_of(base.sources).name}' is "
                    f"{titles(families)}. It stops there.",
                    f"Use an IP-Adapter made for {titles(families)}, with the loader of its own pack.",
                    (first_of(base.sources),),
                )
            continue
        for edge in facts.graph.feeds(key, *_ADAPTERS) if chosen else ():
            if edge.source not in chosen:
                continue
            loader, loaded_for = chosen[edge.source]
            chosen.setdefault(key, chosen[edge.source])
            wanted, used = loaded_for.families, base.families if base else ()
            if base is not None and not base.unsure and wanted and used and not set(wanted) & set(used):
                yield finding(
                    "error",
                    node,
                    edge.input,
                    f"{node.label} puts an IP-Adapter on '{first_of(base.sources).name}' ({titles(used)}) that {loader.label} "
                    f"chose for {titles(wanted)}. Sampling fails with mismatched shapes (mat1 and mat2).",
                    f"Link the model of {node.label} to {loader.label} as well.",
                    (first_of(base.sources),),
                )


def face_adapter(facts: Facts) -> Iterator[Finding]:
    """An IP-Adapter that is made for faces only."""
    for use in facts.all_uses:
        if use.kind == "ip_adapter" and use.trait("needs_face"):
            yield finding(
                "hint",
                use.node,
                use.input,
                f"{use.node.label}: {named(use)} carries faces only. For products, rooms or styles it does nothing useful.",
                "Choose an IP-Adapter Plus for anything but faces.",
                (use,),
                wanted_for(use, lambda file, use=use: _is_plus(file, use)),
            )


def patches_ignored(facts: Facts) -> Iterator[Finding]:
    """Patches on a model that ignores them."""
    engines = facts.once(_engines)
    for key in facts.graph.fed("MODEL") if engines else ():
        for edge in facts.graph.feeds(key, "MODEL"):
            engine = engines.get(edge.source)
            node = facts.nodes[key]
            # Other packs bring LoRA nodes of their own, which do reach packed weights and engines, or say that they do not.
            if node.class_type in pack_nodes():
                continue
            if engine is None or "MODEL" not in _outputs(facts, node) or not _reaches_inside(facts, node, engine[1]):
                continue
            loader, what = engine
            yield finding(
                "error",
                node,
                edge.input,
                f"{node.label} changes a model that comes from {loader.label}. That is {what}: it ignores the change "
                "without a word.",
                "Load the model as safetensors with Load Checkpoint or Load Diffusion Model, or take this node out.",
            )


def control_on_engine(facts: Facts) -> Iterator[Finding]:
    """Controls for a model that ignores them."""
    engines = facts.once(_engines)
    for node, _base in facts.samplers if engines else ():
        edges = facts.graph.feeds(node.id, "MODEL")
        engine = engines.get(edges[0].source) if edges else None
        if engine is None or not facts.controls or engine[1] not in COMPILED.values():
            continue
        yield finding(
            "warning",
            node,
            "model",
            f"{node.label} samples {engine[1]}, which ignores control nets unless it was built for them.",
            "Load the model as safetensors.",
        )


def patch_weight(facts: Facts) -> Iterator[Finding]:
    """LoRA and IP-Adapter weights that do nothing, or far too much."""
    for key in facts.graph.order:
        node = facts.nodes[key]
        is_lora = any(use.takes.folders == ("loras",) for use in facts.uses.get(key, ()))
        is_adapter = "weight" in node.inputs and bool(facts.graph.feeds(key, *_ADAPTERS))
        if is_lora:
            yield from _lora_weight(node)
        elif is_adapter and "weight" not in node.links:
            yield from _adapter_weight(node)


def _lora_weight(node: Node) -> Iterator[Finding]:
    names = [name for name in ("strength_model", "strength_clip", "strength") if name in node.inputs]
    if not names or any(name in node.links for name in names) or node.value("enabled", True) is False:
        return
    weights = {name: node.number(name, 1.0) for name in names}
    if not any(weights.values()):
        yield finding(
            "warning",
            node,
            names[0],
            f"{node.label}: all its strengths are 0, so the LoRA has no effect.",
            "Raise strength_model (0.8 is a good start), or take the node out.",
            change=Change(node.id, names[0], 0.8),
        )
    for name, weight in weights.items():
        if abs(weight) > _LARGE_LORA:
            yield finding(
                "warning",
                node,
                name,
                f"{node.label}: {name} {weight:g} is far beyond what a LoRA was trained for. Pictures break up.",
                "Stay between -1.5 and 1.5.",
            )


def _adapter_weight(node: Node) -> Iterator[Finding]:
    weight = node.number("weight", 0.6)
    if weight == 0:
        yield finding(
            "warning",
            node,
            "weight",
            f"{node.label}: weight is 0, so the image prompt has no effect.",
            "Raise it (0.6 is a good start), or take the node out.",
            change=Change(node.id, "weight", 0.6),
        )
    elif weight > _LARGE_ADAPTER:
        yield finding(
            "warning",
            node,
            "weight",
            f"{node.label}: weight {weight:g} copies the reference and breaks the prompt.",
            "Stay between 0.3 and 1.",
        )


def _one(facts: Facts, node_id: str, *kinds: str) -> FileUse | None:
    flow = facts.flows.into(node_id, *kinds)
    return next(iter(flow.sources)) if len(flow.sources) == 1 and not flow.unsure else None


def _same_width(adapter: FileUse, vision: FileUse) -> bool:
    """Whether the encoder gives what the adapter reads all the same: encoders of one size at two resolutions do."""
    width = adapter.trait("encoder_width")
    key = "projection" if adapter.identity is not None and adapter.identity.layout == "base" else "hidden"
    return bool(width) and vision.trait(key) == width


def _is_encoder(file: object, name: str) -> bool:
    identity = getattr(file, "identity", None)
    return identity is not None and identity.traits.get("encoder") == name and identity.kind == "clip_vision"


def _is_plus(file: object, use: FileUse) -> bool:
    identity = getattr(file, "identity", None)
    return (
        identity is not None
        and identity.kind == "ip_adapter"
        and not identity.traits.get("needs_face")
        and bool(set(identity.families) & set(use.families))
    )


def _engines(facts: Facts) -> dict[str, tuple[Node, str]]:
    """Nodes whose MODEL comes out of an engine, with the loader and what it loads."""
    engines: dict[str, tuple[Node, str]] = {}
    for key in facts.graph.order:
        node = facts.nodes[key]
        what = COMPILED.get(node.class_type) or PACKED.get(node.class_type)
        if what:
            engines[key] = (node, what)
        for edge in facts.graph.feeds(key, "MODEL") if engines else ():
            if edge.source in engines:
                engines.setdefault(key, engines[edge.source])
    return engines


# What acts around the network, not in it: the schedule, the guidance, and the order of the calls.
_AROUND = re.compile(r"^ModelSampling|^Rescale|CFG|Guidance|Differential|^Skimmed|Context|Preview|^Set|Reroute|Switch")


def _reaches_inside(facts: Facts, node: Node, engine: str) -> bool:
    """Whether a node changes the network's own layers, which an engine and packed weights hide.

    The loaders of packed weights hide them from LoRAs alone: their layers are called as ComfyUI calls its own.
    """
    if engine in PACKED.values():
        return bool(facts.graph.feeds(node.id, "LORA_STACK")) or any(
            use.takes.folders == ("loras",) for use in facts.uses.get(node.id, ())
        )
    return not _AROUND.search(node.class_type)


def _outputs(facts: Facts, node: Node) -> tuple[str, ...]:
    types = facts.graph.types[node.id]
    return types.outputs if types else ()


RULES = (
    Rule("ip_adapter_encoder", "an IP-Adapter with another image encoder than its own", ip_adapter_encoder),
    Rule("style_model_encoder", "a style model with another image encoder than its own", style_model_encoder),
    Rule("unified_adapter", "an IP-Adapter that was chosen for another base", unified_adapter),
    Rule("face_adapter", "an IP-Adapter that carries faces only", face_adapter),
    Rule("patches_ignored", "a patch on a model that ignores patches", patches_ignored),
    Rule("control_on_engine", "a control on a compiled engine", control_on_engine),
    Rule("patch_weight", "a LoRA or IP-Adapter weight that does nothing, or too much", patch_weight),
)
