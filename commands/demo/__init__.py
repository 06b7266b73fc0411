"""Draws one picture four ways on a ComfyUI server of its own, and measures which of them follow their map.

The same prompt and seed without a map, with a ControlNet, with ControlNeXt, and with ControlNet, LoRA and IP-Adapter
together, on small models that come with the pack: they know coloured solids on a floor, at 128 pixels. Each picture goes
to the output folder by itself, and all of them on one sheet.
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
    parser.add_argument("--steps", type=number(1, 10_000), default=10, metavar="N", help="sampling steps (default: 10)")
    parser.add_argument(
        "--size",
        type=number(64, 1024, 8),
        default=128,
        metavar="N",
        help="both sides of the picture in pixels, a multiple of 8 (default: 128, which the models know)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("output"), metavar="DIR", help="where the pictures go (default: ./output)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the demo. Exit status 0; Problem and KeyboardInterrupt go to the front door."""
    from .demo_run import run_demo

    return run_demo(arguments)
