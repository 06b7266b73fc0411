"""Names that come from a page or an archive. Only what fits a pattern here ever becomes part of a path."""

import re
import unicodedata

PICTURES = ("png", "jpg", "jpeg", "webp", "bmp", "gif", "tif", "tiff")
FILMS = ("mp4", "webm")
LONGEST = 60  # characters of a project's name

_ID = r"\d{8}-\d{6}-[0-9a-f]{8}"
RUN = re.compile(_ID)
RECORD_FILE = re.compile(rf"({_ID})\.json")
RUN_FILE = re.compile(rf"({_ID})_\d{{1,4}}\.({'|'.join((*PICTURES, *FILMS))})")
KEPT_FILE = re.compile(rf"(control|input)_([0-9a-f]{{16}})\.({'|'.join(PICTURES)})")

_PROJECT = re.compile(r"[^\W_][\w .,()+&'-]*")
_OF_WINDOWS = re.compile(r"(con|prn|aux|nul|(com|lpt)[\d¹²³])\s*(\..*)?", re.IGNORECASE)


class HistoryError(ValueError):
    """What was asked of the history cannot be done; the message says why."""


def check_project(name: object) -> str:
    """The name of a project, which is that of its folder too. Raises HistoryError."""
    return check_name(name, "a project's name")


def check_name(name: object, what: str) -> str:
    """A name that a person gave, fit for a file. what: for the error, what it is to be. Raises HistoryError."""
    text = unicodedata.normalize("NFC", name).strip() if isinstance(name, str) else ""
    if not _PROJECT.fullmatch(text) or len(text) > LONGEST or text.endswith(".") or _OF_WINDOWS.fullmatch(text):
        raise HistoryError(
            f"{str(name)[:80]!r} cannot be {what}. Take up to {LONGEST} letters, digits, spaces and "
            ". , ( ) + & ' - _, with a letter or digit in front and no full stop at the end."
        )
    return text


def check_run(name: object) -> str:
    """The id of a run. Raises HistoryError."""
    if not isinstance(name, str) or not RUN.fullmatch(name):
        raise HistoryError(f"{str(name)[:80]!r} is no run of a project.")
    return name


def check_file(name: object) -> str:
    """The name of a picture of a run, or of a map or input that runs share. Raises HistoryError."""
    if not isinstance(name, str) or not (RUN_FILE.fullmatch(name) or KEPT_FILE.fullmatch(name)):
        raise HistoryError(f"{str(name)[:80]!r} is no picture of a project.")
    return name
