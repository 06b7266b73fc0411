"""Every text of every node, in every language, in the form that the front end asks for."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path

import pytest
from armature_pack.nodes.missing_host_parts import lacks
from armature_pack.tools.commands.locales import FILES, LOCALES, english_texts, read
from armature_pack.tools.locale_texts import LANGUAGES, leaves

pytestmark = pytest.mark.host
HOW = "run `python armature.py locales --missing FILE`"


def texts(folder: Path, file: str) -> dict[tuple[str, ...], str]:
    return dict(leaves(read(folder / file)))


def test_english_is_what_the_nodes_say(server):
    for file, expected in zip(FILES, english_texts(server.object_info), strict=True):
        written, said = texts(LOCALES / "en", file), dict(leaves(expected))
        assert said.items() <= written.items(), HOW
        assert said == written or lacks(), HOW  # an older host says less


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("file", FILES)
def test_no_language_lacks_a_text(language, file):
    english, other = texts(LOCALES / "en", file), texts(LOCALES / language, file)
    assert not english.keys() - other.keys(), HOW
    assert not other.keys() - english.keys(), HOW
    assert all(text.strip() for text in other.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_translated(language):
    """Names may be the same in two languages; sentences are not."""
    english, other = texts(LOCALES / "en", FILES[0]), texts(LOCALES / language, FILES[0])
    same = [text for path, text in other.items() if english[path] == text and len(text.split()) > 4]
    assert same == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_option_values_stay_as_the_node_shows_them(language):
    """What stands in a combo is English everywhere, so a tooltip that explains it must name it so."""
    english, other = texts(LOCALES / "en", FILES[0]), texts(LOCALES / language, FILES[0])
    for value in ("pixel_perfect", "hold-then-release", "weight_type"):
        for path, text in english.items():
            assert value not in text or path[-1] == "name" or value in other[path], (path, other[path])


def test_the_server_hands_them_out(server):
    with urllib.request.urlopen(f"{server.address}/i18n", timeout=30) as response:
        answer = json.load(response)
    for language in ("en", *LANGUAGES):
        ours = read(LOCALES / language / FILES[0])["ArmatureControlSignal"]
        assert answer[language]["nodeDefs"]["ArmatureControlSignal"] == ours
