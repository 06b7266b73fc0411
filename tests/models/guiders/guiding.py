"""Samplings in-process under every way of guiding that the host has, and the extras of the pack that act in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import comfy.samplers
import torch
from armature_pack.models.control.apply import apply_stack
from armature_pack.models.control.savings import Savings
from armature_pack.models.control.signal import ControlSignal
from armature_pack.models.control.stack import ControlStack
from armature_pack.models.guidance.layer_weights import LayerWeights, make_layer_weights
from armature_pack.nodes.ip_adapter import ArmatureApplyIPAdapter
from armature_pack.tests.latest import latest
from armature_pack.tests.models.control.sampling import picture as noise_picture
from armature_pack.tests.models.control.small import control_net_of
from comfy_extras import nodes_custom_sampler
from comfy_extras.nodes_custom_sampler import Guider_Basic, Guider_DualCFG
from comfy_extras.nodes_pag import PerturbedAttentionGuidance
from comfy_extras.nodes_perpneg import Guider_PerpNeg, PerpNeg
from comfy_extras.nodes_sag import SelfAttentionGuidance
from ip_adapter_recipes import adapter, family_of, narrow_model, picture, prompt, tiny_encoder

CFG = 3.0
SIZE = (8, 8)


@dataclass(frozen=True, eq=False)
class Run:
    """What is sampled. sigmas None: those of `steps` of the scheduler."""

    model: Any
    positive: Any
    negative: Any
    steps: int = 2
    sampler: str = "euler"
    scheduler: str = "sgm_uniform"
    cfg: float = CFG
    pictures: int = 1
    sigmas: Any = None
    latent: Any = None
    noise: float = 1.0

    def latent_noise(self) -> torch.Tensor:
        """[pictures,4,h,w], always the same."""
        return torch.randn(self.pictures, 4, *SIZE, generator=torch.Generator().manual_seed(0))

    def sample(self, guide: Callable[[Run], Any]) -> torch.Tensor:
        """The latent [pictures,4,h,w] under a guider of the table."""
        guider = guide(self)
        noise = self.latent_noise()
        sigmas = self.sigmas
        if sigmas is None:
            sampling = self.model.get_model_object("model_sampling")
            sigmas = comfy.samplers.calculate_sigmas(sampling, self.scheduler, self.steps)
        start = torch.zeros_like(noise) if self.latent is None else self.latent
        return guider.sample(
            noise * self.noise, start, comfy.samplers.sampler_object(self.sampler), sigmas, seed=1, disable_pbar=True
        )


@latest(1)
def plain(network: str = "short") -> Run:
    """A narrow network of the SD1.5 family with two prompts."""
    return Run(narrow_model(network), prompt(1, network), prompt(2, network))


def distance(a: torch.Tensor, b: torch.Tensor) -> float:
    """Relative L2."""
    return float((a - b).norm() / b.norm())


# Guiders: each is CFG by algebra when its further prompts are the negative one --------------------------------------


def cfg(run: Run) -> Any:
    guider = comfy.samplers.CFGGuider(run.model)
    guider.set_conds(run.positive, run.negative)
    guider.set_cfg(run.cfg)
    return guider


def dual_cfg(run: Run) -> Any:
    guider = Guider_DualCFG(run.model)
    guider.set_conds(run.positive, run.negative, run.negative)
    guider.set_cfg(run.cfg, 2.0)
    return guider


def dual_cfg_nested(run: Run) -> Any:
    guider = Guider_DualCFG(run.model)
    guider.set_conds(run.positive, run.negative, run.negative)
    guider.set_cfg(run.cfg, 1.0, nested=True)
    return guider


def perp_neg(run: Run) -> Any:
    guider = Guider_PerpNeg(run.model)
    guider.set_conds(run.positive, run.negative, run.negative)
    guider.set_cfg(run.cfg, 1.0)
    return guider


DUAL_MODEL: Any = getattr(nodes_custom_sampler, "Guider_DualModel", None)  # older hosts have none


def dual_model(run: Run) -> Any:
    guider = DUAL_MODEL(run.model, run.model)
    guider.set_conds(run.positive, run.negative)
    guider.set_cfg(run.cfg)
    return guider


def old_perp_neg(run: Run) -> Any:
    """The deprecated node, which runs its empty prompt from a function of the model."""
    return cfg(replace(run, model=PerpNeg.execute(run.model, run.negative, 1.0).args[0]))


class OtherPack(comfy.samplers.CFGGuider):
    """A guider of another pack: names and an order of its own, and one call for each prompt."""

    def predict_noise(self, x: Any, timestep: Any, model_options: Any = None, seed: Any = None) -> Any:
        made = [
            comfy.samplers.calc_cond_batch(self.inner_model, [self.conds[name]], x, timestep, model_options or {})[0]
            for name in ("uncond", "positive_prompt")
        ]
        return comfy.samplers.cfg_function(
            self.inner_model, made[1], made[0], self.cfg, x, timestep, model_options=model_options
        )


def other_pack(run: Run) -> Any:
    guider = OtherPack(run.model)
    guider.inner_set_conds({"uncond": run.negative, "positive_prompt": run.positive})
    guider.set_cfg(run.cfg)
    return guider


EQUAL_TO_CFG: dict[str, Callable[[Run], Any]] = {
    "dual_cfg": dual_cfg,
    "dual_cfg_nested": dual_cfg_nested,
    "perp_neg": perp_neg,
    **({} if DUAL_MODEL is None else {"dual_model": dual_model}),
    "old_perp_neg": old_perp_neg,
    "other_pack": other_pack,
}


def basic(run: Run) -> Any:
    guider = Guider_Basic(run.model)
    guider.set_conds(run.positive)
    return guider


def cfg_1(run: Run) -> Any:
    return cfg(replace(run, cfg=1.0))


def dual_cfg_1(run: Run) -> Any:
    guider = dual_cfg(run)
    guider.set_cfg(1.0, 1.0)
    return guider


def sag(run: Run) -> Any:
    return cfg(replace(run, model=SelfAttentionGuidance.execute(run.model, 0.7, 2.0).args[0]))


def pag(run: Run) -> Any:
    return cfg(replace(run, model=PerturbedAttentionGuidance.execute(run.model, 2.0).args[0]))


ALL: dict[str, Callable[[Run], Any]] = {
    "cfg": cfg,
    **EQUAL_TO_CFG,
    "basic": basic,
    "cfg_1": cfg_1,
    "dual_cfg_1": dual_cfg_1,
    "sag": sag,
    "pag": pag,
}


# Extras -----------------------------------------------------------------------------------------------------------


@latest(1)
def control_net() -> Any:
    """CONTROL_NET for the network of `plain`."""
    config = dict(family_of("short").unet_config)
    config["transformer_depth"] = config["transformer_depth"][:]  # it is used up
    return control_net_of({key: value for key, value in config.items() if key != "transformer_depth_output"})


def with_control(run: Run, savings: Savings | None = None, net: Any = None, **settings: Any) -> Run:
    """Through a stack of one signal."""
    signal = ControlSignal(net or control_net(), **{"image": noise_picture(3), "weight": 1.0, **settings})
    applied = apply_stack(run.positive, run.negative, ControlStack((signal,)), savings=savings or Savings())
    return replace(run, positive=applied.positive, negative=applied.negative)


def with_host_control(
    run: Run, positive: bool = True, negative: bool = True, start: float = 0.0, end: float = 1.0
) -> Run:
    """The host's own Apply ControlNet, on one conditioning or both."""
    import nodes

    both = nodes.ControlNetApplyAdvanced().apply_controlnet(
        run.positive, run.negative, control_net(), noise_picture(3), 1.0, start, end
    )
    return replace(run, positive=both[0] if positive else run.positive, negative=both[1] if negative else run.negative)


def half_mask() -> torch.Tensor:
    mask = torch.zeros(1, 128, 128)
    mask[:, :, :64] = 1
    return mask


@latest(1)
def _image_prompt() -> tuple[Any, Any]:
    return adapter("base", "short"), tiny_encoder()


def with_ip_adapter(run: Run, **settings: Any) -> Run:
    image_adapter, encoder = _image_prompt()
    settings = {"weight": 1.0, "image": picture(), "clip_vision": encoder, **settings}
    return replace(run, model=ArmatureApplyIPAdapter.execute(run.model, image_adapter, **settings).args[0])


EXTRAS: dict[str, Callable[[Run], Run]] = {
    "curve": lambda run: with_control(run, schedule=_curve("0:1, 1:0.3")),
    "mask": lambda run: with_control(run, mask=half_mask()),
    "layer_weights": lambda run: with_control(run, layer_weights=make_layer_weights("favour_control", 0.825, "")),
    "halves": lambda run: with_control(run, layer_weights=LayerWeights(conditional=1.5, unconditional=0.25)),
    "conditional_only": lambda run: with_control(run, Savings(conditional_only=True)),
    "every": lambda run: with_control(run, Savings(every=2)),
    "ip_adapter": with_ip_adapter,
    "ip_adapter_mask": lambda run: with_ip_adapter(run, mask=half_mask()),
    "ip_adapter_schedule": lambda run: with_ip_adapter(run, schedule="0:1, 1:0.2"),
    "ip_adapter_halves": lambda run: with_ip_adapter(run, layer_weights=LayerWeights(unconditional=0.0)),
    "both": lambda run: with_ip_adapter(with_control(run, layer_weights=LayerWeights(unconditional=0.0))),
}


def _curve(text: str) -> Any:
    from armature_pack.models.guidance.curve import Curve

    return Curve.from_text(text)
