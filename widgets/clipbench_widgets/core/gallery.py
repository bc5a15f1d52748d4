"""A gallery of thumbnails: real buttons, for mouse, keyboard and screen reader alike."""

import uuid
from collections.abc import Iterable

import ipywidgets
import traitlets

from clipbench import UserError
from clipbench_widgets.core.pictures import NamedPicture, data_uri, square

THUMBNAIL_PIXELS = 144  # twice the size on the page, for sharp screens


class Gallery(ipywidgets.VBox):
    """Choose one picture by clicking it, or with Tab and Enter."""

    # the chosen picture; None in an empty gallery
    entry = traitlets.Instance(NamedPicture, allow_none=True)

    def __init__(self, entries: Iterable[NamedPicture]):
        self._styles = ipywidgets.HTML().add_class("clipbench-style")
        self._row = ipywidgets.Box().add_class("clipbench-thumbnails")
        super().__init__([self._styles, self._row])
        self._show([Thumbnail(entry) for entry in entries])
        self.choose(0)

    @property
    def entries(self) -> list[NamedPicture]:
        return [thumbnail.entry for thumbnail in self._row.children]

    @property
    def position(self) -> int:
        """Where the chosen picture stands, -1 for none."""
        return self.entries.index(self.entry) if self.entry else -1

    @property
    def chosen(self) -> NamedPicture:
        """The chosen picture.

        Raises:
            UserError: in an empty gallery.
        """
        if self.entry is None:
            raise UserError("there is no picture yet; give one")
        return self.entry

    def choose(self, position: int) -> None:
        """Choose the picture at a position; the nearest there is."""
        entries = self.entries
        self.entry = entries[max(0, min(position, len(entries) - 1))] if entries else None

    def add(self, entry: NamedPicture) -> None:
        """Append a picture and choose it."""
        self._show([*self._row.children, Thumbnail(entry)])
        self.entry = entry

    def remove(self, entry: NamedPicture) -> None:
        position = self.position
        self._show([thumbnail for thumbnail in self._row.children if thumbnail.entry is not entry])
        if self.entry is entry:
            self.choose(position)

    def _show(self, thumbnails: list["Thumbnail"]) -> None:
        self._styles.value = f"<style>{''.join(thumbnail.rule for thumbnail in thumbnails)}</style>"
        self._row.children = thumbnails
        for thumbnail in thumbnails:
            thumbnail.on_click(self._on_click)  # the same handler again changes nothing

    def _on_click(self, thumbnail: "Thumbnail") -> None:
        self.entry = thumbnail.entry

    @traitlets.observe("entry")
    def _mark(self, _) -> None:
        for thumbnail in self._row.children:
            thumbnail.mark(thumbnail.entry is self.entry)


class Thumbnail(ipywidgets.Button):
    """A button with a picture on it, which ipywidgets' core widgets do not offer.

    A style sheet gives it its background.
    """

    def __init__(self, entry: NamedPicture):
        super().__init__(description=entry.name, tooltip=entry.name)
        self.entry = entry
        # unique among all kernels of a page
        css_class = f"clipbench-picture-{uuid.uuid4().hex[:12]}"
        picture = data_uri(square(entry.picture, THUMBNAIL_PIXELS))
        self.rule = f".clipbench-app .{css_class} {{ background-image: url({picture}) }}\n"
        self.add_class("clipbench-thumbnail").add_class(css_class)

    def mark(self, chosen: bool) -> None:
        """Show whether this is the chosen one: by a tick and a frame, not by colour alone."""
        self.description = f"✓ {self.entry.name}" if chosen else self.entry.name
        (self.add_class if chosen else self.remove_class)("clipbench-chosen")
