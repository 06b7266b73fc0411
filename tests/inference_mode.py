"""A fixture for every test of a folder whose conftest.py imports it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture(autouse=True)
def inference_mode() -> Iterator[None]:
    """The host runs its nodes like this."""
    with torch.inference_mode():
        yield
