"""The user's own models for the demo: those that were named, or those of a models folder that go together."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...models.compatibility.check_prompt import check_prompt
from ...models.compatibility.control_nodes import own_methods
from ...models.compatibility.rules.families import fits_family
from ...models.compatibility.rules.maps import trained_on
from ...models.files.families import Family, find_family
from ...models.files.header import BrokenFile
from ...models.files.identify import identify_file
from ...models.files.identity import Identity
from ...models.files.index import ModelIndex
from ...preprocessors.images.kinds import map_kind
from ..fetch.manifest import METHOD_FILES
from ..models_of_graph import given_folders
from ..places import home_path
from ..terminal import Problem
from .own_graph import FOLDERS, own_graph

_NETS = ("controlnet", "control_lora", "t2i_adapter")
# Which kinds of files an option takes.
_KINDS: Mapping[str, tuple[str, ...]] = {
    "checkpoint": ("checkpoint",),
    "controlnet": _NETS,
    "ip_adapter": ("ip_adapter",),
    "clip_vision": ("clip_vision",),
    "lora": ("lora",),
}
_MOST = 40  # files of a kind that are tried
_CANNY = "canny"


@dataclass(frozen=True)
class Own:
    """What the demo draws with. files: by the option that names them; method: of the map; said: for the user, line by line."""

    files: Mapping[str, Path]
    family: Family
    method: str
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Known:
    """A file with what it is."""

    path: Path
    identity: Identity

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def map(self) -> str:
        """The kind of map that it says it was trained on; "" where it does not say."""
        return str(self.identity.traits.get("trained_map") or trained_on(self))


@dataclass
class _Choice:
    """Files by option, in the order in which they are preferred."""

    found: dict[str, list[_Known]] = field(default_factory=dict)

    def of(self, option: str) -> list[_Known]:
        return self.found.get(option, [])[:_MOST]


def own_models(arguments: argparse.Namespace) -> Own:
    """The files that the options name, and of --models what goes with them. Raises Problem where they do not go together."""
    choice = _Choice({name: [_named(name, path)] for name, path in _given(arguments).items()})
    given = set(choice.found)
    if arguments.models:
        for name, file in _of_folders(arguments.models):
            if name not in given:
                choice.found.setdefault(name, []).append(file)
    _check_needed(choice, arguments)
    return _chosen(choice, given, arguments.map)


def _given(arguments: argparse.Namespace) -> dict[str, Path]:
    return {name: path for name in _KINDS if (path := getattr(arguments, name)) is not None}


def _named(name: str, path: Path) -> _Known:
    option, path = f"--{name.replace('_', '-')}", home_path(path).absolute()  # a link's own name says what it is
    if not path.is_file():
        raise Problem(f"{option} {path}: there is no such file.")
    try:
        identity = identify_file(path)
    except BrokenFile as error:
        raise Problem(f"{option} {path}: {error}") from None
    if identity.kind not in _KINDS[name]:
        raise Problem(f"{option} {path}: this is a {identity.title}, which does not go there.")
    return _Known(path, identity)


def _of_folders(folders: Sequence[Path]) -> Iterator[tuple[str, _Known]]:
    index = ModelIndex(given_folders(folders))
    for name, folder in FOLDERS.items():
        for file in index.files([folder]):
            if file.identity is not None and file.identity.kind in _KINDS[name]:
                yield name, _Known(file.path, file.identity)


def _check_needed(choice: _Choice, arguments: argparse.Namespace) -> None:
    for name in ("checkpoint", "controlnet"):
        if not choice.of(name):
            where = f" in {', '.join(map(str, arguments.models))}" if arguments.models else ""
            raise Problem(
                f"a {name} is needed to draw with your own models, and there is none{where}: give --{name} FILE. --fetch "
                "downloads a set, and without any of these options the pack's own small models draw."
            )
    if bool(choice.of("ip_adapter")) and not choice.of("clip_vision") and arguments.ip_adapter:
        raise Problem("an IP-Adapter reads pictures through an image encoder: give its file with --clip-vision.")


def _chosen(choice: _Choice, given: set[str], method: str | None) -> Own:
    """The first checkpoint with a net that goes with it, and what else goes with both. Raises Problem where there is none."""
    told = ""
    for checkpoint in choice.of("checkpoint"):
        family = _family(checkpoint.identity)
        if family is None:
            told = told or _no_family(checkpoint)
            continue
        for net in _nets(choice, family, is_given="controlnet" in given):
            files = {"checkpoint": checkpoint, "controlnet": net}
            try:
                way = _method(net, method)
            except Problem as problem:
                told = told or str(problem)
                continue
            faults = _faults(files, way)
            if not faults:
                return _completed(choice, given, files, family, way)
            told = told or f"these files do not go together:\n{faults}"
    raise Problem(
        told or "no checkpoint here has a ControlNet that goes with it. Give both with --checkpoint and --controlnet."
    )


def _family(identity: Identity) -> Family | None:
    """The base family, where the demo's graph suits it: the latent of an Empty Latent Image, and texts from the checkpoint."""
    families = [find_family(name) for name in identity.families]
    return families[0] if families and families[0].latent_channels == 4 and families[0].size else None


def _no_family(checkpoint: _Known) -> str:
    return (
        f"{checkpoint.path}: this is a {checkpoint.identity.title}. The demo draws with checkpoints of the families SD 1.5, SD 2 "
        "and SDXL; for others open an example graph (docs/examples.md)."
    )


def _nets(choice: _Choice, family: Family, *, is_given: bool) -> list[_Known]:
    """Those for the family: Canny first, then those that do not say what they follow. One that was named stays."""
    nets = choice.of("controlnet")
    fitting = [one for one in nets if fits_family(one.identity.kind, one.identity.families, family.id)]
    return (
        nets
        if is_given
        else sorted(fitting, key=lambda one: (_CANNY, "").index(one.map) if one.map in (_CANNY, "") else 2)
    )


def _method(net: _Known, chosen: str | None) -> str:
    """The method that makes the net's map, one that needs no weights. Raises Problem."""
    free = [one for name, one in own_methods().items() if name == one.name and one.of_photographs]
    free = [one for one in free if one.name not in METHOD_FILES]
    if chosen is not None:
        if chosen not in {one.name for one in free}:
            raise Problem(
                f"--map {chosen[:100]}: no method of this name makes maps of a photograph without weights of its own. There are "
                f"{', '.join(one.name for one in free)}."
            )
        return chosen
    found = next((one.name for one in free if one.made == (net.map or _CANNY)), None)
    if found is None:
        raise Problem(
            f"{net.name} follows {map_kind(net.map).in_words}, which no method makes of a photograph without weights of its own. "
            "Give another ControlNet, or say with --map METHOD what it follows."
        )
    return found


def _faults(files: Mapping[str, _Known], method: str) -> str:
    """What the compatibility check finds wrong, as a text; empty where nothing is."""
    graph = own_graph({name: file.path for name, file in files.items()}, method).graph
    index = ModelIndex({FOLDERS[name]: [file.path.parent] for name, file in files.items()})
    report = check_prompt(graph, index)
    return "" if report.ok else report.as_text()


def _completed(choice: _Choice, given: set[str], files: dict[str, _Known], family: Family, method: str) -> Own:
    """With a LoRA, and an IP-Adapter with its encoder, where some go with the rest."""
    for group in (("lora",), ("ip_adapter", "clip_vision")):
        added, told = _first(choice, files, group, family, method)
        if added is None and given & set(group):
            raise Problem(f"these files do not go together:\n{told}")
        files = files | (added or {})
    return Own({name: file.path for name, file in files.items()}, family, method, tuple(_said(choice, files, family)))


def _first(
    choice: _Choice, files: dict[str, _Known], group: tuple[str, ...], family: Family, method: str
) -> tuple[dict[str, _Known] | None, str]:
    """The first files of a group without which nothing is wrong and with which nothing is either; else what is wrong."""
    told, tried = "", 0
    sets: list[dict[str, _Known]] = [{}]
    for name in group:
        sets = [one | {name: file} for one in sets for file in choice.of(name)]
    for added in sets:
        if not all(_may_fit(file, family) for file in added.values()):
            continue
        tried += 1
        faults = _faults(files | added, method)
        if not faults:
            return added, ""
        told = told or faults
        if tried >= _MOST:
            break
    return None, told or "none of them is for this checkpoint's family."


def _may_fit(file: _Known, family: Family) -> bool:
    families = file.identity.families
    return not families or file.identity.kind == "clip_vision" or fits_family(file.identity.kind, families, family.id)


def _said(choice: _Choice, files: Mapping[str, _Known], family: Family) -> Iterator[str]:
    """Each file that is used, and which others of its kind are for the same family."""
    for name, file in files.items():
        others = [one.name for one in choice.of(name) if one.path != file.path and _may_fit(one, family)]
        also = f"; also there: {', '.join(others[:5])}" + " …" * (len(others) > 5) if others else ""
        yield f"--{name.replace('_', '-')} {file.path}  ({file.identity.title}){also}"
