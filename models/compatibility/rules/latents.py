"""Latents: decoded by the right VAE, sampled by the right model, blended with their like, of a usable size."""

from __future__ import annotations

from collections.abc import Iterator

from ...files.families import find_family
from ..control_nodes import BLENDS, PLACED
from ..facts import Facts
from ..file_uses import FileUse
from ..finding import Finding, finding, first_of
from ..flows import Flow, LatentFact
from .families import vae_finding, vae_fits
from .references import reads_references
from .rule import Rule
from .sampling import distilled

_FAR = 0.5  # share of the training area under which, and 1 / share over which, pictures fall apart
_RATIO = 0.02


def decoding_vae(facts: Facts) -> Iterator[Finding]:
    """Latents of one model, decoded by the VAE of another."""
    for key in facts.graph.fed("VAE"):
        latents = facts.graph.feeds(key, "LATENT")
        if not latents or facts.flows.base(key) is not None:
            continue
        fact, vae = facts.flows.latent_into(latents[0]), _single(facts.flows.into(key, "VAE"))
        model = _single(fact.flow) if fact.origin == "model" else None
        if vae is not None and model is not None and vae_fits(vae, model) is False:
            yield vae_finding(vae, model, facts.nodes[key].label)


def encoding_vae(facts: Facts) -> Iterator[Finding]:
    """Pictures encoded by the VAE of another model than the one that samples them, or reads them as references."""
    for node, base in _samplers_with_latents(facts):
        fact = facts.flows.latent_into(facts.graph.feeds(node, "LATENT")[0])
        vae, model = _single(fact.flow) if fact.origin == "vae" else None, _single(base)
        if vae is not None and model is not None and vae_fits(vae, model) is False:
            yield vae_finding(vae, model, facts.nodes[node].label)
    for sampler, base in facts.samplers:
        model = _single(base)
        for above in facts.conditioning_nodes(sampler) if model is not None and reads_references(base) else ():
            for edge in facts.graph.feeds(above.id, "LATENT") if facts.flows.base(above.id) is None else ():
                fact = facts.flows.latent_into(edge)
                vae = _single(fact.flow) if fact.origin == "vae" else None
                if vae is not None and model is not None and vae_fits(vae, model) is False:
                    yield vae_finding(vae, model, above.label)


def latents_between_models(facts: Facts) -> Iterator[Finding]:
    """Latents of one model that go on into a model with others."""
    for key, base in _samplers_with_latents(facts):
        edge = facts.graph.feeds(key, "LATENT")[0]
        fact = facts.flows.latent_into(edge)
        before, after = _single(fact.flow) if fact.origin == "model" else None, _single(base)
        if before is None or after is None or vae_fits(before, after) is not False:
            continue
        node = facts.nodes[key]
        yield finding(
            "error",
            node,
            edge.input,
            f"{node.label} samples with '{after.name}' what comes out of {facts.nodes[fact.node].label} as latents of "
            f"'{before.name}', which are of another kind. It fails, or the picture is noise.",
            "Put VAE Decode (with the first model's VAE) and VAE Encode (with the second's) between the two.",
            (before, after),
        )


def blended_latents(facts: Facts) -> Iterator[Finding]:
    """Latents of unequal channels or sizes that are put together."""
    for key in facts.graph.order:
        node = facts.nodes[key]
        if node.class_type not in BLENDS:
            continue
        known = [facts.flows.latent_into(edge) for edge in facts.graph.feeds(key, "LATENT")]
        if len(known) < 2:
            continue
        channels = {count for fact in known if (count := latent_channels(fact))}
        sizes = {(fact.width, fact.height) for fact in known if fact.width and fact.height}
        if len(channels) > 1:
            yield finding(
                "error",
                node,
                "",
                f"{node.label} puts latents of {' and '.join(map(str, sorted(channels)))} channels together. It fails.",
                "Blend latents of one model family, or blend the decoded pictures.",
            )
        elif len(sizes) > 1 and node.class_type not in PLACED:
            listed = " and ".join(f"{width}x{height}" for width, height in sorted(sizes))
            yield finding(
                "warning",
                node,
                "",
                f"{node.label} puts latents of {listed} together; one of them is resized or cut.",
                "Make both of one size.",
            )


def latent_size(facts: Facts) -> Iterator[Finding]:
    """Sizes that the model cannot make, or far from those it was trained at."""
    seen: set[str] = set()
    for key, base in _samplers_with_latents(facts):
        fact = facts.flows.latent_into(facts.graph.feeds(key, "LATENT")[0])
        families = base.families
        if fact.origin != "empty" or not fact.width or not fact.height or len(families) != 1 or fact.node in seen:
            continue
        seen.add(fact.node)
        family, node = find_family(families[0]), facts.nodes[fact.node]
        size, area = f"{fact.width}x{fact.height}", fact.width * fact.height
        if fact.width % family.multiple or fact.height % family.multiple:
            yield finding(
                "warning",
                node,
                "width",
                f"{node.label}: {size} is rounded, because {family.title} makes sides that are multiples of "
                f"{family.multiple}.",
                f"Choose {_rounded(fact.width, family.multiple)}x{_rounded(fact.height, family.multiple)}.",
            )
        elif any(distilled(use) for use in base.sources):
            continue  # made from the family for few steps, often at another size
        elif family.size and not _FAR <= area / family.size**2 <= 1 / _FAR:
            small = area < family.size**2
            yield finding(
                "hint",
                node,
                "width",
                f"{node.label}: {size} is far {'below' if small else 'above'} the {family.size}x{family.size} that "
                f"{family.title} was trained at. {'Shapes fall apart.' if small else 'Things appear twice.'}",
                f"Stay near {family.size}x{family.size} in area"
                + ("." if small else " and enlarge the picture afterwards."),
            )


def control_ratio(facts: Facts) -> Iterator[Finding]:
    """Control images of another aspect ratio than the picture, where both are known."""
    sizes = {
        (fact.width, fact.height)
        for key, _base in _samplers_with_latents(facts)
        if (fact := facts.flows.latent_into(facts.graph.feeds(key, "LATENT")[0])).width and fact.height
    }
    if len(sizes) != 1:
        return
    ((width, height),) = sizes
    for control in facts.controls:
        size = _image_size(facts, control.node.id, control.names.image)
        if size is None or control.node.value("fit", "crop") != "crop":
            continue
        ratio = (size[0] / size[1]) / (width / height)
        if not 1 - _RATIO <= ratio <= 1 + _RATIO:
            yield finding(
                "warning",
                control.node,
                control.names.image,
                f"{control.node.label}: its image is {size[0]}x{size[1]} and the picture {width}x{height}; the image is cropped "
                "to the middle.",
                "Make both of one aspect ratio, or set fit of Control Signal to stretch or pad.",
            )


def latent_channels(fact: LatentFact) -> int:
    """Channels of a latent; 0 when unknown. An empty latent is made to fit by the sampler, so it has none of its own."""
    if fact.origin == "empty":
        return 0 if fact.flow.sources else fact.channels
    source = _single(fact.flow)
    known = source.trait("latent_channels") if source else 0
    return known if isinstance(known, int) else 0


def _image_size(facts: Facts, node_id: str, name: str) -> tuple[int, int] | None:
    """Width and height of the image at an input, where a node on the way sets them."""
    for _ in range(64):
        images = [edge for edge in facts.graph.feeds(node_id, "IMAGE") if edge.input == name or not name]
        if len(images) != 1:
            return None
        node_id, name = images[0].source, ""
        node = facts.nodes[node_id]
        if node.class_type in ("ImageScale", "EmptyImage"):
            width, height = int(node.number("width", 0)), int(node.number("height", 0))
            return (width, height) if width > 0 and height > 0 else None
    return None


def _samplers_with_latents(facts: Facts) -> Iterator[tuple[str, Flow]]:
    for key in facts.graph.fed("LATENT"):
        base = facts.flows.base(key)
        if base is not None:
            yield key, base


def _single(flow: Flow) -> FileUse | None:
    """The one file behind a flow; where several models are merged, one of them when all agree on their latents."""
    if flow.unsure or not flow.sources:
        return None
    formats = {use.trait("latent_format") or str(use.trait("latent_formats")) for use in flow.sources}
    return first_of(flow.sources) if len(formats) == 1 else None


def _rounded(side: int, multiple: int) -> int:
    return max(multiple, round(side / multiple) * multiple)


RULES = (
    Rule("decoding_vae", "latents decoded by another model's VAE", decoding_vae),
    Rule("encoding_vae", "pictures encoded by another model's VAE", encoding_vae),
    Rule("latents_between_models", "latents of one model in another with other latents", latents_between_models),
    Rule("blended_latents", "latents of unequal channels or sizes put together", blended_latents),
    Rule("latent_size", "a size that the model cannot make, or was not trained at", latent_size),
    Rule("control_ratio", "a control image of another aspect ratio than the picture", control_ratio),
)
