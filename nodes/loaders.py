"""Loading control nets of every kind."""

from __future__ import annotations

from .api import SHOWS, io
from .shown import shown_file

CATEGORY = "Armature/loaders"


def file_names(*folders: str) -> list[str]:
    """Names of the model files in some of the host's folders, each once."""
    import folder_paths

    known = [folder for folder in folders if folder in folder_paths.folder_names_and_paths]
    return list(dict.fromkeys(name for folder in known for name in folder_paths.get_filename_list(folder)))


class ArmatureLoadControlNet(io.ComfyNode):
    """Any file that can be linked to a control signal."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            **SHOWS,
            node_id="ArmatureLoadControlNet",
            display_name="Load ControlNet",
            category=CATEGORY,
            description=(
                "Loads a ControlNet, Control-LoRA, T2I-Adapter, ControlNeXt file, or a model patch that controls (Z-Image, "
                "FLUX.2, Qwen-Image, Anima, Wan). It looks at the file before it loads it, and says what is wrong with "
                "one that is damaged or of another kind."
            ),
            search_aliases=["controlnet loader", "load control net", "t2i adapter loader", "control lora", "cn"],
            inputs=[
                io.Combo.Input(
                    "control_net_name",
                    options=file_names("controlnet", "model_patches"),
                    tooltip="A file from models/controlnet or model_patches, made for the family of your model.",
                )
            ],
            outputs=[
                io.ControlNet.Output("control_net", tooltip="To a Control Signal, or to ComfyUI's own Apply nodes.")
            ],
        )

    @classmethod
    def execute(cls, control_net_name: str) -> io.NodeOutput:
        from ..models.control.loading import load_control_net, path_of

        return io.NodeOutput(load_control_net(control_net_name), ui=shown_file(path_of(control_net_name)))
