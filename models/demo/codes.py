"""The demo model's codes, built from seeds and not trained: the image encoder that its IP-Adapter reads, and its text's.

A ViT in the CLIP vision layout, 64 wide: a patch becomes its mean colour, a random layer makes features of each patch's
colour, attention that looks everywhere alike averages them. `widening/image_encoder.py` writes it as a ViT-L file.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import torch
from torch.nn.functional import layer_norm


def stays_as_in_unet(name: str) -> bool:
    """Whether a ControlNet keeps this weight as it is in the UNet: what it knows of time, which is not stored twice."""
    own = name.startswith(("zero_convs", "input_hint_block", "middle_block_out", "output_blocks", "out."))
    return not own and any(part in name for part in ("time_embed", "emb_layers"))


WIDTH, HEADS, GROUPS, TIME = 64, 8, 32, 256


IMAGE_WIDTH, INNER, EMBEDDING, LAYERS, PATCHES = 64, 256, 256, 3, 256
CONFIGURATION: dict[str, Any] = {
    "hidden_act": "quick_gelu",
    "hidden_size": IMAGE_WIDTH,
    "image_size": 224,
    "intermediate_size": INNER,
    "model_type": "clip_vision_model",
    "num_attention_heads": 4,
    "num_channels": 3,
    "num_hidden_layers": LAYERS,
    "patch_size": 14,
    "projection_dim": EMBEDDING,
}


def image_encoder_weights() -> dict[str, torch.Tensor]:
    """The state dict, from a seed; uniform numbers, which are the same everywhere."""
    generator = torch.Generator().manual_seed(21)

    def dice(*shape: int) -> torch.Tensor:
        return (torch.rand(*shape, generator=generator) * 2 - 1) * 3**0.5

    start = "vision_model.embeddings."
    colours = (dice(IMAGE_WIDTH, 3) / 196)[:, :, None, None].expand(IMAGE_WIDTH, 3, 14, 14)
    # The same offset at every patch keeps the first norm from erasing how bright a colour is.
    table: dict[str, torch.Tensor] = {
        f"{start}class_embedding": dice(IMAGE_WIDTH),
        f"{start}patch_embedding.weight": colours.contiguous(),
        f"{start}position_embedding.weight": torch.cat(
            (torch.zeros(1, IMAGE_WIDTH), (dice(IMAGE_WIDTH) * 1.5).expand(PATCHES, -1))
        ),
    }
    for name in ("pre_layrnorm", "post_layernorm"):
        table |= _norm(f"vision_model.{name}")
    for layer in range(LAYERS):
        table |= _layer(f"vision_model.encoder.layers.{layer}", layer, dice)
    return {**table, "visual_projection.weight": dice(EMBEDDING, IMAGE_WIDTH) / 8}


def _layer(name: str, number: int, dice: Any) -> dict[str, torch.Tensor]:
    zeros = torch.zeros(IMAGE_WIDTH)
    table = {**_norm(f"{name}.layer_norm1"), **_norm(f"{name}.layer_norm2")}
    for part in ("q_proj", "k_proj"):
        table |= {
            f"{name}.self_attn.{part}.weight": torch.zeros(IMAGE_WIDTH, IMAGE_WIDTH),
            f"{name}.self_attn.{part}.bias": zeros,
        }
    for part, gain in (("v_proj", 1.0), ("out_proj", 1.5 if number else 0.0)):
        table |= {
            f"{name}.self_attn.{part}.weight": gain * dice(IMAGE_WIDTH, IMAGE_WIDTH) / 8,
            f"{name}.self_attn.{part}.bias": zeros,
        }
    return table | {
        f"{name}.mlp.fc1.weight": dice(INNER, IMAGE_WIDTH) / 8 * 1.5,
        f"{name}.mlp.fc1.bias": dice(INNER),
        f"{name}.mlp.fc2.weight": dice(IMAGE_WIDTH, INNER) / 8,
        f"{name}.mlp.fc2.bias": zeros,
    }


def _norm(name: str) -> dict[str, torch.Tensor]:
    return {f"{name}.weight": torch.ones(IMAGE_WIDTH), f"{name}.bias": torch.zeros(IMAGE_WIDTH)}


@cache
def _encoder() -> Any:
    from comfy.clip_vision import ClipVisionModel

    model = ClipVisionModel(CONFIGURATION)
    model.load_sd(image_encoder_weights())
    return model


def embed(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures [B,3,H,W] in 0..1 -> embeddings [B,256], by the host's own encoder class."""
    parts = [_encoder().encode_image(some.movedim(1, -1))["image_embeds"].float() for some in pictures.split(32)]
    return torch.cat(parts)


# What the demo model's text encoder says of a prompt, in closed form: each token's code, the one before it, and its place.
#
# The encoder is built, not trained. Every token has a seeded random code of 128 numbers. The attention of the encoder's first
# layer copies the code of the token before ("red" next to "ball"), its feed-forward shows where a word stands, by which a
# network tells the first object of a caption from the second; all other layers do nothing. Padding shows no place.
# `widening/others.py` writes it as an ordinary CLIP-L file; here is the same arithmetic without the file, which training uses.

CODE, PLACES = 128, 32  # numbers per token, and of its place
WORDS = 2 * CODE
CONTEXT = WORDS + PLACES  # what the network reads of each of the encoder's 768 numbers
TEXT_WIDTH, VOCABULARY, LENGTH = 768, 49408, 77
START, END = 49406, 49407
FREQUENCIES = 64
POSITIONS = TEXT_WIDTH - 4 * FREQUENCIES  # where the position's numbers begin
COPY_GAIN = math.sqrt(1 / 3)
PLACE_GAIN = math.sqrt(1 / 8)  # half of what the second layer norm divides by
GATE, GATE_SWING = 8.0, 16.0  # what opens a word's place, and how much less a padding token's is opened

# All padding behind a caption has the same code, so training reads one padding token that counts for the rest.
SHORT = 20


@cache
def word_codes() -> torch.Tensor:
    """[vocabulary,128], uniform with variance 1: the same numbers from the same seed everywhere, exact in float16."""
    generator = torch.Generator().manual_seed(20_260)
    return ((torch.rand(VOCABULARY, CODE, generator=generator) * 2 - 1) * math.sqrt(3)).half().float()


@cache
def frequencies() -> torch.Tensor:
    """[64] radians per token; spread so that no two positions look alike."""
    return 0.2 + 2.8 * torch.rand(FREQUENCIES, generator=torch.Generator().manual_seed(77), dtype=torch.float64)


@cache
def positions() -> torch.Tensor:
    """[77,256]: cosine and sine of each frequency at each position, each also with its sign turned.

    So their sum is zero and the sum of their squares the same everywhere: the layer norms do not see the position.
    """
    turns = torch.arange(LENGTH, dtype=torch.float64)[:, None] * frequencies()
    return torch.stack((turns.cos(), turns.sin(), -turns.cos(), -turns.sin()), -1).flatten(1).half().float()


@cache
def place_columns() -> torch.Tensor:
    """[32]: the encoder's numbers that are shown as a token's place, cosine and sine of the slowest frequencies."""
    slowest = frequencies().argsort()[: PLACES // 2]
    return (POSITIONS + 4 * slowest[:, None] + torch.arange(2)).flatten()


@cache
def gate_weights() -> torch.Tensor:
    """[128]: times a normed code, how far a token's place is shut: GATE_SWING for padding, within 35 % of it for words."""
    padding = word_codes()[END]
    hidden = torch.cat((padding, padding, torch.zeros(POSITIONS - WORDS), positions()[-1]))
    normed = layer_norm(hidden, (TEXT_WIDTH,))[:CODE]
    return (padding * (GATE_SWING / (normed @ padding))).half().float()


def context(tokens: torch.Tensor) -> torch.Tensor:
    """tokens [B,L] -> [B,L,288]: the first 288 of the encoder's 768 numbers; the others are zero."""
    code = word_codes().to(tokens.device)[tokens]
    place = positions().to(tokens.device)[: tokens.shape[1]].expand(len(tokens), -1, -1)
    gap = torch.zeros(*code.shape[:2], POSITIONS - CODE, device=tokens.device)
    normed = layer_norm(torch.cat((code, gap, place), -1), (TEXT_WIDTH,))[..., :CODE] * COPY_GAIN
    before = torch.cat((normed[:, :1], normed[:, :-1]), 1)
    hidden = torch.cat((code, before, gap[..., CODE:], place), -1)
    shown = _shown_places(layer_norm(hidden, (TEXT_WIDTH,)))
    # Moved and not copied, so that the last layer norm sees the same numbers, shown or not.
    hidden[..., WORDS:CONTEXT] += shown
    hidden[..., place_columns().to(tokens.device)] -= shown
    return layer_norm(hidden, (TEXT_WIDTH,))[..., :CONTEXT]


def _shown_places(normed: torch.Tensor) -> torch.Tensor:
    """[B,L,32] of the normed hidden states [B,L,768]: the place of words, nearly nothing for padding."""
    place = normed[..., place_columns().to(normed.device)]
    gate = GATE - (normed[..., :CODE] @ gate_weights().to(normed.device))[..., None]
    return PLACE_GAIN * (_quick_gelu(gate + place) - _quick_gelu(gate - place))


def _quick_gelu(x: torch.Tensor) -> torch.Tensor:
    return x * torch.sigmoid(1.702 * x)


def padding_bias() -> torch.Tensor:
    """[SHORT]: what to add to attention scores so that the last of the short tokens weighs as much as all padding."""
    bias = torch.zeros(SHORT)
    bias[-1] = math.log(LENGTH - SHORT + 1)
    return bias


def tokenize(captions: list[str]) -> torch.Tensor:
    """[B,SHORT] token numbers of short captions by the host's own tokenizer. ValueError when one is too long."""
    from comfy.sd1_clip import SD1Tokenizer

    tokenizer = SD1Tokenizer()
    rows = []
    for caption in captions:
        row = [int(token) for token, _weight in tokenizer.tokenize_with_weights(caption)["l"][0]]
        if row[SHORT - 1] != END:
            raise ValueError(f"The caption {caption!r} has more than {SHORT - 2} tokens.")
        rows.append(row[:SHORT])
    return torch.tensor(rows)


def empty(count: int) -> torch.Tensor:
    """The tokens [count,SHORT] of an empty prompt."""
    row = torch.full((count, SHORT), END)
    row[:, 0] = START
    return row
