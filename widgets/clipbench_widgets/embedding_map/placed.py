"""What a map is asked to show, and where its points are then."""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
import traitlets

from clipbench import Encoder, UserError
from clipbench.evaluate.maps import umap_map
from clipbench.figures.maps import OTHERS
from clipbench_widgets.core.app import App, when_ready
from clipbench_widgets.core.latest_only import LatestOnly
from clipbench_widgets.core.remembered_features import RememberedFeatures
from clipbench_widgets.core.runner import Runner
from clipbench_widgets.core.scoring import written
from clipbench_widgets.core.traits import Clipped, Query
from clipbench_widgets.embedding_map.frame import Frame, View
from clipbench_widgets.embedding_map.points import MODALITY, TEXTS, nearest
from clipbench_widgets.embedding_map.projections import (
    NEIGHBOURS,
    PROJECTIONS,
    SHIFTS,
    SHOWN,
    Projections,
    What,
)
from clipbench_widgets.embedding_map.source import Source

DRAGS = ("lasso", "box")
FOUND = 12  # rows that a query lights up


class PlacedPoints(App):
    """An app's points of one model's pictures and texts, projected, and a query's neighbours.

    A subclass draws them: `_draw`, `_draw_marks` and `_draw_progress`.

    Args:
        source: what the points are of.
        encoder: places them.
        seed: of UMAP.
    """

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

    def __init__(self, source: Source, encoder: Encoder, seed: int):
        self._source, self.seed = source, seed
        self._read(encoder)
        self._runner = Runner()
        self._asked: torch.Tensor | None = None  # the query's features, (1, D)
        self._trouble = ""  # why it has none
        self._light_up = LatestOnly(self._search_and_mark)
        self._frame = Frame(np.zeros((0, 2)))
        super().__init__()

    def _read(self, encoder: Encoder) -> None:
        """Take an encoder, and its features of the pictures and texts."""
        remembered = RememberedFeatures(encoder)
        self.data = self._source.gathered(encoder, remembered)
        self.encoder, self._remembered = encoder, remembered
        self._projections = Projections(self.data)
        if encoder.name == "classroom":
            self._projections.umaps |= self._shipped_umaps()

    @property
    def factors(self) -> dict[str, list[str]]:
        """Name -> a value for each row."""
        return self.data.factors

    # -------------------- for subclasses

    def _draw(self) -> None:
        """Draw everything anew."""
        raise NotImplementedError

    def _draw_marks(self, _=None) -> None:
        """Draw what stands out, and the lists of it."""
        raise NotImplementedError

    def _draw_progress(self) -> None:
        """Draw how far UMAP is."""
        raise NotImplementedError

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

    # -------------------- UMAP

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

    @when_ready
    def _search_and_mark(self) -> None:
        self._search()
        self._draw_marks()

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
        known = self.data.collection.familiarity
        self._say_unfamiliar(self._remembered, [], [text], known)
        self.set_trait(
            "found", [{"row": row, "name": names[row], "cosine": cosine} for row, cosine in found]
        )

    def _encoded(self, text: str) -> torch.Tensor:
        """Return the features (1, D) of a text, shifted as the map's texts are."""
        features = F.normalize(self._remembered.of_texts([text]).float(), dim=1)
        if not torch.isfinite(features).all():
            raise UserError("the model's features of this text are not finite numbers")
        return self.data.moved_text(features, self.shift)
