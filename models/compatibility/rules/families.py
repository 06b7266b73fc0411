"""A file made for one base family that meets a model of another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ....common.short_text_cache import short_text_cache
from ...files.families import Family, find_family, titles
from ...files.kinds.text_encoder import encoder_name_title
from ..control_nodes import is_merge
from ..facts import Facts
from ..file_uses import FileUse
from ..finding import Change, Finding, finding, first_of, named, wanted_for, wants_family
from ..flows import Meeting
from .rule import Check, Rule


@dataclass(frozen=True)
class Pair:
    """A kind of file that belongs to base families. consequence: what happens when the families differ."""

    rule: str
    title: str
    kinds: tuple[str, ...]
    consequence: str


PAIRS = (
    Pair(
        "control_net_family",
        "a control net for another base",
        ("controlnet", "control_lora"),
        "ComfyUI's own nodes fail there with mismatched shapes or leave the control out with a line in the log alone, and "
        "Armature's stop before sampling",
    ),
    Pair(
        "t2i_adapter_family",
        "a T2I-Adapter for another base",
        ("t2i_adapter",),
        "Its features do not fit the network: ComfyUI's own nodes leave it out with a line in the log alone, and Armature's "
        "stop",
    ),
    Pair("controlnext_family", "a ControlNeXt file for another base", ("controlnext",), "Sampling stops with an error"),
    Pair(
        "controlnext_weights_family",
        "ControlNeXt's UNet weights for another base",
        ("unet_weights", "diffusion_model"),
        "The weights do not fit and are left out",
    ),
    Pair("lllite_family", "a ControlNet-LLLite for another base", ("control_lllite",), "It has no effect"),
    Pair("lora_family", "a LoRA for another base", ("lora",), "Its layers are not found in the model and are left out"),
    Pair(
        "ip_adapter_family",
        "an IP-Adapter for another base",
        ("ip_adapter",),
        "Sampling fails with mismatched shapes (mat1 and mat2)",
    ),
    Pair("model_patch_family", "a model patch for another base", ("model_patch",), "Sampling fails"),
    Pair("style_model_family", "a style model for another base", ("style_model",), "Sampling fails"),
    Pair("gligen_family", "a GLIGEN file for another base", ("gligen",), "Sampling fails"),
)

# Families that share all that a kind of file depends on: (kind, family of the file) -> families it works with as well.
ALSO = {
    ("t2i_adapter", "sd15"): ("sd2",),
    ("lora", "sdxl_refiner"): (),
    ("lora", "chroma"): ("chroma_radiance",),
    ("lora", "z_image"): ("z_image_pixel_space",),
}


def fits_family(kind: str, families: tuple[str, ...], base: str) -> bool:
    """Whether a file of a kind, made for these families, works with a base of a family."""
    return base in families or any(base in ALSO.get((kind, family), ()) for family in families)


def _check(pair: Pair) -> Check:
    def check(facts: Facts) -> Iterator[Finding]:
        for met in facts.meetings(*pair.kinds):
            if met.use.kind == "diffusion_model" and "unet_weights" not in met.use.takes.kinds:
                continue  # a base itself, not weights that are put over one
            found = _mismatch(met, pair)
            if found is not None:
                yield found

    check.__doc__ = pair.title
    return check


def _mismatch(met: Meeting, pair: Pair) -> Finding | None:
    bases = met.base.families
    use = met.use
    if not use.families or not bases or _only_text(use):
        return None
    fitting = [base for base in bases if fits_family(use.kind, use.families, base)]
    if len(fitting) == len(bases):
        return None
    certain = not met.base.unsure and not fitting
    model = first_of(frozenset(one for one in met.base.sources if set(one.families) - set(fitting)))
    joined = "" if met.node.id == use.node.id else f" They meet at {met.where}."
    return finding(
        "error" if certain else "unknown",
        use.node,
        use.input,
        f"{named(use)} is made for {titles(use.families)}, but the model '{model.name}' is {titles(bases)}."
        f"{joined} {pair.consequence}{'' if certain else ', if this is the model that is used'}.",
        f"Choose a file for {titles(bases)} here, or a model for {titles(use.families)} in {model.node.label}.",
        (use, model),
        wants_family(use, bases),
    )


def _only_text(use: FileUse) -> bool:
    """Whether a LoRA is told to leave the model alone: its strength is 0."""
    if use.kind != "lora":
        return False
    named_so = [value for name, value in use.beside.items() if _is_strength_of_model(str(name))]
    strengths = [value for value in named_so if isinstance(value, (int, float)) and not isinstance(value, bool)]
    return bool(strengths) and not any(strengths)


@short_text_cache
def _is_strength_of_model(name: str) -> bool:
    return bool(_STRENGTH.search(name)) and not _TEXT.search(name)


_STRENGTH = re.compile(r"strength|weight|wt|str(?=_|$)", re.IGNORECASE)
_TEXT = re.compile(r"clip|two", re.IGNORECASE)  # rgthree's second strength is the text encoder's


def text_encoder_family(facts: Facts) -> Iterator[Finding]:
    """Text encoders that the base does not read."""
    for met in facts.flows.meetings:
        if met.role == "CLIP":
            found = _encoder(met)
            if found is not None:
                yield found


def _encoder(met: Meeting) -> Finding | None:
    use, bases = met.use, met.base.families
    if not bases or met.base.unsure or any(one.node.id == use.node.id for one in met.base.sources):
        return None
    needs = [find_family(base) for base in bases]
    if not all(family.text_encoders for family in needs):
        return None  # a base that is not known to read any text
    if use.kind == "checkpoint":
        if not use.families or any(family in bases for family in use.families) or _same_encoders(use.families, bases):
            return None
        text = f"The text encoder comes out of '{use.name}' ({titles(use.families)})"
    elif use.kind == "text_encoder":
        name = str(use.trait("text_encoder", ""))
        if not name or any(name in family.text_encoders for family in needs):
            return None
        text = f"'{use.name}' is the text encoder {encoder_name_title(name)}"
    else:
        return None
    model = first_of(met.base.sources)
    wanted = tuple(name for base in bases for name in find_family(base).text_encoders)
    return finding(
        "error",
        use.node,
        use.input,
        f"{text}, but the model '{model.name}' is {titles(bases)} and reads {_encoders(needs)}. They meet at "
        f"{met.where}. Sampling fails with mismatched shapes, or the picture ignores the prompt.",
        "Choose the model's own text encoder, or take CLIP from the model's checkpoint.",
        (use, model),
        wanted_for(use, lambda file: _is_encoder(file, wanted)) if use.kind == "text_encoder" else None,
    )


def _encoders(families: list[Family]) -> str:
    """'CLIP-L and T5-XXL' for a person, or 'one of …' where one of several is enough."""
    told = []
    for family in families:
        names = [encoder_name_title(name) for name in family.text_encoders]
        told.append(f"one of {', '.join(names)}" if family.one_of else " and ".join(names))
    return " or ".join(dict.fromkeys(told))


def merged_families(facts: Facts) -> Iterator[Finding]:
    """Models of two families that are merged."""
    for key in facts.graph.fed("MODEL"):
        node = facts.nodes[key]
        if not is_merge(node.class_type):
            continue
        flows = [facts.flows.of_edge(edge) for edge in facts.graph.feeds(key, "MODEL")]
        known = [(flow, set(flow.families)) for flow in flows if flow.sources and not flow.unsure]
        known = [(flow, families) for flow, families in known if families]
        if len(known) < 2 or set.intersection(*(families for _, families in known)):
            continue
        told = " and ".join(f"'{first_of(flow.sources).name}' ({titles(tuple(sorted(fams)))})" for flow, fams in known)
        yield finding(
            "error",
            node,
            "",
            f"{node.label} merges {told}. Their layers do not match: it fails, or leaves one of them out with lines in the log "
            "alone.",
            "Merge models of one family.",
            tuple(first_of(flow.sources) for flow, _ in known),
        )


def encoder_missing(facts: Facts) -> Iterator[Finding]:
    """A loader that loads too few of the text encoders that the base reads, or one of them twice."""
    loaders: dict[tuple[str, ...], set[str]] = {}
    met_by: dict[str, tuple[FileUse, ...]] = {}
    for met in facts.flows.meetings:
        if met.role == "CLIP" and not met.base.unsure and met.base.sources:
            bases = met.base.families
            loaders.setdefault(bases, set()).add(met.use.node.id)
            met_by[met.use.node.id] = (first_of(met.base.sources), *facts.uses[met.use.node.id])
    for bases, keys in loaders.items():
        needs = [find_family(base) for base in bases]
        key = next(iter(keys))
        model, *uses = met_by[key]
        names = [str(use.trait("text_encoder", "")) for use in uses]
        if len(keys) > 1 or not needs or not all(names) or any(name not in needs[0].text_encoders for name in names):
            continue  # several loaders may be put together, and a wrong encoder is another rule's
        missing = [one for one in needs[0].required if one not in names]
        if len(needs) > 1 or not missing:
            continue
        use, node = uses[-1], uses[-1].node
        doubled = len(set(names)) < len(names)
        yield finding(
            "error",
            node,
            use.input,
            f"{node.label} loads {encoder_name_title(names[-1])} {'twice' if doubled else 'alone'}, but the model "
            f"'{model.name}' is {titles(bases)} and reads {_encoders(needs)}. What is missing is left empty: sampling fails, or "
            "the picture ignores the prompt.",
            f"Choose {' and '.join(map(encoder_name_title, missing))} for {use.input}."
            if doubled
            else f"Load {_encoders(needs)} together, with a loader of several text encoders.",
            (use, model),
            wanted_for(use, lambda file, wanted=tuple(missing): _is_encoder(file, wanted)) if doubled else None,
        )


def _is_encoder(file: object, wanted: tuple[str, ...]) -> bool:
    identity = getattr(file, "identity", None)
    return identity is not None and identity.traits.get("text_encoder") in wanted


def _same_encoders(families: tuple[str, ...], bases: tuple[str, ...]) -> bool:
    """Whether some family's checkpoint holds the text encoders of some base, and no others: features of more are wider."""
    return any(
        set(find_family(base).text_encoders) == set(find_family(family).text_encoders)
        for family in families
        for base in bases
    )


# Encoders that only one family reads: their loader asks for no type.
_ANY_TYPE = frozenset({"mistral3_24b", "mistral3_24b_pruned_flux2"})


def _right_type(family: Family, chosen: str) -> bool:
    """Whether the type of a CLIP loader prepares the text for a family."""
    return (not family.encoder_types or chosen in family.encoder_types) and chosen not in family.other_types


def encoder_type(facts: Facts) -> Iterator[Finding]:
    """The `type` of a CLIP loader that belongs to another family."""
    seen: set[str] = set()
    for met in facts.flows.meetings:
        node, bases = met.use.node, met.base.families
        chosen = node.value("type")
        if met.role != "CLIP" or met.use.kind != "text_encoder" or not isinstance(chosen, str) or node.id in seen:
            continue
        families = [find_family(base) for base in bases]
        if not families or met.base.unsure or str(met.use.trait("text_encoder")) in _ANY_TYPE:
            continue
        if any(_right_type(family, chosen) for family in families):
            continue
        seen.add(node.id)
        wanted = (*families[0].encoder_types, "stable_diffusion")[0]
        yield finding(
            "error",
            node,
            "type",
            f"{node.label} prepares the text for {chosen}, but the model '{first_of(met.base.sources).name}' is "
            f"{titles(bases)}. The picture ignores the prompt, or sampling fails.",
            f"Set type to {wanted}.",
            (met.use, first_of(met.base.sources)),
            change=Change(node.id, "type", wanted),
        )


def conditioning_vae(facts: Facts) -> Iterator[Finding]:
    """VAEs whose latents go into the conditioning of a model with other latents."""
    for met in facts.flows.meetings:
        if met.role == "VAE" and not met.base.unsure and met.base.sources:
            model = first_of(met.base.sources)
            if vae_fits(met.use, model) is False:
                yield vae_finding(met.use, model, met.where)


def vae_fits(vae: FileUse, model: FileUse) -> bool | None:
    """Whether a VAE (or a checkpoint's VAE) makes the latents of a model; None when that is not known."""
    formats, own = latent_formats(vae), model.trait("latent_format")
    if not formats or not isinstance(own, str):
        return None
    return own in formats


def latent_formats(use: FileUse) -> tuple[str, ...]:
    """The host's names of the latents that a VAE file, or the VAE of a checkpoint, makes."""
    if use.kind == "vae":
        known = use.trait("latent_formats", ())
        return tuple(known) if isinstance(known, list) else ()
    own = use.trait("latent_format")
    if not isinstance(own, str):
        return ()
    return next((group for group in SAME_SHAPE if own in group), (own,))


# Latents of the same shape: a VAE of one gives wrong colours with the other, and which it is cannot be read off a header.
SAME_SHAPE = (("SD15", "SDXL", "SDXL_Playground_2_5", "SD_X4"), ("SD3", "Flux"))


def vae_finding(vae: FileUse, model: FileUse, where: str) -> Finding:
    """A VAE that does not belong to a model."""
    wanted = str(model.trait("latent_format", ""))
    channels = vae.trait("latent_channels"), model.trait("latent_channels")
    differ = f" (it has {channels[0]} latent channels, the model {channels[1]})" if channels[0] != channels[1] else ""
    return finding(
        "error",
        vae.node,
        vae.input,
        f"The VAE of {named(vae)} does not belong to the model '{model.name}' ({titles(model.families)}){differ}. They meet "
        f"at {where}. It fails there, or the picture is noise.",
        f"Choose a VAE for {titles(model.families)}, or take the VAE from the model's checkpoint.",
        (vae, model),
        wanted_for(vae, lambda file: _makes(file, wanted)) if vae.kind == "vae" else None,
    )


def _makes(file: object, latent_format: str) -> bool:
    identity = getattr(file, "identity", None)
    return identity is not None and latent_format in identity.traits.get("latent_formats", ())


RULES = (
    *(Rule(pair.rule, pair.title, _check(pair)) for pair in PAIRS),
    Rule("merged_families", "models of two families that are merged", merged_families),
    Rule("text_encoder_family", "a text encoder that the base does not read", text_encoder_family),
    Rule("encoder_missing", "a text encoder that is missing, or given twice", encoder_missing),
    Rule("encoder_type", "a CLIP loader set to another family", encoder_type),
    Rule("conditioning_vae", "a VAE in the conditioning that is not the base's", conditioning_vae),
)
