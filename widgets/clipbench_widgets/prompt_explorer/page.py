"""What stands around an explorer's table: its layout, its notes, and the chosen picture."""

from collections.abc import Sequence
from html import escape

from clipbench_widgets.core.format import percent
from clipbench_widgets.core.html import named, two_lines
from clipbench_widgets.core.pictures import NamedPicture, data_uri, within
from clipbench_widgets.core.wording import fitting

PICTURE_PIXELS = 480  # twice the size on the page


def picture_page(entry: NamedPicture | None) -> str:
    if entry is None:
        return ""
    address = data_uri(within(entry.picture, PICTURE_PIXELS))
    return f'<img alt="{escape(entry.name)}" src="{address}">'


def verdict_page(entry: NamedPicture | None, ranked: Sequence[dict]) -> str:
    """Write what stands beside the picture: its name, and the most probable prompt."""
    if entry is None:
        return ""
    width, height = entry.picture.size
    name = two_lines(
        named(entry.name), f'<span class="clipbench-quiet">{width} × {height} pixels</span>'
    )
    if not ranked:
        return name
    if len(ranked) == 1:
        return name + two_lines(
            '<span class="clipbench-quiet">one prompt:</span>', "nothing to choose between"
        )
    best = ranked[0]
    verdict = f"{named(best['prompt'])}<br>{escape(percent(best['probability']))}"
    return name + two_lines(
        f'<span class="clipbench-quiet">most probable of {len(ranked)}:</span>', verdict
    )


def what_is_read(templates: Sequence[str], prompts: Sequence[str]) -> str:
    """Say what the chosen templates do to the first prompt."""
    if not templates:
        return "The model reads each line as it is."
    if len(templates) > 1:
        return f"An ensemble: each line becomes {len(templates)} texts, and their mean is compared."
    example = prompts[0] if prompts else "…"
    shown = fitting(example, templates[0]) if len(example) < 40 else "…"
    return f"The model reads “{templates[0].replace('{}', shown)}”"


def what_the_scale_does(own_scale: float, factor: float) -> str:
    scale = own_scale * factor
    return (
        f"Scale: the model's own {own_scale:.3g} × {factor:.3g} = {scale:.3g}, "
        f"a temperature τ = 1 / scale of {1 / scale:.2g}. "
        "It changes the probabilities, never the order."
    )
