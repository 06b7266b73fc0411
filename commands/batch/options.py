"""What the options of `batch` mean."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from ...runs.batch.adherence import check_measured
from ...runs.batch.job import Job, Request, Settings, read_graph
from ...runs.errors import BatchError
from ...runs.wire import Secrets


def job_from(arguments: argparse.Namespace, servers: Sequence[str], headers: Mapping[str, str]) -> Job:
    """The batch that the options ask for. Raises BatchError, and ClientError for what is no server's address."""
    secrets = Secrets(servers, headers)
    graph = read_graph(arguments.graph)
    if arguments.minimum_adherence is not None:
        check_measured(graph)
    mapping = parse_mapping(arguments.map)
    request = Request(
        arguments.rows, arguments.vary, mapping, arguments.picture, arguments.pictures, arguments.despite_errors
    )
    settings = Settings(
        retry=arguments.retry,
        ahead=arguments.ahead,
        row_seconds=arguments.row_timeout,
        patience=arguments.patience,
        minimum_adherence=arguments.minimum_adherence,
    )
    return Job(graph, request, arguments.out, secrets, settings)


def parse_headers(texts: Sequence[str]) -> dict[str, str]:
    """Headers from 'Name: value' and '@FILE'. Raises BatchError, which never repeats a value."""
    headers: dict[str, str] = {}
    for text in texts:
        lines = _lines(Path(text[1:])) if text.startswith("@") else [text]
        for line in lines:
            name, colon, value = (part.strip() for part in line.partition(":"))
            if not colon or not name or not value or not name.isascii() or any(one in "\r\n" for one in value):
                raise BatchError("--header: write it as 'NAME: VALUE', for example 'Authorization: Bearer TOKEN'.")
            headers[name] = value
    return headers


def parse_mapping(texts: Sequence[str]) -> dict[str, str]:
    """Column names to inputs from 'COLUMN=INPUT'. Raises BatchError."""
    pairs = [text.partition("=") for text in texts]
    for text, (column, sign, place) in zip(texts, pairs, strict=True):
        if not (column.strip() and sign and place.strip()):
            raise BatchError(f"--map {text}: write it as COLUMN=INPUT, for example prompt=Prompt.text.")
    return {column.strip(): place.strip() for column, _, place in pairs}


def _lines(path: Path) -> list[str]:
    try:
        return [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError):
        raise BatchError(f"--header @{path}: the file cannot be read as text, a header a line.") from None
