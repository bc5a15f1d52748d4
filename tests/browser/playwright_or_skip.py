"""Playwright's own API; a test module that imports it is skipped where there is no Playwright."""

import pytest

sync_api = pytest.importorskip(
    "playwright.sync_api", reason="needs playwright: pip install -e '.[browser]'"
)
