"""A pad over a picture: a click, a drag or the arrow keys say where.

Core ipywidgets know no place of a pointer, so a constant script in the page writes it into a hidden
text box that the kernel listens to. A page that forbids such scripts loses the pad and nothing
else, if sliders beside it say the same.
"""

import re
from html import escape

import ipywidgets
import traitlets

from clipbench_widgets.core.style_files import sheet

STEP = 0.02  # of the picture, for one press of an arrow key

POINTER = """
if (event.type === 'pointermove' && !event.buttons) return;
this.setPointerCapture(event.pointerId);
const box = this.getBoundingClientRect(), entry = this.closest('.clipbench-pad').querySelector('input');
const share = (at, start, length) => Math.min(1, Math.max(0, (at - start) / length)).toFixed(3);
entry.value = 'to ' + share(event.clientX, box.left, box.width) + ' ' + share(event.clientY, box.top, box.height);
entry.dispatchEvent(new Event('input', {bubbles: true}));
"""
KEY = """
const step = {ArrowLeft: '-1 0', ArrowRight: '1 0', ArrowUp: '0 -1', ArrowDown: '0 1'}[event.key];
if (!step) return;
event.preventDefault();
event.stopPropagation();
const entry = this.closest('.clipbench-pad').querySelector('input');
entry.value = 'by ' + step + ' ' + Math.round(event.timeStamp);
entry.dispatchEvent(new Event('input', {bubbles: true}));
"""
PLACE = re.compile(r"to ([01]\.\d{3}) ([01]\.\d{3})")
# the last number only tells two presses of one key apart
MOVE = re.compile(r"by (-?[01]) (-?[01]) \d{1,18}")

RULES = sheet("core/position_pad.css")


class PositionPad(ipywidgets.Box):
    """Lies over a picture; its parent must be positioned.

    ``position`` holds the last place chosen on it.
    """

    # from the top left
    position = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(0.5, 0.5))

    def __init__(self, label: str, **traits):
        pointer, key = (escape(" ".join(script.split())) for script in (POINTER, KEY))
        surface = (
            '<div class="clipbench-pad-surface" tabindex="0" role="application" '
            f'aria-label="{escape(label)}" '
            f'title="{escape(label)}" data-lm-suppress-shortcuts="true" '
            f'onpointerdown="{pointer}" onpointermove="{pointer}" onkeydown="{key}"></div>'
        )
        self._heard = ipywidgets.Text().add_class("clipbench-pad-channel")
        super().__init__([ipywidgets.HTML(surface), self._heard], **traits)
        self.add_class("clipbench-pad")
        self._heard.observe(self._on_heard, "value")

    def _on_heard(self, change) -> None:
        place, move = PLACE.fullmatch(change.new), MOVE.fullmatch(change.new)
        if place:
            self.position = tuple(min(1.0, float(share)) for share in place.groups())
        elif move:
            moved = (
                at + STEP * int(by) for at, by in zip(self.position, move.groups(), strict=True)
            )
            self.position = tuple(min(1.0, max(0.0, at)) for at in moved)
