"""ComfyUI's own nodes that apply controls and LoRAs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from ...compatibility.editor_nodes import BYPASSED, MUTED
from ...compatibility.prompt import Link
from ..applying import GUARD, SIGNAL, check_range, into_both, one_conditioning, sampler_behind
from ..entry import Choices, Done, Known, Pack
from ..graph import From, Graph, Keep, Node

_STRENGTH = {"strength": 1.0}
_RANGE = {"strength": 1.0, "start_percent": 0.0, "end_percent": 1.0}


def _signal(**more: Any) -> dict[str, Any]:
    """The inputs that a net's application has in every node of the host."""
    return {
        **SIGNAL,
        "vae": From("vae"),
        **GUARD,
        **more,
    }


def _apply_both(**more: Any) -> Any:
    def turn(graph: Graph, node: Node, _choices: Choices) -> Done:
        check_range(node)
        return into_both(graph, node, _signal(**more))

    return turn


def _apply_one(graph: Graph, node: Node, _choices: Choices) -> Done:
    """ControlNetApply: the host applies what hangs on the positive conditioning to the negative one too."""
    return one_conditioning(graph, node, _signal())


# Patches of the model: ours is applied at the sampler's two conditionings.


def _patch(inputs: Mapping[str, Any]) -> Any:
    def turn(graph: Graph, node: Node, _choices: Choices) -> Done:
        weight = node.value("strength", 1.0)
        if isinstance(weight, (int, float)) and weight < 0:
            raise Keep("its strength is negative, which a control signal cannot have")
        check_range(node)
        if node.mode == MUTED:
            raise Keep("it is muted")
        sampler = sampler_behind(graph, node)
        model = node.link("model")
        if model is None:
            raise Keep("no model is linked to it")
        both = {"positive": sampler.inputs["positive"], "negative": sampler.inputs["negative"]}
        graph.rewire(Link(node.id, 0), model)
        graph.become(node, "ArmatureApplyControl", {**both, **inputs, **GUARD})
        sampler.inputs |= {"positive": Link(node.id, 0), "negative": Link(node.id, 1)}
        told = f"it stands between the prompts and {sampler.label} now, and no longer on the model"
        return Done((node,), (told,))

    return turn


_PATCH = {"control_net": From("model_patch"), "vae": From("vae"), "weight": From("strength", 1.0)}
_MAP = {**_PATCH, "image": From("image"), "inpaint_mask": From("mask")}


def _fun(graph: Graph, node: Node, choices: Choices) -> Done:
    """Z-Image Fun: a map, a picture to paint into, or both."""
    painted = node.link("inpaint_image")
    if node.link("image") is None and painted is None:
        raise Keep("neither a map nor a picture is linked to it")
    if node.link("image") is None:
        return _patch({**_MAP, "image": From("inpaint_image")})(graph, node, choices)
    return _patch({**_MAP, "inpaint_image": From("inpaint_image")})(graph, node, choices)


# LoRA loaders that follow each other become one stack.

_LOADERS = ("LoraLoader", "LoraLoaderModelOnly")


def _loras(graph: Graph, node: Node, _choices: Choices) -> Done | None:
    before = graph.nodes.get(link.node) if (link := node.link("model")) else None
    if before is not None and node in islice(_chain(graph, before), 2):
        return None  # the first of the chain takes all
    chain = list(_chain(graph, node))
    if not chain:
        raise Keep(_why_alone(node))
    clips = [one for one in chain if one.kind == "LoraLoader"]
    clip = clips[0].link("clip") if clips else None
    model = node.link("model")
    apply = graph.add("ArmatureApplyLoRAStack", chain[-1], {"model": model, "clip": clip, "minimum_match": 0.0})
    graph.rewire(Link(chain[-1].id, 0), Link(apply.id, 0))
    if clips:
        graph.rewire(Link(clips[-1].id, 1), Link(apply.id, 1))
    stack: Link | None = None
    for one in chain:
        clip_strength = From("strength_clip", 1.0) if one in clips else 0.0
        inputs = {"lora_name": From("lora_name"), "strength_model": From("strength_model", 1.0)}
        inputs |= {"strength_clip": clip_strength, "enabled": one.mode != BYPASSED, "lora_stack": stack}
        graph.become(one, "ArmatureLoRAStack", inputs)
        one.mode = 0
        stack = Link(one.id, 0)
    apply.inputs["lora_stack"] = stack
    told = "minimum_match is 0, so that a LoRA that does not fit is left out as before; raise it to be stopped instead"
    return Done((node, apply), (told,), tuple(chain[1:]))


def _chain(graph: Graph, first: Node) -> Iterator[Node]:
    """The loaders from this one on of which each feeds the next alone."""
    found: list[Node] = []
    clip: Node | None = None
    node: Node | None = first
    while node is not None and _can_stack(node) and node not in found:
        if node.kind == "LoraLoader":
            if clip is not None and graph.users(clip, 1) != [(node, "clip")]:
                break
            clip = node
        found.append(node)
        yield node
        users = graph.users(node, 0)
        node = users[0][0] if len(users) == 1 and users[0][1] == "model" else None


def _can_stack(node: Node) -> bool:
    return node.kind in _LOADERS and not node.unread and not _why_alone(node)


def _why_alone(node: Node) -> str:
    """Why a loader can be no row of a stack; "" where it can."""
    if node.mode == MUTED:
        return "it is muted"
    if node.link("model") is None:
        return "no model is linked to it"
    return "" if "lora_name" in node.inputs else "it names no file: it has no lora_name"


PACK = Pack(
    "ComfyUI",
    {
        "ControlNetApply": Known(_apply_one, _STRENGTH),
        "ControlNetApplyAdvanced": Known(_apply_both(), _RANGE),
        "ControlNetApplySD3": Known(_apply_both(), _RANGE),
        "ControlNetInpaintingAliMamaApply": Known(_apply_both(inpaint_mask=From("mask")), _RANGE),
        "QwenImageDiffsynthControlnet": Known(_patch(_MAP), _STRENGTH),
        "ZImageFunControlnet": Known(_fun, _STRENGTH),
        "LoraLoader": Known(_loras, {"lora_name": None, "strength_model": 1.0, "strength_clip": 1.0}),
        "LoraLoaderModelOnly": Known(_loras, {"lora_name": None, "strength_model": 1.0}),
    },
)
