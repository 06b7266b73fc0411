"""Runs one example from a photograph to a finished picture on a ComfyUI server of its own.

It makes a control map of a photograph, steers the sampler with it, and writes the photograph, the control map and the
picture to the output folder, one by one and side by side. The weights are generated from a seed and untrained: the
wiring is real, the picture is noise.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

HELP = "make a picture with a control map, on generated weights"
NEEDS_HOST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `python armature.py demo`."""
    parser.add_argument("--prompt", metavar="TEXT", help="what the picture should show")
    parser.add_argument("--image", type=Path, metavar="PATH", help="a picture of your own instead of the photograph")
    parser.add_argument("--seed", type=_number(0, 2**64 - 1), metavar="N", help="another seed gives another picture")
    parser.add_argument("--steps", type=_number(1, 10_000), default=8, metavar="N", help="sampling steps (default: 8)")
    parser.add_argument(
        "--size",
        type=_number(64, 4096),
        default=256,
        metavar="N",
        help="longer side of the picture in pixels (default: 256, which a processor without a graphics card can do)",
    )
    parser.add_argument(
        "--output", type=Path, default=Path("output"), metavar="DIR", help="where the pictures go (default: ./output)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Runs the demo. Exit status 0; Problem and KeyboardInterrupt go to the front door."""
    from .demo_run import run_demo

    return run_demo(arguments)


def _number(least: int, most: int) -> Callable[[str], int]:
    """A parser of whole numbers within a range."""

    def parse(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not between {least} and {most}")
        return value

    parse.__name__ = "number"  # argparse names the type after it: "invalid number value: 'x'".
    return parse
