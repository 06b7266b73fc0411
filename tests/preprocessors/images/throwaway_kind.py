"""Run as a script: the pack with one more entry in the table of map kinds, and what each part says of it, as JSON."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
NAME, WORD, MISTAKE = "throwaway", "rubbish", "**It is thrown away.** Keep it."


def load_pack() -> None:
    sys.path[:] = [os.environ["ARMATURE_COMFYUI"], *(entry for entry in sys.path[1:] if Path(entry).resolve() != ROOT)]
    import comfy.cli_args

    comfy.cli_args.args.cpu = True
    spec = importlib.util.spec_from_file_location("pack", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)])
    assert spec is not None and spec.loader is not None
    sys.modules["pack"] = pack = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pack)


def part(path: str) -> Any:
    return importlib.import_module(f"pack.{path}")


def add_kind() -> Any:
    """The one entry. It looks as nothing real does, so that no place can answer rightly without it."""
    kinds = part("preprocessors.images.kinds")
    kind = kinds.MapKind(
        NAME,
        called="things to throw away",
        polarity="near_is_white",
        background=(0.25, 0.5, 0.75),
        lowest=-0.5,
        values="flat_colours",
        looks_like="a thing to throw away",
        lines="thin",
        binary=True,
        colours="never",
        net_words=(WORD,),
        union_type="depth",
        flux_mode="low quality",
        measure="ssim",
        chapter="rubbish",
        mistakes=(MISTAKE,),
    )
    kinds.MAP_KINDS[NAME] = kind
    return kind


def said_by_the_preprocessors(kind: Any) -> dict[str, Any]:
    import torch

    entry = replace(part("preprocessors.canny").CANNY, makes=kind, options=(), detect=_half_left_of_it)
    pictures = torch.rand(1, 8, 8, 3)
    made = part("preprocessors.control_map").make_map(entry, pictures, {}, mask=torch.zeros(1, 8, 8))
    resized = part("preprocessors.control_map").make_map(
        entry, torch.rand(1, 128, 128, 3), {}, resolution_mode="short_side", resolution=64
    )
    help_page = part("tools.help.method_page").help_page(entry)
    return {
        "tag": part("preprocessors.images.tags").tag_of(made.maps),
        "background": made.maps[0, 0, 0].tolist(),
        "values after resizing": resized.maps.unique().tolist(),
        "category": part("nodes.preprocessors").category_of(entry),
        "help": [f"Kind of map: {NAME}, near is white, far is black." in help_page, MISTAKE in help_page],
        "measure": part("preprocessors.adherence.scoring").family_of(entry.makes).name,
    }


def _half_left_of_it(pictures: Any, _options: Any) -> Any:
    import torch

    maps = torch.zeros_like(pictures)
    maps[:, :, : pictures.shape[2] // 2] = -0.5
    return part("preprocessors.entry").Detected(maps)


def said_by_the_check() -> dict[str, Any]:
    import torch

    checks, tags = part("preprocessors.images.map_check.check_maps"), part("preprocessors.images.tags")
    coloured = torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(1))
    dense = torch.zeros(1, 64, 64, 3)
    dense[:, :20] = 1
    return {
        "expected": NAME in checks.EXPECTED,
        "looks like": checks.check_maps(coloured, NAME).report,
        "thin lines": checks.check_maps(tags.tag(dense, NAME)).report,
    }


def said_by_the_controls() -> dict[str, Any]:
    import torch
    from comfy.controlnet import ControlBase

    decision, union = part("models.control.decision"), part("models.control.union_signal")
    tags, signals = part("preprocessors.images.tags"), part("models.control.signal")
    image = tags.tag(torch.rand(1, 64, 64, 3, generator=torch.Generator().manual_seed(1)) - 0.5, NAME)
    sdxl = SimpleNamespace(control_model=SimpleNamespace(num_control_type=8), extra_args={})
    flux = SimpleNamespace(control_model=SimpleNamespace(num_control_type=None, num_union_modes=7), extra_args={})
    signal = signals.ControlSignal(ControlBase(), image)
    return {
        "complaint": decision.complaint_about(signal, image),
        "union type": union.union_type(sdxl, image).told,
        "flux mode": union.union_type(flux, image).told,
    }


def said_by_the_compatibility_check() -> dict[str, Any]:
    rules, page = part("models.compatibility.rules.maps"), part("tools.help.compatibility_page").compatibility_page()
    return {
        "trained on": rules.trained_on(SimpleNamespace(name=f"sd15/control_{WORD}.safetensors")),
        "read by a canny net": NAME in rules.reads("canny"),
        "row": f"| {NAME} | " in page,
    }


if __name__ == "__main__":
    load_pack()
    kind = add_kind()
    print(
        json.dumps(
            said_by_the_preprocessors(kind)
            | said_by_the_check()
            | said_by_the_controls()
            | said_by_the_compatibility_check()
        )
    )
