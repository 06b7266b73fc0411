"""What nodes of other packs and of the host do to a MODEL, for trying the extras beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch


def attention_couple(model: Any, texts: Sequence[torch.Tensor], is_prompt: Callable[[Any, int], bool]) -> Any:
    """Regional prompts: the prompt's queries once for each region, each with a text of its own, joined by columns.

    texts: [1,M,C] for each region; is_prompt: whether a chunk of a call (by the options and its number) is the prompt's.
    """
    regions = len(texts)

    def counts(options: Any) -> list[int]:
        chunks = len(options["cond_or_uncond"])
        return [regions if is_prompt(options, number) else 1 for number in range(chunks)]

    def repeat(query: Any, key: Any, value: Any, options: Any) -> Any:
        chunks = counts(options)
        parts = [part.chunk(len(chunks)) for part in (query, key, value)]
        queries, keys, values = [], [], []
        for number, count in enumerate(chunks):
            queries += [parts[0][number]] * count
            if count == 1:
                keys.append(parts[1][number])
                values.append(parts[2][number])
            else:
                spread = [text.to(key).expand(parts[0][number].shape[0], -1, -1) for text in texts]
                keys += spread
                values += spread
        return torch.cat(queries), torch.cat(keys), torch.cat(values)

    def join(out: Any, options: Any) -> Any:
        chunks = counts(options)
        parts = list(out.chunk(sum(chunks)))
        height, width = options["activations_shape"][-2:]
        column = torch.arange(height * width) % width
        joined = []
        for count in chunks:
            own = [parts.pop(0) for _ in range(count)]
            lies = [((column * count // width) == region).to(out).view(1, -1, 1) for region in range(count)]
            joined.append(own[0] if count == 1 else sum(part * mask for part, mask in zip(own, lies, strict=True)))
        return torch.cat(joined)

    clone = model.clone()
    clone.set_model_attn2_patch(repeat)
    clone.set_model_attn2_output_patch(join)
    return clone


def shuffling(model: Any) -> Any:
    """A patch after which no row of the queries is one of those before."""
    clone = model.clone()
    clone.set_model_attn2_patch(
        lambda query, key, value, _options: (
            torch.cat((query, query)) + 1.0,
            torch.cat((key, key)),
            torch.cat((value, value)),
        )
    )
    clone.set_model_attn2_output_patch(lambda out, _options: out.chunk(2)[0])
    return clone
