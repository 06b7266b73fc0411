"""Whether a control net and the model being sampled are of one family, said before the first step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ...preprocessors.images.kinds import map_kind
from ..files.families import family_of_host_class, find_family
from ..files.identify import identify_tensors
from ..files.identity import Tensors
from ..files.index import ModelFile, ModelIndex
from ..host import running_prompt
from .loading import FOLDER, FOLDERS

_KINDS = (
    "model_patch",
    "control_lllite",
    "controlnet",
    "controlnet_transformer",
    "control_lora",
    "t2i_adapter",
    "controlnext",
)
# Networks of the host's whose names are not those of their files.
_BY_MODULE = {
    "comfy.ldm.flux.controlnet": "flux",
    "comfy.cldm.mmdit": "sd3",
    "comfy.cldm.dit_embedder": "sd3",
    "comfy.ldm.hydit.controlnet": "hunyuan_dit",
    "comfy.ldm.qwen_image.controlnet": "qwen_image",
}
# (net, model) that are of two families and yet work together: the model is made from the net's and kept its blocks.
_RELATED = {("flux", "chroma")}
# A video model is steered by nets of the picture model that it grew from, in packs of their own.
_ANY = ("svd",)
_MOST_NAMES = 3


def family_of_net(net: Any) -> str | None:
    """The family of a CONTROL_NET by its network; None when it is not known, or could be several."""
    family = getattr(net, "family", None)  # a model patch knows its own
    if family is not None:
        return family
    network = getattr(net, "control_model", None) or getattr(net, "t2i_model", None)
    if network is not None and type(network).__module__ in _BY_MODULE:
        return _BY_MODULE[type(network).__module__]
    network = getattr(network, "network", network)  # a union net for several maps stands around the network itself
    weights = getattr(net, "control_weights", None) if network is None else network.state_dict()
    if not isinstance(weights, Mapping):
        return None
    shapes = {name: tuple(value.shape) for name, value in weights.items() if hasattr(value, "shape")}
    families = identify_tensors(Tensors(shapes)).families
    return families[0] if len(families) == 1 else None


def mismatch(net: Any, model: Any, label: str, tag: str | None = None) -> str | None:
    """What to say when a net cannot act on a host model (BaseModel), naming both and files that would fit; None when it can.

    tag: what made the control image, for choosing among the files.
    """
    own = family_of_net(net)
    base = family_of_host_class(type(getattr(model, "model_config", None)).__name__).id
    if own is None or base in _ANY or own == base or (own, base) in _RELATED or not find_family(base).host_classes:
        return None
    index = _index()
    return (
        f"{label}: its control net{_named(index, own)} is made for {find_family(own).title}, but the model being sampled is "
        f"{find_family(base).title}. {_advice(index, own, base, tag)}"
    )


def _index() -> ModelIndex:
    import folder_paths

    folders = [name for name in FOLDERS if name in folder_paths.folder_names_and_paths]
    return ModelIndex({name: [Path(path) for path in folder_paths.get_folder_paths(name)] for name in folders})


def _named(index: ModelIndex, family: str) -> str:
    """' 'NAME'' where the graph that runs names one control net of this family alone."""
    names = {name for name in _texts(running_prompt() or {}) if _is_of(_found(index, name), family)}
    return f" '{names.pop()}'" if len(names) == 1 else ""


def _texts(prompt: Mapping[str, Any]) -> Iterator[str]:
    for node in prompt.values():
        inputs = node.get("inputs") if isinstance(node, Mapping) else None
        for value in inputs.values() if isinstance(inputs, Mapping) else ():
            if isinstance(value, str) and value and "\n" not in value:
                yield value


def _found(index: ModelIndex, name: str) -> ModelFile | None:
    try:
        return next((file for folder in FOLDERS if (file := index.find(folder, name)) is not None), None)
    except ValueError:  # a text that is no file's name
        return None


def _is_of(file: ModelFile | None, family: str) -> bool:
    identity = None if file is None else file.identity
    return identity is not None and identity.kind in _KINDS and identity.families == (family,)


def _advice(index: ModelIndex, own: str, base: str, tag: str | None) -> str:
    fitting = [file.name for file in index.files() if _is_of(file, base)]
    if tag is not None:  # nets are named after the maps that they read
        wanted = map_kind(tag).name.lower()
        fitting.sort(key=lambda name: wanted not in name.lower())
    checkpoint = f"Load a checkpoint of {find_family(own).title}"
    if not fitting:
        return f"{checkpoint}, or a control net for {find_family(base).title}: there is none in models/{FOLDER} yet."
    names = ", ".join(f"'{name}'" for name in fitting[:_MOST_NAMES])
    more = f" and {len(fitting) - _MOST_NAMES} more" if len(fitting) > _MOST_NAMES else ""
    return f"{checkpoint}, or one of your control nets for {find_family(base).title}: {names}{more}."
