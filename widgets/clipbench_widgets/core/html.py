"""Small pieces of HTML and of layout that all apps share."""

from collections.abc import Sequence
from html import escape

import ipywidgets

from clipbench_widgets.core.format import shortened
from clipbench_widgets.core.style_files import sheet

LONGEST_NAME = 60
RULES = sheet("core/html.css")


def title(name: str, about: str) -> str:
    """Return the first line of an app."""
    return (
        f'<div class="clipbench-title"><strong>{escape(name)}</strong> '
        f'<span class="clipbench-quiet">{escape(about)}</span></div>'
    )


def two_lines(first: str, second: str) -> str:
    return f"<p>{first}<br>{second}</p>"


def named(text: str) -> str:
    return f'<strong dir="auto">{escape(shortened(text, LONGEST_NAME))}</strong>'


def bold(text: str, strong: bool) -> str:
    """Return a text, in bold where it is to stand out."""
    return f"<b>{escape(text)}</b>" if strong else escape(text)


def status(inside: str) -> str:
    """Wrap HTML that screen readers read out whenever it changes."""
    return f'<div role="status">{inside}</div>'


def remark_line(remarks: Sequence[str]) -> str:
    return (
        '<div class="clipbench-small clipbench-remark" '
        f'role="status">{escape(" ".join(remarks))}</div>'
    )


def message_line(text: str) -> str:
    return f'<div class="clipbench-message" role="alert">{escape(text)}</div>' if text else ""


def small_line(text: str) -> str:
    return f'<div class="clipbench-small">{escape(text)}</div>'


def heading(text: str) -> ipywidgets.HTML:
    return ipywidgets.HTML(f'<div class="clipbench-heading">{escape(text)}</div>')


def row_of(*widgets: ipywidgets.Widget) -> ipywidgets.Box:
    return ipywidgets.Box(widgets).add_class("clipbench-row")


def column_of(css_class: str, *widgets: ipywidgets.Widget) -> ipywidgets.VBox:
    return ipywidgets.VBox(widgets).add_class(css_class)
