"""A models folder for the checks, written once."""

from __future__ import annotations

import pytest
from armature_pack.models.files.index import ModelIndex
from armature_pack.tests.models.compatibility.graphs import write_models


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> ModelIndex:
    return write_models(tmp_path_factory.mktemp("models"))
