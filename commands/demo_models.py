"""Writes the embedded demo model as ordinary model files: checkpoint, ControlNets, ControlNeXt, IP-Adapter, LoRA.

They go into DIR/checkpoints, DIR/controlnet and so on, where any ComfyUI can read them: name its models folder as DIR.
Nothing is downloaded; the files are made of a few megabytes of weights inside the pack.
"""

import argparse
from pathlib import Path

from .console import readable_size
from .errors import Problem

HELP = "write the embedded demo model as ordinary model files"
NEEDS_HOST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `demo-models`."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--to", type=Path, metavar="DIR", help="a models folder; files that are there are replaced")
    what.add_argument("--pack", type=Path, metavar="DIR", help="for developers: take a training folder into the pack")


def run(arguments: argparse.Namespace) -> int:
    """Write or pack what there is, and say what is missing."""
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
    return _pack(arguments.pack) if arguments.pack else _write(arguments.to)


def _write(models: Path) -> int:
    from ..models.demo.export import FILES, available, write

    files = [file for file in available() if file.parts]
    if not files:
        raise Problem(
            "this copy of the pack holds no trained demo model. `armature.py train-demo --to DIR` trains one."
        )
    for file in available():
        path = write(file, models)
        print(f"{path}  {readable_size(path.stat().st_size)}  {file.about}", flush=True)
    for file in set(FILES) - set(available()):
        print(f"not trained yet: {file.about}")
    return 0


def _pack(folder: Path) -> int:
    from ..models.demo.compact import WEIGHTS
    from ..models.demo.packing import BUDGET, pack_finished

    sizes = pack_finished(folder)
    if not sizes:
        raise Problem(f"{folder} holds no finished part. `armature.py train-demo --to {folder}` trains them.")
    for name, size in sizes.items():
        print(f"{name:<20}{readable_size(size)}")
    total = sum(path.stat().st_size for path in WEIGHTS.glob("*.safetensors"))
    print(f"{'all':<20}{readable_size(total)} in {WEIGHTS}")
    if total > BUDGET:
        raise Problem(f"the demo model takes {readable_size(total)}; {readable_size(BUDGET)} is the most it may.")
    return 0
