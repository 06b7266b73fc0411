"""Bring the translations up to date with the nodes: `locales/LANG/nodeDefs.json` and `main.json`, `web/options/LANG.json`.

For those who develop Armature. English comes from the nodes; a translation is kept as long as its English text has not
changed. What is missing is written to a file; fill in its values and give it back with --phrases.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from ...commands import FRONT_DOOR
from ...commands.terminal import Problem
from ..locale_texts import (
    LANGUAGES,
    Texts,
    category_texts,
    command_texts,
    leaves,
    node_texts,
    option_texts,
    phrase_of,
    phrase_texts,
    phrases_of,
    translated,
)

HELP = "bring the translations up to date with the nodes (for developers)"
NEEDS_HOST = True
LOCALES, OPTIONS = FRONT_DOOR.parent / "locales", FRONT_DOOR.parent / "web" / "options"
SCRIPTS = FRONT_DOOR.parent / "web" / "js"
FILES: tuple[str, ...] = ("nodeDefs.json", "main.json", "options.json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `locales`."""
    parser.add_argument(
        "--phrases",
        metavar="LANG=FILE",
        action="append",
        default=[],
        help="a JSON object of English text to translation; may be given again",
    )
    parser.add_argument("--missing", metavar="FILE", type=Path, help="write the texts that some language lacks there")


def run(arguments: argparse.Namespace) -> int:
    """Write all languages and say what each lacks. Raises Problem for a bad --phrases."""
    given = dict(_phrases(one) for one in arguments.phrases)
    before = {file: read(place_of("en", file)) for file in FILES}
    english = dict(zip(FILES, english_texts(_object_info()), strict=True))
    _write("en", english)
    lacking: dict[str, list[str]] = {}
    for language in LANGUAGES:
        known: dict[str, str] = {}
        for file in FILES:
            known |= phrases_of(before[file], read(place_of(language, file)))
        known |= given.get(language, {})
        _write(language, {file: translated(english[file], known) for file in FILES})
        wanted = dict.fromkeys(phrase_of(*leaf) for file in FILES for leaf in leaves(english[file]))
        missing = [phrase for phrase in wanted if not known.get(phrase)]
        for phrase in missing:
            lacking.setdefault(phrase, []).append(language)
        print(f"{language}: {len(wanted) - len(missing)} of {len(wanted)} texts")
    if arguments.missing:
        arguments.missing.write_text(json.dumps(lacking, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


def place_of(language: str, file: str) -> Path:
    """Where a language keeps one of FILES: options and phrases lie where our scripts can load them."""
    return OPTIONS / f"{language}.json" if file == "options.json" else LOCALES / language / file


def english_texts(object_info: dict[str, Any]) -> tuple[Texts, Texts, Texts]:
    """What FILES hold in English, from a server's node descriptions and our scripts."""
    module = object_info["ArmatureControlMap"]["python_module"]
    ours = {name: info for name, info in object_info.items() if info["python_module"] == module}
    scripts = [path.read_text(encoding="utf-8") for path in sorted(SCRIPTS.glob("*.js"))]
    return (
        node_texts(ours),
        {**category_texts(ours), **command_texts(scripts)},
        {**option_texts(ours), **phrase_texts(scripts)},
    )


def read(path: Path) -> Texts:
    """A file of texts, empty if it is not there."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _phrases(option: str) -> tuple[str, dict[str, str]]:
    language, _, file = option.partition("=")
    if language not in LANGUAGES or not Path(file).is_file():
        raise Problem(f"--phrases {option}: expected LANG=FILE with LANG one of {', '.join(LANGUAGES)}")
    try:
        phrases = json.loads(Path(file).read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise Problem(f"--phrases {option}: {file} is no JSON ({error})") from None
    if not isinstance(phrases, dict):
        raise Problem(f"--phrases {option}: {file} holds no object of English text to translation")
    return language, phrases


def _write(language: str, texts: dict[str, Texts]) -> None:
    for file, content in texts.items():
        place = place_of(language, file)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _object_info() -> dict[str, Any]:
    import tempfile

    from ...commands.private_host.host import Host
    from ...commands.private_host.server import start_server
    from ...runs.api import use_client

    with (
        tempfile.TemporaryDirectory() as base,
        start_server(Host.from_environment(), pack=FRONT_DOOR.parent, base_directory=Path(base)) as server,
    ):
        return use_client(server.address, lambda client: client.object_info())
