"""The key layouts of ControlNeXt control files, and telling them apart by keys and shapes alone.

Four are published, for UNets. The fifth is our own, for transformers: the keys of the layout with a stem, with as many channels
out as the tokens of the base have (`Layout.of`).

Beside any of them a file may hold a zero convolution, which was trained in the place of Cross Normalization.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from ..identity import Shape, Value, below

SINUSOID_CHANNELS = 128
TIME_CHANNELS = 256
ZERO_CONVOLUTION = "zero_convolution"
_CHANNELS_OUT = "mid_convs.1.weight"


@dataclass(frozen=True)
class Layout:
    """One architecture of the control network, as its state dict shows it.

    stages: (channels in, channels out, groups of the normalisation) of each residual block; every block is followed by
    a strided convolution that halves the picture. stem: three convolutions before the first block that halve it too.
    pooled_stem: a 2x2 max pool ends the stem. out_channels: of the control map. scale: a learned factor is stored.
    """

    name: str
    title: str
    stages: tuple[tuple[int, int, int], ...]
    stem: bool
    pooled_stem: bool
    out_channels: int
    scale: bool

    def shapes(self, zero_convolution: bool = False) -> dict[str, Shape]:
        """Every key of the state dict with its shape, those of a zero convolution included where it has one."""
        shapes: dict[str, Shape] = {"scale": ()} if self.scale else {}
        if zero_convolution:
            _add(shapes, ZERO_CONVOLUTION, (self.out_channels, self.out_channels, 1, 1))
        _add(shapes, "time_embedding.linear_1", (TIME_CHANNELS, SINUSOID_CHANNELS))
        _add(shapes, "time_embedding.linear_2", (TIME_CHANNELS, TIME_CHANNELS))
        if self.stem:
            _add_stem(shapes)
        for index, (channels_in, channels_out, _groups) in enumerate(self.stages):
            _add_block(shapes, f"down_res.{index}", channels_in, channels_out)
            _add(shapes, f"down_sample.{index}.conv", (channels_out, channels_out, 3, 3))
        self._add_middle(shapes)
        return shapes

    def of(self, channels: int) -> Layout:
        """The same with another number of channels out."""
        return self if channels == self.out_channels else replace(self, out_channels=channels)

    def is_like(self, other: Layout) -> bool:
        """Whether it is the same layout, whatever the number of channels out."""
        return self.name == other.name

    def _add_middle(self, shapes: dict[str, Shape]) -> None:
        width = self.stages[-1][1]
        second = 3 if self.stem else 2  # the layouts with a stem have a normalisation behind each convolution
        _add(shapes, "mid_convs.0.0", (width, width, 3, 3))
        _add(shapes, f"mid_convs.0.{second}", (width, width, 3, 3))
        if self.stem:
            _add(shapes, "mid_convs.0.2", (width,))
            _add(shapes, "mid_convs.0.4", (width,))
        _add(shapes, "mid_convs.1", (self.out_channels, width, 1, 1))


def _add(shapes: dict[str, Shape], name: str, weight: Shape) -> None:
    shapes[f"{name}.weight"] = weight
    shapes[f"{name}.bias"] = weight[:1]


def _add_stem(shapes: dict[str, Shape]) -> None:
    for index, (channels_in, channels_out) in zip((0, 3, 6), ((3, 64), (64, 64), (64, 128)), strict=True):
        _add(shapes, f"embedding.{index}", (channels_out, channels_in, 3, 3))
        _add(shapes, f"embedding.{index + 1}", (channels_out,))


def _add_block(shapes: dict[str, Shape], name: str, channels_in: int, channels_out: int) -> None:
    _add(shapes, f"{name}.norm1", (channels_in,))
    _add(shapes, f"{name}.conv1", (channels_out, channels_in, 3, 3))
    _add(shapes, f"{name}.time_emb_proj", (channels_out, TIME_CHANNELS))
    _add(shapes, f"{name}.norm2", (channels_out,))
    _add(shapes, f"{name}.conv2", (channels_out, channels_out, 3, 3))
    if channels_in != channels_out:
        _add(shapes, f"{name}.conv_shortcut", (channels_out, channels_in, 1, 1))


_THREE_STAGES = ((128, 128, 4), (128, 256, 8), (256, 256, 8))

PLAIN = Layout(
    "plain", "no stem, 1280 channels out", ((3, 128, 1), (128, 256, 8), (256, 256, 8)), False, False, 1280, True
)
STEM = Layout("stem", "stem, two stages, 320 channels out", _THREE_STAGES[:2], True, False, 320, False)
POOLED = Layout("pooled", "pooled stem, three stages, 1280 channels out", _THREE_STAGES, True, True, 1280, False)
POOLED_SCALED = Layout(
    "pooled_scaled",
    "pooled stem, three stages, 1280 channels out, learned scale",
    _THREE_STAGES,
    True,
    True,
    1280,
    True,
)
# Of transformers each has its own number of channels; this is that of Flux and Qwen-Image.
TOKENS = Layout(
    "tokens", "stem, two stages, as many channels out as tokens have", _THREE_STAGES[:2], True, False, 3072, False
)
LAYOUTS: tuple[Layout, ...] = (PLAIN, STEM, POOLED, POOLED_SCALED, TOKENS)
# The variants that a file's metadata may name: the layout of each, and the base families it can be trained on. What they mean
# is in models/controlnext/variants.py.
VARIANT_BASES: Mapping[str, tuple[Layout, tuple[str, ...]]] = {
    "sd15": (PLAIN, ("sd15", "sd2")),
    "sd15_training": (STEM, ("sd15", "sd2")),
    "sdxl": (STEM, ("sdxl",)),
    "sdxl_june_2024": (PLAIN, ("sdxl",)),
    "sdxl_july_2024": (POOLED, ("sdxl",)),
    "svd": (POOLED_SCALED, ("svd",)),
    "svd_v2": (STEM, ("svd",)),
    "svd_v2_training": (STEM, ("svd",)),
    "tokens_sd3": (TOKENS, ("sd3",)),
    "tokens_flux": (TOKENS, ("flux",)),
    "tokens_z_image": (TOKENS, ("z_image", "lumina2")),
    "tokens_qwen_image": (TOKENS, ("qwen_image",)),
}


@dataclass(frozen=True)
class Mismatch:
    """How far a file is from a layout."""

    layout: Layout
    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    reshaped: tuple[str, ...]

    @property
    def count(self) -> int:
        return len(self.missing) + len(self.unexpected) + len(self.reshaped)

    def __str__(self) -> str:
        parts = [
            f"{len(names)} {kind} ({', '.join(names[:3])}{', …' if len(names) > 3 else ''})"
            for kind, names in (
                ("missing", self.missing),
                ("unexpected", self.unexpected),
                ("of another shape", self.reshaped),
            )
            if names
        ]
        return f"closest to the layout with {self.layout.title}, but keys are off: {'; '.join(parts)}"


def has_zero_convolution(names: Iterable[str]) -> bool:
    """Whether a control network's keys have those of a zero convolution, or some of them."""
    return any(name.startswith(f"{ZERO_CONVOLUTION}.") for name in names)


def mismatch(shapes: Mapping[str, Shape], layout: Layout) -> Mismatch:
    """Compare the keys and shapes of a file with a layout."""
    expected = layout.shapes(has_zero_convolution(shapes))
    both = expected.keys() & shapes.keys()
    return Mismatch(
        layout,
        missing=tuple(sorted(expected.keys() - shapes.keys())),
        unexpected=tuple(sorted(shapes.keys() - expected.keys())),
        reshaped=tuple(sorted(key for key in both if tuple(shapes[key]) != expected[key])),
    )


def detect(shapes: Mapping[str, Shape]) -> Layout | Mismatch:
    """The layout that has exactly these keys and shapes, else what is off with the closest one.

    One for transformers comes with the file's number of channels out; the published layouts go before it.
    """
    channels = shapes.get(_CHANNELS_OUT, ())[:1]
    layouts = (layout.of(*channels) if layout is TOKENS and channels else layout for layout in LAYOUTS)
    closest = min((mismatch(shapes, layout) for layout in layouts), key=lambda found: found.count)
    return closest.layout if closest.count == 0 else closest


# Finding the control network's part, and the UNet's part, in a state dict with any prefix around them.

_MARK = "down_res.0.norm1.weight"  # in every layout, and in no other kind of file that is known
_ROOTS = ("time_embedding", "embedding", "down_res", "down_sample", "mid_convs", "scale", ZERO_CONVOLUTION)
_UNET_ROOTS = ("down_blocks.", "up_blocks.", "mid_block.", "input_blocks.", "output_blocks.", "middle_block.")


def control_prefixes(keys: Iterable[str]) -> tuple[str, ...]:
    """The prefixes under which a control network stands in a file; empty when there is none."""
    return tuple(sorted(key[: -len(_MARK)] for key in keys if key == _MARK or key.endswith(f".{_MARK}")))


def control_part(state_dict: Mapping[str, Value], prefix: str) -> dict[str, Value]:
    """The keys of the control network under `prefix`, without it."""
    return {key: value for key, value in below(state_dict, prefix).items() if key.split(".", 1)[0] in _ROOTS}


def unet_part(state_dict: Mapping[str, Value]) -> dict[str, Value]:
    """What is left for the UNet once control networks are taken out; keys keep their prefixes.

    A training checkpoint may hold both in one file (`unet.*` and `controlnext.*`).
    """
    taken: set[str] = set()
    for prefix in control_prefixes(state_dict):
        taken.update(prefix + key for key in control_part(state_dict, prefix))
    return {key: value for key, value in state_dict.items() if key not in taken}


def looks_like_unet(keys: Iterable[str]) -> bool:
    """Whether any key names a block of a UNet."""
    return any(root in key for key in keys for root in _UNET_ROOTS)
