"""What stands around the results of a search. Everything a person wrote passes through `html.escape`."""

from html import escape
from pathlib import Path

from clipbench import UserError, load
from clipbench.encoders.clip import PicturesOnly, RivalEncoder
from clipbench_widgets.core.html import message_line, named
from clipbench_widgets.core.pictures import NamedPicture, data_uri, square

ASKED_PIXELS = 112  # twice the size on the page
SOME = "Some of the pictures. Click one to look for others like it."

RULES = """
.clipbench-app .clipbench-search-app { gap: 10px; margin: 0; }
.clipbench-app .clipbench-search-query { width: 100%; height: auto; margin: 0; }
.clipbench-app .clipbench-search-query input {
  width: 100%; box-sizing: border-box; height: 40px; font: inherit; font-size: 17px; color: var(--cb-text);
  background: var(--cb-page); border: 1px solid var(--cb-frame); border-radius: 8px; padding: 4px 12px; }
.clipbench-app .clipbench-search-query input:focus-visible {
  outline: 3px solid var(--cb-accent) !important; outline-offset: 1px; }
.clipbench-app .clipbench-search-query input::placeholder { color: var(--cb-quiet); opacity: 1; }
.clipbench-app .clipbench-search-columns {
  display: flex; flex-flow: row wrap; gap: 14px 28px; align-items: flex-start; }
.clipbench-app .clipbench-search-beside { width: 100%; height: 32px; max-width: 380px; margin: 0; }
.clipbench-app .clipbench-search-beside > .widget-label { width: auto; margin-right: 8px; }
.clipbench-search-columns > .clipbench-search-results { flex: 1 1 330px; min-width: 0; gap: 6px; }
.clipbench-app .clipbench-search-results .clipbench-thumbnails {
  grid-template-columns: repeat(auto-fill, minmax(92px, 1fr)); gap: 7px; }
.clipbench-app .clipbench-search-results .jupyter-button.clipbench-thumbnail {
  height: 126px; padding: 89px 3px 0; background-size: 80px 80px; background-position: 50% 5px; --cb-caption: 12px;
  line-height: 15px; }
.clipbench-app .clipbench-search-app .clipbench-row > .widget-html { flex: 0 1 auto; min-width: 0; }
.clipbench-search-head > strong { font-size: 15px; }
.clipbench-search-asked { display: flex; gap: 10px; align-items: center; }
.clipbench-search-asked img { width: 56px; height: 56px; border-radius: 6px; display: block; }
"""


def rival_of(model):
    """A second model: an Encoder, its name, or anything that encodes pictures; of a model without a joint space of
    pictures and texts, such as SimCLR, its image encoder.

    Raises:
        UserError: for what encodes no pictures.
    """
    if isinstance(model, (str, Path)):
        return rival_of(load(model))
    if isinstance(model, RivalEncoder):
        return PicturesOnly(model)
    if not all(hasattr(model, name) for name in ("preprocess", "encode_image", "name", "fingerprint")):
        raise UserError(f"rival: a {type(model).__name__} encodes no pictures; give a name, a folder or an Encoder")
    return model


def name_of(model) -> str:
    return str(getattr(model, "name", model))


def title(models: str, data: str, count: int) -> str:
    about = f"{count:,} pictures of {data} · {models}"
    return (
        '<div class="clipbench-title"><strong>Image search</strong> '
        f'<span class="clipbench-quiet">{escape(about)}</span></div>'
    )


def asked_page(asked: str, entry: NamedPicture | None) -> str:
    """The picture that is looked for, if it is one; a text stands in its field."""
    if entry is None:
        return ""
    picture = f'<img alt="" src="{data_uri(square(entry.picture, ASKED_PIXELS))}">'
    return f'<div class="clipbench-search-asked">{picture}<span>Pictures {named(asked)}</span></div>'


def head(name: str, same_class: tuple[int, int, int, str] | None, trouble: str, several: bool) -> str:
    """Above one model's results: its name, if there are two, and how many are of the same class."""
    if trouble:
        return message_line(trouble)
    parts = [f"<strong>{escape(name)}</strong>"] if several else []
    if same_class is not None:
        hits, count, others, own = same_class
        there = f"{hits} of {count} are of its class, {named(own)}; {in_all(others)}"
        parts.append(f'<span class="clipbench-quiet">{there}</span>')
    return f'<div class="clipbench-search-head" role="status">{" · ".join(parts)}</div>' if parts else ""


def waiting(name: str, count: int) -> str:
    return f'<div class="clipbench-search-head" role="status">{escape(name)} is looking at {count:,} pictures…</div>'


def in_all(others: int) -> str:
    return {0: "it has no other pictures", 1: "it has one other picture"}.get(others, f"it has {others} others in all")
