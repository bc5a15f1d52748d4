"""How a map is drawn: its controls, and the layers of its stage."""

import uuid
from dataclasses import replace

import ipywidgets
import numpy as np

from clipbench import Encoder
from clipbench.figures.maps import label_places
from clipbench_widgets.core import html
from clipbench_widgets.core.app import when_ready
from clipbench_widgets.core.format import number, shortened
from clipbench_widgets.core.inputs import button, named
from clipbench_widgets.core.pointer import Pointer
from clipbench_widgets.core.strip import Card, Strip
from clipbench_widgets.embedding_map import page as map_page
from clipbench_widgets.embedding_map.frame import View
from clipbench_widgets.embedding_map.keys import Keys
from clipbench_widgets.embedding_map.placed import DRAGS, FOUND, PlacedPoints
from clipbench_widgets.embedding_map.points import MODALITY, TEXTS
from clipbench_widgets.embedding_map.projections import (
    MEASURED,
    NEIGHBOURS,
    PROJECTIONS,
    SHIFTS,
    SHOWN,
)
from clipbench_widgets.embedding_map.source import Source

SPOKES = 6  # true neighbours of a single selected point


class DrawnMap(PlacedPoints):
    """Placed points on a stage of layers, between controls and lists.

    A subclass reacts to the pointer: `_on_hover` and `_on_action`.
    """

    def __init__(self, source: Source, encoder: Encoder, seed: int):
        self._mark = f"cb-{uuid.uuid4().hex[:8]}"  # unique among all maps of a page
        super().__init__(source, encoder, seed)

    # -------------------- for subclasses

    def _on_hover(self, place) -> None:
        raise NotImplementedError

    def _on_action(self, action) -> None:
        raise NotImplementedError

    # -------------------- the parts

    def _build_controls(self) -> None:
        self._status, self._numbers = ipywidgets.HTML(), ipywidgets.HTML()
        offered = PROJECTIONS if self.data.given is not None else PROJECTIONS[:2]
        self._projection = named(ipywidgets.ToggleButtons(options=offered), "Projection")
        self._shown = named(ipywidgets.ToggleButtons(options=SHOWN), "Points")
        self._drags = named(ipywidgets.ToggleButtons(options=DRAGS), "Dragging draws a")
        self._colours = ipywidgets.Dropdown(
            options=[*self.factors, MODALITY], description="Colour by"
        )
        self._keys, self._shapes = Keys(), ipywidgets.HTML()
        self._base, self._marks, self._labels, self._note = (ipywidgets.HTML() for _ in range(4))
        self._pointer = Pointer(self._on_hover, self._on_action, map_page.FOR_SCREEN_READERS)
        self._cancel = button("Cancel", "Give up UMAP", lambda: self.set_trait("projection", "PCA"))
        self._slider = ipywidgets.FloatSlider(
            min=SHIFTS[0], max=SHIFTS[1], step=0.01, description="Shift λ", readout_format=".2f"
        ).add_class("clipbench-slider")
        self._no_shift = button(
            "λ = 0", "The features as they are", lambda: self.set_trait("shift", 0.0)
        )
        self._shift_note = ipywidgets.HTML()
        self._query = ipywidgets.Text(placeholder="Write a text: its neighbours light up")
        named(self._query, "Text to find")
        self._query.add_class("clipbench-map-query")
        choose = lambda row: self.set_trait("selected", [row])  # noqa: E731
        self._found, self._chosen = Strip(choose), Strip(choose)
        self._whole = button("whole map", "See everything (key 0)", lambda: self._see(View()))
        self._closer = button(
            "zoom to selection", "See the selected points large", self._see_selected
        )
        self._none = button(
            "select none", "Escape does the same", lambda: self.set_trait("selected", [])
        )

    def _arranged(self) -> list[ipywidgets.Widget]:
        row, column = html.row_of, html.column_of
        self._stage = ipywidgets.Box(
            [self._base, self._marks, self._labels, self._note, self._pointer]
        )
        self._stage.add_class("clipbench-map-stage")
        status = ipywidgets.Box([self._status]).add_class("clipbench-map-progress")
        self._waiting = row(status, self._cancel).add_class("clipbench-waiting")
        drags = ipywidgets.HTML('<span class="clipbench-small">dragging draws a</span>')
        tools = row(drags, self._drags, self._whole, self._closer, self._none)
        shift = column("clipbench-map-shift", row(self._slider, self._no_shift), self._shift_note)
        self._stages = (
            ipywidgets.Box([self._stage])
            .add_class("clipbench-map-stages")
            .add_class("clipbench-stays")
        )
        left = column("clipbench-map-left", self._stages, tools)
        right = column(
            "clipbench-map-right",
            self._colours,
            self._keys,
            self._shapes,
            shift,
            self._numbers,
            self._found,
            self._chosen,
        )
        columns = ipywidgets.Box([left, right]).add_class("clipbench-map-columns")
        switches = row(self._projection, self._shown, self._query, self._waiting)
        app = column("clipbench-map-app", switches, self._notice, columns)
        return [app]

    # -------------------- drawing

    @when_ready
    def _draw(self) -> None:
        self._names, of_kind = map_page.kinds_with_colours(
            self.data.kinds(self.colour_by), self.colour_by == MODALITY
        )
        self._of_kind = of_kind[self._rows]
        about = f"{self.data.collection.name} · {self.data.counts(self._rows)}"
        self._entitle(about)
        self._keys.offer(self._names, self.data.kinds(self.colour_by))
        texts = int((self._rows >= self.data.pictures).sum())
        self._shapes.value = html.small_line(map_page.about_shapes(len(self._rows) - texts, texts))
        named = len(self._names) > 1 and self.colour_by != "class"
        seen = self._frame.in_view()
        labels = (
            label_places(self._frame.points[seen], self._of_kind[seen], self._names)
            if named
            else {}
        )
        self._labels.value = map_page.label_layer(labels, self._frame.view)
        self._numbers.value = map_page.numbers_page(self._number_rows())
        self._slider.disabled = self._no_shift.disabled = (
            self.projection != "PCA" or not self.data.both
        )
        self._shift_note.value = html.small_line(
            map_page.about_shift(self.shift, self._slider.disabled)
        )
        self._draw_marks()
        self._draw_note()
        self._draw_progress()

    @when_ready
    def _draw_marks(self, _=None) -> None:
        """Draw the points, with those that stand out on top.

        These are the query's neighbours, the selection, and the points of a chosen kind.
        """
        found, selected = (
            self._places_of([each["row"] for each in self.found]),
            self._places_of(self.selected),
        )
        alike = self._alike(selected)
        front = np.zeros(len(self._rows), bool)
        front[[*found, *selected, *alike, *self._of_only()]] = True
        self._set(self._base, self._layer(slice(None), "a", faint=bool(front.any())))
        points, size, inside = self._frame.points, self._size(), ""
        if alike:
            inside += map_page.spokes(points[selected[0]], points[alike])
        inside += map_page.rings(points[found], size, "clipbench-found")
        inside += map_page.rings(points[selected], size, "clipbench-ring")
        marks = map_page.svg(inside, self._frame.view) if inside else ""
        self._set(
            self._marks,
            marks + (self._layer(front, "b") if front.any() else "") + self._asked_label(),
        )
        self._draw_lists()

    def _alike(self, selected: list[int]) -> list[int]:
        """List the places of the true neighbours of a single selected point."""
        if len(selected) != 1:
            return []
        row = self._row_at(selected[0])
        return self._places_of(self.data.alike(row, self._features, self._rows, SPOKES))

    def _layer(self, chosen, name: str, faint: bool = False) -> str:
        frame = replace(self._frame, points=self._frame.points[chosen])
        texts = self._rows[chosen] >= self.data.pictures
        return map_page.layer(
            frame, self._of_kind[chosen], texts, self._size(), f"{self._mark}-{name}", faint
        )

    def _set(self, layer: ipywidgets.HTML, value: str) -> None:
        if layer.value != value:  # ipywidgets would compare too, but only after a copy
            layer.value = value

    def _size(self) -> float:
        return map_page.diameter(len(self._rows), self._frame.view)

    def _of_only(self) -> list[int]:
        """List the places of the kind that stands out."""
        if not self.only:
            return []
        kinds = self.data.kinds(self.colour_by)
        return [
            place
            for place, row in enumerate(self._rows)
            if self._keys.stands_for(self.only, kinds[row])
        ]

    def _asked_label(self) -> str:
        """Mark the query's own place, where the map can tell it: on the plane of PCA."""
        if (
            self._asked is None
            or self._projections.seen(self._what) != "PCA"
            or not len(self._rows)
        ):
            return ""
        place = tuple(
            self._frame.of_map(self._projections.plane(self._what).project(self._asked).numpy())[
                0
            ].tolist()
        )
        return map_page.label_layer(
            {f"✚ {shortened(self.query.strip(), 24)}": place}, self._frame.view
        )

    def _draw_note(self, _=None) -> None:
        here = self._places_of([self.hovered])
        place = self._seen_place(here)
        if place is None:
            self._set(self._note, "")
            return
        row = self.hovered
        entry = None if self.data.is_text(row) else self.data.collection.entries([row])[0]
        ring = map_page.rings(self._frame.points[here], self._size() + 3, "clipbench-ring")
        note = map_page.note(place, self.data.about(row), entry)
        self._set(self._note, map_page.svg(ring, self._frame.view) + self._layer(here, "c") + note)

    def _draw_progress(self) -> None:
        self._status.value = map_page.progress_page(self.progress) if self.progress >= 0 else ""
        self._waiting.layout.display = None if self.progress >= 0 else "none"

    def _draw_lists(self) -> None:
        about = self._trouble or map_page.about_found(
            self.found, self.shown == TEXTS, self._features.shape[1]
        )
        self._found.show(
            about, self._cards({each["row"]: number(each["cosine"], 2) for each in self.found})
        )
        names = self.data.names
        chosen = {
            row: "" if self.data.is_text(row) else shortened(names[row], 14)
            for row in self.selected[:FOUND]
        }
        about = map_page.about_selection(self.data.counts(self.selected), len(self.selected), FOUND)
        self._chosen.show(about, self._cards(chosen))
        self._none.disabled = self._closer.disabled = not self.selected
        self._whole.disabled = self._frame.view == View()

    def _cards(self, captions: dict[int, str]) -> list[Card]:
        pictures = [row for row in captions if not self.data.is_text(row)]
        entries = dict(zip(pictures, self.data.collection.entries(pictures), strict=True))
        names = self.data.names
        return [
            Card(
                row,
                caption if row in entries else f"{shortened(names[row], 60)}  {caption}".strip(),
                f"{names[row]}, row {row}",
                entries.get(row),
            )
            for row, caption in captions.items()
        ]

    def _number_rows(self) -> list[tuple[str, str]]:
        numbers, count = self.numbers, len(self._rows)
        rows = [
            map_page.trust_row(numbers["trustworthiness"], NEIGHBOURS, min(count, MEASURED), count)
        ]
        own = self.data.gap(self.data.features)
        if numbers["gap"] is not None and own is not None:
            rows.append(map_page.gap_row(numbers["gap"], own))
        if numbers["variance"] is not None:
            rows.append(map_page.variance_row(numbers["variance"], self._features.shape[1]))
        return rows

    # -------------------- what is seen of the points

    def _see(self, view: View) -> None:
        self._frame = self._frame.seen_as(view)
        self._draw()

    def _see_selected(self) -> None:
        self._see(self._frame.view_of(self._places_of(self.selected)))
