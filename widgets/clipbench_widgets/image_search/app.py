"""ImageSearch: find pictures by a text or by another picture.

With one encoder, or two beside each other.
"""

from collections.abc import Sequence

import ipywidgets
import traitlets

from clipbench import UserError
from clipbench.errors import in_words
from clipbench.figures import LessonFigure, contact_sheet
from clipbench_widgets.core import html
from clipbench_widgets.core.app import App, when_ready
from clipbench_widgets.core.collection import Watch, collect, model_and_data, spread
from clipbench_widgets.core.format import number, shortened
from clipbench_widgets.core.inputs import button, encoder_of, named, progress_bar
from clipbench_widgets.core.latest_only import LatestOnly
from clipbench_widgets.core.pictures import NamedPicture
from clipbench_widgets.core.runner import GivenUp, Runner
from clipbench_widgets.core.scoring import written
from clipbench_widgets.core.strip import Card, Strip
from clipbench_widgets.core.traits import Query
from clipbench_widgets.core.uploads import LIMIT, PictureUpload
from clipbench_widgets.image_search import page as search_page
from clipbench_widgets.image_search import tour
from clipbench_widgets.image_search.examples import EXAMPLES
from clipbench_widgets.image_search.index import SearchIndex

MOST = 5000  # pictures of a set that are searched, unless more are asked for
MOST_SHOWN = 60
SHEET_COLUMNS = 6


class ImageSearch(App):
    """A search by cosine: a text or a picture, and the pictures nearest to it.

    The picture is uploaded, or one of the pictures themselves.

    Args:
        model: a name or folder for `clipbench.load`, an Encoder, or a feature file; "classroom" by
            default.
        data: pictures in any form that `collect` takes, such as a folder or a feature file; 1,000
            of "scenes:heldout" by default.
        rival: a second model for the same pictures. One without a text encoder is searched by
            pictures only.
        rivals: names of others that can be chosen in its place; each is read when it is first
            chosen, and encodes the pictures in the background.
        top: how many results are shown.
        most: the most pictures that are searched; of more, as many are taken, spread evenly.
        state: what to begin with instead, as `restore` takes it.

    Raises:
        UserError: for a model or data that cannot be used.
    """

    NAME = "Image search"
    RULES = (search_page.RULES,)
    EXAMPLES = EXAMPLES
    TOUR = tour.STEPS
    STATE = "query", "like", "top", "beside"

    query = Query()
    like = traitlets.Int(-1)  # the row whose like is looked for; -1 for none
    top = traitlets.Int(18)
    found = traitlets.List(traitlets.Dict(), read_only=True)  # row, name, id and cosine, best first
    found_by_rival = traitlets.List(traitlets.Dict(), read_only=True)
    beside = traitlets.Int(-1)  # position of the second model among those offered; -1 for none
    # share of the pictures it has encoded, -1 when it has them all
    progress = traitlets.Float(-1.0, read_only=True)

    def __init__(
        self,
        model=None,
        data=None,
        *,
        rival=None,
        rivals: Sequence = (),
        top: int = 18,
        most: int | None = None,
        state: dict | str | None = None,
    ):
        model, data = model_and_data(model, data)
        most = (1000 if data is None else MOST) if most is None else most
        self._data, self._most = "scenes:heldout" if data is None else data, most
        encoder = encoder_of(model)
        self.collection = collect(encoder, self._data, most)
        self._own = SearchIndex(encoder, self.collection)
        self._rivals = [*([] if rival is None else [rival]), *rivals]
        self._made: dict[int, SearchIndex] = {}  # of the rivals that were chosen so far
        if rival is not None:
            self._made[0] = self._index_by(rival)
        self._runner = Runner()
        self._picture: NamedPicture | None = None  # that was uploaded
        self._search = LatestOnly(self._search_and_draw)
        self._strips = [Strip(self._on_card), Strip(self._on_card)]
        super().__init__()
        self.top, self.beside = top, -1 if rival is None else 0
        self._begin(self._search, state)

    def _use(self, model) -> None:
        encoder = encoder_of(model)
        own = SearchIndex(encoder, collect(encoder, self._data, self._most))
        self._own, self.collection = own, own.collection
        self._search()

    def _fits_examples(self) -> bool:
        return self.collection.name.startswith("scenes:")

    # -------------------- for code

    @property
    def encoder(self):
        return self._own.encoder

    @property
    def indexes(self) -> list[SearchIndex]:
        """One, or two beside each other once the second has encoded the pictures."""
        return [self._own, *([self._made[self.beside]] if self.beside in self._made else [])]

    def wait(self, seconds: float = 120) -> None:
        """Wait for the second model, in a script.

        A notebook shows its results when they are ready.
        """
        self._runner.wait(seconds)

    def _table(self) -> list[dict]:
        self._search.settle()
        return [
            {"model": index.encoder.name, "asked": self._asked_in_words(), **each}
            for index, found in zip(self.indexes, self._founds(), strict=True)
            for each in found
        ]

    def summary(self) -> str:
        """Describe the state in words."""
        self._search.settle()
        asked = self._asked_in_words()
        if not asked:
            return (
                f"{len(self.collection):,} pictures of {self.collection.name}; "
                "nothing is looked for"
            )
        parts = []
        for index, found in zip(self.indexes, self._founds(), strict=True):
            best = ", ".join(f"{each['name']} {number(each['cosine'], 2)}" for each in found[:3])
            parts.append(f"{index.encoder.name}: {best or 'nothing'}")
        return f"{asked} among {len(self.collection):,} pictures; {'; '.join(parts)}"

    def to_static(self) -> LessonFigure:
        """Draw the results as a sheet of pictures, for a page without widgets.

        Raises:
            UserError: when nothing is looked for.
        """
        self._search.settle()
        shown = [
            (each["row"], f"{number(each['cosine'], 2)} {shortened(each['name'], 40)}")
            for found in self._founds()
            for each in found[: self.top if len(self.indexes) == 1 else 2 * SHEET_COLUMNS]
        ]
        if not shown:
            raise UserError("nothing is looked for: write a text, or choose a picture")
        pictures = [entry.picture for entry in self.collection.entries([row for row, _ in shown])]
        return contact_sheet(
            pictures, [caption for _, caption in shown], self.summary(), SHEET_COLUMNS
        )

    # -------------------- the parts

    def _build_controls(self) -> None:
        self._asked = ipywidgets.HTML()
        self._query = ipywidgets.Text(
            placeholder="What are you looking for? For example: a sad cat"
        )
        named(self._query, "Look for").add_class("clipbench-search-query").add_class(
            "clipbench-stays"
        )
        self._upload = PictureUpload(self._take, self._say, "Look for pictures like your own")
        self._back = button("back to the text", "Look for the text again", self._forget_picture)
        self._heads = [ipywidgets.HTML(), ipywidgets.HTML()]
        names = [
            ("one model only", -1),
            *((search_page.name_of(rival), i) for i, rival in enumerate(self._rivals)),
        ]
        self._beside = ipywidgets.Dropdown(options=names, description="Beside it").add_class(
            "clipbench-search-beside"
        )
        self._beside.layout.display = None if self._rivals else "none"
        self._bar = progress_bar()
        self._cancel = button(
            "Cancel", "Give up the second model", lambda: self.set_trait("beside", -1)
        )

    def _arranged(self) -> list[ipywidgets.Widget]:
        row, column = html.row_of, html.column_of
        limit = f"or click a picture. Uploads stay in memory, {LIMIT}."
        by_picture = row(self._upload, ipywidgets.HTML(html.small_line(limit)), self._beside)
        self._waiting = row(self._cancel, self._bar)
        first, second = zip(self._heads, self._strips, strict=True)
        self._results = [
            column("clipbench-search-results", *first),
            column("clipbench-search-results", second[0], self._waiting, second[1]),
        ]
        columns = ipywidgets.Box(self._results).add_class("clipbench-search-columns")
        self._asked_row = row(self._asked, self._back)
        app = column(
            "clipbench-search-app",
            self._query,
            by_picture,
            self._notice,
            self._asked_row,
            columns,
        )
        return [app]

    def _connect(self) -> None:
        traitlets.link((self, "query"), (self._query, "value"))
        traitlets.link((self, "beside"), (self._beside, "value"))
        self.observe(self._on_beside, "beside")
        self.observe(self._draw_progress, "progress")
        self.observe(self._on_query, "query")
        self.observe(self._on_like, "like")
        self.observe(self._search, "top")

    # -------------------- changes of state

    @traitlets.validate("like")
    def _existing_row(self, proposal):
        return proposal.value if 0 <= proposal.value < len(self.collection) else -1

    @traitlets.validate("beside")
    def _offered(self, proposal):
        return proposal.value if 0 <= proposal.value < len(self._rivals) else -1

    @traitlets.validate("top")
    def _possible_number(self, proposal):
        return max(1, min(proposal.value, MOST_SHOWN))

    def _on_query(self, _) -> None:
        self._say("")
        self._forget_picture()

    def _on_beside(self, change) -> None:
        self._runner.cancel()
        self.set_trait("progress", -1.0)
        self._say("")
        if change.new >= 0 and change.new not in self._made:
            self._ask_for_index(change.new)
        self._search()

    def _ask_for_index(self, number: int) -> None:
        """Have a rival encode the pictures, when it is chosen for the first time."""

        def work(report, cancelled):
            def watch(share: float) -> None:
                if cancelled():
                    raise GivenUp
                report(share)

            return self._index_by(self._rivals[number], watch)

        def done(index: SearchIndex) -> None:
            self._made[number] = index
            self.set_trait("progress", -1.0)
            self._search.now()

        self.set_trait("progress", 0.0)
        self._runner.start(
            work, done, self._index_failed, lambda share: self.set_trait("progress", share)
        )

    def _index_failed(self, error: Exception) -> None:
        self.beside = -1
        self._say(in_words(error))

    def _index_by(self, rival, watch: Watch | None = None) -> SearchIndex:
        """Encode the pictures with a second model, for a search.

        Raises:
            UserError: for a model that cannot be used for these pictures.
        """
        encoder = search_page.rival_of(rival)
        collection = collect(encoder, self._data, self._most, watch)
        if len(collection) != len(self.collection):
            raise UserError(
                "the two models have features of different pictures; give data= as "
                "pictures, not features"
            )
        return SearchIndex(encoder, collection)

    def _on_card(self, row: int) -> None:
        self.like = row

    def _on_like(self, change) -> None:
        if change.new >= 0:
            self._picture = None
        self._search()

    def _forget_picture(self) -> None:
        self._picture = None
        self.like = -1
        self._search()

    def _take(self, entry: NamedPicture) -> None:
        self.like = -1
        self._picture = entry
        self._search()

    # -------------------- search, then draw

    @when_ready
    def _search_and_draw(self) -> None:
        founds, troubles = [], []
        for index in self.indexes:
            found, trouble = [], ""
            try:
                found = self._found_by(index)
            except UserError as error:
                trouble = str(error)
            founds.append(found)
            troubles.append(trouble)
        asked = [] if self._picture is None else [self._picture]
        texts = [] if asked or self.like >= 0 else [self.query]
        self._say_unfamiliar(self._own.remembered, asked, texts, self.collection.familiarity)
        self.set_trait("found", founds[0])
        self.set_trait("found_by_rival", founds[1] if len(founds) > 1 else [])
        self._draw(troubles)

    def _found_by(self, index: SearchIndex) -> list[dict]:
        if self._picture is not None:
            return index.like_picture(self._picture, self.top)
        if self.like >= 0:
            return index.like_row(self.like, self.top)
        text = written(self.query)
        return index.of_text(text, self.top) if text else []

    def _founds(self) -> list[list[dict]]:
        return [self.found, self.found_by_rival][: len(self.indexes)]

    def _asked_in_words(self) -> str:
        if self._picture is not None:
            return f"like the picture {self._picture.name}"
        if self.like >= 0:
            return f"like {self.collection.names[self.like]} (row {self.like})"
        text = written(self.query)
        return f"“{shortened(text, 60)}”" if text else ""

    def _draw(self, troubles: Sequence[str]) -> None:
        asked = self._asked_in_words()
        entry = self._picture or (
            self.collection.entries([self.like])[0] if self.like >= 0 else None
        )
        self._entitle(f"{len(self.collection):,} pictures of {self.collection.name}")
        self._asked.value = search_page.asked_page(asked, entry)
        self._asked_row.layout.display = None if entry is not None else "none"
        self._draw_progress()
        searched = zip(
            self.indexes, self._heads, self._strips, self._founds(), troubles, strict=False
        )
        for index, head, strip, found, trouble in searched:
            head.value = search_page.head(
                index.encoder.name, self._same_class(found), trouble, len(self.indexes) > 1
            )
            strip.show(
                "" if asked else search_page.SOME, self._cards(found) if asked else self._some()
            )

    def _draw_progress(self, _=None) -> None:
        """Show how far the second model is with the pictures, instead of its results."""
        waits = self.progress >= 0
        self._results[1].layout.display = None if waits or len(self.indexes) > 1 else "none"
        self._waiting.layout.display = None if waits else "none"
        self._bar.value = max(0.0, self.progress)
        if waits:
            name = search_page.name_of(self._rivals[self.beside])
            self._heads[1].value = search_page.waiting(name, len(self.collection))
            self._strips[1].show("", [])

    def _to_notice(self) -> str:
        return self.message or self._own.remark

    def _same_class(self, found: Sequence[dict]) -> tuple[int, int, int, str] | None:
        """Count the results that are of the class of the picture that was asked for.

        Returns (hits, results, others, class).
        """
        classes = self.collection.factors.get("class")
        if self.like < 0 or classes is None or not found:
            return None
        own = classes[self.like]
        return (
            sum(classes[each["row"]] == own for each in found),
            len(found),
            classes.count(own) - 1,
            own,
        )

    def _cards(self, found: Sequence[dict]) -> list[Card]:
        entries = self.collection.entries([each["row"] for each in found])
        return [
            Card(
                each["row"],
                f"{number(each['cosine'], 2)} {shortened(each['name'], 24)}",
                f"{each['name']}, cosine {number(each['cosine'], 3)}: look for more like it",
                entry,
            )
            for each, entry in zip(found, entries, strict=True)
        ]

    def _some(self) -> list[Card]:
        """Make cards of a few of the pictures, before anything is looked for."""
        rows = spread(len(self.collection), self.top)
        entries = self.collection.entries(rows)
        return [
            Card(row, shortened(entry.name, 24), f"{entry.name}: look for more like it", entry)
            for row, entry in zip(rows, entries, strict=True)
        ]
