"""efficiency-nodes-comfyui: its stackers of LoRAs and control nets."""

from __future__ import annotations

from typing import Any

from ...compatibility.editor_nodes import MUTED
from ...compatibility.prompt import Link
from ..applying import GUARD, SIGNAL, check_range
from ..entry import Choices, Done, Known, Pack
from ..graph import From, Graph, Keep, Node

_STACKER = "Control Net Stacker"
_MOST = 50
_RANGE = {"strength": 1.0, "start_percent": 0.0, "end_percent": 1.0}


def _lora_widgets() -> dict[str, Any]:
    widgets: dict[str, Any] = {"input_mode": "simple", "lora_count": 3}
    for number in range(1, _MOST + 1):
        widgets |= {f"lora_name_{number}": None, f"lora_wt_{number}": 1.0}
        widgets |= {f"model_str_{number}": 1.0, f"clip_str_{number}": 1.0}
    return widgets


def _lora_stacker(graph: Graph, node: Node, _choices: Choices) -> Done:
    if node.link("input_mode") or node.link("lora_count"):
        raise Keep("its input_mode or lora_count is linked, so how many LoRAs it holds cannot be told")
    count = node.value("lora_count", 3)
    if not isinstance(count, int) or not 0 <= count <= _MOST:
        raise Keep(f"its lora_count is {count!r}")
    rows = [number for number in range(1, count + 1) if node.inputs.get(f"lora_name_{number}", "None") != "None"]
    if any(node.link(f"lora_name_{number}") for number in rows):
        raise Keep("the name of a LoRA is linked")
    before = node.link("lora_stack")
    if not rows:
        if before is None:
            raise Keep("it holds no LoRA, so there is nothing to turn; take it out")
        graph.rewire(Link(node.id, 0), before)
        graph.remove(node)
        return Done((), ("it held no LoRA: the stack before it goes on",))
    simple = node.value("input_mode", "simple") == "simple"
    made: list[Node] = []
    stack = before
    for number in rows[:-1]:
        made.append(graph.add("ArmatureLoRAStack", node, _lora(number, simple, stack)))
        stack = Link(made[-1].id, 0)
    graph.become(node, "ArmatureLoRAStack", _lora(rows[-1], simple, stack))
    notes = (
        "the LoRAs of the stack that is linked to it come before its own now, after them then: the sum is the same",
    )
    return Done((*made, node), notes if before is not None else ())


def _lora(number: int, simple: bool, stack: Link | None) -> dict[str, Any]:
    model, clip = (f"lora_wt_{number}",) * 2 if simple else (f"model_str_{number}", f"clip_str_{number}")
    strengths = {"strength_model": From(model, 1.0), "strength_clip": From(clip, 1.0)}
    return {"lora_name": From(f"lora_name_{number}"), **strengths, "lora_stack": stack}


# Control nets: a stack of rows that only its own nodes take.


def _apply_stack(graph: Graph, node: Node, _choices: Choices) -> Done:
    rows, foreign = _rows(graph, node)
    for row in rows:
        check_range(row)
    notes = []
    if foreign is not None:
        notes.append("the stack of another pack goes into control_net_stack of ControlNet Stack")
    if not rows and foreign is None:
        raise Keep("no stack is linked to it, so it does nothing; take it out")
    signals = [graph.twin(row, "ArmatureControlSignal", SIGNAL) for row in rows]
    inputs: dict[str, Any] = {"control_net_stack": foreign}
    inputs |= {f"signals.signal_{place}": Link(one.id, 0) for place, one in enumerate(signals)}
    stack = graph.add("ArmatureControlStack", node, inputs)
    both = {"positive": From("positive"), "negative": From("negative")}
    graph.become(node, "ArmatureApplyControlStack", {**both, "stack": Link(stack.id, 0), **GUARD})
    return Done((*signals, stack, node), tuple(notes))


def _rows(graph: Graph, node: Node) -> tuple[list[Node], Link | None]:
    """The stackers in front of a node, the first one first, and the stack of another pack in front of them."""
    found: list[Node] = []
    at, foreign = node, node.link("cnet_stack")
    source = graph.source(node, "cnet_stack")
    while source is not None and source[0].kind == _STACKER and source[0] not in found:
        at = source[0]
        if at.unread or at.mode == MUTED:
            raise Keep(f"of {at.label}, {at.unread or 'it is muted'}")
        foreign, source = at.link("cnet_stack"), graph.source(at, "cnet_stack")
        if at.mode == 0:  # a bypassed one passes on the stack that it got
            found.insert(0, at)
        elif foreign is None:
            break
    return found, foreign


_ONE = "it loads, encodes and samples in one node"
_SCRIPT = "it is a script or plot for KSampler (Efficient), which stays; Weight Sweep draws sheets of weights"
_PLOTTED = (
    *("Seeds++ Batch", "Add/Return Noise", "Steps", "CFG Scale", "Sampler/Scheduler", "Denoise", "VAE", "Prompt S/R"),
    *(
        "Aesthetic Score",
        "Refiner On/Off",
        "Checkpoint",
        "Clip Skip",
        "LoRA",
        "LoRA Plot",
        "LoRA Stacks",
        "Control Net",
    ),
    *("Control Net Plot", "Manual XY Entry"),
)
_STAY = {
    "Efficient Loader": f"{_ONE}; its lora_stack takes Armature's LoRA Stack as it is",
    "Eff. Loader SDXL": f"{_ONE}; its lora_stack takes Armature's LoRA Stack as it is",
    "KSampler (Efficient)": f"{_ONE}; it draws with Armature's models and conditionings as it is",
    "KSampler Adv. (Efficient)": f"{_ONE}; it draws with Armature's models and conditionings as it is",
    "KSampler SDXL (Eff.)": f"{_ONE}; it draws with Armature's models and conditionings as it is",
    "LoRA Stack to String converter": "it works on any LoRA stack, Armature's too",
    "Pack SDXL Tuple": "it belongs to KSampler SDXL (Eff.)",
    "Unpack SDXL Tuple": "it belongs to KSampler SDXL (Eff.)",
    "XY Plot": _SCRIPT,
    "Noise Control Script": _SCRIPT,
    "HighRes-Fix Script": _SCRIPT,
    "Tiled Upscaler Script": _SCRIPT,
    **{f"XY Input: {name}": _SCRIPT for name in _PLOTTED},
    "Join XY Inputs of Same Type": _SCRIPT,
    "Manual XY Entry Info": _SCRIPT,
}

PACK = Pack(
    "efficiency-nodes-comfyui",
    {
        "LoRA Stacker": Known(_lora_stacker, _lora_widgets()),
        _STACKER: Known(widgets=_RANGE, absorbed=True),
        "Apply ControlNet Stack": Known(_apply_stack),
        **{kind: Known(why=why) for kind, why in _STAY.items()},
    },
)
