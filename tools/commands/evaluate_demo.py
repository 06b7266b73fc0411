"""Measures the embedded demo model on scenes that its training never saw, and writes the table as JSON and Markdown.

What is measured is kept in DIR/marks: a later start goes on, and several processes may each take some rows with --only
before a last one writes the table.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from ...commands.terminal import Problem

HELP = "measure the demo model on held-out scenes (for developers)"
NEEDS_HOST = True


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `evaluate-demo`."""
    parser.add_argument("--to", type=Path, required=True, metavar="DIR", help="where evaluation.json and .md go")
    parser.add_argument("--scenes", type=int, default=200, metavar="N", help="held-out scenes (default: 200)")
    parser.add_argument("--steps", type=int, default=10, metavar="N", help="sampling steps (default: 10)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="WORDS", help="only rows with these words; may be given again"
    )
    parser.add_argument(
        "--adaptive",
        action="store_true",
        help="only weights that correct themselves beside constant ones: adaptive.json",
    )
    parser.add_argument(
        "--savings",
        action="store_true",
        help="only what control savings gain and cost, by `measure` on a server with the demo's models: a folder for each graph",
    )
    parser.add_argument("--device", metavar="NAME", help="cpu or cuda (default: cuda where there is one)")


def run(arguments: argparse.Namespace) -> int:
    """Draw, measure and write."""
    from ..demo_training.device import chosen_device

    if arguments.savings:
        from ..demo_training.evaluation.savings import measure_savings

        return measure_savings(arguments.to, arguments.scenes)
    device = chosen_device(arguments.device)
    from ...models.demo.weights_file import load, trained_parts
    from ..demo_training.evaluation.table import evaluate, write

    trained = trained_parts()
    if not {"unet", "vae"} <= set(trained):
        raise Problem(
            "this copy of the pack holds no trained demo model. `armature.py train-demo --to DIR` trains one."
        )
    if arguments.adaptive:
        return _adaptive(arguments, load, device)
    only = tuple(arguments.only)
    result = evaluate(load, trained, arguments.scenes, device, print, arguments.steps, arguments.to / "marks", only)
    if only:
        return 0
    for path in write(result, arguments.to):
        print(path)
    return 0


def _adaptive(arguments: argparse.Namespace, load: Any, device: Any) -> int:
    from ...common.atomic_write import write_text
    from ..demo_training.evaluation.adaptive import Setting, compare, markdown

    result = compare(load, arguments.scenes, device, arguments.to / "marks", print, Setting())
    path = arguments.to / "adaptive.json"
    write_text(path, json.dumps(result, indent=1) + "\n")
    print(f"{markdown(result)}\n{path}")
    return 0
