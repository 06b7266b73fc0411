"""The nodes, a file per family: each is a schema and an `execute` that calls one function of the library."""

from __future__ import annotations

from .api import ComfyExtension, io
from .control import ArmatureApplyControlStack, ArmatureControlSignal, ArmatureControlStack
from .controlnext import ArmatureApplyControlNeXtWeights, ArmatureControlNeXtWindows, ArmatureLoadControlNeXt
from .loaders import ArmatureLoadControlNet
from .pictures import ArmatureExamplePicture
from .poses import ArmatureAlignPoses, ArmatureExamplePoses
from .preprocessors import METHOD_NODES, ArmatureControlMap

NODES: tuple[type[io.ComfyNode], ...] = (
    ArmatureControlMap,
    *METHOD_NODES,
    ArmatureControlSignal,
    ArmatureControlStack,
    ArmatureApplyControlStack,
    ArmatureLoadControlNet,
    ArmatureLoadControlNeXt,
    ArmatureApplyControlNeXtWeights,
    ArmatureControlNeXtWindows,
    ArmatureAlignPoses,
    ArmatureExamplePicture,
    ArmatureExamplePoses,
)


class ArmatureExtension(ComfyExtension):
    """What the host asks for our nodes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return list(NODES)
