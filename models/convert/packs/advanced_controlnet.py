"""ComfyUI-Advanced-ControlNet: its Apply nodes, with keyframes and weights, and its loaders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...compatibility.prompt import Link
from ..applying import GUARD, SIGNAL, check_range, into_both, one_conditioning
from ..entry import Choices, Done, Known, Pack
from ..graph import From, Graph, Keep, Node
from .advanced_controlnet_keyframes import (
    LATENT_KEYFRAMES,
    TIMESTEP_KEYFRAMES,
    Keyframes,
    frame_weights,
    read_keyframes,
)

_MASKED = "its mask is averaged over each cell of the network, where it was sampled at points: fine masks act smoother"
_RANGE = {"strength": 1.0, "start_percent": 0.0, "end_percent": 1.0}


def _apply(graph: Graph, node: Node, _choices: Choices) -> Done:
    return _turn(graph, node, into_both)


def _apply_one(graph: Graph, node: Node, _choices: Choices) -> Done:
    return _turn(graph, node, one_conditioning)


def _turn(graph: Graph, node: Node, into: Any) -> Done:
    check_range(node)
    net = _net(graph, node)
    keyframes = read_keyframes(graph, node, "timestep_kf")
    mask = _only(node.link("mask_optional"), keyframes.mask, "a mask of its own and one in its keyframes")
    weights = graph.source(node, "weights_override") or keyframes.weights
    layers = _layer_weights(graph, weights[0]) if weights else None
    frames = frame_weights(graph, node, keyframes)
    model = node.link("model_optional")
    model_out = 2 if into is into_both else 1
    if graph.users(node, model_out) and model is None:
        raise Keep("a model is taken from it, but none goes into it")
    done: Done = into(graph, node, _signal(mask, keyframes))
    if model is not None:
        graph.rewire(Link(node.id, model_out), model)
    return _with_helpers(graph, node, done, net, layers, frames, keyframes)


def _signal(mask: Link | None, keyframes: Keyframes) -> dict[str, Any]:
    return {
        **SIGNAL,
        "schedule": keyframes.schedule or None,
        "mask": mask,
        "vae": From("vae_optional"),
        **GUARD,
    }


def _with_helpers(
    graph: Graph,
    node: Node,
    done: Done,
    net: tuple[Node, str, dict[str, Any]] | None,
    layers: tuple[Node, dict[str, Any], list[Node]] | None,
    frames: str,
    keyframes: Keyframes,
) -> Done:
    """Link what stands in nodes of its own: the net's loader, and weights per layer and per frame."""
    into = list(done.into)
    if net is not None:
        loader, kind, inputs = net
        node.inputs["control_net"] = Link(graph.twin(loader, kind, inputs).id, 0)
    if layers is not None:
        of, inputs, others = layers
        if inputs:
            made = graph.twin(of, "ArmatureLayerWeights", inputs)
            node.inputs["layer_weights"] = Link(made.id, 0)
            into.append(made)
        for one in (of, *others):
            graph.absorb(one, node)
    if frames:
        made = graph.add("ArmatureFrameWeights", node, {"weights": frames})
        node.inputs["frame_weights"] = Link(made.id, 0)
        into.append(made)
    for one in keyframes.nodes:
        graph.absorb(one, node)
    masked = (_MASKED,) if node.link("mask") else ()
    return Done(tuple(into), (*done.notes, *masked, *keyframes.notes))


def _only(one: Any, other: Any, told: str) -> Any:
    if one is not None and other is not None:
        raise Keep(f"it has {told}, and a control signal has one")
    return one if one is not None else other


# Loaders: an advanced net is a plain one until keyframes are in it.

_LOADERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "ACN_ControlNetLoaderAdvanced": ("ControlNetLoader", {"control_net_name": From("cnet")}),
    "ControlNetLoaderAdvanced": ("ControlNetLoader", {"control_net_name": From("control_net_name")}),
    "ACN_DiffControlNetLoaderAdvanced": (
        "DiffControlNetLoader",
        {"model": From("model"), "control_net_name": From("cnet")},
    ),
    "DiffControlNetLoaderAdvanced": (
        "DiffControlNetLoader",
        {"model": From("model"), "control_net_name": From("control_net_name")},
    ),
}
_LOADED_KEYFRAMES = ("_tk_opt", "tk_optional", "timestep_keyframe")


def _net(graph: Graph, node: Node) -> tuple[Node, str, dict[str, Any]] | None:
    """The pack's loader in front of a node, with the type and inputs of the host's; None for a net from elsewhere."""
    source = graph.source(node, "control_net")
    if source is None or source[0].kind not in PACK.nodes:
        return None
    loader = source[0]
    if loader.kind not in _LOADERS:
        raise Keep(f"its control net comes from {loader.label}, which Armature has nothing for")
    if any(loader.link(name) for name in _LOADED_KEYFRAMES):
        raise Keep(f"{loader.label} puts keyframes into the net itself; link them to timestep_kf of this node instead")
    if loader.unread:
        raise Keep(f"of {loader.label}, {loader.unread}")
    return loader, *_LOADERS[loader.kind]


# Weights per layer.

_SD15 = [f"output_{place}" for place in range(12)]
_SD15_OLD = [f"weight_{place:02}" for place in range(13)]
_FLUX = [f"input_{place}" for place in range(19)]
_ONES = [1.0] * 19
_SOFT = [0.825 ** (12 - place) for place in range(12)]


def _layer_weights(graph: Graph, node: Node) -> tuple[Node, dict[str, Any], list[Node]]:
    """The node with the weights, the inputs of Layer Weights that say the same, and the nodes of extras behind it."""
    reader = _WEIGHTS.get(node.kind)
    if reader is None:
        raise Keep(f"its weights come from {node.label}, which Layer Weights cannot say")
    if node.unread:
        raise Keep(f"of {node.label}, {node.unread}")
    if node.value("flip_weights", False) is True:
        raise Keep(f"{node.label} has flip_weights on, which Layer Weights does not have")
    inputs = reader(node)
    extras, middle = _extras(graph, node)
    if middle != 1.0:
        inputs["layers"] = ", ".join(part for part in (inputs.get("layers", ""), f"middle: {middle:g}") if part)
    if node.kind != "ACN_DefaultUniversalWeights":
        inputs["unconditional"] = From("uncond_multiplier", 1.0)
    return node, inputs, extras


def _soft(_node: Node) -> dict[str, Any]:
    return {"preset": "favour_prompt", "ratio": From("base_multiplier", 0.825)}


def _named(theirs: list[str], ours: str, middle: str, standard: Sequence[float]) -> Any:
    def read(node: Node) -> dict[str, Any]:
        names = [*theirs, *([middle] if middle else [])]
        values = []
        for place, name in enumerate(names):
            default = 1.0 if name == middle else standard[place]
            value = node.value(name, default)
            if node.link(name) or not isinstance(value, (int, float)):
                raise Keep(f"{name} of {node.label} is linked, and Layer Weights holds its numbers as text")
            values.append(f"middle: {value:g}" if name == middle else f"{ours}.{place}: {value:g}")
        return {"layers": ", ".join(values)}

    return read


_WEIGHTS: Mapping[str, Any] = {
    "ACN_DefaultUniversalWeights": lambda _node: {},
    "ACN_ScaledSoftControlNetWeights": _soft,
    "ScaledSoftControlNetWeights": _soft,
    "ACN_SoftControlNetWeightsSD15": _named(_SD15, "input", "middle_0", _SOFT),
    "ACN_CustomControlNetWeightsSD15": _named(_SD15, "input", "middle_0", _ONES),
    "SoftControlNetWeights": _named(_SD15_OLD[:12], "input", "weight_12", _SOFT),
    "CustomControlNetWeights": _named(_SD15_OLD[:12], "input", "weight_12", _ONES),
    "ACN_CustomControlNetWeightsFlux": _named(_FLUX, "double", "", _ONES),
}


def _extras(graph: Graph, node: Node) -> tuple[list[Node], float]:
    """The nodes of a weights' extras, and the factor on the middle block."""
    found: list[Node] = []
    middle = 1.0
    source = graph.source(node, "cn_extras")
    while source is not None:
        extra = source[0]
        if extra.kind != "ACN_ExtrasMiddleMult" or extra.link("middle_mult"):
            raise Keep(f"its weights have extras from {extra.label}, which Layer Weights cannot say")
        # The last one in the chain is the one that counts.
        middle = float(extra.value("middle_mult", 1.0)) if not found else middle
        found.append(extra)
        source = graph.source(extra, "cn_extras")
    return found, middle


def _widgets(names: list[str], standard: Sequence[float], *more: str) -> dict[str, Any]:
    return {**dict(zip(names, standard, strict=False)), **dict.fromkeys(more, 1.0)}


_UNCOND = {"uncond_multiplier": 1.0}
_FLIP = {"flip_weights": False}
_SERVES = {
    **TIMESTEP_KEYFRAMES,
    **LATENT_KEYFRAMES,
    "ACN_ControlNetLoaderAdvanced": {"cnet": None},
    "ControlNetLoaderAdvanced": {"control_net_name": None},
    "ACN_DiffControlNetLoaderAdvanced": {"cnet": None},
    "DiffControlNetLoaderAdvanced": {"control_net_name": None},
    "ACN_DefaultUniversalWeights": {},
    "ACN_ScaledSoftControlNetWeights": {"base_multiplier": 0.825, **_UNCOND},
    "ScaledSoftControlNetWeights": {"base_multiplier": 0.825, **_FLIP, **_UNCOND},
    "ACN_SoftControlNetWeightsSD15": {**_widgets(_SD15, _SOFT, "middle_0"), **_UNCOND},
    "ACN_CustomControlNetWeightsSD15": {**_widgets(_SD15, _ONES, "middle_0"), **_UNCOND},
    "SoftControlNetWeights": {**_widgets(_SD15_OLD, [*_SOFT, 1.0]), **_FLIP, **_UNCOND},
    "CustomControlNetWeights": {**_widgets(_SD15_OLD, _ONES), **_FLIP, **_UNCOND},
    "ACN_CustomControlNetWeightsFlux": {**_widgets(_FLUX, _ONES), **_UNCOND},
    "ACN_ExtrasMiddleMult": {"middle_mult": 1.0},
}
_NOT_HERE = "Armature has nothing that does the same"
_STAY = {
    "ScaledSoftMaskedUniversalWeights": "a mask as exponent of soft weights is nothing that Layer Weights can say",
    "ACN_SoftT2IAdapterWeights": "set my_prompt_is_more_important of Layer Weights by hand: it has these numbers",
    "ACN_CustomT2IAdapterWeights": "name the levels in Layer Weights by hand (level.0 to level.3)",
    "SoftT2IAdapterWeights": "set my_prompt_is_more_important of Layer Weights by hand: it has these numbers",
    "CustomT2IAdapterWeights": "name the levels in Layer Weights by hand (level.0 to level.3)",
    "ACN_CustomControlNetWeightsAnima": "Anima's blocks are not those of a control signal's layers",
    "ACN_AnimaLLLiteLoaderAdvanced": "use Load ControlNet and Apply Control by hand: they read the same files",
    "ACN_AnimaLLLiteExtras": "link its mask to inpaint_mask of Apply Control by hand",
    "ACN_SparseCtrlLoaderAdvanced": f"{_NOT_HERE} (SparseCtrl)",
    "ACN_SparseCtrlMergedLoaderAdvanced": f"{_NOT_HERE} (SparseCtrl)",
    "ACN_SparseCtrlIndexMethodNode": f"{_NOT_HERE} (SparseCtrl)",
    "ACN_SparseCtrlSpreadMethodNode": f"{_NOT_HERE} (SparseCtrl)",
    "ACN_SparseCtrlRGBPreprocessor": f"{_NOT_HERE} (SparseCtrl)",
    "ACN_SparseCtrlWeightExtras": f"{_NOT_HERE} (SparseCtrl)",
    "ACN_ControlNet++LoaderSingle": "use Union Signal by hand: it takes all maps of a union net in one pass",
    "ACN_ControlNet++LoaderAdvanced": "use Union Signal by hand: it takes all maps of a union net in one pass",
    "ACN_ControlNet++InputNode": "use Union Signal by hand: it takes all maps of a union net in one pass",
    "ACN_CtrLoRALoader": f"{_NOT_HERE} (CtrLoRA)",
    "ACN_ReferencePreprocessor": f"{_NOT_HERE} (Reference)",
    "ACN_ReferenceControlNet": f"{_NOT_HERE} (Reference)",
    "ACN_ReferenceControlNetFinetune": f"{_NOT_HERE} (Reference)",
    "ACN_TimestepKeyframeFromStrengthList": "its strengths come by a link, and a curve holds them as text",
    "LatentKeyframeBatchedGroup": "its strengths come by a link, and Frame Weights holds them as text",
    "LoadImagesFromDirectory": _NOT_HERE,
}

PACK = Pack(
    "ComfyUI-Advanced-ControlNet",
    {
        "ACN_AdvancedControlNetApply_v2": Known(_apply, _RANGE),
        "ACN_AdvancedControlNetApply": Known(_apply, _RANGE),
        "ACN_AdvancedControlNetApplySingle_v2": Known(_apply_one, _RANGE),
        "ACN_AdvancedControlNetApplySingle": Known(_apply_one, _RANGE),
        **{kind: Known(widgets=widgets, absorbed=True) for kind, widgets in _SERVES.items()},
        **{kind: Known(why=why) for kind, why in _STAY.items()},
    },
)
