"""What a person takes along: the picture, the table, and a line to cite a view with.

Everything that a person wrote passes through `html.escape`, and no text is a spreadsheet's formula.
"""

import base64
import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from html import escape
from importlib.metadata import PackageNotFoundError, version

import ipywidgets

from clipbench import UserError
from clipbench_widgets.core import html
from clipbench_widgets.core.inputs import button
from clipbench_widgets.core.page_scripts import running

FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # how a text begins that a spreadsheet would compute
PNG, CSV = "image/png", "text/csv;charset=utf-8"


class ExportBar(ipywidgets.Box):
    """Three buttons; what they give stands in ``shown``.

    Args:
        app: has ``to_static``, ``_table``, ``citation`` and ``NAME``.
    """

    def __init__(self, app):
        self._app = app
        self.shown = ipywidgets.HTML().add_class("clipbench-exported")
        super().__init__(
            [
                button("Picture", "Save what is shown as a picture", self._picture, "image"),
                button("Table", "Save the numbers for a spreadsheet", self._table, "table"),
                button("Cite", "How to cite this view", self._cite, "quote-right"),
            ]
        )
        self.add_class("clipbench-row").add_class("clipbench-exports")
        self._show("")

    def _picture(self) -> None:
        self._give("png", PNG, lambda: self._app.to_static().png())

    def _table(self) -> None:
        self._give("csv", CSV, lambda: ("\ufeff" + as_csv(self._app._table())).encode())

    def _cite(self) -> None:
        self._show(citation_page(self._app.citation()))

    def _give(self, ending: str, kind: str, content) -> None:
        try:
            made = content()
        except UserError as error:
            self._show(html.message_line(str(error)))
        else:
            self._show(download(f"{file_name(self._app.NAME)}.{ending}", kind, made))

    def _show(self, page: str) -> None:
        self.shown.value = ""  # so that what is asked for twice is given twice
        self.shown.value = page
        self.shown.layout.display = None if page else "none"


def file_name(name: str) -> str:
    return name.lower().replace(" ", "-")


def download(name: str, kind: str, content: bytes) -> str:
    """Write a link to a file that the page itself holds, and a script that follows it at once."""
    address = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    return (
        f'<div class="clipbench-small" role="status">Saved as <a download="{escape(name)}" '
        f'href="{address}">{escape(name)}</a>{running("download.js")}</div>'
    )


# -------------------- a table


def as_csv(rows: Sequence[Mapping]) -> str:
    """Write a table for a spreadsheet, in which no text is a formula.

    Raises:
        UserError: without rows.
    """
    if not rows:
        raise UserError("there are no numbers to save yet")
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows({name: harmless(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def harmless(value):
    """Return a value that no spreadsheet computes, and that any file can hold."""
    if not isinstance(value, str):
        return value
    whole = value.encode("utf-8", "replace").decode()
    return f"'{whole}" if whole.startswith(FORMULAS) else whole


# -------------------- a citation


def citation(name: str, encoder, state: Mapping) -> str:
    """Write what it takes to see a view again: versions, the model's fingerprint, the state."""
    who = (
        ""
        if encoder is None
        else f"model {encoder.name} (fingerprint {encoder.fingerprint[:12]}), "
    )
    today = datetime.now(timezone.utc).date().isoformat()
    view = json.dumps(state, ensure_ascii=False, separators=(",", ":"))
    return f"clipbench {installed()}, {name}, {who}view {view}, {today}."


def installed() -> str:
    try:
        return version("clipbench")
    except PackageNotFoundError:
        return "(from its sources)"


def citation_page(line: str) -> str:
    return (
        '<div class="clipbench-small" role="status">To cite this view (CITATION.cff has the rest): '
        f'<code class="clipbench-citation" dir="auto">{escape(line)}</code></div>'
    )
