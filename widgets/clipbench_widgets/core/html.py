"""Small pieces of HTML and of layout that all apps share."""

from collections.abc import Sequence
from html import escape

import ipywidgets

from clipbench_widgets.core.format import shortened

LONGEST_NAME = 60


RULES = """
.clipbench-app .clipbench-columns {
  display: flex; flex-flow: row wrap; gap: 16px 28px; align-items: flex-start; margin-top: 12px;
  container-type: inline-size; }
.clipbench-columns > .clipbench-pictures { flex: 1 1 300px; max-width: 392px; min-width: 0; }
.clipbench-columns > .clipbench-texts { flex: 3 1 460px; min-width: 0; }
.clipbench-pictures.widget-box, .clipbench-texts.widget-box { gap: 12px; }
.clipbench-title strong { font-size: 17px; margin-right: 6px; }

.clipbench-app .clipbench-shown { display: flex; gap: 14px; align-items: flex-start; }
.clipbench-shown > :first-child { flex: 0 1 236px; min-width: 0; }
.clipbench-shown > :last-child { flex: 1 1 130px; min-width: 0; overflow-wrap: anywhere; }
.clipbench-shown img {
  display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--cb-track);
  border-radius: 8px; }
.clipbench-shown strong { font-size: 16px; }
.clipbench-app .clipbench-shown p + p { margin-top: 12px; }

.clipbench-app .clipbench-settings {
  display: flex; flex-flow: row wrap; gap: 12px 28px; align-items: flex-start; }
.clipbench-settings > * { flex: 1 1 280px; min-width: 0; }
.clipbench-settings > .clipbench-templates.widget-box { gap: 8px; }
.clipbench-settings > .clipbench-prompts.widget-box { gap: 5px; }
.clipbench-remark { color: var(--cb-warning); }
.clipbench-app .clipbench-language { width: 100%; height: 32px; max-width: 300px; margin: 6px 0 0; }
.clipbench-app .clipbench-language > .widget-label { width: auto; margin-right: 8px; }
.clipbench-app .clipbench-slider { flex: 1 1 260px; height: 32px; width: auto; margin: 0; }
.clipbench-app .clipbench-slider > .widget-label { width: auto; min-width: 0; }

.clipbench-app .clipbench-result { min-height: 250px; max-height: 640px; overflow-y: auto; }
.clipbench-app .clipbench-token-list { max-height: 360px; overflow-y: auto; }
@container (max-width: 560px) {
  .clipbench-app .clipbench-result { max-height: 1100px; }
}
"""


def two_lines(first: str, second: str) -> str:
    return f"<p>{first}<br>{second}</p>"


def named(text: str) -> str:
    return f'<strong dir="auto">{escape(shortened(text, LONGEST_NAME))}</strong>'


def remark_line(remarks: Sequence[str]) -> str:
    return f'<div class="clipbench-small clipbench-remark" role="status">{escape(" ".join(remarks))}</div>'


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
