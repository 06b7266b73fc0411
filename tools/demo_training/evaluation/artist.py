"""Drawing held-out scenes with the compact weights: each part on its own, or several together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch.func import functional_call

from ....models.demo import codes
from ....models.demo.codes import embed
from ....models.files.identity import below
from ..networks.autoencoder import FACTOR, LATENT_CHANNELS, Autoencoder
from ..networks.control_next import ControlNeXt, add_by_cross_normalization
from ..networks.diffusion import sample
from ..networks.image_prompt import ImagePrompt
from ..networks.unet import CONTROLNEXT_BLOCK, Added, ControlNet, UNet

Load = Callable[[str], Mapping[str, torch.Tensor]]
Weight = float | Callable[[], torch.Tensor]
GUIDANCE, AT_ONCE, SEED = 2.0, 32, 1


@dataclass(frozen=True)
class Steering:
    """What steers a picture. controls: (part, control images [N,3,S,S], weight, or what gives the weights [N] of each step of at
    most AT_ONCE pictures); lora: its strength; reference: pictures
    [N,3,S,S] for the IP-Adapter at weight 1; captions: whether the prompt is given.
    """

    controls: tuple[tuple[str, torch.Tensor, Weight], ...] = ()
    lora: float = 0.0
    reference: torch.Tensor | None = None
    captions: bool = True

    def rows(self, first: int, last: int) -> Steering:
        controls = tuple((part, hint[first:last], weight) for part, hint, weight in self.controls)
        reference = None if self.reference is None else self.reference[first:last]
        return Steering(controls, self.lora, reference, self.captions)


class Artist:
    """The narrow networks, which compute what the exported files do (tests/models/demo/test_widening.py)."""

    def __init__(self, load: Load, device: torch.device) -> None:
        self.load, self.device = load, device
        self.vae = self._with(Autoencoder(), load("vae"))
        self.unet = self._with(UNet(), load("unet"))
        self.bias = codes.padding_bias().to(device)

    def _with(self, network: torch.nn.Module, weights: Mapping[str, torch.Tensor]) -> torch.nn.Module:
        network.load_state_dict(dict(weights), strict=False)
        return network.to(self.device).eval().requires_grad_(False)

    @torch.no_grad()
    def draw(
        self,
        captions: list[str],
        size: int,
        steering: Steering,
        steps: int = 10,
        seed: int = SEED,
        saw: Callable[[int, torch.Tensor], None] | None = None,
    ) -> torch.Tensor:
        """Pictures [N,3,size,size] in 0..1; the same noise for the same row and seed, whatever steers it.

        saw: gets each step's number and the latents that it predicts.
        """
        parts = []
        for first in range(0, len(captions), AT_ONCE):
            some = captions[first : first + AT_ONCE]
            noise = [self._noise(seed, first + row, size, steps) for row in range(len(some))]
            rows = steering.rows(first, first + len(some))
            latents = sample(self._predict(some, rows), torch.stack(noise, 1).to(self.device), saw)
            parts.append(self.vae.decode(latents).clamp(0, 1).cpu())  # type: ignore[operator]
        return torch.cat(parts)

    @staticmethod
    def _noise(seed: int, row: int, size: int, steps: int) -> torch.Tensor:
        dice = torch.Generator().manual_seed(seed * 1_000_000 + row)
        return torch.randn(steps, LATENT_CHANNELS, size // FACTOR, size // FACTOR, generator=dice)

    def _predict(self, captions: list[str], steering: Steering) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
        """Noise with classifier-free guidance: both halves in one batch, the empty prompt first."""
        count = len(captions)
        prompt = codes.tokenize(captions) if steering.captions else codes.empty(count)
        text = codes.context(torch.cat((codes.empty(count), prompt)).to(self.device))
        nets = [(part, self._control(part), torch.cat((hint, hint)), w) for part, hint, w in steering.controls]
        changes = {name: value for part, *_ in nets for name, value in self._subset(part).items()}
        weights = self._weights(changes, steering.lora)
        prompts = self._prompts(steering.reference)

        def predict(x: torch.Tensor, timesteps: torch.Tensor) -> torch.Tensor:
            both, times = torch.cat((x, x)), torch.cat((timesteps, timesteps))
            residuals: tuple[torch.Tensor, ...] = ()
            behind = None
            for part, net, hint, given_weight in nets:
                weight = _of_both_halves(given_weight()) if callable(given_weight) else given_weight
                hint_there = hint.to(self.device)
                if part.startswith("controlnext"):
                    behind = (CONTROLNEXT_BLOCK, add_by_cross_normalization(net(hint_there, times), weight))
                    continue
                new = [weight * one for one in net(both, hint_there, times, text, self.bias)]
                residuals = tuple(a + b for a, b in zip(residuals, new, strict=True)) if residuals else tuple(new)
            inputs = (both, times, text, self.bias, Added(residuals, prompts), behind)
            without, given = functional_call(self.unet, weights, inputs).chunk(2)
            return without + GUIDANCE * (given - without)

        return predict

    def _control(self, part: str) -> torch.nn.Module:
        weights = self.load(part)
        if part.startswith("controlnext"):
            return self._with(ControlNeXt(), below(weights, "module."))
        return self._with(ControlNet(), weights)

    def _subset(self, part: str) -> dict[str, torch.Tensor]:
        return below(self.load(part), "unet.") if part.startswith("controlnext") else {}

    def _weights(self, changes: Mapping[str, torch.Tensor], lora: float) -> dict[str, torch.Tensor]:
        """The UNet's weights with ControlNeXt's changes and the LoRA in them."""
        weights = dict(self.unet.state_dict())
        for name, change in changes.items():
            weights[name] = weights[name] + change.to(self.device)
        adapter = self.load("lora_ink") if lora else {}
        for name in (name for name in adapter if name.endswith(".down")):
            stem = name.removesuffix(".down")
            change = (adapter[f"{stem}.up"] @ adapter[name]).to(self.device)
            weights[f"{stem}.weight"] = weights[f"{stem}.weight"] + lora * change.view_as(weights[f"{stem}.weight"])
        return weights

    def _prompts(self, reference: torch.Tensor | None) -> tuple[tuple[torch.Tensor, torch.Tensor], ...]:
        if reference is None:
            return ()
        seen = embed(reference).to(self.device)
        adapter = self._with(ImagePrompt(self.unet.cross_attentions()), self.load("ip_adapter"))  # type: ignore[operator]
        return adapter(torch.cat((torch.zeros_like(seen), seen)))


def _of_both_halves(weights: torch.Tensor) -> torch.Tensor:
    """Weights [N] as they stand beside residuals [2N,C,h,w]."""
    return torch.cat((weights, weights)).view(-1, 1, 1, 1)
