"""Learning a ControlNeXt: its module, and the changes to a small part of the base's weights that come with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import comfy.ops
import torch
from torch import nn
from torch.nn.functional import conv2d

from ..controlnext.addition import DEFAULT, OF_TRAINED, fitting
from ..controlnext.control import ControlNeXt
from ..controlnext.injection import AfterInputBlock, ControlAddition
from ..controlnext.loading import control_from_state_dict
from ..controlnext.module import ControlNeXtModule
from ..controlnext.tokens import TokenAddition
from ..controlnext.variants import BASE_TITLES, VARIANTS, Base, Place, Variant, base_of, place_of, times_of
from ..files.layouts.controlnext import ZERO_CONVOLUTION as ZERO_CONVOLUTION_KEY
from ..files.trained import ADDITIONS, CROSS_NORMALIZATION, ZERO_CONVOLUTION, Trained
from .checkpointing import checkpointed
from .lessons import Batch, Lessons, error, mean_error, noisy
from .loop import Dice, Learner, Pace
from .trainee import Trainee

Subset = Literal["attention outputs", "attention outputs and convolutions", "LoRA", "none"]
SUBSETS: tuple[Subset, ...] = get_args(Subset)
__all__ = ["ADDITIONS", "SUBSETS", "ControlNeXtLearner", "Plan", "is_learned", "variant_for"]
# The layout of the authors' training code for UNets: such a file loads there too. For transformers there is none but ours.
_VARIANTS: dict[Base, str] = {
    "sd15": "sd15_training",
    "sdxl": "sdxl",
    "sd3": "tokens_sd3",
    "flux": "tokens_flux",
    "z_image": "tokens_z_image",
    "qwen_image": "tokens_qwen_image",
}


# The attention of the picture's tokens: in SD 3, Flux, Lumina with Z-Image (whose blocks have one for all), Qwen-Image.
_TOKEN_OUTPUTS = ("proj", "out", "to_out.0")
_TOKEN_ATTENTION = re.compile(
    r"diffusion_model\.(joint_blocks\.\d+\.x_block\.attn2?|double_blocks\.\d+\.img_attn|layers\.\d+\.attention|"
    r"transformer_blocks\.\d+\.attn)\.(?P<layer>qkv|proj|out|to_q|to_k|to_v|to_out\.0)\.weight"
)


@dataclass(frozen=True)
class Plan:
    """What is learned, and at which rates. rank: of the changes where the subset is LoRA; checkpointing: of gradients."""

    addition: str = CROSS_NORMALIZATION
    subset: Subset = "attention outputs"
    rank: int = 16
    rate: float = 3e-4
    subset_rate: float = 1e-4
    checkpointing: bool = False


def variant_for(model: Any) -> Variant:
    """The variant whose layout a control for this MODEL is trained in; ValueError for a base that has none."""
    base = base_of(model.model, "Train ControlNeXt, input model: a control that can be trained")
    if base not in _VARIANTS:
        raise ValueError(
            f"Train ControlNeXt, input model: {BASE_TITLES[base]} is not trained on single pictures. Load a checkpoint of "
            f"{' or '.join(BASE_TITLES[one] for one in _VARIANTS)}."
        )
    variant = next(one for one in VARIANTS if one.name == _VARIANTS[base])
    place = place_of(variant, model.model)
    channels = place.channels
    if place.patch:
        return replace(variant, layout=variant.layout.of(channels))
    if channels != variant.layout.out_channels:
        raise ValueError(
            f"Train ControlNeXt, input model: {type(model.model).__name__} has {channels} channels where a map is added, and "
            f"ControlNeXt's layout for {BASE_TITLES[base]} makes {variant.layout.out_channels}. Load a checkpoint of "
            "the family's full width."
        )
    return variant


def new_module(variant: Variant, seed: int) -> ControlNeXtModule:
    """A module with fresh weights by torch's own rules: the host's layers leave their memory as it was found."""
    module = ControlNeXtModule(variant.layout, comfy.ops.manual_cast, torch.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for layer in module.modules():
            begin(layer)
    return module.requires_grad_(True)


def begin(layer: Any) -> None:
    """Fresh weights for a layer of the host by torch's own rule; nothing for what has none of its own."""
    kinds: tuple[Any, ...] = (nn.Linear, nn.Conv2d, nn.GroupNorm, nn.LayerNorm)
    for kind in kinds:
        if isinstance(layer, kind):
            kind.reset_parameters(layer)


def is_learned(key: str, subset: Subset) -> bool:
    """Whether a weight of a network (`diffusion_model.*`) learns a change.

    The authors unfreeze the outputs of the attentions; in a transformer these are those of the picture's tokens. A narrow UNet
    needs the convolutions behind the map as well, to draw from what enters at a fraction of the latent's size.
    """
    if subset == "none":
        return False
    of_tokens = _TOKEN_ATTENTION.fullmatch(key)
    if of_tokens:
        return subset == "LoRA" or of_tokens["layer"] in _TOKEN_OUTPUTS
    if subset == "LoRA":
        return ".attn" in key and key.endswith((".to_q.weight", ".to_k.weight", ".to_v.weight", ".to_out.0.weight"))
    if key.endswith(".to_out.0.weight"):
        return True
    block, _, rest = key.removeprefix("diffusion_model.").partition(".0.")
    convolution = rest == "out_layers.3.weight" and block.startswith("output_blocks.")
    reads = rest == "in_layers.2.weight" and block in ("input_blocks.4", "input_blocks.5")
    return subset == "attention outputs and convolutions" and (convolution or reads)


class ZeroConvolution(nn.Module):
    """A 1x1 convolution that begins as nothing, as those of a ControlNet do."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels, channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, control: torch.Tensor) -> torch.Tensor:
        """control: [B,C,h,w]."""
        return conv2d(control, self.weight, self.bias)


class ControlNeXtLearner(Learner):
    """Learns from a set by the error of what the base predicts with the map of each picture."""

    def __init__(self, lessons: Lessons, trainee: Trainee, plan: Plan, pace: Pace, held_out: frozenset[int]) -> None:
        self.trainee, self.plan = trainee, plan
        self.variant = variant_for(trainee.patcher)
        self._lessons, self._pace = lessons, pace
        self._place: Place = place_of(self.variant, trainee.network)
        self.module = new_module(self.variant, pace.seed)
        channels = self.variant.layout.out_channels
        self.zero = ZeroConvolution(channels) if plan.addition == ZERO_CONVOLUTION else None
        groups = {size: [one for one in numbers if one not in held_out] for size, numbers in lessons.sized().items()}
        self._sizes = [numbers for numbers in groups.values() if numbers]

    def groups(self) -> list[tuple[str, float, Mapping[str, nn.Parameter]]]:
        """The module with its zero convolution, and the part of the base."""
        own = dict(self.module.named_parameters())
        if self.zero is not None:
            own |= {f"zero_convolution.{name}": one for name, one in self.zero.named_parameters()}
        changes = {
            f"{key}.{name}": one
            for key, change in self.trainee.changes.items()
            for name, one in change.named_parameters()
        }
        return [("module", self.plan.rate, own), ("base", self.plan.subset_rate, changes)]

    def load(self) -> None:
        """Base and module onto the device."""
        self.trainee.load()
        self.module.to(self.trainee.device)
        if self.zero is not None:
            self.zero.to(self.trainee.device)

    def loss(self, dice: Dice) -> torch.Tensor:
        """Of a batch of one size; sizes come as often as they have pictures."""
        pace = self._pace
        chosen = dice.choose(dice.one_of(self._sizes), pace.batch)
        wordless = [one < pace.without_text for one in dice.numbers(len(chosen))]
        # Noisy moments settle where things are, which is what a map says.
        progress = [1 - one**pace.noisy_times for one in dice.numbers(len(chosen))]
        shape = (len(chosen), *self._lessons.latents[chosen[0]].shape)
        return mean_error(self._lessons.batches(chosen, progress, dice.noise(shape), wordless), self.error)

    def error(self, batch: Batch, with_map: bool = True) -> torch.Tensor:
        """Of a batch; with_map False: of the base with its changes alone."""
        network = self.trainee.network
        sampling = network.model_sampling
        options = self.trainee.options(batch.sigmas)
        if with_map:
            self._addition(batch).install(options)
        with checkpointed(network.diffusion_model, self.plan.checkpointing):
            found = network.apply_model(
                noisy(sampling, batch), batch.sigmas, transformer_options=options, **batch.conds
            )
        return error(sampling, batch, found)

    def _addition(self, batch: Batch) -> ControlAddition:
        if batch.maps is None:
            raise ValueError("Train ControlNeXt, input set: it has no maps. Choose a map in Training Folder.")
        # The blocks' endings apart: merging their kernels anew in each step would cost more than it saves.
        endings = self.module.endings(batch.maps, merged=False)
        prepared = self.module.prepare(batch.maps, self.variant.stem_padding, endings)
        times = times_of(self.variant, self.trainee.network.model_sampling, batch.sigmas)
        control = self.module.finish(prepared, times, endings)
        if self.zero is not None:
            control = self.zero(control)
        how = fitting(OF_TRAINED[self.plan.addition], self.variant.cross_normalization)
        if self._place.patch:
            return TokenAddition(control, how, (1.0,), self._place, self.variant.base, batch.latents)
        return AfterInputBlock(control, how, (1.0,), self._place.block)

    # What came of it -------------------------------------------------------------------------------------------

    def tensors(self) -> dict[str, torch.Tensor]:
        """The control file's: the module under its own keys, and the zero convolution's."""
        made = {name: value.detach().cpu().contiguous() for name, value in self.module.state_dict().items()}
        if self.zero is not None:
            made |= {f"{ZERO_CONVOLUTION_KEY}.{name}": one.detach().cpu() for name, one in self.zero.named_parameters()}
        return made

    def control(self, name: str) -> ControlNeXt:
        """A CONTROL_NET of what has been learned so far, which further steps do not change: as its file would be loaded."""
        weights = {key: value.clone() for key, value in self.tensors().items()}
        says = Trained(variant=self.variant.name, addition=self.plan.addition)
        return control_from_state_dict(weights, name, addition=DEFAULT, trained=says)
