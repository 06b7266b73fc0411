"""ControlNeXt: its control file, its UNet weights, and windows for long clips."""

from __future__ import annotations

from typing import Any

from .api import SHOWS, io
from .loaders import CATEGORY, file_names
from .shown import shown, shown_file

WEIGHT_FOLDERS = ("controlnet", "model_patches")


class ArmatureLoadControlNeXt(io.ComfyNode):
    """A ControlNeXt control file, with the choice of its variant."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.controlnext.addition import ADDITIONS
        from ..models.controlnext.variants import SETTINGS

        return io.Schema(
            **SHOWS,
            node_id="ArmatureLoadControlNeXt",
            display_name="Load ControlNeXt",
            category=CATEGORY,
            description=(
                "Loads the control file of a ControlNeXt model (SD1.5, SDXL, Stable Video Diffusion, or a transformer that you "
                "trained it for). Link it like any control net. The UNet file that comes with it goes to Apply ControlNeXt "
                "Weights."
            ),
            search_aliases=["controlnext", "control next", "cross normalization", "controlnext svd", "controlany"],
            inputs=[
                io.Combo.Input(
                    "control_net_name",
                    options=file_names("controlnet"),
                    tooltip="A file from models/controlnet, often named controlnet.safetensors or controlnext.bin.",
                ),
                io.Combo.Input(
                    "variant",
                    options=list(SETTINGS),
                    default="auto",
                    optional=True,
                    tooltip=(
                        "auto: decided by the file and the model being sampled, right for every published file and those "
                        "trained in Armature. Choose one by hand for files you trained elsewhere: sd15_training (SD1.5 "
                        "training code), svd_v2_training (SVD v2 training code, which pads where the published weights do "
                        "not)."
                    ),
                ),
                io.Combo.Input(
                    "cross_normalization",
                    options=list(ADDITIONS),
                    default="code",
                    optional=True,
                    advanced=True,
                    tooltip=(
                        "How the map is added. code: by Cross Normalization as the authors' code computes it, which all "
                        "published files need, or as a file of your own training says that it was trained. paper: by "
                        "equation (10) of the paper, which differs; for study, or for networks trained that way. plain: "
                        "as it is, without normalization; for networks trained that way."
                    ),
                ),
            ],
            outputs=[
                io.ControlNet.Output("control_net", tooltip="To a Control Signal, or to ComfyUI's own Apply nodes.")
            ],
        )

    @classmethod
    def execute(
        cls, control_net_name: str, variant: str | None = None, cross_normalization: Any = None
    ) -> io.NodeOutput:
        from ..models.control.loading import path_of
        from ..models.controlnext.loading import load_controlnext

        path = path_of(control_net_name)
        loaded = load_controlnext(path, variant or "auto", cross_normalization or "code")
        return io.NodeOutput(loaded, ui=shown_file(path, *loaded.told))


class ArmatureApplyControlNeXtWeights(io.ComfyNode):
    """The fine-tuned part of the UNet that comes with a control file."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.controlnext.unet_report import FORMATS

        return io.Schema(
            **SHOWS,
            node_id="ArmatureApplyControlNeXtWeights",
            display_name="Apply ControlNeXt Weights",
            category=CATEGORY,
            description=(
                "Adds the UNet weights that were trained together with a ControlNeXt control file. LoRAs may stand before "
                "or behind it. The report says which weights were changed and which were not."
            ),
            search_aliases=["controlnext unet", "weight increments", "unet delta", "controlnext weights"],
            inputs=[
                io.Model.Input("model", tooltip="A model of the family that the file was trained on."),
                io.Combo.Input(
                    "weights_name",
                    options=file_names(*WEIGHT_FOLDERS),
                    tooltip=(
                        "A file from models/controlnet or models/model_patches, often named unet.safetensors or "
                        "unet_weight_increasements.safetensors."
                    ),
                ),
                io.Float.Input(
                    "strength",
                    default=1.0,
                    min=-10.0,
                    max=10.0,
                    step=0.01,
                    optional=True,
                    tooltip="Share of the change that is applied. 1: as trained; 0: the model as it was.",
                ),
                io.Combo.Input(
                    "format",
                    options=list(FORMATS),
                    default="auto",
                    optional=True,
                    tooltip=(
                        "What the file holds. auto: decided by comparing it with the model; delta: differences, to be added; "
                        "full: whole weights. The report tells what was decided."
                    ),
                ),
            ],
            outputs=[
                io.Model.Output("model", tooltip="To the sampler, or to a LoRA loader."),
                io.String.Output("report", tooltip="Which weights were changed, which were left out, and why."),
            ],
        )

    @classmethod
    def execute(cls, model: Any, weights_name: str, strength: float | None = None, format: Any = None) -> io.NodeOutput:
        from ..models.controlnext.unet_weights import apply_weights_file

        patched, report = apply_weights_file(
            model, weights_name, WEIGHT_FOLDERS, 1.0 if strength is None else strength, format or "auto"
        )
        return io.NodeOutput(patched, str(report), ui=shown(str(report)))


class ArmatureControlNeXtWindows(io.ComfyNode):
    """Clips that are longer than the video model's batch."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        from ..models.controlnext.video import LENGTH, OVERLAP

        return io.Schema(
            node_id="ArmatureControlNeXtWindows",
            display_name="ControlNeXt Video Windows",
            category=CATEGORY,
            description=(
                "Samples a long clip in overlapping windows, as the authors of ControlNeXt SVD do. Memory does not grow with "
                "the clip. A clip that fits into one window is sampled as without this node."
            ),
            search_aliases=["context windows", "long video", "svd windows", "controlnext video"],
            inputs=[
                io.Model.Input("model", tooltip="A Stable Video Diffusion model."),
                io.Int.Input(
                    "length",
                    default=LENGTH,
                    min=2,
                    max=256,
                    optional=True,
                    tooltip="Frames in a window. SVD v2 was trained for 24; v1 for 14.",
                ),
                io.Int.Input(
                    "overlap",
                    default=OVERLAP,
                    min=0,
                    max=255,
                    optional=True,
                    tooltip="Frames that neighbouring windows share, averaged. The authors use 6 (v2) and 4 (v1).",
                ),
                io.Boolean.Input(
                    "reference_first",
                    default=True,
                    optional=True,
                    tooltip=(
                        "On for SVD v2: every window begins with the map of the reference image, and that frame counts in "
                        "the first window only. Off for v1."
                    ),
                ),
            ],
            outputs=[io.Model.Output("model", tooltip="To the sampler.")],
        )

    @classmethod
    def execute(
        cls, model: Any, length: int | None = None, overlap: int | None = None, reference_first: bool | None = None
    ) -> io.NodeOutput:
        from ..models.controlnext.video import LENGTH, OVERLAP, with_windows

        return io.NodeOutput(
            with_windows(
                model,
                LENGTH if length is None else length,
                OVERLAP if overlap is None else overlap,
                True if reference_first is None else reference_first,
            )
        )
