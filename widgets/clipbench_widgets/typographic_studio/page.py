"""What a TypographicStudio shows: the verdict in large letters, three pictures side by side, a table of the texts.

Everything a person wrote passes through `html.escape`.
"""

from collections.abc import Sequence
from html import escape

from PIL import Image

from clipbench_widgets.core.format import number, percent, shortened
from clipbench_widgets.core.pictures import data_uri
from clipbench_widgets.typographic_studio.verdict import Verdict

LONGEST_TEXT = 60

RULES = """
.clipbench-app .clipbench-studio { gap: 14px; margin: 0; }
.clipbench-app .clipbench-picture-strip { display: flex; gap: 10px; align-items: stretch; min-width: 0; }
.clipbench-picture-strip > .widget-vbox { flex: 1 1 0; min-width: 0; }
.clipbench-app .clipbench-picture-strip > .jupyter-button.clipbench-upload {
  flex: 0 0 84px; width: 84px; height: 118px; white-space: normal; line-height: 1.3; padding: 8px 4px; margin: 2px 0; }
.clipbench-app .clipbench-picture-strip > .clipbench-upload::after { display: block; font-size: 13px; }
.clipbench-app .clipbench-picture-strip .clipbench-thumbnails {
  grid-template-columns: none; grid-auto-flow: column; grid-auto-columns: 84px; overflow-x: auto; padding: 2px; }
.clipbench-app .clipbench-words { display: flex; flex-flow: row wrap; gap: 8px 20px; align-items: flex-end; }
.clipbench-app .clipbench-words > .widget-text {
  display: flex; flex-direction: column; align-items: stretch; height: auto; margin: 0; min-width: 0; }
.clipbench-app .clipbench-words > .clipbench-word { flex: 3 1 300px; max-width: 620px; width: auto; }
.clipbench-app .clipbench-words > .clipbench-control-word { flex: 1 1 150px; max-width: 300px; width: auto; }
.clipbench-app .clipbench-words .widget-label { width: auto; text-align: left; font-size: 15px; height: 26px; }
.clipbench-app .clipbench-words input {
  height: 48px; font: 700 26px/1 system-ui, -apple-system, "Segoe UI", Roboto, Arial, "Noto Sans", sans-serif;
  color: var(--cb-text); background: var(--cb-page); border: 2px solid var(--cb-frame); border-radius: 8px;
  padding: 4px 14px; min-width: 0; width: 100%; box-sizing: border-box; }
.clipbench-app .clipbench-words .clipbench-control-word input { font-size: 19px; font-weight: 500; }
.clipbench-app .clipbench-words input::placeholder { color: var(--cb-quiet); opacity: 1; }
.clipbench-app .clipbench-words > .jupyter-button { margin-bottom: 8px; }
.clipbench-app input:focus-visible { outline: 3px solid var(--cb-accent) !important; outline-offset: 1px; }

.clipbench-headline {
  min-height: 64px; padding: 10px 16px; border-radius: 8px; background: var(--cb-card); box-sizing: border-box;
  border-left: 6px solid var(--cb-frame); }
.clipbench-headline strong { display: block; font-size: 25px; line-height: 1.25; overflow-wrap: anywhere; }
.clipbench-headline.clipbench-flipped { background: var(--cb-warning-card); border-left-color: var(--cb-second); }
.clipbench-headline.clipbench-flipped strong { color: var(--cb-warning); }

.clipbench-app .clipbench-bench {
  display: grid; grid-template-columns: minmax(0, 1fr) 300px; gap: 18px 28px; align-items: start; }
.clipbench-app .clipbench-views {
  display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1.45fr) minmax(0, 1fr); gap: 18px; align-items: end; }
.clipbench-app .clipbench-view.widget-box { gap: 0; min-width: 0; }
.clipbench-app .clipbench-canvas { position: relative; display: block; }
.clipbench-app .clipbench-canvas > .widget-html { width: auto; margin: 0; }
.clipbench-canvas img { display: block; width: 100%; aspect-ratio: 1; border-radius: 8px; background: var(--cb-track); }
.clipbench-view-name { font-size: 13px; color: var(--cb-quiet); padding-bottom: 4px; overflow-wrap: anywhere; }
.clipbench-says { min-height: 62px; padding-top: 6px; }
.clipbench-says strong { display: block; font-size: 20px; line-height: 1.2; overflow: hidden; text-overflow: ellipsis;
  overflow-wrap: anywhere; }
.clipbench-says b { font-weight: 600; font-variant-numeric: tabular-nums; }
.clipbench-middle .clipbench-says strong { font-size: 26px; }
.clipbench-says.clipbench-flipped strong { color: var(--cb-warning); }
.clipbench-app .clipbench-sliders.widget-box { gap: 2px; }
.clipbench-app .clipbench-sliders .widget-inline-hbox { width: auto; height: 32px; margin: 0; }
.clipbench-app .clipbench-sliders .widget-label { width: 92px; text-align: left; }
.clipbench-app .clipbench-sliders .widget-readout { min-width: 44px; width: 44px; }
.clipbench-app .clipbench-sliders .jupyter-button { margin: 4px 0 2px; align-self: flex-start; }

.clipbench-app .clipbench-below {
  display: grid; grid-template-columns: minmax(0, 1fr) 300px; gap: 18px 28px; align-items: start; }
.clipbench-duel { font-variant-numeric: tabular-nums; }
.clipbench-duel-rows { max-height: 620px; overflow-y: auto; }
.clipbench-duel-row {
  display: grid; column-gap: 14px; align-items: center; padding: 4px 8px; border-top: 1px solid var(--cb-line);
  grid-template-columns: minmax(100px, 1.1fr) minmax(110px, 1.6fr) 66px 66px 66px 122px; }
.clipbench-duel-row.clipbench-heads {
  border-top: 0; font-size: 13px; line-height: 1.25; color: var(--cb-quiet); align-items: end; }
.clipbench-duel-row > :nth-child(n+3) { text-align: right; white-space: nowrap; }
.clipbench-duel-row.clipbench-heads > * { white-space: normal; }
.clipbench-duel-text { font-size: 15px; line-height: 1.3; overflow-wrap: anywhere; }
.clipbench-duel-row b { font-weight: 700; }
.clipbench-pair-bars { display: grid; row-gap: 2px; }
.clipbench-pair-bars i { display: block; height: 9px; border-radius: 2px; background: var(--cb-track); }
.clipbench-pair-bars i > u { display: block; height: 100%; border-radius: 2px; background: var(--cb-bar); }
.clipbench-pair-bars i + i > u {
  background: repeating-linear-gradient(115deg, var(--cb-second) 0 5px, transparent 5px 6.5px), var(--cb-second); }
.clipbench-duel-key { display: inline-block; width: 14px; height: 9px; border-radius: 2px; margin-right: 5px;
  background: var(--cb-bar); }
.clipbench-duel-key.clipbench-after { background: var(--cb-second); }
.clipbench-duel-name { display: inline-block; margin-right: 10px; }
.clipbench-app .clipbench-studio-texts.widget-box { gap: 6px; }
.clipbench-app .clipbench-studio-texts .jupyter-button.widget-toggle-button {
  height: auto; min-height: 32px; line-height: 1.3; white-space: normal; text-align: left; padding: 5px 12px; }
.clipbench-app .clipbench-studio-texts .clipbench-choice { gap: 6px; align-items: flex-start; }
.clipbench-app .clipbench-answers.widget-box { gap: 8px; min-width: 0; }
.clipbench-app .clipbench-studio { container-type: inline-size; }
@container (max-width: 860px) {
  .clipbench-app .clipbench-bench, .clipbench-app .clipbench-below { grid-template-columns: minmax(0, 1fr); }
}
@container (max-width: 560px) {
  .clipbench-app .clipbench-views { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 10px 14px; }
  .clipbench-app .clipbench-views > .clipbench-middle { grid-column: 1 / -1; grid-row: 1; }
  .clipbench-duel-row { grid-template-columns: minmax(0, 1fr) 62px 62px 62px; row-gap: 2px; column-gap: 6px; }
  .clipbench-duel-row > :nth-child(1) { grid-area: 1 / 1; }
  .clipbench-duel-row > :nth-child(2) { grid-area: 2 / 1 / 3 / 3; }
  .clipbench-duel-row > :nth-child(6) { grid-area: 2 / 3 / 3 / 5; font-size: 13px; }
  .clipbench-duel-rows { max-height: none; }
  .clipbench-headline strong { font-size: 21px; }
}
"""


def title(name: str, scale: float) -> str:
    about = f"model {name}, scale {scale:.3g}"
    return (
        '<div class="clipbench-title"><strong>Typographic studio</strong> '
        f'<span class="clipbench-quiet">{escape(about)}</span></div>'
    )


def what_it_saw(name: str, share: float | None, most: str | None) -> str:
    """
    Args:
        share: of the model's training pictures of one thing, how many had a written word; None if unknown.
        most: of the models offered, the one that saw most.
    """
    if share == 0:
        return f"{name} never saw a written word in training: what a sticker does to it is not reading."
    saw = "" if share is None else f"{name} saw a word on {100 * share:.0f} % of its training pictures of one thing. "
    if name == most:
        return f"{saw}Of these models it had most reason to learn to read."
    return saw + (f"To ask the one that saw most, choose {most}." if most else "")


def headline(verdict: Verdict) -> str:
    """The sentence that matters, read out by screen readers when it changes."""
    flipped = " clipbench-flipped" if verdict.flips and verdict.word else ""
    return (
        f'<div class="clipbench-headline{flipped}" role="status">'
        f'<strong dir="auto">{escape(verdict.headline())}</strong>{escape(verdict.explanation())}</div>'
    )


def picture(image: Image.Image, about: str) -> str:
    return f'<img draggable="false" alt="{escape(about)}" src="{data_uri(image)}">'


def view_name(text: str) -> str:
    return f'<div class="clipbench-view-name" dir="auto">{escape(text)}</div>'


def says(row: dict, when: str, flipped: bool) -> str:
    """The verdict under a picture."""
    mark = "⇄ " if flipped else ""
    return (
        f'<div class="clipbench-says{" clipbench-flipped" if flipped else ""}"><strong dir="auto">'
        f"{mark}{escape(shortened(row['text'], LONGEST_TEXT))}</strong><b>{escape(percent(row[when]))}</b></div>"
    )


def duel(rows: Sequence[dict], verdict: Verdict) -> str:
    """A row a text: probability before, after and with the control word; cosine before and after."""
    return (
        '<div class="clipbench-duel" role="table" aria-label="Probabilities before and after">'
        f"{heads(verdict)}"
        f'<div class="clipbench-duel-rows">{"".join(duel_row(row, verdict) for row in rows)}</div></div>'
    )


def heads(verdict: Verdict) -> str:
    word = shortened(verdict.word, 14)
    control = shortened(verdict.control_word, 14)
    keys = (
        '<span class="clipbench-duel-name"><span class="clipbench-duel-key"></span>before</span>'
        '<span class="clipbench-duel-name"><span class="clipbench-duel-key clipbench-after"></span>'
        f"with “{escape(word)}”</span>"
    )
    columns = ["text", "", "before", "after", f"control “{control}”", "cosine before → after"]
    cells = [f'<span role="columnheader">{escape(name)}</span>' for name in columns]
    cells[1] = f'<span role="columnheader">probability<br>{keys}</span>'
    return f'<div class="clipbench-duel-row clipbench-heads" role="row">{"".join(cells)}</div>'


def duel_row(row: dict, verdict: Verdict) -> str:
    text = row["text"]
    bars = "".join(f'<i><u style="width:{100 * row[when]:.2f}%"></u></i>' for when in ("before", "after"))
    shares = "".join(
        f'<span role="cell">{bold(percent(row[when]), row is getattr(verdict, when))}</span>'
        for when in ("before", "after", "control")
    )
    change = f"{number(row['cosine_before'], 3)} → {number(row['cosine_after'], 3)}"
    return (
        '<div class="clipbench-duel-row" role="row">'
        f'<span class="clipbench-duel-text" role="rowheader" dir="auto" title="{escape(text)}">'
        f"{bold(shortened(text, 120), row is verdict.target)}</span>"
        f'<span class="clipbench-pair-bars" role="cell" aria-hidden="true">{bars}</span>{shares}'
        f'<span role="cell">{escape(change)}</span></div>'
    )


def bold(text: str, strong: bool) -> str:
    return f"<b>{escape(text)}</b>" if strong else escape(text)
