"""What stands around an explorer's table: its layout, its notes, and the chosen picture."""

from collections.abc import Sequence
from html import escape

import ipywidgets

from clipbench import Encoder
from clipbench_widgets.pictures import NamedPicture, data_uri, within
from clipbench_widgets.score_table import percent, shortened

PICTURE_PIXELS = 480  # twice the size on the page
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


def title(encoder: Encoder) -> str:
    about = f"model {encoder.name}, scale {encoder.scale:.3g}"
    return (
        '<div class="clipbench-title"><strong>Prompt explorer</strong> '
        f'<span class="clipbench-quiet">{escape(about)}</span></div>'
    )


def picture_page(entry: NamedPicture | None) -> str:
    if entry is None:
        return ""
    address = data_uri(within(entry.picture, PICTURE_PIXELS))
    return f'<img alt="{escape(entry.name)}" src="{address}">'


def verdict_page(entry: NamedPicture | None, ranked: Sequence[dict]) -> str:
    """Beside the picture: its name, and the most probable prompt."""
    if entry is None:
        return ""
    width, height = entry.picture.size
    name = two_lines(named(entry.name), f'<span class="clipbench-quiet">{width} × {height} pixels</span>')
    if not ranked:
        return name
    best = ranked[0]
    verdict = f"{named(best['prompt'])}<br>{escape(percent(best['probability']))}"
    return name + two_lines(f'<span class="clipbench-quiet">most probable of {len(ranked)}:</span>', verdict)


def two_lines(first: str, second: str) -> str:
    return f"<p>{first}<br>{second}</p>"


def named(text: str) -> str:
    return f'<strong dir="auto">{escape(shortened(text, LONGEST_NAME))}</strong>'


def what_is_read(templates: Sequence[str], prompts: Sequence[str]) -> str:
    """What the chosen templates do to the first prompt."""
    if not templates:
        return "The model reads each line as it is."
    if len(templates) > 1:
        return f"An ensemble: each line becomes {len(templates)} texts, and their mean is compared."
    example = prompts[0] if prompts else "…"
    return f"The model reads “{templates[0].replace('{}', example if len(example) < 40 else '…')}”"


def what_temperature_does(own_scale: float, temperature: float) -> str:
    return (
        f"Scale: the model's own {own_scale:.3g} × {temperature:.3g} = {own_scale * temperature:.3g}. "
        "It changes the probabilities, never the order."
    )


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
