"""Every text of every node, in every language, in the form that the front end asks for."""

from __future__ import annotations

import json
import re
import unicodedata
import urllib.request

import pytest
from armature_pack.nodes.missing_host_parts import lacks
from armature_pack.tools.commands.locales import FILES, english_texts, place_of, read
from armature_pack.tools.locale_texts import LANGUAGES, leaves

pytestmark = pytest.mark.host
HOW = "run `python armature.py locales --missing FILE`"


def texts(language: str, file: str) -> dict[tuple[str, ...], str]:
    return dict(leaves(read(place_of(language, file))))


def test_english_is_what_the_nodes_say(server):
    for file, expected in zip(FILES, english_texts(server.object_info), strict=True):
        written, said = texts("en", file), dict(leaves(expected))
        assert said.items() <= written.items(), HOW
        assert said == written or lacks(), HOW  # an older host says less


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("file", FILES)
def test_no_language_lacks_a_text(language, file):
    english, other = texts("en", file), texts(language, file)
    assert not english.keys() - other.keys(), HOW
    assert not other.keys() - english.keys(), HOW
    assert all(text.strip() for text in other.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_are_translated(language):
    """Names may be the same in two languages; sentences are not."""
    english, other = texts("en", FILES[0]), texts(language, FILES[0])
    same = [text for path, text in other.items() if english[path] == text and len(text.split()) > 4]
    assert same == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_option_values_stay_as_the_node_shows_them(language):
    """What stands in a combo is English everywhere, so a tooltip that explains it must name it so."""
    english, other = texts("en", FILES[0]), texts(language, FILES[0])
    for value in ("pixel_perfect", "hold-then-release", "weight_type"):
        for path, text in english.items():
            assert value not in text or path[-1] == "name" or value in other[path], (path, other[path])


@pytest.mark.parametrize("language", LANGUAGES)
def test_sentences_from_right_to_left_say_so(language):
    """The front end would put their words, and the full stop, in a wrong order."""
    for path, text in texts(language, FILES[0]).items():
        from_the_right = any(unicodedata.bidirectional(letter) in ("R", "AL") for letter in text)
        marked = from_the_right and path[-1] in ("tooltip", "description")
        assert text.startswith("\u2067") == text.endswith("\u2069") == marked, (path, text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_titles_keep_the_names_that_people_search(language):
    english, other = texts("en", FILES[0]), texts(language, FILES[0])
    for path, title in english.items():
        if path[-1] == "display_name":
            names = re.findall(r"ControlNe\w+|IP-Adapter|LoRA|OpenPose|OneFormer|VACE|JSON", title)
            assert all(name in other[path] for name in names), (title, other[path])


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_rows_of_inputs_that_grow_are_numbered(language):
    inputs = read(place_of(language, FILES[0]))["ArmatureControlStack"]["inputs"]
    names = [inputs[f"signals_signal_{row}"]["name"] for row in range(32)]
    assert [name.rpartition(" ")[2] for name in names] == [str(row) for row in range(32)]
    assert len({name.rpartition(" ")[0] for name in names}) == 1


def test_the_server_hands_them_out(server):
    with urllib.request.urlopen(f"{server.address}/i18n", timeout=30) as response:
        answer = json.load(response)
    for language in ("en", *LANGUAGES):
        ours = read(place_of(language, FILES[0]))["ArmatureControlSignal"]
        assert answer[language]["nodeDefs"]["ArmatureControlSignal"] == ours
