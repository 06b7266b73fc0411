"""Trains the embedded demo model, a part after the other, in a folder that a later start goes on in.

Stop it whenever you like: at most two minutes of work are lost. The same command runs on a processor and on a graphics
card. Parts that do not build on each other may be trained side by side, and torchrun lets several processes train one.
What comes out is taken into the pack by `armature.py train-demo --to FOLDER --pack`, which trains nothing.
"""

import argparse
from functools import partial
from pathlib import Path

from ...commands.numbers_within import number
from ...commands.terminal import Problem, readable_size

HELP = "train the embedded demo model (for developers; hours on a processor)"
NEEDS_HOST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `train-demo`."""
    parser.add_argument("part", nargs="?", default="all", metavar="PART", help="one part only (default: all, in order)")
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="scenes, checkpoints, logs and weights")
    parser.add_argument("--seconds", type=float, metavar="N", help="work on each part, instead of its own budget")
    parser.add_argument("--scenes", type=int, metavar="N", help="scenes to train on, instead of each part's own number")
    parser.add_argument(
        "--from-pack", action="store_true", help="begin each part with the pack's weights instead of anew"
    )
    parser.add_argument("--pack", action="store_true", help="only take the finished parts of DIR into the pack")
    parser.add_argument(
        "--compare",
        type=number(1, 10**6),
        metavar="STEPS",
        help="only compare the ways of adding a map, for so many steps each",
    )
    parser.add_argument(
        "--seeds", type=number(1, 100), default=1, metavar="N", help="how often to compare (default: 1)"
    )
    parser.add_argument(
        "--control-net-steps",
        type=number(0, 10**6),
        default=0,
        metavar="N",
        help="of the ControlNet, where more",
    )
    parser.add_argument(
        "--batch", type=number(1, 4096), metavar="N", help="scenes of a step in the comparison (default: 24)"
    )
    parser.add_argument("--device", metavar="NAME", help="cpu or cuda (default: cuda where there is one)")


def run(arguments: argparse.Namespace) -> int:
    """Train what was asked for, or pack what was trained."""
    from ..demo_training.device import chosen_device

    device = str(chosen_device(arguments.device))
    if arguments.pack:
        return _pack(arguments.to)
    if arguments.compare:
        return _compare(arguments, device)
    from ...common.file_lock import locked
    from ..demo_training.packing import packed, unpack_missing
    from ..demo_training.training import processes
    from ..demo_training.training.parts import STAGES, stage, train

    try:
        stages = STAGES if arguments.part == "all" else (stage(arguments.part),)
    except ValueError as error:
        raise Problem(str(error)) from None
    arguments.to.mkdir(parents=True, exist_ok=True)
    processes.join()
    for part in stages:
        waits = partial(_say, f"{part.name}: another process trains it in this folder; waiting for it")
        with locked(arguments.to / f"{part.name}.{processes.rank()}.lock", waits):
            known = partial(packed, part.name, arguments.to) if arguments.from_pack else None
            if arguments.from_pack:
                unpack_missing(arguments.to, part.needs)
            given = {"seconds": arguments.seconds, "scenes": arguments.scenes, "device": device, "known": known}
            path = train(part, arguments.to, _say, **given)
        _say(f"{part.name}: {path}")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _compare(arguments: argparse.Namespace, device: str) -> int:
    import json

    import torch
    from torchvision.utils import save_image

    from ...common.atomic_write import write_text
    from ..demo_training.evaluation.comparison import compare
    from ..demo_training.evaluation.comparison_plot import plotted
    from ..demo_training.packing import unpack_missing
    from ..demo_training.training import bank
    from ..demo_training.training.parts import stage, workplace

    folder, scenes = arguments.to, arguments.scenes or stage("controlnext_canny").scenes
    place = workplace(torch.device(device), scenes, arguments.batch and -(-arguments.batch * 4 // 3))
    unpack_missing(folder, ("vae", "unet"))
    for line in bank.make_shards(folder, scenes, place.device):
        _say(line)
    found = compare(folder, place, arguments.compare, _say, range(arguments.seeds), arguments.control_net_steps)
    write_text(folder / "comparison.json", json.dumps(found) + "\n")
    save_image(plotted(found)[0].movedim(-1, 0), folder / "comparison.png")
    print(folder / "comparison.json", folder / "comparison.png", sep="\n")
    return 0


def _pack(folder: Path) -> int:
    from ...models.demo.weights_file import WEIGHTS
    from ..demo_training.packing import BUDGET, pack_finished

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
