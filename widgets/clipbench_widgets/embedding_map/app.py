"""EmbeddingMap: pictures and texts of one model on a plane, and what the plane hides."""

from collections.abc import Mapping, Sequence

import ipywidgets
import torch
import traitlets

from clipbench import Encoder, UserError
from clipbench.figures.canvas import LessonFigure
from clipbench.figures.maps import labelled_map
from clipbench_widgets.core import html
from clipbench_widgets.core.beside import ALONE, TwoModels
from clipbench_widgets.core.collection import model_and_data
from clipbench_widgets.core.format import number, shortened
from clipbench_widgets.core.inputs import encoder_of, listed
from clipbench_widgets.core.pointer import Click, Key, Outline, Zoom
from clipbench_widgets.core.scoring import written
from clipbench_widgets.embedding_map import page as map_page
from clipbench_widgets.embedding_map import tour
from clipbench_widgets.embedding_map.drawn import DrawnMap
from clipbench_widgets.embedding_map.examples import EXAMPLES
from clipbench_widgets.embedding_map.frame import DIRECTIONS, View
from clipbench_widgets.embedding_map.points import MODALITY, TEXTS
from clipbench_widgets.embedding_map.source import MOST_POINTS, Source, clean

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


class EmbeddingMap(TwoModels, DrawnMap):
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
        source = Source(
            "scenes:heldout" if data is None else data,
            None if texts is None else clean(listed(texts)),
            factors or {},
            points,
            min(most, MOST_POINTS),
        )
        self._other: EmbeddingMap | None = None  # the second model's map
        self._links: list[traitlets.link] = []
        super().__init__(source, encoder_of(model), seed)
        telling = [name for name, values in self.factors.items() if len(set(values) - {TEXTS}) > 1]
        self.colour_by = telling[0] if telling else MODALITY
        self.projection = "PCA" if points is None else "given"
        if self.data.lost:
            of = self.data.lost + len(self.data)
            self._say(
                f"{self.data.lost} of {of:,} points are left out: features that are not finite"
            )
        self._begin(self._move, state)

    def _use(self, model) -> None:
        self._read(encoder_of(model))
        self._runner.cancel()
        self.set_trait("progress", -1.0)
        self.selected = list(self.selected)  # without rows that are not there any more
        self._move(View())

    def _fits_examples(self) -> bool:
        return self.data.collection.name.startswith("scenes:")

    # -------------------- for code

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

    # -------------------- changes of state

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

    def _on_colours(self, _) -> None:
        self.only = ""
        self._draw()

    def _on_drag(self, change) -> None:
        (self._stage.add_class if change.new == "box" else self._stage.remove_class)(
            "clipbench-drags-box"
        )

    # -------------------- pointer and keys

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
