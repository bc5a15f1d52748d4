"""What a game of labels shows. Everything a person wrote passes through `html.escape`."""

from collections.abc import Mapping
from html import escape

from clipbench_widgets.core.format import percent
from clipbench_widgets.core.pictures import NamedPicture, data_uri, within

PICTURE_PIXELS = 520  # twice the size on the page

RULES = """
.clipbench-app .clipbench-game-app { gap: 12px; margin: 0; }
.clipbench-app .clipbench-game-columns { display: flex; flex-flow: row wrap; gap: 14px 28px; align-items: flex-start; }
.clipbench-game-columns > .clipbench-game-picture { flex: 0 1 268px; min-width: 200px; }
.clipbench-game-picture > .widget-html { flex: 1 1 100%; min-width: 0; }
.clipbench-game-columns > .clipbench-game-answers { flex: 1 1 320px; min-width: 0; gap: 10px; }
.clipbench-game-picture img {
  display: block; width: 100%; aspect-ratio: 1; object-fit: contain; background: var(--cb-track); border-radius: 10px; }
.clipbench-app .clipbench-game-app .clipbench-thumbnails {
  grid-template-columns: repeat(auto-fill, minmax(104px, 1fr)); gap: 8px; }
.clipbench-app .clipbench-game-app .jupyter-button.clipbench-thumbnail {
  height: 128px; padding: 89px 4px 0; background-size: 80px 80px; background-position: 50% 5px; --cb-caption: 14px;
  line-height: 17px; }
.clipbench-app .clipbench-game-app .jupyter-button.clipbench-text-card {
  height: 56px; padding: 4px; align-items: center; --cb-caption: 15px; }
.clipbench-app .clipbench-game-name input {
  height: 32px; font: inherit; color: var(--cb-text); background: var(--cb-page); border: 1px solid var(--cb-frame);
  border-radius: 6px; padding: 2px 8px; }
.clipbench-app .clipbench-game-name { width: auto; margin: 0; }
.clipbench-app .clipbench-game-name > .widget-label { width: auto; margin-right: 8px; }
.clipbench-game-scores { display: grid; grid-template-columns: max-content 1fr max-content; gap: 8px 12px;
  align-items: center; max-width: 760px; }
.clipbench-game-scores i { position: relative; display: block; height: 20px; background: var(--cb-track);
  border-radius: 4px; }
.clipbench-game-scores i b { position: absolute; top: 0; bottom: 0; left: 0; background: var(--cb-bar-rest);
  border-radius: 4px; }
.clipbench-game-scores i b.clipbench-people { background: var(--cb-bar); }
.clipbench-game-scores i u { position: absolute; top: 9px; height: 2px; background: var(--cb-text); }
.clipbench-game-scores i u::before, .clipbench-game-scores i u::after { content: ""; position: absolute; top: -4px;
  height: 10px; width: 2px; background: var(--cb-text); }
.clipbench-game-scores i u::after { right: 0; }
.clipbench-game-scores i s { position: absolute; top: -3px; bottom: -3px; border-left: 2px dashed #d55e00; }
.clipbench-game-scores span { font-variant-numeric: tabular-nums; }
"""


def title(model: str, data: str) -> str:
    return (
        '<div class="clipbench-title"><strong>Beat the machine</strong> '
        f'<span class="clipbench-quiet">{escape(f"model {model} · {data}")}</span></div>'
    )


def where_page(shots: int, place: int, rounds: int) -> str:
    what = "You see only the names." if shots == 0 else "Now you see one example of each."
    return f'<div role="status"><strong>Picture {place + 1} of {rounds}.</strong> {what} What is this?</div>'


def picture_page(entry: NamedPicture) -> str:
    return f'<img alt="the picture that is asked for" src="{data_uri(within(entry.picture, PICTURE_PIXELS))}">'


def score_page(scores: Mapping[str, Mapping], chance: float) -> str:
    """A bar for each, with its 95 % interval and a line at chance."""
    if not scores:
        return ""
    rows = "".join(score_row(name, score, chance) for name, score in scores.items())
    note = "Bars: shares of right answers; thin lines: 95 % intervals; dashed: guessing."
    return f'<div class="clipbench-game-scores">{rows}</div><div class="clipbench-small">{note}</div>'


def score_row(name: str, score: Mapping, chance: float) -> str:
    low, high, top = score["top1_low"], score["top1_high"], score["top1"]
    people = ' class="clipbench-people"' if name.startswith("people") else ""
    guessed = score.get("guessed")
    of_guesses = f" ({percent(guessed)} of guesses)" if guessed is not None and guessed != top else ""
    count = f"{round(top * score['asked'])} of {score['asked']}{of_guesses}"
    return (
        f"<span>{escape(name)}</span><i><b{people} style=\"width:{100 * top:.1f}%\"></b>"
        f'<u style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></u>'
        f'<s style="left:{100 * chance:.1f}%"></s></i>'
        f"<span>{escape(count)}</span>"
    )
