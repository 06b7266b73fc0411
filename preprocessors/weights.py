"""Finding a method's weight files on this machine. Nothing is ever fetched from here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from .model_files import ModelFile

# What comfyui_controlnet_aux downloads lies in its own folder; whoever has it need not download twice.
_AUX_CHECKPOINTS = ("comfyui_controlnet_aux", "ckpts")
_AUX_VARIABLE = "AUX_ANNOTATOR_CKPTS_PATH"  # set by the user, or by that pack from its own configuration
_PICKLES = (".pth", ".pt", ".bin")
_SAFE_NAMES = {"pytorch_model.bin": "model.safetensors"}


class MissingWeights(ValueError):
    """A weight file is not on this machine; the message says which, how large, under which licence, and how to get it."""


def fetch_command(method: str) -> str:
    """The command that gets the weights of `method` into the models folder of this very host, from any folder."""
    import folder_paths

    script, models = Path(__file__).parents[1] / "armature.py", folder_paths.models_dir
    return f"python {_quoted(script)} fetch {method} --models {_quoted(models)}"


def _quoted(path: Path | str) -> str:
    return f'"{path}"' if " " in str(path) else str(path)


def find_weights(method: str, file: ModelFile) -> Path:
    """The path of a file that `method` needs, or MissingWeights."""
    for place in _places(file):
        if place.is_file():
            return place
    raise MissingWeights(
        f"{method}: the weight file {file.name} is missing ({file.size}, licence: {file.licence}). Get it with\n"
        f"    {fetch_command(method)}\n"
        f"or put it into {_folders(file)[0] / file.name} yourself; it comes from {file.address}"
    )


def find_folder(method: str, files: tuple[ModelFile, ...]) -> Path:
    """The folder that holds files which belong together, such as a configuration and its weights."""
    paths = [find_weights(method, file) for file in files]
    if len({path.parent for path in paths}) > 1:
        raise MissingWeights(
            f"{method}: its files lie apart: {', '.join(map(str, paths))}. They belong in one folder; put them together."
        )
    return paths[0].parent


def _folders(file: ModelFile) -> list[Path]:
    import folder_paths

    registered = (
        folder_paths.get_folder_paths(file.folder) if file.folder in folder_paths.folder_names_and_paths else []
    )
    return [*map(Path, registered), Path(folder_paths.models_dir) / file.folder]


def _places(file: ModelFile) -> Iterator[Path]:
    """Where the file may be, the likeliest first; at each place the same weights as safetensors come before a pickle."""
    plain = file.file.rpartition("/")[2]
    for folder in [*_folders(file), *_folders_of_others()]:
        for place in (folder / file.name, folder / file.repository / file.file, folder / file.repository / plain):
            if place.suffix in _PICKLES:
                yield place.with_name(_SAFE_NAMES.get(place.name, f"{place.stem}.safetensors"))
            yield place


def _folders_of_others() -> Iterator[Path]:
    import folder_paths

    if os.environ.get(_AUX_VARIABLE):
        yield Path(os.environ[_AUX_VARIABLE])
    yield Path(folder_paths.models_dir) / "controlnet_aux"
    for packs in folder_paths.get_folder_paths("custom_nodes"):
        yield Path(packs).joinpath(*_AUX_CHECKPOINTS)
