"""An embedding map as SVG and HTML. Everything a person wrote passes through `html.escape`.

Points are drawn as lines of no length with round or square ends: ten bytes a point, sharp at every
zoom, coloured by the page's own theme.
"""

from collections.abc import Sequence
from html import escape

import numpy as np

from clipbench.figures.canvas import KINDS, REST
from clipbench.figures.maps import main_kinds
from clipbench_widgets.core.format import number, percent, shortened
from clipbench_widgets.core.pictures import NamedPicture, data_uri, within
from clipbench_widgets.core.style_files import sheet
from clipbench_widgets.embedding_map.frame import HEIGHT, WIDTH, Frame, View
from clipbench_widgets.embedding_map.points import TEXTS

PICTURE_PIXELS = 224  # of the note under the pointer; twice its size on the page
LONGEST = 90  # characters of a text in the page
FOR_SCREEN_READERS = (
    "Map of pictures and texts. Arrow keys go from point to point, "
    "Enter selects, plus and minus zoom."
)
WARM_UP = "UMAP is being compiled: 10 to 60 s the first time. PCA is shown meanwhile."
COLOURS = (*KINDS, REST)
ABOUT_ALL = ("row", "modality", "name", "id")  # what is known of every point

KEY_RULES = "".join(
    f".clipbench-k{place} {{ stroke: {colour} }}\n.clipbench-key-{place} {{ --cb-key: {colour} }}\n"
    for place, colour in enumerate(COLOURS)
)
RULES = sheet("embedding_map/page.css", width=WIDTH, height=HEIGHT, rest=REST) + KEY_RULES


# -------------------- points


def kinds_with_colours(kinds: Sequence[str], texts_too: bool) -> tuple[list[str], np.ndarray]:
    """List the kinds with a colour of their own, and each row's place among them.

    The place is -1 for the rest.

    Args:
        texts_too: whether "texts" is a kind like others, and not the rest.
    """
    names = main_kinds([kind for kind in kinds if texts_too or kind != TEXTS])
    where = {name: place for place, name in enumerate(names)}
    return names, np.array([where.get(kind, -1) for kind in kinds], int)


def diameter(count: int, view: View) -> float:
    """Choose the pixels of a point: smaller in a crowd, larger from near."""
    crowd = 8.0 if count <= 400 else 6.5 if count <= 1500 else 5.0 if count <= 3000 else 4.0
    return crowd * min(1.7, (WIDTH / view.width) ** 0.3)


def dots(points: np.ndarray) -> str:
    """Write points (N, 2) as an SVG path.

    A line of one unit, a quarter of a pixel, is drawn by every browser.
    """
    return "".join(f"M{x} {y}h1" for x, y in np.rint(points).astype(int).tolist())


def layer(
    frame: Frame,
    of_kind: np.ndarray,
    texts: np.ndarray,
    size: float,
    mark: str,
    faint: bool = False,
) -> str:
    """Draw all points as one SVG, kind by kind, the rest (-1) at the bottom.

    Args:
        of_kind: (N,) places in the list of colours, -1 for the rest.
        texts: (N,) which points are texts; they are squares on top of the pictures' circles.
        mark: makes names unique among all maps of a page.
    """
    inside = "".join(
        group(frame.points[chosen], place, size, f"{mark}-{int(is_text)}-{place}", is_text)
        for is_text in (False, True)
        for place in range(-1, len(KINDS))
        if (chosen := (of_kind == place) & (texts == is_text)).any()
    )
    return svg(inside, frame.view, "clipbench-faint" if faint else "")


def group(points: np.ndarray, place: int, size: float, mark: str, is_text: bool) -> str:
    """Draw points of one colour, each with a dark edge."""
    colour = place if place >= 0 else len(KINDS)
    size = 0.85 * size if is_text else size  # a square looks larger than a circle of its width
    inside = path(points, f'id="{mark}"')
    return (
        f'<g stroke-linecap="{"square" if is_text else "round"}"><defs>{inside}</defs>'
        f'<use href="#{mark}" class="clipbench-edge" style="stroke-width:{size + 1.4:.1f}px"/>'
        f'<use href="#{mark}" class="clipbench-k{colour}" style="stroke-width:{size:.1f}px"/></g>'
    )


def path(points: np.ndarray, attributes: str) -> str:
    """Draw dots whose size does not depend on the zoom."""
    return f'<path {attributes} vector-effect="non-scaling-stroke" d="{dots(points)}"/>'


def svg(inside: str, view: View, css_class: str = "") -> str:
    box = f"{view.left:.1f} {view.top:.1f} {view.width:.1f} {view.height:.1f}"
    return f'<svg viewBox="{box}" class="{css_class}" aria-hidden="true">{inside}</svg>'


def rings(points: np.ndarray, size: float, colour: str) -> str:
    """Draw a ring around each point, with a seam of the page's colour on both sides."""
    if not len(points):
        return ""
    steps = ((size + 7, "clipbench-halo"), (size + 5.4, colour), (size + 2.2, "clipbench-halo"))
    circles = (
        path(points, f'class="{name}" style="stroke-width:{width:.1f}px"') for width, name in steps
    )
    return f'<g stroke-linecap="round">{"".join(circles)}</g>'


def spokes(centre: np.ndarray, ends: np.ndarray) -> str:
    """Draw lines from one point to others."""
    x, y = np.rint(centre).astype(int).tolist()
    lines = "".join(f"M{x} {y}L{a} {b}" for a, b in np.rint(ends).astype(int).tolist())
    return f'<path class="clipbench-spokes" vector-effect="non-scaling-stroke" d="{lines}"/>'


def label_layer(labels: dict[str, tuple[float, float]], view: View) -> str:
    """Write names (in units of the frame) where they are seen, kept off the edges."""
    shown = []
    for name, point in labels.items():
        x, y = view.to_place(np.array([point]))[0].tolist()
        if 0 <= x <= 1 and 0 <= y <= 1:
            style = (
                f"left:clamp(4em,{100 * x:.1f}%,calc(100% - "
                f"4em));top:clamp(1em,{100 * y:.1f}%,calc(100% - 1em))"
            )
            shown.append(
                '<span class="clipbench-map-label" '
                f'style="{style}">{escape(shortened(name, 28))}</span>'
            )
    return "".join(shown)


# -------------------- notes


def note(place: tuple[float, float], about: dict, entry: NamedPicture | None) -> str:
    """Write what a point is, beside it, on the side where there is room."""
    x, y = place
    side = (
        f"left:calc({100 * x:.1f}% + 14px)"
        if x < 0.5
        else f"right:calc({100 * (1 - x):.1f}% + 14px)"
    )
    height = f"top:{100 * y:.1f}%" if y < 0.5 else f"bottom:{100 * (1 - y):.1f}%"
    picture = (
        ""
        if entry is None
        else f'<img alt="" src="{data_uri(within(entry.picture, PICTURE_PIXELS))}">'
    )
    name = f'<strong dir="auto">{escape(shortened(about["name"], LONGEST))}</strong>'
    known = [value for key, value in about.items() if key not in ABOUT_ALL and value != TEXTS]
    known = [value for value in known if value not in about["name"]]
    lines = [f"{about['modality']}, row {about['row']}", *dict.fromkeys(known)]
    quiet = "".join(
        f'<span class="clipbench-quiet">{escape(shortened(line, LONGEST))}</span>' for line in lines
    )
    return f'<div class="clipbench-map-note" style="{side};{height}">{picture}{name}{quiet}</div>'


def numbers_page(rows: Sequence[tuple[str, str]]) -> str:
    """Write numbers with what they mean beside them."""
    inside = "".join(
        f"<b>{escape(value)}</b><span>{escape(meaning)}</span>" for value, meaning in rows
    )
    return f'<div class="clipbench-map-numbers" role="status">{inside}</div>'


def trust_row(trust: float | None, neighbours: int, measured: int, count: int) -> tuple[str, str]:
    if trust is None:
        return "–", f"trustworthiness needs more than {2 * neighbours} points"
    of = "" if measured == count else f", measured at {measured} points"
    return number(trust, 2), (
        "trustworthiness: are neighbours on the map neighbours in the full space? 1 if "
        f"all {neighbours} are, "
        f"0.5 on a random map{of}"
    )


def variance_row(share: float, dimensions: int) -> tuple[str, str]:
    return percent(
        share
    ), f"of the variance lies in this plane; the rest in the other {dimensions - 2} dimensions"


def gap_row(gap: float, own: float) -> tuple[str, str]:
    shifted = "" if abs(gap - own) < 5e-4 else f"; {number(own, 2)} without the shift"
    return number(
        gap, 2
    ), f"modality gap: from the mean of the pictures to that of the texts{shifted}"


def progress_page(share: float) -> str:
    text = WARM_UP if share == 0 else f"UMAP: {share:.0%} done. PCA is shown meanwhile."
    bar = (
        '<div class="clipbench-map-bar"><i '
        f'style="width:{100 * min(1.0, max(0.0, share)):.0f}%"></i></div>'
    )
    return f'<div class="clipbench-small" role="status">{escape(text)}{bar}</div>'


def about_shapes(pictures: int, texts: int) -> str:
    return (
        "Circles are pictures, squares are texts. Press a colour to let it stand out."
        if pictures and texts
        else ""
    )


def about_shift(shift: float, fixed: bool) -> str:
    if fixed:
        return f"λ = {number(shift, 2)}. It is moved on the map of PCA, with pictures and texts."
    if shift == 0:
        return "Moves pictures and texts towards each other, along the difference Δ of their means."
    return (
        "Pictures − λΔ, texts + λΔ, and back onto the sphere; Δ is the difference of their means."
    )


def about_found(found: Sequence[dict], texts: bool, dimensions: int) -> str:
    if not found:
        return ""
    what = TEXTS if texts else "pictures"
    return f"The nearest {what} by cosine, in all {dimensions} dimensions, not on the map:"


def about_selection(counts: str, count: int, shown: int) -> str:
    if not count:
        return "Click a point, or draw around some, to select them. Shift adds."
    more = f", the first {shown} here" if count > shown else ""
    lines = "; lines lead to its nearest in the full space" if count == 1 else ""
    return f"{counts} selected{more}{lines}."
