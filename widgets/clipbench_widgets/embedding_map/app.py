"""EmbeddingMap: pictures and texts of one model on a plane, and what the plane hides."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import ipywidgets
import numpy as np
import torch
import torch.nn.functional as F
import traitlets

from clipbench import Encoder, UserError
from clipbench.evaluate.maps import umap_map
from clipbench.figures.canvas import LessonFigure
from clipbench.figures.maps import OTHERS, label_places, labelled_map
from clipbench_widgets.core import html
from clipbench_widgets.core.app import App, when_ready
from clipbench_widgets.core.beside import ALONE, TwoModels
from clipbench_widgets.core.collection import collect, model_and_data
from clipbench_widgets.core.format import number, shortened
from clipbench_widgets.core.inputs import button, encoder_of, listed, named
from clipbench_widgets.core.latest_only import LatestOnly
from clipbench_widgets.core.pointer import Click, Key, Outline, Pointer, Zoom
from clipbench_widgets.core.remembered_features import RememberedFeatures
from clipbench_widgets.core.runner import Runner
from clipbench_widgets.core.scoring import MAX_CHARACTERS, written, written_lines
from clipbench_widgets.core.strip import Card, Strip
from clipbench_widgets.core.traits import Clipped, Query
from clipbench_widgets.embedding_map import page as map_page
from clipbench_widgets.embedding_map import tour
from clipbench_widgets.embedding_map.examples import EXAMPLES
from clipbench_widgets.embedding_map.frame import DIRECTIONS, Frame, View
from clipbench_widgets.embedding_map.keys import Keys
from clipbench_widgets.embedding_map.points import MODALITY, TEXTS, MapPoints, gather, nearest
from clipbench_widgets.embedding_map.projections import (
    MEASURED,
    NEIGHBOURS,
    PROJECTIONS,
    SHIFTS,
    SHOWN,
    Projections,
    What,
)

DRAGS = ("lasso", "box")
# what two maps beside each other share
IN_STEP = (
    "shown",
    "colour_by",
    "only",
    "drag",
    "shift",
    "query",
    "selected",
    "hovered",
    "projection",
)
MOST_POINTS = 5000  # of pictures, and of texts: more make a blot
FOUND = 12  # rows that a query lights up
SPOKES = 6  # true neighbours of a single selected point


@dataclass(frozen=True)
class Source:
    """Where a map's points come from, whichever model places them."""

    data: Any  # what `collect` takes
    texts: list[str] | None  # None for one of each class
    factors: Mapping
    points: Any  # coordinates computed elsewhere, or None
    most: int

    def gathered(self, encoder: Encoder, remembered: RememberedFeatures) -> MapPoints:
        collection = collect(encoder, self.data, self.most)
        texts = collection.texts if self.texts is None else self.texts
        text_features = remembered.of_texts(texts) if texts else collection.features[:0]
        return gather(collection, texts, text_features, self.factors, self.points)


class EmbeddingMap(TwoModels, App):
    """Pictures and texts as points. Rows 0 to M - 1 are the pictures, those after them the texts.

    Args:
        model: a name or folder for `clipbench.load`, an Encoder, or a feature file; "classroom" by
            default.
        data: pictures in any form that `collect` takes; 1,000 of "scenes:heldout" by default.
        texts: texts of the same space; by default one for each class of the pictures.
        factors: name -> a value for each picture (or picture and text), to colour by; added to what
            is known.
        points: (M, 2) or (M + B, 2) coordinates computed elsewhere, offered as the projection
            "given".
        most: the most pictures that are taken; of more, as many are taken, spread evenly.
        seed: of UMAP.
        state: what to begin with instead, as `restore` takes it.

    Raises:
        UserError: for a model, data, factors or points that cannot be used.
    """

    NAME = "Embedding map"
    RULES = (map_page.RULES,)
    EXAMPLES = EXAMPLES
    TOUR = tour.STEPS
    STATE = (
        "beside",
        "projection",
        "shown",
        "shift",
        "colour_by",
        "only",
        "drag",
        "query",
        "selected",
    )

    projection = traitlets.Enum(PROJECTIONS, "PCA")
    shown = traitlets.Enum(SHOWN, SHOWN[0])
    colour_by = traitlets.Unicode(MODALITY)  # a name in ``factors``, or "modality"
    only = traitlets.Unicode("")  # a kind that stands out; the rest is faint
    drag = traitlets.Enum(DRAGS, "lasso")
    shift = Clipped(0.0, SHIFTS)  # lambda of the modality gap's shift
    query = Query()
    # row, name and cosine of the query's neighbours
    found = traitlets.List(traitlets.Dict(), read_only=True)
    hovered = traitlets.Int(-1)  # a row, -1 for none
    selected = traitlets.List(traitlets.Int())  # rows
    # gap, trustworthiness, variance; None where there is none
    numbers = traitlets.Dict(read_only=True)
    # share of UMAP that is done, -1 when none is computed
    progress = traitlets.Float(-1.0, read_only=True)

    def __init__(
        self,
        model=None,
        data=None,
        texts: Sequence[str] | None = None,
        *,
        factors: Mapping | None = None,
        points=None,
        most: int = 1000,
        seed: int = 0,
        state: dict | str | None = None,
    ):
        model, data = model_and_data(model, data)
        self.seed = seed
        self._source = Source(
            "scenes:heldout" if data is None else data,
            None if texts is None else clean(listed(texts)),
            factors or {},
            points,
            min(most, MOST_POINTS),
        )
        self._read(encoder_of(model))
        self._runner = Runner()
        self._other: EmbeddingMap | None = None  # the second model's map
        self._links: list[traitlets.link] = []
        self._asked: torch.Tensor | None = None  # the query's features, (1, D)
        self._trouble = ""  # why it has none
        self._light_up = LatestOnly(self._search_and_mark)
        self._mark = f"cb-{uuid.uuid4().hex[:8]}"  # unique among all maps of a page
        self._frame = Frame(np.zeros((0, 2)))
        super().__init__()
        telling = [name for name, values in self.factors.items() if len(set(values) - {TEXTS}) > 1]
        self.colour_by = telling[0] if telling else MODALITY
        self.projection = "PCA" if points is None else "given"
        if self.data.lost:
            of = self.data.lost + len(self.data)
            self._say(
                f"{self.data.lost} of {of:,} points are left out: features that are not finite"
            )
        self._begin(self._move, state)

    def _read(self, encoder: Encoder) -> None:
        """Take an encoder, and its features of the pictures and texts."""
        remembered = RememberedFeatures(encoder)
        self.data = self._source.gathered(encoder, remembered)
        self.encoder, self._remembered = encoder, remembered
        self._projections = Projections(self.data)
        if encoder.name == "classroom":
            self._projections.umaps |= self._shipped_umaps()

    def _use(self, model) -> None:
        self._read(encoder_of(model))
        self._runner.cancel()
        self.set_trait("progress", -1.0)
        self.selected = list(self.selected)  # without rows that are not there any more
        self._move(View())

    def _fits_examples(self) -> bool:
        return self.data.collection.name.startswith("scenes:")

    # -------------------- for code

    @property
    def factors(self) -> dict[str, list[str]]:
        """Name -> a value for each row."""
        return self.data.factors

    def points(self) -> torch.Tensor:
        """Return the points (N, 2) of the shown rows, as the map has them."""
        return torch.from_numpy(self._points.copy())

    def rows(self, chosen: Sequence[int] | None = None) -> list[dict]:
        """Say what is known of some rows (by default of the selected ones).

        There is a dict for each row: ready for a pandas.DataFrame.
        """
        chosen = self.selected if chosen is None else chosen
        places = dict(zip(self._rows.tolist(), self._points.tolist(), strict=True))
        return [
            self.data.about(row) | dict(zip("xy", places.get(row, (None, None)), strict=True))
            for row in chosen
        ]

    def _table(self) -> list[dict]:
        return self.rows(self._rows.tolist())

    def summary(self) -> str:
        """Describe the state in words."""
        self._light_up.settle()
        if not len(self._rows):
            return f"no points to show ({self.shown})"
        parts = [
            f"{self._projections.seen(self._what)} of {self.data.counts(self._rows)}, "
            f"read by {self.encoder.name}"
        ]
        trust, gap = self.numbers["trustworthiness"], self.numbers["gap"]
        parts += [f"trustworthiness {number(trust, 3)}"] if trust is not None else []
        parts += [f"modality gap {number(gap, 3)}"] if gap is not None else []
        if self.found:
            best = self.found[0]
            parts += [
                f"nearest to “{shortened(written(self.query), 40)}”: {best['name']} (cosine "
                f"{number(best['cosine'], 3)})"
            ]
        parts += [f"{len(self.selected)} selected"] if self.selected else []
        return "; ".join(parts)

    def to_static(self) -> LessonFigure:
        """Draw the map as a figure, for a page without widgets.

        Raises:
            UserError: when there is nothing to show.
        """
        if not len(self._rows):
            raise UserError("nothing to show: there are no points")
        kinds = [self._names[place] if place >= 0 else None for place in self._of_kind]
        texts = (self._rows >= self.data.pictures).tolist()
        return labelled_map(
            self.points(), kinds, self.summary(), texts, self._projections.axes(self._what)
        )

    def to_scatter(self, **options):
        """Show the map in jupyter-scatter, for many points; selections there and here are the same.

        Args:
            options: of `jscatter.Scatter`, such as ``height``.

        Raises:
            UserError: without the package.
        """
        from clipbench_widgets.embedding_map.scatter import linked_scatter

        return linked_scatter(self, self.rows(self._rows.tolist()), options)

    def wait(self, seconds: float = 120) -> None:
        """Wait for UMAP, in a script; a notebook shows it when it is ready."""
        self._runner.wait(seconds)

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

    def _connect(self) -> None:
        controls = {
            "projection": self._projection,
            "shown": self._shown,
            "drag": self._drags,
            "colour_by": self._colours,
            "shift": self._slider,
            "query": self._query,
        }
        for trait, control in controls.items():
            traitlets.link((self, trait), (control, "value"))
        traitlets.link((self._keys, "only"), (self, "only"))
        self.observe(self._on_beside, "beside")
        self.observe(self._on_projection, "projection")
        self.observe(lambda _: self._move(View()), "shown")
        self.observe(lambda _: self._move(), "shift")
        self.observe(self._light_up, "query")
        self.observe(self._on_colours, "colour_by")
        self.observe(self._draw_marks, ["only", "selected"])
        self.observe(self._draw_note, "hovered")
        self.observe(self._on_drag, "drag")

    # -------------------- a second model

    def _on_beside(self, _) -> None:
        """Put the second model's map beside this one: the same rows, in step with each other."""
        for link in self._links:
            link.unlink()
        self._links, self._other = [], None
        self._stages.children = [self._stage]
        try:
            second = self._second()
            self._other = self._map_of(second) if second else None
        except UserError as error:
            self.beside = ALONE
            self._say(str(error))
        if self._other is not None:
            self._links = [traitlets.link((self, name), (self._other, name)) for name in IN_STEP]
            about = ipywidgets.HTML(html.small_line(f"beside it {self.beside}"))
            self._stages.children = [
                self._stage,
                html.column_of("clipbench-map-other", about, self._other._stage),
            ]

    def _map_of(self, encoder: Encoder) -> "EmbeddingMap":
        """Make a map of the same pictures and texts.

        Raises:
            UserError: where the second model has not the same rows.
        """
        source = self._source
        made = EmbeddingMap(
            encoder,
            source.data,
            self.data.texts,
            factors=source.factors,
            points=source.points,
            most=source.most,
            seed=self.seed,
        )
        if len(made.data) != len(self.data):
            raise UserError(f"{encoder.name} cannot place the same pictures; choose another model")
        return made

    # -------------------- changes of state

    @traitlets.validate("colour_by")
    def _known_factor(self, proposal):
        if proposal.value != MODALITY and proposal.value not in self.factors:
            raise traitlets.TraitError(
                f"colour_by: choose from {', '.join([*self.factors, MODALITY])}"
            )
        return proposal.value

    @traitlets.validate("only")
    def _known_kind(self, proposal):
        kinds = {"", OTHERS, TEXTS, *self.data.kinds(self.colour_by)}
        return proposal.value if proposal.value in kinds else ""

    @traitlets.validate("projection")
    def _possible_projection(self, proposal):
        if proposal.value == "given" and self.data.given is None:
            raise traitlets.TraitError("projection: no points were given")
        return proposal.value

    @traitlets.validate("selected")
    def _existing_rows(self, proposal):
        return [row for row in dict.fromkeys(proposal.value) if 0 <= row < len(self.data)]

    @traitlets.validate("hovered")
    def _existing_row(self, proposal):
        return proposal.value if 0 <= proposal.value < len(self.data) else -1

    def _on_projection(self, change) -> None:
        self._runner.cancel()
        self.set_trait("progress", -1.0)
        self._say("")
        self._move(View())

    @when_ready
    def _search_and_mark(self) -> None:
        self._search()
        self._draw_marks()

    def _on_colours(self, _) -> None:
        self.only = ""
        self._draw()

    def _on_drag(self, change) -> None:
        (self._stage.add_class if change.new == "box" else self._stage.remove_class)(
            "clipbench-drags-box"
        )

    def _on_hover(self, place) -> None:
        self.hovered = self._row_at(-1 if place is None else self._frame.nearest(place))

    def _on_action(self, action) -> None:
        if isinstance(action, Zoom):
            self._see(self._frame.view.zoomed(action.at, action.factor))
        elif isinstance(action, Outline):
            inside = self._rows[self._frame.inside(action.corners)].tolist()
            self.selected = [*self.selected, *inside] if action.add else inside
        elif isinstance(action, Click):
            self._select(self._row_at(self._frame.nearest(action.at)), action.add)
        elif isinstance(action, Key):
            self._on_key(action.name)

    def _on_key(self, key: str) -> None:
        here = self._places_of([self.hovered])
        if key in DIRECTIONS:
            self.hovered = self._row_at(self._frame.beside(here[0] if here else -1, key))
        elif key == "Enter":
            self._select(self.hovered, add=False)
        elif key == "Escape":
            self.selected, self.only = [], ""
        elif key == "0":
            self._see(View())
        else:
            self._see(
                self._frame.view.zoomed(
                    self._seen_place(here) or (0.5, 0.5), 0.7 if key == "+" else 1 / 0.7
                )
            )

    def _select(self, row: int, add: bool) -> None:
        others = [other for other in self.selected if other != row] if add else []
        self.selected = others if row < 0 or (add and row in self.selected) else [*others, row]

    def _see(self, view: View) -> None:
        self._frame = self._frame.seen_as(view)
        self._draw()

    def _see_selected(self) -> None:
        self._see(self._frame.view_of(self._places_of(self.selected)))

    # -------------------- where the points are

    def _row_at(self, place: int) -> int:
        return int(self._rows[place]) if place >= 0 else -1

    def _places_of(self, rows: Sequence[int]) -> list[int]:
        """Find where shown rows stand among the map's points.

        Rows that are not shown are left out.
        """
        where = {row: place for place, row in enumerate(self._rows.tolist())}
        return [where[row] for row in rows if row in where]

    def _seen_place(self, here: list[int]) -> tuple[float, float] | None:
        """Say where the one point of a list is seen, in fractions; None where it is not."""
        if not here:
            return None
        x, y = self._frame.view.to_place(self._frame.points[here])[0].tolist()
        return (x, y) if 0 <= x <= 1 and 0 <= y <= 1 else None

    @property
    def _what(self) -> What:
        return What(self.projection, self.shown, self.shift)

    @when_ready
    def _move(self, view: View | None = None) -> None:
        """Compute where the points are, and everything that follows from it."""
        what, places = self._what, self._projections
        self._rows = places.rows(what)
        self._features = self.data.moved(self.shift)
        shown = self._features[self._rows]
        if places.missing(what):
            self._ask_for_umap(what, shown)
        points = places.points(what, shown)
        self._points = points.numpy().astype(np.float64)
        self._frame = Frame.around(self._points, places.reach(what)).seen_as(
            view or self._frame.view
        )
        on_plane = places.seen(what) == "PCA" and len(shown) > 0
        self.set_trait(
            "numbers",
            {
                "gap": self.data.gap(self._features),
                "trustworthiness": places.trust(what, shown, points),
                "variance": float(places.plane(what).variance.sum()) if on_plane else None,
            },
        )
        self._search()
        self._draw()

    def _ask_for_umap(self, what: What, shown: torch.Tensor) -> None:
        seed = self.seed

        def work(report, cancelled):
            return umap_map(shown, seed, NEIGHBOURS, report=report, cancelled=cancelled)

        def done(points: torch.Tensor) -> None:
            self._projections.umaps[what.of_umap] = points
            self.set_trait("progress", -1.0)
            self._move()

        self.set_trait("progress", 0.0)
        self._runner.start(work, done, self._umap_failed, self._on_progress)

    def _shipped_umaps(self) -> dict[tuple[str, float], torch.Tensor]:
        from clipbench_widgets.embedding_map.umap_cache import key_of, shipped_umaps

        umaps = shipped_umaps(key_of(self.encoder, self.data.collection.ids, self.data.texts))
        return {What("UMAP", shown, 0.0).of_umap: points for shown, points in umaps.items()}

    def _on_progress(self, share: float) -> None:
        self.set_trait("progress", share)
        self._draw_progress()

    def _umap_failed(self, error: Exception) -> None:
        self.projection = "PCA"
        self._say(str(error) if isinstance(error, UserError) else f"UMAP failed: {error!r}")
        self._draw_progress()

    # -------------------- the query

    def _search(self) -> None:
        """Find the shown pictures (without any: texts) with the largest cosine to the query."""
        self._trouble, self._asked, found = "", None, []
        text = written(self.query)
        try:
            self._asked = self._encoded(text) if text else None
        except UserError as error:
            self._trouble = str(error)
        if self._asked is not None:
            among = (
                self._rows if self.shown == "texts" else self._rows[self._rows < self.data.pictures]
            )
            found = nearest(self._asked, self._features, among, FOUND)
        names = self.data.names
        self._say_unfamiliar(self._remembered, [], [text])
        self.set_trait(
            "found", [{"row": row, "name": names[row], "cosine": cosine} for row, cosine in found]
        )

    def _encoded(self, text: str) -> torch.Tensor:
        """Return the features (1, D) of a text, shifted as the map's texts are."""
        features = F.normalize(self._remembered.of_texts([text]).float(), dim=1)
        if not torch.isfinite(features).all():
            raise UserError("the model's features of this text are not finite numbers")
        return self.data.moved_text(features, self.shift)

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


def clean(texts: Sequence[str]) -> list[str]:
    """Put each text in one line, and leave out those that have nothing to read."""
    lines = [" ".join(written_lines(str(text)))[:MAX_CHARACTERS] for text in texts]
    return [line for line in lines if line][:MOST_POINTS]
