"""The narrow IP-Adapter: an image embedding becomes four tokens, which every cross attention reads beside the text."""

from __future__ import annotations

import torch
from torch import nn

from ....models.demo.codes import EMBEDDING, WIDTH, WORDS

TOKENS = 4


class ImagePrompt(nn.Module):
    """The layout of the first IP-Adapter. Layers are in running order; the file's order is the export's business."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.proj = nn.Linear(EMBEDDING, WORDS * TOKENS)
        self.norm = nn.LayerNorm(WORDS)
        self.to_k_ip = nn.ModuleList(nn.Linear(WORDS, WIDTH, bias=False) for _ in range(layers))
        self.to_v_ip = nn.ModuleList(nn.Linear(WORDS, WIDTH, bias=False) for _ in range(layers))
        for layer in self.to_v_ip:
            nn.init.normal_(layer.weight, std=0.02)  # type: ignore[arg-type]

    def forward(self, embedding: torch.Tensor) -> tuple[tuple[torch.Tensor, torch.Tensor], ...]:
        """embedding [B,256] (zeros: no picture) -> keys and values of each cross attention."""
        tokens = self.norm(self.proj(embedding).unflatten(-1, (TOKENS, WORDS)))
        return tuple((k(tokens), v(tokens)) for k, v in zip(self.to_k_ip, self.to_v_ip, strict=True))
