"""What an explorer remembers: earlier verdicts, and a pinned state."""

from collections.abc import Mapping, Sequence
from html import escape

from clipbench_widgets.core.format import percent, shortened
from clipbench_widgets.core.scoring import most_probable
from clipbench_widgets.core.style_files import sheet

MOST_REMEMBERED = 50

RULES = sheet("prompt_explorer/records.css")


def wording_of(templates: Sequence[str]) -> str:
    return " + ".join(templates) or "as written"


def verdict_of(picture: str, templates: Sequence[str], rows: Sequence[Mapping]) -> dict:
    """Make an entry of the history: the most probable prompt."""
    best = most_probable(rows)
    kept = {name: best[name] for name in ("prompt", "cosine", "probability")}
    return {"picture": picture, "wording": wording_of(templates), "prompts": len(rows)} | kept


def pinned_shares(pinned: Sequence[Mapping], rows: Sequence[Mapping]) -> dict[str, float]:
    """Look up each prompt's probability in the pinned state.

    It is that of the same prompt, else of the one on the same line.
    """
    same = {row["prompt"]: row["probability"] for row in pinned}
    lines = {}
    if len(pinned) == len(rows):
        lines = {row["prompt"]: old["probability"] for row, old in zip(rows, pinned, strict=True)}
    return {
        row["prompt"]: share
        for row in rows
        if (share := (lines | same).get(row["prompt"])) is not None
    }


def pinned_line(about: str) -> str:
    text = (
        f"Orange: what was pinned, {about}. Change the wording, the picture or the "
        "scale, and compare."
    )
    return f'<div class="clipbench-small" role="status">{escape(text)}</div>'


def history_page(history: Sequence[Mapping]) -> str:
    """Write the history as HTML, the newest verdict first."""
    heads = "".join(
        f"<span>{name}</span>" for name in ("picture", "wording", "most probable", "share")
    )
    lines = "".join(
        "<div>"
        + "".join(
            f'<span dir="auto">{escape(shortened(text, 80))}</span>'
            for text in (
                entry["picture"],
                entry["wording"],
                f"{entry['prompt']} (of {entry['prompts']})",
                percent(entry["probability"]),
            )
        )
        + "</div>"
        for entry in reversed(history)
    )
    return f'<div class="clipbench-history"><div class="clipbench-heads">{heads}</div>{lines}</div>'
