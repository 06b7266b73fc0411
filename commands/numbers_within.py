"""Options that are numbers within a range."""

import argparse
import math
from collections.abc import Callable


def number(least: int, most: int, step: int = 1) -> Callable[[str], int]:
    """A parser of whole numbers within a range, multiples of `step`."""

    def parse(text: str) -> int:
        value = int(text)
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{value} is not between {least} and {most}")
        if value % step:
            raise argparse.ArgumentTypeError(f"{value} is not a multiple of {step}")
        return value

    parse.__name__ = "number"  # argparse names the type after it: "invalid number value: 'x'".
    return parse


def fraction(least: float, most: float) -> Callable[[str], float]:
    """A parser of numbers within a range."""

    def parse(text: str) -> float:
        value = float(text)
        if math.isnan(value) or not least <= value <= most:
            raise argparse.ArgumentTypeError(f"{text} is not between {least:g} and {most:g}")
        return value

    parse.__name__ = "number"
    return parse
