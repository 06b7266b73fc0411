"""A training set as ComfyUI's own Train LoRA takes it: a latent and a conditioning for each picture, in lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from ...common.report_lines import warning, warnings_first
from .encoded import encoded_captions, encoded_pictures
from .named import counted
from .session import check_set
from .training_set import TrainingSet

WHO = "Training Set for LoRA"
_A_STEP_EACH = 80  # steps for each picture: what a LoRA of ComfyUI's example takes
_ONE_PICTURE = "one picture teaches a LoRA that picture alone. Put 10 to 25 of them into the folder."


@dataclass(frozen=True, eq=False)
class ForLoRA:
    """latents: LATENTs of one picture each; positive: a CONDITIONING for each of them, in the same order."""

    latents: list[dict[str, torch.Tensor]]
    positive: list[Any]
    report: str


def for_lora(chosen: TrainingSet, clip: Any, vae: Any) -> ForLoRA:
    """Each picture comes as often as its repeats say. Maps are not used. ValueError for what is no set, and for one picture."""
    check_set(WHO, chosen, _ONE_PICTURE)
    pictures, texts = encoded_pictures(chosen, vae), encoded_captions(chosen, clip)
    latents, positive = [], []
    for latent, example in zip(pictures, chosen.examples, strict=True):
        for _ in range(max(1, example.repeats)):
            latents.append({"samples": latent.clone()})
            positive.append([[cond, dict(more)] for cond, more in texts[example.caption]])
    return ForLoRA(latents, positive, "\n".join(warnings_first(_told(chosen, len(latents)))))


def _told(chosen: TrainingSet, count: int) -> list[str]:
    repeated = f", {count} with their repeats" if count != len(chosen) else ""
    lines = [
        f"{counted(len(chosen), 'picture')}{repeated}. Train LoRA: about {_A_STEP_EACH * len(chosen)} steps, rank 8 to 32, "
        "learning rate 1e-4."
    ]
    if len(set(chosen.sizes)) > 1:
        lines.append(
            "The pictures have several sizes: Train LoRA then learns them one by one, whatever batch_size says."
        )
    if not any(example.caption for example in chosen.examples):
        lines.append(
            warning(
                "No picture has a caption, so no words will call what is learned. Write text files, or one for all."
            )
        )
    return lines
