"""What stands around the results of a search.

Everything a person wrote passes through `html.escape`.
"""

from html import escape
from pathlib import Path

from clipbench import UserError, load
from clipbench.encoders.clip import PicturesOnly, RivalEncoder
from clipbench_widgets.core.html import message_line, named
from clipbench_widgets.core.pictures import NamedPicture, data_uri, square
from clipbench_widgets.core.style_files import sheet

ASKED_PIXELS = 112  # twice the size on the page
SOME = "Some of the pictures. Click one to look for others like it."

RULES = sheet("image_search/page.css")


def rival_of(model):
    """Make a second model of an Encoder, its name, or anything that encodes pictures.

    Of a model without a joint space of pictures and texts, such as SimCLR, it is the image
    encoder.

    Raises:
        UserError: for what encodes no pictures.
    """
    if isinstance(model, (str, Path)):
        return rival_of(load(model))
    if isinstance(model, RivalEncoder):
        return PicturesOnly(model)
    if not all(
        hasattr(model, name) for name in ("preprocess", "encode_image", "name", "fingerprint")
    ):
        raise UserError(
            f"rival: a {type(model).__name__} encodes no pictures; give a name, a "
            "folder or an Encoder"
        )
    return model


def name_of(model) -> str:
    return str(getattr(model, "name", model))


def asked_page(asked: str, entry: NamedPicture | None) -> str:
    """Show the picture that is looked for, if it is one; a text stands in its field."""
    if entry is None:
        return ""
    picture = f'<img alt="" src="{data_uri(square(entry.picture, ASKED_PIXELS))}">'
    return (
        f'<div class="clipbench-search-asked">{picture}<span>Pictures {named(asked)}</span></div>'
    )


def head(
    name: str, same_class: tuple[int, int, int, str] | None, trouble: str, several: bool
) -> str:
    """Write what stands above one model's results.

    That is its name, if there are two, and how many are of the same class.
    """
    if trouble:
        return message_line(trouble)
    parts = [f"<strong>{escape(name)}</strong>"] if several else []
    if same_class is not None:
        hits, count, others, own = same_class
        there = f"{hits} of {count} are of its class, {named(own)}; {in_all(others)}"
        parts.append(f'<span class="clipbench-quiet">{there}</span>')
    return (
        f'<div class="clipbench-search-head" role="status">{" · ".join(parts)}</div>'
        if parts
        else ""
    )


def waiting(name: str, count: int) -> str:
    return (
        f'<div class="clipbench-search-head" role="status">{escape(name)} is looking '
        f"at {count:,} pictures…</div>"
    )


def in_all(others: int) -> str:
    return {0: "it has no other pictures", 1: "it has one other picture"}.get(
        others, f"it has {others} others in all"
    )
