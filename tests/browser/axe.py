"""What bars people from a page, as axe-core sees it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

PACKAGE = "axe_playwright_python"  # carries axe.min.js
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[Any]:
    """What axe-core finds wrong with what is shown; skips the test where axe-core is not installed."""
    found = importlib.util.find_spec(PACKAGE)
    if found is None or not found.origin:
        pytest.skip(f"axe-core is not here. To look for what bars people from the page: pip install {PACKAGE}")
    page.evaluate((Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8"))
    return page.evaluate(
        "rules => axe.run(document, {runOnly: rules}).then(done => done.violations.map(one => [one.id, one.nodes[0].html]))",
        RULES,
    )
