"""All the rows of the demo model's table, as JSON and as Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch

from ....commands.measure.results import estimate_text
from ..scenes.rendering import render
from ..scenes.style import inked
from ..training import bank
from .artist import GUIDANCE, SEED, Artist, Load, Steering
from .interplay import all_combinations, effects, interplay_lines, row_name
from .measures import TOLERANCE, PictureMeasures, mean_and_error, measure_pictures
from .origin import origin, told
from .store import StoredMeasures

_PART_OF = {"canny": "controlnet_canny", "LoRA": "lora_ink", "IP-Adapter": "ip_adapter"}
Row = tuple[str, tuple[str, ...], Steering]
_COLUMNS = {
    "edge_f1": "edge F1",
    "colours": "objects in the caption's colour",
    "floor": "floor's distance from the reference",
    "ink": "ink",
}


def rows(hints: dict[str, torch.Tensor], reference: torch.Tensor) -> list[Row]:
    """(name, parts that it needs, what steers): each signal off, at 0.5, at 1.0, with a wrong map; and in company."""
    listed: list[Row] = [("no control", (), Steering())]
    for part, kind in (("controlnet_canny", "canny"), ("controlnext_canny", "canny"), ("controlnet_depth", "depth")):
        hint = hints[kind]
        for weight in (0.5, 1.0):
            listed.append((f"{part} {weight}", (part,), Steering(((part, hint, weight),))))
        listed.append((f"{part} 1.0, wrong map", (part,), Steering(((part, hint.roll(1, 0), 1.0),))))
    canny, depth = ("controlnet_canny", hints["canny"], 1.0), ("controlnet_depth", hints["depth"], 0.5)
    listed.append(("canny 1.0 and depth 0.5", (canny[0], depth[0]), Steering((canny, depth))))
    for members in all_combinations():
        steering = Steering(
            (canny,) if "canny" in members else (),
            1.0 if "LoRA" in members else 0.0,
            reference if "IP-Adapter" in members else None,
            captions=False,
        )
        listed.append((row_name(members), tuple(_PART_OF[one] for one in members), steering))
    return listed


def evaluate(
    load: Load,
    trained: tuple[str, ...],
    count: int,
    device: torch.device,
    say: Callable[[str], None],
    steps: int = 10,
    folder: Path | None = None,
    only: tuple[str, ...] = (),
) -> dict[str, object]:
    """The table on the first `count` held-out scenes: {row: {column: [mean, standard error]}}; untrained parts are named.

    folder: where the marks of each row are kept for the next time; only: words, rows without any of them are left out.
    """
    scenes, held = bank.held_out(0, count, device)
    pictures = held.images.float() / 255
    everything = torch.arange(count)
    hints = {kind: held.hints(kind, everything) for kind in ("canny", "depth")}
    parts = torch.cat([render([scene]).segmentation for scene in scenes])
    artist, kept = (
        Artist(load, device),
        StoredMeasures(folder, load, f"{count} scenes, {steps} steps of lcm, guidance {GUIDANCE:g}"),
    )
    table: dict[str, object] = {}
    measured: dict[str, PictureMeasures] = {}
    missing: set[str] = set()
    for name, needs, steering in rows(hints, pictures):
        if set(needs) - set(trained):
            missing |= set(needs) - set(trained)
            continue
        if only and not any(words in name for words in only):
            continue

        def marked(steering: Steering = steering) -> PictureMeasures:
            drawn = artist.draw([scene.caption for scene in scenes], pictures.shape[-1], steering, steps)
            # Seen in the style, where the style is on: it makes all colours lighter.
            reference = inked(pictures, held.edges) if steering.lora else pictures
            return measure_pictures(drawn, scenes, held.edges, parts, reference)

        measured[name] = kept.get(name, needs, marked)
        table[name] = _summary(measured[name])
        say(f"{name}: {table[name]}")
    for name, truth in (("truth", pictures), ("truth, inked,", inked(pictures, held.edges))):
        drawn = _through(artist, truth)
        table[f"{name} through the VAE"] = _summary(measure_pictures(drawn, scenes, held.edges, parts, truth))
    return {
        **origin(),
        "seed": SEED,
        "scenes": count,
        "steps": steps,
        "tolerance_pixels": TOLERANCE,
        "not_trained": sorted(missing),
        "rows": table,
        "company": {} if missing or only else effects(measured),
    }


@torch.no_grad()
def _through(artist: Artist, pictures: torch.Tensor) -> torch.Tensor:
    vae = artist.vae
    some = [vae.decode(vae.encode(one.to(artist.device))).clamp(0, 1).cpu() for one in pictures.split(16)]  # type: ignore[operator]
    return torch.cat(some)


def _summary(found: PictureMeasures) -> dict[str, list[float]]:
    return {name: mean_and_error(getattr(found, name)) for name in _COLUMNS}


def write(result: dict[str, object], folder: Path) -> tuple[Path, Path]:
    """evaluation.json and evaluation.md in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    data, page = folder / "evaluation.json", folder / "evaluation.md"
    data.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    page.write_text(markdown(result), encoding="utf-8")
    return data, page


def markdown(result: dict[str, object]) -> str:
    """The same as a page: mean and standard error."""
    lines = [
        "# The demo model on held-out scenes",
        "",
        f"{result['scenes']} scenes that training never saw, {result['steps']} steps of the sampler lcm, guidance {GUIDANCE:g}; "
        "mean ± standard error. "
        f"Edges match within {result['tolerance_pixels']} pixels. Seed {result['seed']}; {told(result)}.",
        "",
        "| | " + " | ".join(_COLUMNS.values()) + " |",
        "|---" * (len(_COLUMNS) + 1) + "|",
    ]
    table = result["rows"]
    assert isinstance(table, dict)
    for name, row in table.items():
        lines.append(f"| {name} | " + " | ".join(estimate_text(row[key]) for key in _COLUMNS) + " |")
    lines += interplay_lines(result["company"])  # type: ignore[arg-type]
    if result["not_trained"]:
        lines += ["", f"Not trained yet: {', '.join(str(part) for part in result['not_trained'])}."]  # type: ignore[attr-defined]
    return "\n".join(lines) + "\n"
