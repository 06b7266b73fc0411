"""Draws one picture four ways on a ComfyUI server of its own, and measures which of them follow their map.

The same prompt and seed without a map, with a ControlNet, with ControlNeXt, and with ControlNet, LoRA and IP-Adapter
together, on small models that come with the pack: they know coloured solids on a floor, at 128 pixels. Each picture goes
to the output folder by itself, and all of them on one sheet.

With --checkpoint and --controlnet, or --models, the same is drawn with models of your own, at the size of their family. They
are checked by their headers first; --models proposes what goes together in your models folder, and says what else would.
"""

import argparse
from pathlib import Path

from ..numbers_within import number

HELP = "draw one picture without and with control, and measure the difference"
NEEDS_HOST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python armature.py demo`."""
    parser.add_argument(
        "--prompt", metavar="TEXT", help="such as 'a green ball and a pink cone on a white floor'; at most 18 words"
    )
    parser.add_argument("--image", type=Path, metavar="PATH", help="a picture of your own to take the map from")
    parser.add_argument("--palette", type=Path, metavar="PATH", help="a picture of your own to take the colours from")
    parser.add_argument("--seed", type=number(0, 2**64 - 1), metavar="N", help="another seed gives another picture")
    parser.add_argument(
        "--steps", type=number(1, 10_000), metavar="N", help="sampling steps (default: 10; your own models: 20)"
    )
    parser.add_argument(
        "--size",
        type=number(64, 1024, 8),
        metavar="N",
        help="both sides of the picture in pixels, a multiple of 8 (default: 128; your own models: 512 to 1024, by family)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("output"), metavar="DIR", help="where the pictures go (default: ./output)"
    )
    add_own_models(parser)


def add_own_models(parser: argparse.ArgumentParser) -> None:
    """The user's own models in place of the pack's."""
    group = parser.add_argument_group("your own models")
    for name, what in (
        ("--checkpoint", "of SD 1.5, SD 2 or SDXL"),
        ("--controlnet", "for the same family"),
        ("--ip-adapter", "drawn with in the last picture"),
        ("--clip-vision", "the IP-Adapter's image encoder"),
        ("--lora", "drawn with in the last picture"),
    ):
        group.add_argument(name, type=Path, metavar="FILE", help=what)
    group.add_argument(
        "--models",
        type=Path,
        metavar="DIR",
        action="append",
        default=[],
        help="folder with checkpoints, controlnet, loras, ...: what was not named is chosen from it; may be given again",
    )
    group.add_argument(
        "--map", metavar="METHOD", help="what makes the map (default: what the ControlNet's name says, else canny)"
    )
    group.add_argument(
        "--fetch",
        action="store_true",
        help="download a set for SD 1.5 (what, how large, under which licences is said first, and you are asked) to --models",
    )
    group.add_argument("--yes", "-y", action="store_true", help="with --fetch: do not ask")
    group.add_argument("--dry-run", action="store_true", help="only say what would be drawn with, or downloaded")


def run(arguments: argparse.Namespace) -> int:
    """Runs the demo. Exit status 0; Problem and KeyboardInterrupt go to the front door."""
    from .demo_run import run_demo

    return run_demo(arguments)
