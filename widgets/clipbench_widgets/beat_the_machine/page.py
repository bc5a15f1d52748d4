"""What a game of labels shows. Everything a person wrote passes through `html.escape`."""

from collections.abc import Mapping
from html import escape

from clipbench_widgets.core.format import percent
from clipbench_widgets.core.html import status
from clipbench_widgets.core.pictures import NamedPicture, data_uri, within
from clipbench_widgets.core.style_files import sheet

PICTURE_PIXELS = 520  # twice the size on the page

RULES = sheet("beat_the_machine/page.css")


def where_page(shots: int, place: int, rounds: int) -> str:
    what = "You see only the names." if shots == 0 else "Now you see one example of each."
    return status(f"<strong>Picture {place + 1} of {rounds}.</strong> {what} What is this?")


def feedback(said: str, truth: str, model: str) -> str:
    """Say what the last picture was, and who was right."""
    right, unknown = said == truth, not said
    own = "It was" if unknown else "✓ Right, it is" if right else "✗ Not quite, it is"
    kind = "clipbench-game-right" if right else "clipbench-game-wrong"
    return (
        f'<div class="clipbench-game-told {kind}" role="status"><strong dir="auto">'
        f"{own}: {escape(truth)}.</strong> {machine_page(model, truth, right)}</div>"
    )


def machine_page(model: str, truth: str, right: bool) -> str:
    if model == truth:
        return f"The model was right{', too' if right else ''}."
    return f"The model said: {escape(model)}."


def round_page(people: int, model: int, asked: int) -> str:
    """Write the score after the first round."""
    return (
        f"<p><strong>After {asked} pictures by their names: you {people}, the model {model}."
        "</strong> From now on you see an example of each.</p>"
    )


def picture_page(entry: NamedPicture) -> str:
    return (
        '<img alt="the picture that is asked for" '
        f'src="{data_uri(within(entry.picture, PICTURE_PIXELS))}">'
    )


def score_page(scores: Mapping[str, Mapping], chance: float) -> str:
    """Draw a bar for each score, with its 95 % interval and a line at chance."""
    if not scores:
        return ""
    rows = "".join(score_row(name, score, chance) for name, score in scores.items())
    note = "Bars: shares of right answers; thin lines: 95 % intervals; dashed: guessing."
    return (
        f'<div class="clipbench-game-scores">{rows}</div><div class="clipbench-small">{note}</div>'
    )


def score_row(name: str, score: Mapping, chance: float) -> str:
    low, high, top = score["top1_low"], score["top1_high"], score["top1"]
    people = ' class="clipbench-people"' if name.startswith("people") else ""
    guessed = score.get("guessed")
    of_guesses = (
        f" ({percent(guessed)} of guesses)" if guessed is not None and guessed != top else ""
    )
    count = f"{round(top * score['asked'])} of {score['asked']}{of_guesses}"
    return (
        f'<span>{escape(name)}</span><i><b{people} style="width:{100 * top:.1f}%"></b>'
        f'<u style="left:{100 * low:.1f}%;width:{100 * (high - low):.1f}%"></u>'
        f'<s style="left:{100 * chance:.1f}%"></s></i>'
        f"<span>{escape(count)}</span>"
    )
