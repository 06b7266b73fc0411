"""Sampling at the smallest weight that the picture follows well enough."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, ControlStackType, io
from .control import CATEGORY
from .control_apply import guard_input, savings_input
from .shown import shown


class ArmatureSampleToAdherence(io.ComfyNode):
    """Model, prompts and stack -> the picture at the smallest weight that is enough."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.control.sample_to_adherence import MOST_TRIES
        from ..models.control.signal import MAXIMUM_WEIGHT
        from ..models.control.stack_adherence import TOGETHER

        return io.Schema(
            **SHOWS,
            node_id="ArmatureSampleToAdherence",
            display_name="Sample to Adherence",
            category=CATEGORY,
            description=(
                "Samples the same noise at several weights of a stack and gives the picture of the smallest weight whose "
                "adherence is enough: as much control as needed, and no more."
            ),
            search_aliases=["auto weight", "find control strength", "ksampler controlnet weight", "adherence sampler"],
            is_output_node=True,
            inputs=[
                io.Model.Input("model", tooltip="As for a sampler."),
                io.Conditioning.Input("positive", tooltip="Of what you want to see, without the stack."),
                io.Conditioning.Input("negative", tooltip="Of what you do not want to see, without the stack."),
                io.Latent.Input("latent_image", tooltip="The latent to begin with, as for a sampler."),
                io.Vae.Input("vae", tooltip="Each try is decoded with it and measured."),
                ControlStackType.Input(
                    "stack",
                    optional=True,
                    tooltip="From ControlNet Stack. Its weights say how the signals stand to each other.",
                ),
                io.Noise.Input(
                    "noise", optional=True, tooltip="The same for every try. Unlinked: random noise of the seed below."
                ),
                io.Sampler.Input("sampler", tooltip="From KSamplerSelect."),
                io.Sigmas.Input("sigmas", tooltip="From a scheduler such as BasicScheduler."),
                io.Float.Input(
                    "cfg",
                    default=7.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    optional=True,
                    tooltip="Guidance, as for a sampler.",
                ),
                io.Float.Input(
                    "adherence",
                    default=0.8,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="What is enough: 0 is no better than chance, 1 a perfect fit, as Control Adherence measures it.",
                ),
                io.Int.Input(
                    "tries",
                    default=4,
                    min=1,
                    max=MOST_TRIES,
                    optional=True,
                    tooltip="The most samplings. 4 know the weight to about 0.1, 6 to 0.05; it stops as soon as that is known.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=0xFFFFFFFFFFFFFFFF,
                    optional=True,
                    control_after_generate=True,
                    tooltip="Of the noise, where none is linked.",
                ),
                io.Float.Input(
                    "maximum_weight",
                    default=1.0,
                    min=0.01,
                    max=MAXIMUM_WEIGHT,
                    step=0.01,
                    optional=True,
                    tooltip="The first try, and the largest weight of the strongest signal.",
                ),
                io.Combo.Input(
                    "together",
                    options=list(TOGETHER),
                    default=TOGETHER[0],
                    optional=True,
                    advanced=True,
                    tooltip="Of several signals: their mean adherence, or that of the one that is followed least.",
                ),
                io.Image.Input(
                    "source",
                    optional=True,
                    tooltip="The picture that the maps were made of. Then what it reaches itself is 1; poses need it.",
                ),
                guard_input(),
                savings_input(),
            ],
            outputs=[
                io.Latent.Output("latent", display_name="latent", tooltip="Of the picture."),
                io.Image.Output("image", display_name="image", tooltip="The picture at the weight that was chosen."),
                io.Float.Output("weight", display_name="weight", tooltip="That weight, of the strongest signal."),
                io.Float.Output("adherence", display_name="adherence", tooltip="What it reaches."),
                io.String.Output("report", display_name="report", tooltip="What was tried, and what came of it."),
            ],
        )

    @classmethod
    def execute(
        cls,
        model: Any,
        positive: Any,
        negative: Any,
        latent_image: Any,
        vae: Any,
        sampler: Any,
        sigmas: Any,
        stack: Any = None,
        noise: Any = None,
        cfg: float | None = None,
        adherence: float | None = None,
        tries: int | None = None,
        seed: int | None = None,
        maximum_weight: float | None = None,
        together: Any = None,
        source: Any = None,
        guard: Any = None,
        savings: Any = None,
    ) -> io.NodeOutput:
        from ..models.control.sample_to_adherence import Sampling, Wanted, sample_to_adherence
        from ..models.control.savings import check_savings
        from ..models.control.stack import check_stack
        from ..models.host import host_extra

        wanted = Wanted(
            0.8 if adherence is None else adherence,
            4 if tries is None else tries,
            1.0 if maximum_weight is None else maximum_weight,
            together or "mean",
        )
        if noise is None:
            noise = host_extra("nodes_custom_sampler").RandomNoise.execute(seed or 0).args[0]
        sampling = Sampling(
            model,
            positive,
            negative,
            latent_image,
            vae,
            noise,
            sampler,
            sigmas,
            7.0 if cfg is None else cfg,
            guard or "error",
            check_savings(savings),
        )
        found = sample_to_adherence(sampling, None if stack is None else check_stack(stack, "stack"), wanted, source)
        return io.NodeOutput(
            found.latent,
            found.image,
            found.weight,
            found.adherence,
            found.report,
            ui=shown(found.report, found.plot, cls),
        )
