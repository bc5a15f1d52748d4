"""Findings of axe-core, the usual checker of accessibility, in a page of a real browser."""

from functools import cache

import pytest

from clipbench.errors import UserError
from tools.npm import package

VERSION = "4.14.1"
GRAVE = ("serious", "critical")


@cache
def program() -> str:
    """The checker's script; the test is skipped where npm cannot bring it."""
    try:
        folder = package("axe-core", VERSION)
    except UserError as error:
        pytest.skip(str(error))
    return (folder / "axe.min.js").read_text(encoding="utf-8")


def grave_findings(page, where: str = "body") -> list[str]:
    """What axe-core calls serious or critical in a part of the page, a line each."""
    page.evaluate(program())
    found = page.evaluate(
        "where => axe.run(where, {resultTypes: ['violations']}).then(found => found.violations)",
        where,
    )
    return [
        f"{each['impact']}: {each['id']} at {node['target']}: {node['html'][:120]}"
        for each in found
        for node in each["nodes"]
        if each["impact"] in GRAVE
    ]
