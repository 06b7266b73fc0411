"""Train a control of your own on a folder of pictures: the same as the train nodes do, without an editor.

    python armature.py train controlnext --data rooms --map canny --checkpoint models/checkpoints/sd15.safetensors --to rooms

The files go into the models folder (`--models`, else the one that the checkpoint lies in), state, log and sheet into
`armature_training/NAME` of the output folder. The same command again goes on where it stopped.
"""

import argparse
from pathlib import Path

from .numbers_within import fraction, number

HELP = "train a control on a folder of pictures of your own"
NEEDS_HOST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `train`."""
    from .training.graph import KINDS

    parser.add_argument("what", choices=KINDS, help="what is trained")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="the pictures, with captions and maps")
    parser.add_argument(
        "--checkpoint", type=Path, required=True, metavar="FILE", help="the base, with CLIP and VAE in it"
    )
    parser.add_argument(
        "--clip-vision", type=Path, metavar="FILE", help="for ip-adapter: the image encoder that it reads pictures with"
    )
    parser.add_argument("--start-from", type=Path, metavar="FILE", help="for ip-adapter: an adapter to go on from")
    parser.add_argument("--to", required=True, metavar="NAME", help="of the files that are made")
    parser.add_argument(
        "--models", type=Path, metavar="DIR", help="where the files go (default: the models folder of the checkpoint)"
    )
    parser.add_argument(
        "--output", type=Path, default=Path(), metavar="DIR", help="state, log and sheet (default: this folder)"
    )
    parser.add_argument(
        "--map", default="from folder", metavar="METHOD", help="a method such as canny, or 'from folder' (the default)"
    )
    parser.add_argument(
        "--size", type=number(64, 2048), default=512, help="pixels, of a square as large as the pictures (default 512)"
    )
    parser.add_argument("--caption", metavar="TEXT", help="one for all pictures, in place of those in files")
    parser.add_argument(
        "--steps", type=number(1, 1_000_000), default=500, help="of the optimiser, in all (default 500)"
    )
    parser.add_argument("--batch", type=number(1, 256), default=4, help="pictures to a step (default 4)")
    parser.add_argument("--learning-rate", type=fraction(0, 1), metavar="RATE", help="of the module")
    parser.add_argument("--seed", type=number(0, 2**31 - 1), default=0, help="of all chance in it (default 0)")
    parser.add_argument(
        "--anew", action="store_true", help="begin anew, and lose what a training of this name has learned"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="INPUT=VALUE",
        help="another input of the train node, such as subset=LoRA; may be given again",
    )


def run(arguments: argparse.Namespace) -> int:
    """Build the graph and run it to its end, or until Ctrl-C, which keeps what was learned."""
    from .training.run import run_training

    return run_training(arguments)
