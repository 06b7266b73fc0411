"""Pictures of a set as latents and its captions as conditionings: made once, and kept by the hash of all they depend on."""

from __future__ import annotations

from typing import Any

import comfy.model_management as management
import comfy.utils
import torch

from ...common.digests import sha256_of_json
from ..files.fingerprint import fingerprint
from .training_set import TrainingSet


def encoded_pictures(chosen: TrainingSet, vae: Any) -> list[torch.Tensor]:
    """[1,C,h,w] of each picture on the processor, as the VAE gives it; shows progress on the node."""
    network = fingerprint(vae.first_stage_model)
    bar = comfy.utils.ProgressBar(len(chosen))
    made = []
    for number in range(len(chosen)):
        management.throw_exception_if_processing_interrupted()

        def make(number: int = number) -> dict[str, torch.Tensor]:
            with torch.inference_mode():
                return {"latent": vae.encode(chosen.pictures([number])[..., :3]).float().cpu().contiguous()}

        kept = chosen.store.get(f"latent-{sha256_of_json([chosen.picture_key(number), network])}", make)["latent"]
        made.append(kept.clone())
        bar.update(1)
    return made


def encoded_captions(chosen: TrainingSet, clip: Any) -> dict[str, list[Any]]:
    """Caption -> CONDITIONING, with the empty caption among them; shows progress on the node."""
    wanted = sorted({"", *(example.caption for example in chosen.examples)})
    key = f"texts-{sha256_of_json([*wanted, fingerprint(clip.cond_stage_model), clip.layer_idx])}"
    bar = comfy.utils.ProgressBar(len(wanted))
    made: dict[str, list[Any]] = {}

    def make() -> dict[str, torch.Tensor]:
        tensors = {}
        for number, caption in enumerate(wanted):
            management.throw_exception_if_processing_interrupted()
            with torch.inference_mode():
                ((cond, more),) = clip.encode_from_tokens_scheduled(clip.tokenize(caption))
            tensors[f"{number}.cond"] = cond.cpu().contiguous()
            for name, value in more.items():
                if isinstance(value, torch.Tensor):
                    tensors[f"{number}.{name}"] = value.cpu().contiguous()
            bar.update(1)
        return tensors

    for place, value in chosen.store.get(key, make).items():
        number, _, name = place.partition(".")
        entry = made.setdefault(wanted[int(number)], [[None, {}]])[0]
        if name == "cond":
            entry[0] = value.clone()
        else:
            entry[1][name] = value.clone()
    return made
