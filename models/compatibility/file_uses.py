"""The model files that a prompt names, looked up in the user's folders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from re import Pattern

from ..files.identity import Identity
from ..files.index import ModelFile, ModelIndex
from .prompt import Node, Nodes

# Which inputs of nodes name model files, in which folders, and what kinds of files they take.
#
# An input is known by its node and its name; by its name alone in nodes of other packs. A new loader is one line here.


@dataclass(frozen=True)
class FileInput:
    """An input that names a model file.

    folders: the host's model folders in which the name is looked up. kinds: ids of the kinds that it can load. gives:
    types of outputs that come out of this file; none for a file that changes what is linked in.
    """

    folders: tuple[str, ...]
    kinds: tuple[str, ...]
    gives: tuple[str, ...] = ()


_CHECKPOINT = FileInput(("checkpoints",), ("checkpoint", "diffusion_model"), ("MODEL", "CLIP", "VAE", "CLIP_VISION"))
_DIFFUSION = FileInput(("diffusion_models",), ("diffusion_model", "checkpoint"), ("MODEL",))
_VAE = FileInput(("vae", "vae_approx"), ("vae",), ("VAE",))
_TEXT_ENCODER = FileInput(("text_encoders",), ("text_encoder",), ("CLIP",))
_CLIP_VISION = FileInput(("clip_vision",), ("clip_vision",), ("CLIP_VISION",))
_CONTROLNET = FileInput(("controlnet",), ("controlnet", "control_lora", "t2i_adapter"), ("CONTROL_NET",))
_ANY_CONTROL = FileInput(("controlnet",), (*_CONTROLNET.kinds, "controlnext"), ("CONTROL_NET",))
_LORA = FileInput(("loras",), ("lora",))
_IP_ADAPTER = FileInput(("ipadapter",), ("ip_adapter",), ("IP_ADAPTER", "IPADAPTER"))
_STYLE = FileInput(("style_models",), ("style_model",), ("STYLE_MODEL",))
_GLIGEN = FileInput(("gligen",), ("gligen",), ("GLIGEN",))
_UPSCALER = FileInput(("upscale_models",), ("upscaler",), ("UPSCALE_MODEL",))
_MODEL_PATCH = FileInput(("model_patches",), ("model_patch",), ("MODEL_PATCH",))

_BY_NODE: dict[tuple[str, str], FileInput] = {
    ("CLIPVisionLoader", "clip_name"): FileInput(("clip_vision",), ("clip_vision", "text_encoder"), ("CLIP_VISION",)),
    ("UpscaleModelLoader", "model_name"): _UPSCALER,
    ("ModelPatchLoader", "name"): _MODEL_PATCH,
    ("ArmatureLoadControlNeXt", "control_net_name"): FileInput(("controlnet",), ("controlnext",), ("CONTROL_NET",)),
    ("ArmatureLoadControlNet", "control_net_name"): _ANY_CONTROL,
    ("ArmatureApplyControlNeXtWeights", "weights_name"): FileInput(
        ("controlnet", "model_patches"), ("unet_weights", "diffusion_model")
    ),
    ("IPAdapterModelLoader", "ipadapter_file"): _IP_ADAPTER,
    ("LTXAVTextEncoderLoader", "ckpt_name"): FileInput(("checkpoints",), ("checkpoint",)),
    ("LTXVAudioVAELoader", "ckpt_name"): FileInput(("checkpoints",), ("checkpoint",), ("VAE",)),
}

# For every other node, by the name of the input; the names are those in use in the host and in other packs.
_BY_NAME: tuple[tuple[Pattern[str], FileInput], ...] = (
    (re.compile(r"(base_|refiner_)?ckpt_name"), _CHECKPOINT),
    (re.compile(r"unet_name"), _DIFFUSION),
    (re.compile(r"vae_name"), _VAE),
    (re.compile(r"clip_name\d?"), _TEXT_ENCODER),
    (re.compile(r"control_net_name|controlnet(_name)?(_\d+)?"), _CONTROLNET),
    (re.compile(r"lora_name(_\d+)?"), _LORA),
    (re.compile(r"ip_?adapter_(name|file)"), _IP_ADAPTER),
    (re.compile(r"clip_vision_name"), _CLIP_VISION),
    (re.compile(r"style_model_name"), _STYLE),
    (re.compile(r"gligen_name"), _GLIGEN),
)

# Values of those inputs that name no file: "none", and what the host makes up itself.
_NO_FILE = re.compile(r"none|\[none\]|disabled|baked vae|pixel_space|tae(sd|sdxl|sd3|f1|hv|ltx|w)?\w*", re.IGNORECASE)


def file_input(class_type: str, name: str) -> FileInput | None:
    """What an input of a node takes, when it names a model file."""
    found = _BY_NODE.get((class_type, name))
    return found or next((one for pattern, one in _BY_NAME if pattern.fullmatch(name)), None)


def names_a_file(value: object) -> bool:
    """Whether the value of such an input is a file's name."""
    return isinstance(value, str) and bool(value.strip()) and not _NO_FILE.fullmatch(value.strip())


MISSING, OUTSIDE, LINKED = "missing", "outside", "linked"


@dataclass(frozen=True, eq=False)
class FileUse:
    """One input of a node that names a model file. Two uses of one file are two uses.

    problem: MISSING, OUTSIDE (the name leads out of the folders) or LINKED (the name comes out of another node, so it is
    not known before the graph runs); "" when the file was found. file.problem says whether it could be read.
    """

    node: Node
    input: str
    name: str
    takes: FileInput
    file: ModelFile | None
    problem: str = ""

    @property
    def identity(self) -> Identity | None:
        return self.file.identity if self.file else None

    @property
    def families(self) -> tuple[str, ...]:
        return self.identity.families if self.identity else ()

    @property
    def kind(self) -> str:
        return self.identity.kind if self.identity else ""

    def trait(self, name: str, default: object = None) -> object:
        """A trait of the file's identity."""
        return self.identity.traits.get(name, default) if self.identity else default


def find_uses(nodes: Nodes, index: ModelIndex) -> dict[str, list[FileUse]]:
    """The file inputs of each node, by its id."""
    found: dict[str, list[FileUse]] = {}
    for node in nodes.values():
        uses = [use for name in node.inputs if (use := _use(node, name, index)) is not None]
        if uses:
            found[node.id] = uses
    return found


def _use(node: Node, name: str, index: ModelIndex) -> FileUse | None:
    takes = file_input(node.class_type, name)
    if takes is None:
        return None
    if name in node.links:
        return FileUse(node, name, "", takes, None, LINKED)
    value = node.inputs[name]
    if not names_a_file(value):
        return None
    known = [folder for folder in takes.folders if folder in index.folders]
    if not known:
        return FileUse(node, name, value, takes, None, MISSING)
    for folder in known:
        try:
            file = index.find(folder, value)
        except ValueError:
            return FileUse(node, name, value, takes, None, OUTSIDE)
        if file is not None:
            return FileUse(node, name, value, takes, file)
    return FileUse(node, name, value, takes, None, MISSING)
