"""The host's node API. Every node takes it from here, so its version is a choice of one line."""

from comfy_api.v0_0_2 import ComfyExtension, io, ui

__all__ = ["ComfyExtension", "io", "ui"]
