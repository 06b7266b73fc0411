"""Single files: missing, unreadable, of another kind than the loader wants, in the wrong folder."""

from __future__ import annotations

from collections.abc import Iterator

from ...demo import HOW_TO_GET, is_demo_file
from ...files.identify import UNKNOWN
from ...files.index import ModelFile
from ...files.kinds import find_kind
from ..facts import Facts
from ..file_inputs import loads_those_kinds_alone
from ..file_uses import LINKED, MISSING, OUTSIDE, FileUse
from ..finding import Finding, finding, named, wanted_for
from ..node_types import recorded
from .rule import Rule


def missing_file(facts: Facts) -> Iterator[Finding]:
    """Names that no model folder has."""
    for use in facts.all_uses:
        if use.problem == MISSING:
            places = ", ".join(f"models/{folder}" for folder in use.takes.folders)
            yield finding(
                "error",
                use.node,
                use.input,
                f"{use.node.label}: there is no file '{use.name}' in {places}.",
                _how_to_get(facts, use),
                (use,),
                wanted_for(use, lambda file, use=use: _takes(use, file)),
            )


def _how_to_get(facts: Facts, use: FileUse) -> str:
    respelt = next((one for folder in use.takes.folders if (one := facts.index.respelt(folder, use.name))), None)
    if respelt is not None:
        return f"It lies there as '{respelt}': ComfyUI on this system knows a name by that spelling alone. Choose it again."
    return HOW_TO_GET if is_demo_file(use.name) else "Put it there, or choose another."


def outside_folder(facts: Facts) -> Iterator[Finding]:
    """Names that lead out of the model folder."""
    for use in facts.all_uses:
        if use.problem == OUTSIDE:
            yield finding(
                "error",
                use.node,
                use.input,
                f"{use.node.label}: '{use.name}' leads out of the model folder, so it was not looked at.",
                f"Give the name of a file inside models/{use.takes.folders[0]}.",
            )


def linked_file(facts: Facts) -> Iterator[Finding]:
    """File names that come out of another node."""
    for use in facts.all_uses:
        if use.problem == LINKED:
            yield finding(
                "unknown",
                use.node,
                use.input,
                f"{use.node.label}: its {use.input} comes out of another node, so the file is not known before the run.",
                "Choose the file in the node itself to have it checked.",
            )


def unreadable_file(facts: Facts) -> Iterator[Finding]:
    """Files that are damaged, incomplete or unsafe to open, or whose header asks for too much."""
    for use in facts.all_uses:
        if use.file is not None and use.file.problem:
            told = f"{use.node.label}: {use.file.problem}"
            if use.file.is_unread:
                yield finding(
                    "unknown", use.node, use.input, told, "Nothing that hangs on this file was checked.", (use,)
                )
            else:
                wanted = wanted_for(use, lambda file, use=use: _takes(use, file))
                instead = "Replace the file, or choose another."
                yield finding("error", use.node, use.input, told, instead, (use,), wanted)


def pickle_container(facts: Facts) -> Iterator[Finding]:
    """Files in torch's own format."""
    for use in facts.all_uses:
        if use.identity is not None and use.file is not None and use.file.container == "torch":
            yield finding(
                "hint",
                use.node,
                use.input,
                f"{use.node.label}: '{use.name}' is in torch's own format, which can carry code. It holds weights alone, "
                "and ComfyUI opens such files in its safe mode only.",
                "A safetensors version of it loads faster and is safe everywhere.",
                (use,),
            )


def wrong_kind(facts: Facts) -> Iterator[Finding]:
    """Files that the loader cannot load."""
    for use in facts.all_uses:
        if (
            use.identity is None
            or use.is_doubtful
            or not use.takes.kinds
            or {use.kind, *use.identity.traits.get("also", ())} & set(use.takes.kinds)
        ):
            continue
        wants = " or ".join(kind.title for name in use.takes.kinds[:3] if (kind := find_kind(name)))
        if use.kind == UNKNOWN or not loads_those_kinds_alone(use.node.class_type, use.input, use.takes):
            found = "of a kind that is not known here" if use.kind == UNKNOWN else use.identity.title
            yield finding(
                "unknown",
                use.node,
                use.input,
                f"{use.node.label}: '{use.name}' is {found}; a {wants} is wanted.",
                "It may be right all the same. Nothing that hangs on this file was checked.",
                (use,),
            )
            continue
        kind = find_kind(use.kind)
        loader = f" Load it with {kind.loaders[0]}, from models/{kind.folders[0]}." if kind else ""
        yield finding(
            "error",
            use.node,
            use.input,
            f"{use.node.label} loads a {wants}, but '{use.name}' is: {use.identity.title}.",
            f"Choose another file here.{loader}",
            (use,),
            wanted_for(use, lambda file, use=use: _takes(use, file)),
        )


def no_loader(facts: Facts) -> Iterator[Finding]:
    """Files that ComfyUI has no loader for."""
    for use in facts.all_uses:
        if use.trait("no_loader") and use.node.class_type in _ASKED:
            yield finding(
                "error",
                use.node,
                use.input,
                f"{use.node.label}: ComfyUI has no loader for {named(use)}.",
                "Load it with ArmatureLoadControlNet, or with the nodes of a pack that is made for it.",
                (use,),
            )


_ASKED = ("ModelPatchLoader", "ControlNetLoader", "DiffControlNetLoader")


def wrong_folder(facts: Facts) -> Iterator[Finding]:
    """Files that this loader reads, but that other loaders would look for elsewhere."""
    for use in facts.all_uses:
        if use.file is not None and use.file.misplaced and use.kind in use.takes.kinds:
            yield finding(
                "hint",
                use.node,
                use.input,
                f"{use.node.label}: '{use.name}' ({use.identity.title if use.identity else ''}) lies in models/"
                f"{use.file.folder}.",
                f"It loads from there, but it belongs into models/{use.file.misplaced}.",
                (use,),
            )


def missing_part(facts: Facts) -> Iterator[Finding]:
    """Checkpoints without the text encoder or VAE that the graph takes from them."""
    for key in facts.graph.order:
        for edge in facts.graph.into[key]:
            part = {"CLIP": "text_encoder", "VAE": "vae"}.get(edge.type)
            for use in facts.uses.get(edge.source, ()):
                parts = use.trait("parts")
                if part and edge.type in use.takes.gives and isinstance(parts, list) and part not in parts:
                    loader = "Load CLIP" if part == "text_encoder" else "Load VAE"
                    name = "text encoder" if part == "text_encoder" else "VAE"
                    yield finding(
                        "error",
                        facts.nodes[key],
                        edge.input,
                        f"{facts.nodes[key].label} takes its {edge.type} from {use.node.label}, but '{use.name}' has no "
                        f"{name} in it.",
                        f"Link a {loader} node to {edge.input}, or choose a checkpoint that has one.",
                        (use,),
                    )


def gguf_loader(facts: Facts) -> Iterator[Finding]:
    """GGUF files in loaders that cannot read them."""
    for use in facts.all_uses:
        if use.file is not None and use.file.container == "gguf" and not _reads_gguf(use):
            yield finding(
                "error",
                use.node,
                use.input,
                f"{use.node.label} cannot read GGUF files, and '{use.name}' is one.",
                "Use the loader of a GGUF pack, or a safetensors version of the file.",
                (use,),
            )


def _reads_gguf(use: FileUse) -> bool:
    """The host's own loaders and ours do not; what a pack's do is not known, so nothing is said of them."""
    return recorded()(use.node.class_type) is None


def _takes(use: FileUse, file: ModelFile) -> bool:
    """Whether a file can be loaded there."""
    readable = file.container != "gguf" or _reads_gguf(use)
    return file.identity is not None and file.identity.kind in use.takes.kinds and readable


RULES = (
    Rule("missing_file", "a model file that is not there", missing_file),
    Rule("outside_folder", "a name that leads out of the model folders", outside_folder),
    Rule("linked_file", "a file name that comes out of another node", linked_file),
    Rule("unreadable_file", "a file that is damaged, incomplete or unsafe", unreadable_file),
    Rule("pickle_container", "a file in torch's own format", pickle_container),
    Rule("wrong_kind", "a file of another kind than the loader wants", wrong_kind),
    Rule("no_loader", "a file that ComfyUI has no loader for", no_loader),
    Rule("wrong_folder", "a file in a folder that is not its own", wrong_folder),
    Rule("missing_part", "a checkpoint without the part that is taken from it", missing_part),
    Rule("gguf_loader", "a GGUF file in a loader that cannot read it", gguf_loader),
)
