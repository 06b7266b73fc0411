"""What the demo model's text encoder says of a prompt, in closed form: each token's code beside the one before it.

The encoder is built, not trained. Every token has a seeded random code of 128 numbers; the encoder's first layer copies
the code of the token before ("red" next to "ball"), all other layers do nothing. `widening/text_encoder.py` writes it as
an ordinary CLIP-L file; here is the same arithmetic without the file, which training uses.
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch.nn.functional import layer_norm

CODE = 128  # numbers per token
CONTEXT = 2 * CODE  # what the network reads of each of the encoder's 768 numbers
WIDTH, VOCABULARY, LENGTH = 768, 49408, 77
START, END = 49406, 49407
FREQUENCIES = 64
POSITIONS = WIDTH - 4 * FREQUENCIES  # where the position's numbers begin
COPY_GAIN = math.sqrt(1 / 3)

# All padding behind a caption has the same code, so training reads one padding token that counts for the rest.
SHORT = 20


@cache
def codes() -> torch.Tensor:
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


def context(tokens: torch.Tensor) -> torch.Tensor:
    """tokens [B,L] -> [B,L,256]: the first 256 of the encoder's 768 numbers; the others are zero."""
    code = codes().to(tokens.device)[tokens]
    place = positions().to(tokens.device)[: tokens.shape[1]].expand(len(tokens), -1, -1)
    gap = torch.zeros(*code.shape[:2], POSITIONS - CODE, device=tokens.device)
    normed = layer_norm(torch.cat((code, gap, place), -1), (WIDTH,))[..., :CODE] * COPY_GAIN
    before = torch.cat((normed[:, :1], normed[:, :-1]), 1)
    hidden = torch.cat((code, before, gap[..., CODE:], place), -1)
    return layer_norm(hidden, (WIDTH,))[..., :CONTEXT]


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
