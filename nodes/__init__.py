"""The nodes, a file per family: each is a schema and an `execute` that calls one function of the library."""

from __future__ import annotations

from .adherence import ArmatureControlAdherence
from .api import ComfyExtension, io
from .color_fix import ArmatureFixColors
from .compatibility import ArmatureCompatibilityCheck
from .consistency import ArmatureConsistency
from .control import ArmatureControlSignal, ArmatureControlStack
from .control_adaptation import ArmatureAdaptationReport, ArmatureControlAdaptation
from .control_apply import ArmatureApplyControl, ArmatureApplyControlStack
from .control_images import ArmatureCheckControlImage, ArmatureFitControlImage
from .control_plot import ArmaturePlotControlStack
from .control_savings import ArmatureControlSavings, ArmatureProfile
from .control_weights import ArmatureFrameWeights, ArmatureLayerWeights
from .controlnext import ArmatureApplyControlNeXtWeights, ArmatureControlNeXtWindows, ArmatureLoadControlNeXt
from .ip_adapter import ArmatureApplyIPAdapter, ArmatureLoadIPAdapter
from .ip_adapter_embeds import (
    ArmatureCombineIPAdapterEmbeds,
    ArmatureEncodeIPAdapterImage,
    ArmatureLoadIPAdapterEmbeds,
    ArmatureSaveIPAdapterEmbeds,
)
from .ip_adapter_images import ArmatureFaceEmbeds, ArmatureIdentityFromFolder, ArmaturePrepareReferenceImage
from .loaders import ArmatureLoadControlNet
from .lora import ArmatureApplyLoRAStack, ArmatureLoRAOptions, ArmatureLoRAStack
from .map_reference import ArmatureMapReference
from .pictures import ArmatureExamplePicture
from .poses import (
    ArmatureAlignPoses,
    ArmatureDrawPoses,
    ArmatureExamplePoses,
    ArmaturePosesFromJSON,
    ArmaturePosesToJSON,
)
from .preprocessors import METHOD_NODES, ArmatureControlMap
from .records import ArmatureSaveRecord
from .sample_to_adherence import ArmatureSampleToAdherence
from .sweep import ArmatureSweepSheet, ArmatureWeightSweep
from .train_ip_adapter import ArmatureTrainIPAdapter
from .training import ArmatureTrainControlNeXt
from .training_folder import ArmatureTrainingFolder
from .training_for_lora import ArmatureTrainingSetForLoRA
from .union import ArmatureUnionSignal
from .vace import ArmatureVACEWeights

NODES: tuple[type[io.ComfyNode], ...] = (
    ArmatureControlMap,
    *METHOD_NODES,
    ArmatureControlSignal,
    ArmatureUnionSignal,
    ArmatureControlStack,
    ArmatureApplyControlStack,
    ArmatureApplyControl,
    ArmatureLayerWeights,
    ArmatureFrameWeights,
    ArmatureVACEWeights,
    ArmatureMapReference,
    ArmatureFitControlImage,
    ArmatureCheckControlImage,
    ArmaturePlotControlStack,
    ArmatureControlAdherence,
    ArmatureWeightSweep,
    ArmatureSweepSheet,
    ArmatureControlSavings,
    ArmatureProfile,
    ArmatureLoadControlNet,
    ArmatureLoadControlNeXt,
    ArmatureApplyControlNeXtWeights,
    ArmatureControlNeXtWindows,
    ArmatureAlignPoses,
    ArmatureLoadIPAdapter,
    ArmatureApplyIPAdapter,
    ArmaturePrepareReferenceImage,
    ArmatureEncodeIPAdapterImage,
    ArmatureCombineIPAdapterEmbeds,
    ArmatureSaveIPAdapterEmbeds,
    ArmatureLoadIPAdapterEmbeds,
    ArmatureIdentityFromFolder,
    ArmatureFaceEmbeds,
    ArmatureLoRAStack,
    ArmatureLoRAOptions,
    ArmatureApplyLoRAStack,
    ArmatureConsistency,
    ArmatureCompatibilityCheck,
    ArmatureSaveRecord,
    ArmatureExamplePicture,
    ArmatureExamplePoses,
    ArmatureDrawPoses,
    ArmaturePosesToJSON,
    ArmaturePosesFromJSON,
    ArmatureFixColors,
    ArmatureTrainingFolder,
    ArmatureTrainControlNeXt,
    ArmatureTrainIPAdapter,
    ArmatureTrainingSetForLoRA,
    ArmatureSampleToAdherence,
    ArmatureControlAdaptation,
    ArmatureAdaptationReport,
)


class ArmatureExtension(ComfyExtension):
    """What the host asks for our nodes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return list(NODES)

    async def on_load(self) -> None:
        from .missing_host_parts import tell_lacks
        from .routes import register_routes

        register_routes()
        tell_lacks()
