"""Writes the embedded demo model as ordinary model files: checkpoint, ControlNets, ControlNeXt, IP-Adapter, LoRA.

They go into DIR/checkpoints, DIR/controlnet and so on, where any ComfyUI can read them: name its models folder as DIR.
Nothing is downloaded; the files are made of a few megabytes of weights inside the pack.
"""

import argparse
from pathlib import Path

from .terminal import Problem, readable_size

HELP = "write the embedded demo model as ordinary model files"
NEEDS_HOST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `demo-models`."""
    parser.add_argument(
        "--to", type=Path, required=True, metavar="DIR", help="a models folder; files that are there are replaced"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write what there is, and say what is missing."""
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
    from ..models.demo.export import FILES, available, write

    arguments.to.mkdir(parents=True, exist_ok=True)  # before the first file is made, which takes seconds
    files = [file for file in available() if file.parts]
    if not files:
        raise Problem(
            "this copy of the pack holds no trained demo model. `armature.py train-demo --to DIR` trains one."
        )
    for file in available():
        path = write(file, arguments.to)
        print(f"{path}  {readable_size(path.stat().st_size)}  {file.about}", flush=True)
    for file in set(FILES) - set(available()):
        print(f"not trained yet: {file.about}")
    return 0
