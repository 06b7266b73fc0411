"""Which inputs of nodes name model files, in which folders, and what kinds of files they take.

An input is known by its node and name, by what was recorded of its pack, by its name alone, or by what it holds.
A new loader of the host is one line here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from re import Pattern

from ...common.short_text_cache import short_text_cache
from ..files.container import SUFFIXES_READ
from .packs import pack_nodes


@dataclass(frozen=True)
class FileInput:
    """An input that names a model file.

    folders: the host's model folders in which the name is looked up. kinds: ids of the kinds that it can load; none: any.
    gives: types of outputs that come out of this file; none for a file that changes what is linked in. sure: whether the
    file must lie in these folders; elsewhere it is not missing, but not looked at.
    """

    folders: tuple[str, ...]
    kinds: tuple[str, ...]
    gives: tuple[str, ...] = ()
    sure: bool = True


_CHECKPOINT = FileInput(("checkpoints",), ("checkpoint", "diffusion_model"), ("MODEL", "CLIP", "VAE", "CLIP_VISION"))
_DIFFUSION = FileInput(("diffusion_models",), ("diffusion_model", "checkpoint"), ("MODEL",))
_VAE = FileInput(("vae", "vae_approx"), ("vae",), ("VAE",))
_TEXT_ENCODER = FileInput(("text_encoders",), ("text_encoder",), ("CLIP",))
_CLIP_VISION = FileInput(("clip_vision",), ("clip_vision",), ("CLIP_VISION",))
_CONTROLNET = FileInput(("controlnet",), ("controlnet", "control_lora", "t2i_adapter"), ("CONTROL_NET",))
_LORA = FileInput(("loras",), ("lora",))
_IP_ADAPTER = FileInput(("ipadapter",), ("ip_adapter",), ("IP_ADAPTER", "IPADAPTER"))
_STYLE = FileInput(("style_models",), ("style_model",), ("STYLE_MODEL",))
_GLIGEN = FileInput(("gligen",), ("gligen",), ("GLIGEN",))
_UPSCALER = FileInput(("upscale_models",), ("upscaler",), ("UPSCALE_MODEL",))
_MODEL_PATCH = FileInput(("model_patches",), ("model_patch",), ("MODEL_PATCH",))
_EMBEDDING = FileInput(("embeddings",), ("embedding",))
_LLLITE = FileInput(("controlnet",), ("control_lllite",), sure=False)

_BY_NODE: dict[tuple[str, str], FileInput] = {
    ("CLIPVisionLoader", "clip_name"): FileInput(("clip_vision",), ("clip_vision", "text_encoder"), ("CLIP_VISION",)),
    ("UpscaleModelLoader", "model_name"): _UPSCALER,
    ("ModelPatchLoader", "name"): _MODEL_PATCH,
    ("ArmatureLoadControlNeXt", "control_net_name"): FileInput(("controlnet",), ("controlnext",), ("CONTROL_NET",)),
    ("ArmatureLoadControlNet", "control_net_name"): FileInput(
        ("controlnet", "model_patches"),
        (*_CONTROLNET.kinds, "controlnext", "control_lllite", "model_patch"),
        ("CONTROL_NET",),
    ),
    ("ArmatureApplyControlNeXtWeights", "weights_name"): FileInput(
        ("controlnet", "model_patches"), ("unet_weights", "diffusion_model")
    ),
    ("IPAdapterModelLoader", "ipadapter_file"): _IP_ADAPTER,
    ("LTXAVTextEncoderLoader", "ckpt_name"): FileInput(("checkpoints",), ("checkpoint",)),
    ("LTXVAudioVAELoader", "ckpt_name"): FileInput(("checkpoints",), ("checkpoint",), ("VAE",)),
    ("LLLiteLoader", "model_name"): _LLLITE,
}

# For every other node, by the name of the input; the names are those in use in the host and in other packs.
_BY_NAME: tuple[tuple[Pattern[str], FileInput], ...] = (
    (re.compile(r"(base_|refiner_)?ckpt_name(_\d+)?"), _CHECKPOINT),
    (re.compile(r"unet_name(_?\d+)?"), _DIFFUSION),
    (re.compile(r"vae_name(_?\d+)?"), _VAE),
    (re.compile(r"clip_name_?\d?"), _TEXT_ENCODER),
    (re.compile(r"control_net_name(_?\d+)?|controlnet(_name)?(_?\d+)?"), _CONTROLNET),
    (re.compile(r"lora_name(_?\d+)?"), _LORA),
    (re.compile(r"ip_?adapter_(name|file)"), _IP_ADAPTER),
    (re.compile(r"clip_vision_name"), _CLIP_VISION),
    (re.compile(r"style_model_name"), _STYLE),
    (re.compile(r"gligen_name"), _GLIGEN),
)
# What a list of files of one of the host's folders loads, for inputs recorded of other packs.
_BY_FOLDER = {
    "checkpoints": _CHECKPOINT,
    "diffusion_models": _DIFFUSION,
    "vae": _VAE,
    "text_encoders": _TEXT_ENCODER,
    "clip_vision": _CLIP_VISION,
    "controlnet": _CONTROLNET,
    "loras": _LORA,
    "ipadapter": _IP_ADAPTER,
    "style_models": _STYLE,
    "gligen": _GLIGEN,
    "upscale_models": _UPSCALER,
    "model_patches": _MODEL_PATCH,
    "embeddings": _EMBEDDING,
}
# Folders that packs have beside the host's, by the host's folder with files of the same kind.
_OWN_FOLDERS = {
    "xlabs_loras": "loras",
    "xlabs_controlnets": "controlnet",
    "xlabs_ipadapters": "ipadapter",
    "ipadapter-flux": "ipadapter",
}
# For what holds the name of a weight file: words in the names of the input and of the node, looked for in this order.
_BY_WORD: tuple[tuple[Pattern[str], FileInput], ...] = (
    (re.compile(r"lllite"), _LLLITE),
    (re.compile(r"lora"), _LORA),
    (re.compile(r"ip_?ada?p?a?ter"), _IP_ADAPTER),
    (re.compile(r"clip_?vision"), _CLIP_VISION),
    (re.compile(r"control_?net|cnet"), _CONTROLNET),
    (re.compile(r"model_?patch"), _MODEL_PATCH),
    (re.compile(r"upscal"), _UPSCALER),
    (re.compile(r"style_?model"), _STYLE),
    (re.compile(r"gligen"), _GLIGEN),
    (re.compile(r"embedding"), _EMBEDDING),
    (re.compile(r"text_?enc|t5|clip(?!_?seg)"), _TEXT_ENCODER),
    (re.compile(r"vae"), _VAE),
    (re.compile(r"checkpoint|ckpt"), _CHECKPOINT),
    (re.compile(r"unet|diffusion|dit"), _DIFFUSION),
)

# Values of those inputs that name no file: "none", and what the host makes up itself.
_NO_FILE = re.compile(
    r"none|\[none\]|disabled?|undefined|null|auto|default|baked vae|use same as model|pixel_space|"
    r"tae(sd|sdxl|sd3|f1|hv|ltx|w)?\w*",
    re.IGNORECASE,
)
_LONGEST = 260
_SAVES = re.compile(r"save|filename_prefix|output", re.IGNORECASE)


def file_input(class_type: str, name: str) -> FileInput | None:
    """What an input of a node takes, when it is known to name a model file."""
    found = _BY_NODE.get((class_type, name))
    if found is not None:
        return found
    recorded = pack_nodes().get(class_type)
    if recorded is not None and name in recorded.files:
        return _of_list(recorded.files[name])
    return _by_name(name)


@short_text_cache
def _by_name(name: str) -> FileInput | None:
    return next((one for pattern, one in _BY_NAME if pattern.fullmatch(name)), None)


# Folders in which packs keep files of kinds of their own, beside those that the host loads from there.
_SHARED_FOLDERS = frozenset({"checkpoints", "diffusion_models", "controlnet", "model_patches"})


def loads_those_kinds_alone(class_type: str, name: str, takes: FileInput) -> bool:
    """Whether an input surely loads the kinds that it is said to take: a pack may read more from a folder."""
    usual = (class_type, name) in _BY_NODE or any(pattern.fullmatch(name) for pattern, _ in _BY_NAME)
    return usual or takes.folders[0] not in _SHARED_FOLDERS


def file_inputs_of(class_type: str) -> dict[str, FileInput]:
    """The inputs of a recorded pack's node that name model files."""
    recorded = pack_nodes().get(class_type)
    inputs = recorded.types.inputs if recorded is not None else {}
    names = [name for name, kind in inputs.items() if kind in ("COMBO", "STRING")]
    return {name: takes for name in names if (takes := file_input(class_type, name)) is not None}


def _of_list(folder: str) -> FileInput:
    """What an input takes whose list shows a folder."""
    if folder in _BY_FOLDER:
        return _BY_FOLDER[folder]
    own = _OWN_FOLDERS.get(folder)
    return FileInput((folder,), (), sure=False) if own is None else input_of_folder(own)


def input_by_words(class_type: str, name: str) -> FileInput | None:
    """What an input takes that holds the name of a weight file, by the words in its name, else in its node's."""
    return _by_words(name) or _by_words(class_type)


@short_text_cache
def _by_words(text: str) -> FileInput | None:
    low = text.lower().replace(" ", "_")
    return next((replace(found, sure=False) for pattern, found in _BY_WORD if pattern.search(low)), None)


def input_of_folder(folder: str) -> FileInput:
    """What a file of one of the host's folders is loaded as."""
    known = _BY_FOLDER.get(folder)
    return replace(known, sure=False) if known else FileInput((folder,), (), sure=False)


def names_a_file(value: object) -> bool:
    """Whether the value of an input that names model files is a file's name."""
    return isinstance(value, str) and bool(value.strip()) and not _NO_FILE.fullmatch(value.strip())


def is_file_name(name: str, value: object) -> bool:
    """Whether a value of any input looks like the name of a weight file that is loaded."""
    return (
        isinstance(value, str)
        and len(value) <= _LONGEST
        and value.lower().endswith(SUFFIXES_READ)
        and not any(sign in value for sign in ("\n", "://", "*", "<", ">", "|", '"'))
        and not _SAVES.search(name)
    )


def known_names() -> list[tuple[str, str]]:
    """(names of inputs as a pattern, the model folder) of what is told by an input's name, for the docs."""
    return [(pattern.pattern, found.folders[0]) for pattern, found in _BY_NAME]


def known_words() -> list[tuple[str, str]]:
    """(words as a pattern, the model folder) of what is told by words around a file's name, for the docs."""
    return [(pattern.pattern, found.folders[0]) for pattern, found in _BY_WORD]
