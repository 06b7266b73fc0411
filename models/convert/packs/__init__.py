"""The packs whose nodes are turned, one file each."""

from __future__ import annotations

from ..entry import Pack
from . import advanced_controlnet, controlnet_aux, efficiency, host, ipadapter_plus

PACKS: tuple[Pack, ...] = (
    host.PACK,
    advanced_controlnet.PACK,
    ipadapter_plus.PACK,
    controlnet_aux.PACK,
    efficiency.PACK,
)
