"""How much of a LoRA finds its place in a UNet model: names and shapes, from the two headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

from ...common.file_stamp import FileStamp
from ..files.container import read_any_header
from ..files.header import BrokenFile
from ..files.host_detection import detect_model
from ..files.identity import Shape, Tensors

_ENDINGS = (
    ".lora_down.weight",
    ".lora_up.weight",
    ".lora_A.default.weight",
    ".lora_B.default.weight",
    ".lora_A.weight",
    ".lora_B.weight",
    ".lora.down.weight",
    ".lora.up.weight",
    "_lora.down.weight",
    "_lora.up.weight",
    ".hada_w1_a",
    ".lokr_w1",
    ".lokr_w1_a",
    ".lokr_w2",
    ".oft_blocks",
    ".diff",
)
_DOWN = (".lora_down.weight", ".lora_A.weight", ".lora.down.weight", "_lora.down.weight", ".lora_A.default.weight")
_UP = (".lora_up.weight", ".lora_B.weight", ".lora.up.weight", "_lora.up.weight", ".lora_B.default.weight")
_TEXT = ("lora_te", "text_encoder")
_PREFIXES = ("model.diffusion_model.", "diffusion_model.", "unet.")


@dataclass(frozen=True)
class Coverage:
    """Layers of a LoRA's model part: all, those whose name the model has, and those whose shape fits as well.

    read: those whose name the host's own LoRA loader reads; it knows fewer spellings than there are.
    """

    layers: int
    named: int
    fitting: int
    read: int

    @property
    def share(self) -> float:
        """Share of the layers that will act."""
        return self.fitting / self.layers if self.layers else 0.0


@lru_cache(maxsize=256)
def coverage(lora: FileStamp, model: FileStamp) -> Coverage | None:
    """The coverage of a LoRA on a UNet model; None where it cannot be told."""
    try:
        table = _layers_of_model(model)
        tensors = Tensors.of(read_any_header(lora[0]))
    except BrokenFile:
        return None
    return None if table is None else measure(tensors.shapes, *table)


def measure(lora: Mapping[str, Shape], layers: Mapping[str, Shape], host_names: frozenset[str]) -> Coverage:
    """Compare a LoRA's names and shapes with a model's layers by the names that LoRAs use for them.

    host_names: the names that the host reads, spelt exactly so.
    """
    stems: dict[str, dict[str, Shape]] = {}
    read: set[str] = set()
    for name, shape in lora.items():
        ending = next((one for one in _ENDINGS if name.endswith(one)), None)
        if ending is not None and not name.startswith(_TEXT):
            stem = name[: -len(ending)]
            stems.setdefault(_plain(stem), {})[ending] = shape
            if stem in host_names:
                read.add(stem)
    named = [stem for stem in stems if stem in layers]
    fitting = sum(_fits(stems[stem], layers[stem]) for stem in named)
    return Coverage(len(stems), len(named), fitting, len(read))


def _plain(stem: str) -> str:
    """One spelling for the names that different trainers give a layer."""
    for prefix in ("base_model.model.", "lora_unet_", "lycoris_", "unet.", "diffusion_model.", "lora_unet."):
        stem = stem.removeprefix(prefix)
    plain = stem.replace(".", "_").replace("_processor_to_", "_to_")
    return plain.removesuffix("_0") if plain.endswith("to_out_0") else plain


def _fits(parts: Mapping[str, Shape], layer: Shape) -> bool:
    down = next((parts[one] for one in _DOWN if one in parts), None)
    up = next((parts[one] for one in _UP if one in parts), None)
    if down is None or up is None:
        return True  # the relatives put their matrices together in ways of their own; the name has to do
    if len(down) < 2 or len(up) < 2 or len(layer) < 2:
        return False
    return up[0] == layer[0] and down[1] == layer[1]


@lru_cache(maxsize=32)
def _layers_of_model(model: FileStamp) -> tuple[dict[str, Shape], frozenset[str]] | None:
    """The layers of a UNet model by the plain spelling of their names, and the names that the host reads in LoRAs."""
    import comfy.utils

    tensors = Tensors.of(read_any_header(model[0]))
    found = detect_model(tensors)
    if found is None or "channel_mult" not in found.config:
        return None
    weights = {
        _without_prefix(name).removesuffix(".weight"): shape
        for name, shape in tensors.shapes.items()
        if name.endswith(".weight")
    }
    config = {"num_res_blocks": [], "transformer_depth": [], **found.config}
    names = {
        key.removesuffix(".weight"): value.removesuffix(".weight")
        for key, value in comfy.utils.unet_to_diffusers(config).items()
        if key.endswith(".weight")
    }
    layers = {_plain(name): shape for name, shape in weights.items()}
    layers |= {_plain(name): weights[own] for name, own in names.items() if own in weights}
    return layers, _host_names(weights, config)


def _host_names(weights: Mapping[str, Shape], config: Mapping[str, Any]) -> frozenset[str]:
    """What the host's own LoRA loader would look for, from its own function and the names of the model's weights."""
    import comfy.lora

    model = SimpleNamespace(
        state_dict=lambda: {f"diffusion_model.{name}.weight": shape for name, shape in weights.items()},
        model_config=SimpleNamespace(unet_config=config),
    )
    return frozenset(comfy.lora.model_lora_keys_unet(model, {}))


def _without_prefix(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name
