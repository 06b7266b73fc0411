"""ComfyUI_IPAdapter_plus: its apply nodes, loaders, embeddings and prepared pictures.

Everything is turned with `compatible_with` ipadapter_plus, so that the pictures stay what they were.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ...compatibility.prompt import Link
from ..applying import check_range
from ..entry import Choices, Done, Known, Pack
from ..graph import From, Graph, Keep, Node
from .ipadapter_plus_files import UNIFIED, preset_files

_OURS = "ipadapter_plus"
_LOADER = "IPAdapterModelLoader"


# Which adapter and which image encoder.


@dataclass(frozen=True)
class _Models:
    """The links that take the place of IPADAPTER, which may hold both; made when nothing can go wrong any more."""

    adapter: Callable[[], Link]
    encoder: Callable[[], Link | None]
    notes: tuple[str, ...] = ()


def _models(graph: Graph, node: Node, choices: Choices) -> _Models:
    source = graph.source(node, "ipadapter")
    own = node.link("clip_vision")
    if source is None:
        raise Keep("its adapter comes from a node that cannot be read here")
    loader = source[0]
    if loader.unread:
        raise Keep(f"of {loader.label}, {loader.unread}")
    if loader.kind == _LOADER:
        inputs = {"ip_adapter_name": From("ipadapter_file")}
        return _Models(lambda: Link(graph.twin(loader, "ArmatureLoadIPAdapter", inputs).id, 0), lambda: own)
    if loader.kind in UNIFIED:
        return _unified(graph, loader, own, choices)
    raise Keep(f"its adapter comes from {loader.label}, which Armature has nothing for")


def _unified(graph: Graph, loader: Node, own: Link | None, choices: Choices) -> _Models:
    files = preset_files(loader, choices.base)

    def adapter() -> Link:
        model = loader.link("model")
        if model is not None:
            graph.rewire(Link(loader.id, 0), model)  # it passes the model on as it is
        return Link(graph.twin(loader, "ArmatureLoadIPAdapter", {"ip_adapter_name": files.adapter}).id, 0)

    def encoder() -> Link:
        return own or Link(graph.twin(loader, "CLIPVisionLoader", {"clip_name": files.encoder}).id, 0)

    told = (
        f"{loader.label} looked for its files by name; choose yours in the two loaders if they are not "
        f"{files.adapter} and {files.encoder}"
    )
    return _Models(adapter, encoder, (told,))


# Apply nodes.

_BOOSTS = {"style_boost": 1.0, "composition_boost": 0.0}
_STYLES = ("style transfer precise", "composition precise")
_BLOCKS = {
    "sd15": [*(f"input.{n}" for n in (1, 2, 4, 5, 7, 8)), "middle", *(f"output.{n}" for n in range(3, 12))],
    "sdxl": [*(f"input.{n}" for n in (4, 5, 7, 8)), "middle", *(f"output.{n}" for n in range(6))],
}


def _common(combine: Any, weight_type: Any) -> dict[str, Any]:
    return {
        "model": From("model"),
        "image": From("image"),
        "weight": From("weight", 1.0),
        "start_percent": From("start_at", 0.0),
        "end_percent": From("end_at", 1.0),
        "weight_type": weight_type,
        "combine": combine,
        "negative_image": From("image_negative"),
        "mask": From("attn_mask"),
        "embeds_scaling": From("embeds_scaling", "V only"),
        "compatible_with": _OURS,
        # There, the composition of a type that has one weighs 1 unless a node sets it.
        "composition_weight": 1.0,
    }


def _apply(graph: Graph, node: Node, choices: Choices, inputs: Mapping[str, Any], notes: tuple[str, ...] = ()) -> Done:
    check_range(node, "start_at", "end_at")
    for name in ("model", "ipadapter"):
        if node.link(name) is None:
            raise Keep(f"nothing is linked to its {name}")
    models = _models(graph, node, choices)
    if graph.users(node, 1):
        raise Keep("its second output is used, which ours does not have")
    adapter, encoder = models.adapter(), models.encoder()  # these may lead the model past a loader
    graph.become(node, "ArmatureApplyIPAdapter", {**inputs, "ip_adapter": adapter, "clip_vision": encoder})
    made = graph.nodes[adapter.node]
    return Done((node, made), (*models.notes, *notes))


def _advanced(graph: Graph, node: Node, choices: Choices) -> Done:
    return _apply(graph, node, choices, _common(From("combine_embeds", "concat"), From("weight_type", "linear")))


def _batch(graph: Graph, node: Node, choices: Choices) -> Done:
    return _apply(graph, node, choices, _common("per picture", From("weight_type", "linear")))


_SIMPLE = {"standard": "linear", "prompt is more important": "ease out", "style transfer": "style transfer"}


def _simple(graph: Graph, node: Node, choices: Choices) -> Done:
    kind = _SIMPLE.get(_told(node, "weight_type", "standard"))
    if kind is None:
        raise Keep("its weight_type is not known")
    return _apply(graph, node, choices, _common("concat", kind))


def _style_composition(combine: Any) -> Callable[[Graph, Node, Choices], Done]:
    def turn(graph: Graph, node: Node, choices: Choices) -> Done:
        strong = "strong " if _told(node, "expand_style", False) else ""
        inputs = {
            **_common(combine, f"{strong}style and composition"),
            "image": From("image_style"),
            "composition_image": From("image_composition"),
            "weight": From("weight_style", 1.0),
            "composition_weight": From("weight_composition", 1.0),
        }
        return _apply(graph, node, choices, inputs)

    return turn


def _precise(kind: str, boost: str, combine: Any) -> Callable[[Graph, Node, Choices], Done]:
    def turn(graph: Graph, node: Node, choices: Choices) -> Done:
        if _told(node, boost, _BOOSTS[boost]) != _told(node, "weight", 1.0):
            raise Keep(f"its {boost} is another number than its weight, and ours has one for both")
        return _apply(graph, node, choices, _common(combine, kind))

    return turn


def _mad_scientist(graph: Graph, node: Node, choices: Choices) -> Done:
    if node.link("insightface") is not None:
        raise Keep(_FACES)
    text = str(_told(node, "layer_weights", ""))
    kind = _told(node, "weight_type", "linear")
    if not text.strip():
        return _advanced(graph, node, choices)
    if kind in _STYLES:
        raise Keep(f"it has layer_weights and the type {kind}, of which ours takes one")
    layers = _layers(text, choices.base)
    done = _apply(graph, node, choices, _common(From("combine_embeds", "concat"), "linear"))
    made = graph.add("ArmatureLayerWeights", node, {"layers": layers})
    node.inputs["layer_weights"] = Link(made.id, 0)
    return Done((*done.into, made), done.notes)


def _layers(text: str, base: str) -> str:
    """Weights by the number of the block, for those that act alone, as the factors of all blocks by name."""
    if base not in _BLOCKS:
        raise Keep(
            "its layer_weights count blocks, and which ones depends on the model: give --base sd15 or --base sdxl"
        )
    try:
        given = {int(number): float(weight) for number, weight in (one.split(":") for one in text.split(","))}
    except ValueError:
        raise Keep(f"its layer_weights cannot be read: {text!r}") from None
    if any(weight < 0 for weight in given.values()):
        raise Keep("its layer_weights has a negative number, which Layer Weights does not take")
    return ", ".join(f"{block}: {given.get(place, 0.0):g}" for place, block in enumerate(_BLOCKS[base]))


def _told(node: Node, name: str, default: Any) -> Any:
    if node.link(name) is not None:
        raise Keep(f"its {name} is linked, and how it is turned hangs on that value")
    return node.value(name, default)


# Embeddings.


def _embeds(combine: str) -> Callable[[Graph, Node, Choices], Done]:
    def turn(graph: Graph, node: Node, choices: Choices) -> Done:
        made = _embeddings(graph, node, choices)
        inputs = {**_common(combine, From("weight_type", "linear")), "image": None, "negative_image": None}
        done = _apply(graph, node, choices, inputs)
        embeds = made()
        node.inputs["embeds"] = Link(embeds.id, 0)
        return Done((*done.into, embeds), done.notes)

    return turn


def _embeddings(graph: Graph, node: Node, choices: Choices) -> Callable[[], Node]:
    """Makes the node that gives our embeddings in place of positive and negative ones."""
    source = graph.source(node, "pos_embed")
    negative = graph.source(node, "neg_embed")
    if source is None:
        raise Keep("its pos_embed comes from a node that cannot be read here")
    one = source[0]
    if one.kind != "IPAdapterEncoder" or source[1] != 0:
        raise Keep(f"its pos_embed comes from {one.label}; link Load or Combine IP-Adapter Embeddings by hand")
    if negative is not None and negative != (one, 1):
        raise Keep("its neg_embed comes from another node than its pos_embed")
    if one.link("mask") is not None or _told(one, "weight", 1.0) != 1.0:
        raise Keep(f"{one.label} has a mask or a weight, which Encode IP-Adapter Image does not have")
    models = _models(graph, one, choices)

    def make() -> Node:
        inputs = {"image": From("image"), "compatible_with": _OURS}
        inputs |= {"ip_adapter": models.adapter(), "clip_vision": models.encoder()}
        return graph.twin(one, "ArmatureEncodeIPAdapterImage", inputs)

    return make


# Pictures.


def _prepare(graph: Graph, node: Node, _choices: Choices) -> Done:
    position, sharpening = _told(node, "crop_position", "top"), _told(node, "sharpening", 0.0)
    if sharpening:
        raise Keep("it sharpens, which Prepare Reference Image does not")
    if position == "pad":
        inputs: dict[str, Any] = {"mode": "pad", "position": "center", "fill": "black"}
    else:
        inputs = {"mode": "crop", "position": position}
    resampling = node.value("interpolation", "LANCZOS")
    graph.become(node, "ArmaturePrepareReferenceImage", {"image": From("image"), **inputs, "size": 224})
    return Done((node,), (f"it scales bicubically, as the encoder would, and no longer by {resampling}",))


_FACES = "it finds faces with insightface; link Face Embeddings to Apply IP-Adapter by hand, which takes the same files"
_SERIES = "it spreads weights over frames; Frame Weights does it for Apply IP-Adapter, by hand"
_REGIONS = "it collects several adapters for one node; chain Apply IP-Adapter nodes with a mask each by hand"
_STAY = {
    "IPAdapterFaceID": _FACES,
    "IPAAdapterFaceIDBatch": _FACES,
    "IPAdapterFaceIDKolors": _FACES,
    "IPAdapterInsightFaceLoader": _FACES,
    "IPAdapterTiled": "Prepare Reference Image with mode tiles, and combine regions, cut other tiles; set them by hand",
    "IPAdapterTiledBatch": "Prepare Reference Image with mode tiles, and combine regions, cut other tiles; set them by hand",
    "IPAdapterClipVisionEnhancer": "Armature does not enlarge what the encoder sees",
    "IPAdapterClipVisionEnhancerBatch": "Armature does not enlarge what the encoder sees",
    "IPAdapterFromParams": _REGIONS,
    "IPAdapterRegionalConditioning": _REGIONS,
    "IPAdapterCombineParams": _REGIONS,
    "IPAdapterCombineEmbeds": "use Combine IP-Adapter Embeddings by hand: ours carries both halves in one link",
    "IPAdapterNoise": "Armature makes no noise as a negative picture; its picture can go into negative_image",
    "IPAdapterSaveEmbeds": "Save IP-Adapter Embeddings writes safetensors; put it in by hand",
    "IPAdapterLoadEmbeds": "Load IP-Adapter Embeddings reads its files too; choose the file there by hand",
    "IPAdapterWeights": _SERIES,
    "IPAdapterCombineWeights": _SERIES,
    "IPAdapterWeightsFromStrategy": _SERIES,
    "IPAdapterPromptScheduleFromWeightsStrategy": _SERIES,
}
_TIMES = {"start_at": 0.0, "end_at": 1.0}
_SCALING = {"embeds_scaling": "V only"}
_COMBINE = {"combine_embeds": "concat"}
_AVERAGE = {"combine_embeds": "average"}
_TYPE = {"weight_type": "linear"}
_WEIGHT = {"weight": 1.0}
_STYLE = {"weight_style": 1.0, "weight_composition": 1.0, "expand_style": False}
_ENCODED = {"encode_batch_size": 0}


def _boosted(boost: str) -> dict[str, Any]:
    return {**_WEIGHT, boost: _BOOSTS[boost], **_COMBINE, **_TIMES, **_SCALING}


_COMBINED, _EACH = From("combine_embeds", "concat"), "per picture"
PACK = Pack(
    "ComfyUI_IPAdapter_plus",
    {
        "IPAdapter": Known(_simple, {**_WEIGHT, **_TIMES, "weight_type": "standard"}),
        "IPAdapterAdvanced": Known(_advanced, {**_WEIGHT, **_TYPE, **_COMBINE, **_TIMES, **_SCALING}),
        "IPAdapterBatch": Known(_batch, {**_WEIGHT, **_TYPE, **_TIMES, **_SCALING, **_ENCODED}),
        "IPAdapterStyleComposition": Known(
            _style_composition(From("combine_embeds", "average")), {**_STYLE, **_AVERAGE, **_TIMES, **_SCALING}
        ),
        "IPAdapterStyleCompositionBatch": Known(_style_composition(_EACH), {**_STYLE, **_TIMES, **_SCALING}),
        "IPAdapterPreciseStyleTransfer": Known(
            _precise("style transfer precise", "style_boost", _COMBINED), _boosted("style_boost")
        ),
        "IPAdapterPreciseStyleTransferBatch": Known(
            _precise("style transfer precise", "style_boost", _EACH), _boosted("style_boost")
        ),
        "IPAdapterPreciseComposition": Known(
            _precise("composition precise", "composition_boost", _COMBINED), _boosted("composition_boost")
        ),
        "IPAdapterPreciseCompositionBatch": Known(
            _precise("composition precise", "composition_boost", _EACH), _boosted("composition_boost")
        ),
        "IPAdapterMS": Known(
            _mad_scientist,
            {**_WEIGHT, "weight_faceidv2": 1.0, **_TYPE, **_COMBINE, **_TIMES, **_SCALING, "layer_weights": ""},
        ),
        "IPAdapterEmbeds": Known(_embeds("concat"), {**_WEIGHT, **_TYPE, **_TIMES, **_SCALING}),
        "IPAdapterEmbedsBatch": Known(_embeds(_EACH), {**_WEIGHT, **_TYPE, **_TIMES, **_SCALING}),
        "PrepImageForClipVision": Known(
            _prepare, {"interpolation": "LANCZOS", "crop_position": "top", "sharpening": 0.0}
        ),
        _LOADER: Known(widgets={"ipadapter_file": None}, absorbed=True),
        "IPAdapterEncoder": Known(widgets=_WEIGHT, absorbed=True),
        **{kind: Known(widgets=widgets, absorbed=True) for kind, widgets in UNIFIED.items()},
        **{kind: Known(why=why) for kind, why in _STAY.items()},
    },
)
