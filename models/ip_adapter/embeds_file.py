"""Image embeddings as files: safetensors, small, free of code and the same for everyone; and those that another pack saved."""

from __future__ import annotations

from pathlib import Path

from ...preprocessors.images.checks import check_type
from ..files.header import BrokenFile
from ..files.reading import read_state_dict, refuse_non_finite
from ..files.safetensors_header import read_header
from ..files.writing import write_safetensors
from . import ipadpt
from .embeds import PREFIX, ImageEmbeds

_FORMAT = "armature.ip_adapter_embeds"
_PARTS = ("image", "negative", "face")
_ENDING = ".safetensors"
_OUTPUT = " [output]"  # the host's mark for names in its output folder


def save_embeds(embeds: ImageEmbeds, prefix: str) -> Path:
    """Write embeddings under the next free number of a prefix in the host's output folder; returns the file.

    Raises ValueError for a prefix that leads out of it.
    """
    import folder_paths

    check_type("Save IP-Adapter Embeddings, input embeds", embeds, ImageEmbeds, "IP_ADAPTER_EMBEDS are")
    output = folder_paths.get_output_directory()
    try:
        folder, name, counter, _, _ = folder_paths.get_save_image_path(prefix or PREFIX, output)
    except Exception as error:  # the host raises a bare Exception
        raise ValueError(
            f"Save IP-Adapter Embeddings, input filename_prefix: {prefix!r} cannot be used: {error}"
        ) from None
    path = Path(folder) / f"{name}_{counter:05}_{_ENDING}"
    write_embeds(embeds, path)
    return path


def write_embeds(embeds: ImageEmbeds, path: Path) -> None:
    """Write embeddings to a file of this name."""
    tensors = {part: getattr(embeds, part) for part in _PARTS}
    kept = {part: one.detach().float().cpu().clone() for part, one in tensors.items() if one is not None}
    write_safetensors(path, kept, {"format": _FORMAT, "version": "1", "reads": embeds.reads, "source": embeds.source})


def read_embeds(path: Path) -> ImageEmbeds:
    """The embeddings in a file. Raises BrokenFile (a ValueError) when it is damaged or holds something else."""
    if path.suffix == ipadpt.ENDING:
        return ipadpt.read_ipadpt(path)
    metadata = read_header(path).metadata if path.suffix == _ENDING and path.is_file() else {}
    tensors = read_state_dict(path)
    if metadata.get("format") != _FORMAT or not set(tensors) <= set(_PARTS):
        raise BrokenFile(
            f"The file {path.name} holds no IP-Adapter embeddings (its tensors: {', '.join(sorted(tensors)[:4])}). "
            "Choose a file that Save IP-Adapter Embeddings has written."
        )
    for key, value in tensors.items():
        refuse_non_finite(path.name, key, value)
    return ImageEmbeds(metadata["reads"], **tensors, source=f"file {path.name}")  # type: ignore[arg-type]


def embeds_names() -> list[str]:
    """What can be loaded from the host's input folder, and from where saved embeddings lie in its output folder.

    Files of ComfyUI_IPAdapter_plus are found in folders within the input folder too, as its own loader finds them.
    """
    import folder_paths

    given, made = Path(folder_paths.get_input_directory()), Path(folder_paths.get_output_directory())
    saved = made / Path(PREFIX).parent
    found = [*sorted(given.glob(f"*{_ENDING}")), *sorted(given.rglob(f"*{ipadpt.ENDING}"))]
    own = [one for ending in (_ENDING, ipadpt.ENDING) for one in sorted(saved.glob(f"*{ending}"))]
    return [one.relative_to(given).as_posix() for one in found] + [
        f"{one.relative_to(made).as_posix()}{_OUTPUT}" for one in own
    ]


def embeds_path(name: str) -> Path:
    """Where a name of `embeds_names` lies; ValueError when there is no such file inside the host's folders."""
    import folder_paths

    is_output = name.endswith(_OUTPUT)
    root = Path(folder_paths.get_output_directory() if is_output else folder_paths.get_input_directory()).resolve()
    path = (root / name.removesuffix(_OUTPUT)).resolve()
    if not path.is_relative_to(root) or not path.is_file():
        raise ValueError(
            f"There are no embeddings '{name}'. Save some with Save IP-Adapter Embeddings, or put the file into the input "
            "folder, and refresh the page (key R)."
        )
    return path
