"""FeatureMicroscope: what a sparse autoencoder found in a model, feature by feature."""

from collections.abc import Sequence

import ipywidgets
import torch
import traitlets

from clipbench import Encoder, UserError
from clipbench.errors import in_words
from clipbench.evaluate.zero_shot import class_probabilities
from clipbench.figures import LessonFigure, contact_sheet
from clipbench_widgets.core import html, scoring
from clipbench_widgets.core.app import when_ready
from clipbench_widgets.core.gallery_app import GalleryApp
from clipbench_widgets.core.inputs import (
    button,
    encoder_of,
    link_lines,
    listed,
    mark,
    named,
    progress_bar,
)
from clipbench_widgets.core.pictures import NamedPicture
from clipbench_widgets.core.remembered_features import RememberedFeatures
from clipbench_widgets.core.runner import Runner
from clipbench_widgets.core.strip import Card, Strip
from clipbench_widgets.core.traits import Clipped, Lines, Query
from clipbench_widgets.core.uploads import LIMIT
from clipbench_widgets.feature_microscope import page as microscope_page
from clipbench_widgets.feature_microscope import tour
from clipbench_widgets.feature_microscope.choice import ACTIVE, BEST, FACTORS, NOTHING, SHOW
from clipbench_widgets.feature_microscope.dictionary import (
    JUDGED,
    RECIPE,
    SCENES,
    Dictionary,
    Progress,
    clearness,
    learned,
    opened,
)
from clipbench_widgets.feature_microscope.examples import EXAMPLES, TEXTS
from clipbench_widgets.feature_microscope.page import Verdict
from clipbench_widgets.feature_microscope.turning import CONTROLS, turned

CARDS, TOP = 20, 7  # features of a page; scenes of a feature
TURNS = (-4.0, 6.0)  # usual strengths
LAST_PAGE = 999


class FeatureMicroscope(GalleryApp):
    """Features of a sparse autoencoder: what each answers to, and what it does to a verdict.

    The autoencoder is of the joint space, so any model can be looked at. Features are learned in
    the background, from scenes of which everything is known; what a feature is said to follow is
    judged on other scenes. A feature that is turned changes the picture's vector; beside it there
    are random features, moved as far.

    Args:
        model: a name or folder for `clipbench.load`, or an Encoder; "classroom" by default.
        pictures: whatever `named_pictures` takes; without them, a dozen scenes.
        texts: what the probabilities are divided among.
        autoencoder: one that is trained already, or the folder that holds it; without it, one is
            trained.
        scenes: how many to learn from.
        judged: how many other scenes features are judged on.
        state: what to begin with instead, as `restore` takes it.

    Raises:
        UserError: for a model, pictures or an autoencoder that cannot be used.
    """

    NAME = "Feature microscope"
    RULES = (microscope_page.RULES,)
    EXAMPLES = EXAMPLES
    TOUR = tour.STEPS
    STATE = "texts", "selected", "show", "query", "page", "feature", "together", "amount"

    texts = Lines()
    show = traitlets.Unicode(BEST)  # which features are in the grid, one of SHOW
    query = Query()  # the nearest features come first
    page = traitlets.Int(0)  # of the grid
    feature = traitlets.Int(-1)  # -1 until there are any
    together = traitlets.Bool(False)  # turn all features that are about the same value
    amount = Clipped(0.0, TURNS)  # how far they are turned, in usual strengths
    progress = traitlets.Float(-1.0, read_only=True)  # of the learning; -1 when it is done

    def __init__(
        self,
        model=None,
        pictures=None,
        texts: Sequence[str] | None = None,
        *,
        autoencoder=None,
        scenes: int = SCENES,
        judged: int = JUDGED,
        state: dict | str | None = None,
    ):
        self._features = RememberedFeatures(encoder_of("classroom" if model is None else model))
        self._autoencoder = opened(autoencoder, self.encoder)
        self._given = self.encoder, self._autoencoder
        self._sizes = scenes, judged
        self._dictionary: Dictionary | None = None
        self._verdict: Verdict | None = None
        self._pictures: dict[int, NamedPicture] = {}  # of features, four scenes in one
        self._runner = Runner()
        super().__init__(pictures)
        self.texts = listed(TEXTS if texts is None else texts)
        self.selected = self._gallery.position
        self._learn()
        self._begin(self._update, state)

    def _use(self, model) -> None:
        encoder, (own, autoencoder) = encoder_of(model), self._given
        self._features = RememberedFeatures(encoder)
        self._autoencoder = autoencoder if encoder is own else None
        self.feature = -1  # numbers mean something else in another dictionary
        self._learn()
        self._update()

    # -------------------- for code

    @property
    def encoder(self) -> Encoder:
        return self._features.encoder

    @property
    def dictionary(self) -> Dictionary | None:
        """The features with what is known of them; None until they are learned."""
        return self._dictionary

    @property
    def verdict(self) -> Verdict | None:
        """What the model says before and after; None when there is nothing to judge."""
        self._update.settle()
        return self._verdict

    def wait(self, seconds: float = 600) -> None:
        """Wait for the features, in a script. A notebook shows them when they are ready."""
        self._runner.wait(seconds)

    def stop(self) -> None:
        """Give up learning; `refresh` begins again."""
        self._runner.cancel()
        self._learnt()

    def refresh(self) -> None:
        """Encode and learn everything again, when the model has been trained further."""
        self._features.forget()
        self._learn()
        self._update.now()

    def _table(self) -> list[dict]:
        self._update.settle()
        about = {"feature": self.feature, "amount": self.amount}
        return [about | row for row in self.scores]

    def summary(self) -> str:
        """Describe the state in words."""
        verdict = self.verdict
        if self._dictionary is None:
            return f"features of {self.encoder.name} are being learned"
        if self.feature < 0:
            return f"{len(self._dictionary)} features of {self.encoder.name}, none chosen"
        parts = [microscope_page.note(self._dictionary, self.feature)]
        if verdict is not None:
            parts.append(
                f"{self._gallery.chosen.name}, turned by {self.amount:g}: {verdict.headline()}. "
                f"{verdict.explanation()}"
            )
        return f"{self.encoder.name}: {' '.join(parts)}"

    def to_static(self) -> LessonFigure:
        """Draw the scenes that the chosen feature answers to, for a page without widgets.

        Raises:
            UserError: before features are learned.
        """
        if self._dictionary is None or self.feature < 0:
            raise UserError("nothing to show yet: no feature is chosen")
        rows = self._dictionary.top(self.feature, TOP)
        if not rows:
            raise UserError(f"feature {self.feature} answers to none of the scenes")
        said = [self._dictionary.said(row) for row in rows]
        return contact_sheet(self._dictionary.scenes.pictures.pictures(rows), said, self.summary())

    # -------------------- the parts

    def _build_controls(self) -> None:
        self._query = ipywidgets.Text(placeholder="Find by a text: a sketch")
        named(self._query, "Find features").add_class("clipbench-micro-query")
        self._show = named(ipywidgets.Dropdown(options=SHOW), "Which features")
        self._show.add_class("clipbench-micro-show")
        self._bar, self._doing = progress_bar(), ipywidgets.HTML()
        self._counts, self._head = ipywidgets.HTML(), ipywidgets.HTML()
        self._head.add_class("clipbench-micro-head")
        self._grid = Strip(self._on_card, microscope_page.MONTAGE_PIXELS)
        self._grid.add_class("clipbench-micro-grid")
        self._top = Strip(self._on_scene).add_class("clipbench-micro-top")
        self._earlier = button("‹ earlier", "Features before these", lambda: self._turn_page(-1))
        self._later = button("later ›", "Features after these", lambda: self._turn_page(1))
        self._amount = ipywidgets.FloatSlider(
            min=TURNS[0], max=TURNS[1], step=0.25, description="Turn by", readout_format="+.2f"
        )
        self._amount.add_class("clipbench-micro-amount")
        self._reset = button("as it is", "Turn nothing", lambda: self.set_trait("amount", 0.0))
        self._together = ipywidgets.ToggleButton(
            tooltip="Turn all features that are about the same value"
        )
        self._seen, self._said = ipywidgets.HTML(), ipywidgets.HTML()
        self._seen.add_class("clipbench-micro-picture")
        self._shares = ipywidgets.HTML()
        self._text = ipywidgets.Textarea(description="Texts, one per line", rows=6)
        self._text.add_class("clipbench-above")
        self._remark = ipywidgets.HTML()

    def _arranged(self) -> list[ipywidgets.Widget]:
        row, column = html.row_of, html.column_of
        self._waiting = row(self._bar, self._doing)
        find = ipywidgets.Box([self._query, self._show]).add_class("clipbench-micro-find")
        pages = row(self._earlier, self._later)
        left = column("clipbench-micro-left", find, self._counts, self._grid, pages)
        self._upload.button.tooltip = f"It stays in memory, {LIMIT}."
        gallery = ipywidgets.Box([self._gallery, self._upload])
        gallery.add_class("clipbench-micro-gallery")
        turn = ipywidgets.Box([self._amount, self._reset, self._together])
        judged = (
            ipywidgets.Box([self._seen, self._said])
            .add_class("clipbench-micro-judged")
            .add_class("clipbench-stays")
        )
        right = column(
            "clipbench-micro-right",
            self._head,
            self._top,
            turn.add_class("clipbench-micro-turn"),
            judged,
            self._shares,
            gallery,
            self._text,
            self._remark,
        )
        columns = ipywidgets.Box([left, right]).add_class("clipbench-micro-columns")
        parts = [self._notice, self._waiting, columns]
        return [column("clipbench-micro", *parts)]

    def _connect(self) -> None:
        super()._connect()
        link_lines(self, "texts", self._text, self._draw)
        for trait, control in (
            ("query", self._query),
            ("show", self._show),
            ("amount", self._amount),
            ("together", self._together),
        ):
            traitlets.link((self, trait), (control, "value"))
        self.observe(self._from_the_first, ["query", "show"])
        self.observe(
            self._update, ["texts", "query", "show", "page", "feature", "together", "amount"]
        )

    # -------------------- changes of state

    @traitlets.validate("show")
    def _known_choice(self, proposal):
        return proposal.value if proposal.value in SHOW else self.show

    @traitlets.validate("page")
    def _possible_page(self, proposal):
        return max(0, min(proposal.value, LAST_PAGE))

    @traitlets.validate("feature")
    def _existing_feature(self, proposal):
        count = RECIPE.features if self._autoencoder is None else self._autoencoder.features
        return proposal.value if 0 <= proposal.value < count else -1

    @when_ready
    def _from_the_first(self, _) -> None:
        self.page = 0

    def _turn_page(self, step: int) -> None:
        self.page = min(self.page, last_page(self._order())) + step

    def _on_card(self, feature: int) -> None:
        self.feature = feature

    def _on_scene(self, row: int) -> None:
        """Have the verdict on a scene that was clicked."""
        if self._dictionary is not None:
            picture = self._dictionary.scenes.pictures.pictures([row])[0]
            self._add_picture(NamedPicture(self._dictionary.said(row), picture))

    # -------------------- learn

    def _learn(self) -> None:
        self._dictionary, self._pictures = None, {}
        self.set_trait("progress", 0.0)
        scenes, judged = self._sizes
        steps = learned(self.encoder, self._autoencoder, scenes=scenes, judged=judged)
        self._runner.start_steps(steps, failed=self._on_failure, report=self._on_step)
        self._draw_progress("beginning")

    def _on_step(self, step: Progress | Dictionary) -> None:
        if isinstance(step, Progress):
            self.set_trait("progress", step.share)
            self._draw_progress(step.doing)
            return
        self._dictionary = step
        self._learnt()
        if self.feature < 0 and (order := self._order()):
            self.feature = order[0]
        self._update.now()

    def _on_failure(self, error: Exception) -> None:
        self._learnt()
        self._say(f"No features could be learned: {in_words(error)}")

    def _learnt(self) -> None:
        self.set_trait("progress", -1.0)
        self._draw_progress("")

    def _draw_progress(self, doing: str) -> None:
        self._waiting.layout.display = None if self.progress >= 0 else "none"
        self._bar.value = max(0.0, self.progress)
        self._doing.value = html.small_line(doing and f"{doing} …")

    # -------------------- compute, then draw

    def _compute(self) -> None:
        if self._dictionary is not None or self.progress >= 0:
            self._say("")
        self._verdict = None
        with self._runner.turn:
            scores = self._judge() if self.texts and self._gallery.entry else []
        self.set_trait("scores", scores)

    def _judge(self) -> list[dict]:
        """Score the picture's vector before and after, and the first control's."""
        weights = self._features.of_ensembles([[text] for text in self.texts])
        before = self._features.of_picture(self._gallery.chosen)
        after, controls, moved, features = before, before.expand(CONTROLS, -1), False, []
        if self._dictionary is not None and self.feature >= 0 and self.amount:
            features = self._turned()
            found = turned(self._dictionary, before, features, self.amount, self.feature)
            after, controls, moved = found.after, found.controls, found.moved
        views = {"before": before, "after": after, "control": controls[0]}
        scored = [
            scoring.score(self.texts, vector, weights, self.encoder.scale)
            for vector in views.values()
        ]
        rows = [
            {"text": text}
            | {name: row["probability"] for name, row in zip(views, each, strict=True)}
            for text, *each in zip(self.texts, *scored, strict=True)
        ]
        first, last = (max(rows, key=lambda row: row[name]) for name in ("before", "after"))
        every, _ = class_probabilities(controls, weights, self.encoder.scale)
        flipped = int((every.argmax(1) != self.texts.index(first["text"])).sum())
        self._verdict = Verdict(
            first, last, flipped, CONTROLS, self.amount, moved, len(features) or 1
        )
        return rows

    def _turned(self) -> list[int]:
        """List the features that are turned, the chosen one first."""
        assert self._dictionary is not None
        return self._dictionary.alike(self.feature) if self.together else [self.feature]

    def _order(self) -> list[int]:
        """List the features that are asked for, those that are shown first first."""
        ours = self._dictionary
        if ours is None:
            return []
        if self.show == ACTIVE:
            activity = self._activity()
            found = sorted(activity, key=activity.__getitem__, reverse=True)
        elif self.show == NOTHING:
            found = [feature for feature in ours.alive if not ours.followed[feature].known]
            found.sort(key=lambda feature: -ours.share_active[feature])
        else:
            found = ours.alive if self.show == BEST else ours.about(FACTORS[self.show])
            found = sorted(found, key=lambda row: clearness(ours.followed[row]), reverse=True)
        text = scoring.written(self.query)
        if text:
            near = ours.near(self._features.of_texts([text])[0]).tolist()
            found.sort(key=lambda feature: -near[feature])
        return found

    def _activity(self) -> dict[int, float]:
        """Give the features that answer to the picture, each with how strongly."""
        if self._dictionary is None or self._gallery.entry is None:
            return {}
        vector = self._features.of_picture(self._gallery.chosen)
        activity = self._dictionary.autoencoder.encode(vector)
        return {
            feature: float(activity[feature]) for feature in torch.nonzero(activity)[:, 0].tolist()
        }

    def _show_failure(self, text: str) -> None:
        self._say(text)

    @when_ready
    def _draw(self) -> None:
        self._entitle("features of its joint space")
        self._remark.value = html.remark_line(scoring.remarks_on(self._text.value))
        self._draw_grid()
        self._draw_feature()
        self._draw_verdict()

    def _draw_grid(self) -> None:
        if self._dictionary is None:
            waits = "Features appear here when they are learned." if self.progress >= 0 else ""
            self._counts.value = html.small_line(waits)
            self._grid.show("", [])
            self._earlier.disabled = self._later.disabled = True
            return
        order = self._order()
        last = last_page(order)
        place = min(self.page, last)
        shown = order[place * CARDS : (place + 1) * CARDS]
        self._earlier.disabled, self._later.disabled = place == 0, place == last
        self._counts.value = microscope_page.counts_line(
            self._dictionary, len(order), place * CARDS, len(shown), scoring.written(self.query)
        )
        self._grid.show("", [self._card(feature) for feature in shown])

    def _card(self, feature: int) -> Card:
        assert self._dictionary is not None
        if feature not in self._pictures:
            rows = self._dictionary.top(feature, microscope_page.TILES**2)
            pictures = self._dictionary.scenes.pictures.pictures(rows)
            self._pictures[feature] = NamedPicture("", microscope_page.montage(pictures))
        caption = microscope_page.caption(self._dictionary, feature, feature == self.feature)
        note = microscope_page.note(self._dictionary, feature)
        return Card(feature, caption, note, self._pictures[feature])

    def _draw_feature(self) -> None:
        ours = self._dictionary
        chosen = ours is not None and self.feature >= 0
        for part in (self._amount, self._reset, self._together):
            part.disabled = not chosen
        if ours is None or not chosen:
            self._head.value = ""
            self._top.show("", [])
            mark(self._together, "with all that are about the same")
            return
        self._head.value = microscope_page.feature_page(ours, self.feature)
        self._show_top(ours)
        others = len(ours.alike(self.feature)) - 1
        self._together.disabled = not others
        mark(self._together, f"with {others} others about the same")

    def _show_top(self, ours: Dictionary) -> None:
        rows = ours.top(self.feature, TOP)
        if [card.row for card in self._top.cards] == rows and rows:
            return
        pictures = ours.scenes.pictures.pictures(rows)
        cards = [
            Card(row, ours.said(row), f"{ours.said(row)}: judge this scene", NamedPicture("", each))
            for row, each in zip(rows, pictures, strict=True)
        ]
        self._top.show(
            "It answers most to these; click one to judge it below." if rows else "", cards
        )

    def _draw_verdict(self) -> None:
        verdict = self._verdict
        entry = self._gallery.entry
        self._seen.value = microscope_page.picture_page(entry.picture, entry.name) if entry else ""
        if verdict is None:
            what = "Write a text into the box, for example: a cat"
            self._said.value = html.message_line(what if entry else "Upload a picture.")
            self._shares.value = ""
            return
        self._said.value = microscope_page.verdict_page(verdict)
        self._shares.value = microscope_page.table_page(self.scores, verdict)


def last_page(order: Sequence[int]) -> int:
    return max(0, (len(order) - 1) // CARDS)
