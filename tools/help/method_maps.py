"""What a method makes of the picture that shows it well."""

import time
from pathlib import Path
from typing import Any


def prepare_host(models: list[Path]) -> None:
    """The host on this machine's processor where it has no GPU, with the model folders in `models` beside its own."""
    import comfy.cli_args
    import folder_paths
    import torch

    from ...preprocessors.registry import all_files

    if not torch.cuda.is_available() and not torch.backends.mps.is_available():
        comfy.cli_args.args.cpu = True
    for folder in models:
        for name in {file.folder for file in all_files().values()}:
            folder_paths.add_model_folder_path(name, str(folder.resolve() / name))


def picture_of(maps: Any) -> Any:
    """The first of an IMAGE [B,H,W,3] in 0..1, as a picture of PIL."""
    from PIL import Image

    return Image.fromarray((maps[0].clamp(0, 1) * 255).round().byte().cpu().numpy())


def panel_of(entry: Any) -> tuple[str, Any]:
    """(label, picture) of a method; without a picture when its weights or packages are not here."""
    from ...preprocessors.backends import MissingPackage
    from ...preprocessors.control_map import make_map
    from ...preprocessors.weights import MissingWeights
    from .photographs import sample_for

    image, mask, options = sample_for(entry)
    start = time.perf_counter()
    try:
        made = make_map(entry, image, options, mask=mask)
    except (MissingWeights, MissingPackage) as error:
        print(f"{entry.method:24} {str(error).splitlines()[0]}", flush=True)
        return f"{entry.method} (not here)", None
    print(f"{entry.method:24} {time.perf_counter() - start:6.2f} s  {made.report.splitlines()[0]}", flush=True)
    return entry.method, picture_of(made.maps)
