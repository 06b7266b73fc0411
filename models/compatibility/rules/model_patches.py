"""Controls that patch the model: the node that is made for each, and what it needs."""

from __future__ import annotations

from collections.abc import Iterator

from ..facts import Facts
from ..finding import Finding, finding, named
from .rule import Rule

_ZIMAGE_OR_QWEN = ("qwen_blockwise", "z_image_fun")  # one node of the host is the other's child
_OURS = ("qwen_blockwise", "anima_lllite", "uni3c", "z_image_fun", "flux2_fun")
# Class -> layouts of model patches that it applies; a test compares ours with the code that does.
APPLIES: dict[str, tuple[str, ...]] = {
    "AnimaLLLiteApply": ("anima_lllite",),
    "QwenImageDiffsynthControlnet": _ZIMAGE_OR_QWEN,
    "ZImageFunControlnet": _ZIMAGE_OR_QWEN,
    "WanUni3CControlnetApply": ("uni3c",),
    "USOStyleReference": ("uso",),
    "SUPIRApply": ("supir",),
    "WanInfiniteTalkToVideo": ("multitalk",),
    "ArmatureControlSignal": _OURS,
    "ArmatureApplyControl": _OURS,
}
_PATCHES = "model_patches"


def patch_node(facts: Facts) -> Iterator[Finding]:
    """A model patch at a node that applies patches of another kind."""
    for key in facts.graph.order:
        node = facts.nodes[key]
        takes = APPLIES.get(node.class_type)
        flow = facts.flows.into(key, "MODEL_PATCH", "CONTROL_NET") if takes else None
        for use in flow.sources if flow is not None and not flow.unsure else ():
            layout = use.identity.layout if use.identity else ""
            if use.kind != "model_patch" or not layout or layout in (takes or ()):
                continue
            right = [name for name, layouts in APPLIES.items() if layout in layouts]
            yield finding(
                "error",
                node,
                "model_patch" if "model_patch" in node.inputs else "control_net",
                f"{node.label} does not apply {named(use)}. It stops there with an error.",
                f"Use {' or '.join(right)}." if right else "Use the node that is made for it.",
                (use,),
            )


def patch_without_control(facts: Facts) -> Iterator[Finding]:
    """A model patch that controls no sampling, in the loader of control nets."""
    for use in facts.all_uses:
        layout = use.identity.layout if use.identity else ""
        if use.node.class_type != "ArmatureLoadControlNet" or use.kind != "model_patch" or layout in _OURS:
            continue
        right = [name for name, layouts in APPLIES.items() if layout in layouts]
        yield finding(
            "error",
            use.node,
            use.input,
            f"{use.node.label}: {named(use)} is no control net, and does not load as one.",
            f"Load it with ModelPatchLoader, and apply it with {' or '.join(right) or 'the node made for it'}.",
            (use,),
        )


def patch_folder(facts: Facts) -> Iterator[Finding]:
    """A model patch in the folder of control nets, which Load ControlNet of Armature does not load from there."""
    for use in facts.all_uses:
        here = use.node.class_type == "ArmatureLoadControlNet" and use.kind == "model_patch"
        by_host = not use.trait("no_loader")  # what the host does not load, that node takes from either folder
        if here and by_host and use.file is not None and use.file.folder != _PATCHES:
            yield finding(
                "error",
                use.node,
                use.input,
                f"{use.node.label}: {named(use)} lies in models/{use.file.folder}, and ComfyUI loads model patches from "
                f"models/{_PATCHES} alone.",
                "Move the file there.",
                (use,),
            )


def patch_mask(facts: Facts) -> Iterator[Finding]:
    """A patch for inpainting that gets no mask."""
    for control in facts.controls:
        sources = [use for use in control.net.sources if use.trait("needs_mask")]
        if sources and not control.net.unsure and not facts.graph.feeds(control.node.id, "MASK"):
            name = "inpaint_mask" if control.node.class_type.startswith("Armature") else "mask"
            yield finding(
                "warning",
                control.node,
                name,
                f"{control.node.label}: {named(sources[0])} draws a masked place anew, and gets no mask.",
                f"Link a mask to {name}: white where the picture is to be drawn anew.",
                tuple(sources),
            )


RULES = (
    Rule("patch_node", "a model patch at a node for patches of another kind", patch_node),
    Rule("patch_without_control", "a model patch that is no control net", patch_without_control),
    Rule("patch_folder", "a model patch where it is not loaded from", patch_folder),
    Rule("patch_mask", "a model patch for inpainting without a mask", patch_mask),
)
