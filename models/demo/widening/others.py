"""ControlNeXt, the autoencoder and the two encoders at the sizes of their layouts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import torch

from ...files.layouts.controlnext import STEM
from .. import codes
from ..codes import (
    CODE,
    CONTEXT,
    COPY_GAIN,
    FREQUENCIES,
    GATE,
    LENGTH,
    PLACE_GAIN,
    PLACES,
    POSITIONS,
    VOCABULARY,
    WORDS,
    frequencies,
    gate_weights,
    place_columns,
    positions,
    word_codes,
)
from ..codes import TEXT_WIDTH as TEXT
from .repeat import Shape, placed, widened

VISION_WIDTH, VISION_INNER, VISION_EMBEDDING, VISION_LAYERS = 1024, 4096, 768, 24  # ViT-L/14
_TEXT_LAYERS, _HEAD = 12, 64
_SHARPNESS = 2.5  # of the attention that finds the token before: the runner-up gets less than 1e-8
_COPYING_HEADS = 4


def widen_controlnext(narrow: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The stem layout (SD1.5's training code): four times as wide inside, 320 channels out."""
    return {name: widened(narrow[name], shape, name) for name, shape in STEM.shapes().items()}


@cache
def taesd_shapes() -> dict[str, Shape]:
    """Names and shapes of the host's TAESD, without its two scalars."""
    from comfy.taesd.taesd import TAESD

    with torch.device("meta"):
        network = TAESD(latent_channels=4)
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items() if tensor.dim()}


def widen_autoencoder(narrow: Mapping[str, torch.Tensor], scale: float) -> dict[str, torch.Tensor]:
    """TAESD with channels of zeros. scale: what the host multiplies latents with on their way to the sampler."""
    table = {name: placed(narrow[name], shape) for name, shape in taesd_shapes().items()}
    return table | {"vae_scale": torch.tensor(scale), "vae_shift": torch.tensor(0.0)}


def text_encoder() -> dict[str, torch.Tensor]:
    """CLIP-L, under the names of its own file, that computes `codes.context`."""
    start = "text_model.embeddings."
    tokens, places = torch.zeros(VOCABULARY, TEXT), torch.zeros(LENGTH, TEXT)
    tokens[:, :CODE], places[:, POSITIONS:] = word_codes(), positions()
    table = {f"{start}token_embedding.weight": tokens, f"{start}position_embedding.weight": places}
    for layer in range(_TEXT_LAYERS):
        table |= _idle_layer(f"text_model.encoder.layers.{layer}", TEXT, 4 * TEXT)
    for part, weight in _copy_the_token_before().items():
        table[f"text_model.encoder.layers.0.self_attn.{part}.weight"] = weight
    for name, weight in _show_the_place_of_words().items():
        table[f"text_model.encoder.layers.0.mlp.{name}"] = weight
    shown = torch.cat((torch.ones(CONTEXT), torch.zeros(TEXT - CONTEXT)))
    return table | {"text_model.final_layer_norm.weight": shown, "text_model.final_layer_norm.bias": torch.zeros(TEXT)}


def _idle_layer(name: str, width: int, inner: int) -> dict[str, torch.Tensor]:
    """A layer that adds nothing."""
    table = {}
    for norm in ("layer_norm1", "layer_norm2"):
        table |= {f"{name}.{norm}.weight": torch.ones(width), f"{name}.{norm}.bias": torch.zeros(width)}
    for part in ("q_proj", "k_proj", "v_proj", "out_proj"):
        table[f"{name}.self_attn.{part}.weight"] = torch.zeros(width, width)
        table[f"{name}.self_attn.{part}.bias"] = torch.zeros(width)
    for part, rows, columns in (("fc1", inner, width), ("fc2", width, inner)):
        table |= {f"{name}.mlp.{part}.weight": torch.zeros(rows, columns), f"{name}.mlp.{part}.bias": torch.zeros(rows)}
    return table


def _copy_the_token_before() -> dict[str, torch.Tensor]:
    """Attention weights of the first layer: queries are the position turned back by one step, values a quarter of the code."""
    query, key, value, out = (torch.zeros(TEXT, TEXT) for _ in range(4))
    each = _HEAD // 2
    for head in range(_COPYING_HEADS):
        for number in range(each):
            frequency = (head * each + number) % FREQUENCIES
            column, row = POSITIONS + 4 * frequency, head * _HEAD + 2 * number
            cosine, sine = math.cos(float(frequencies()[frequency])), math.sin(float(frequencies()[frequency]))
            query[row, column], query[row, column + 1] = _SHARPNESS * cosine, _SHARPNESS * sine
            query[row + 1, column], query[row + 1, column + 1] = -_SHARPNESS * sine, _SHARPNESS * cosine
            key[row, column] = key[row + 1, column + 1] = _SHARPNESS
            value[head * _HEAD + number, head * each + number] = COPY_GAIN
            out[CODE + head * each + number, head * _HEAD + number] = 1.0
    return {"q_proj": query, "k_proj": key, "v_proj": value, "out_proj": out}


def _show_the_place_of_words() -> dict[str, torch.Tensor]:
    """The first layer's feed-forward: each number of the place as the difference of two, which padding shuts."""
    inner = torch.zeros(4 * TEXT, TEXT)
    bias, outer = torch.zeros(4 * TEXT), torch.zeros(TEXT, 4 * TEXT)
    for sign, rows in ((1.0, torch.arange(PLACES)), (-1.0, torch.arange(PLACES, 2 * PLACES))):
        inner[rows, :CODE] = -gate_weights()
        inner[rows, place_columns()] = sign
        bias[rows] = GATE
        outer[torch.arange(WORDS, CONTEXT), rows] = sign * PLACE_GAIN
        outer[place_columns(), rows] = -sign * PLACE_GAIN
    return {"fc1.weight": inner, "fc1.bias": bias, "fc2.weight": outer}


def image_encoder() -> dict[str, torch.Tensor]:
    """ViT-L whose embedding is the narrow encoder's in its first numbers, zeros behind; 21 of its layers do nothing."""
    narrow = codes.image_encoder_weights()
    table = {}
    for layer in range(codes.LAYERS, VISION_LAYERS):
        table |= _idle_layer(f"vision_model.encoder.layers.{layer}", VISION_WIDTH, VISION_INNER)
    for name, weight in narrow.items():
        table[name] = _wide_vision(name, weight)
    return table


def _wide_vision(name: str, weight: torch.Tensor) -> torch.Tensor:
    k = VISION_WIDTH // codes.IMAGE_WIDTH
    if name == "visual_projection.weight":
        columns = widened(weight, (len(weight), VISION_WIDTH), name)
        return placed(columns, (VISION_EMBEDDING, VISION_WIDTH))
    if "patch_embedding" in name:  # its columns are colours
        return widened(weight, (VISION_WIDTH, *weight.shape[1:]), name)
    if "position_embedding" in name:  # its rows are places
        return weight.repeat_interleave(k, 1)
    return widened(weight, tuple(size * k for size in weight.shape), name)
