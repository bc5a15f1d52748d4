"""PromptExplorer: change a word and see the picture's verdict change."""

import math
import time
from collections.abc import Sequence

import ipywidgets
import traitlets
from PIL import Image

from clipbench import UserError
from clipbench.figures import LessonFigure
from clipbench_widgets.core import format, html, scoring
from clipbench_widgets.core.app import when_ready
from clipbench_widgets.core.beside import TwoModels
from clipbench_widgets.core.gallery_app import GalleryApp, offered_with
from clipbench_widgets.core.inputs import (
    button,
    encoder_of,
    link_lines,
    listed,
    mark,
    scale_slider,
)
from clipbench_widgets.core.remembered_features import RememberedFeatures
from clipbench_widgets.core.traits import HasScale, Lines
from clipbench_widgets.core.uploads import LIMIT
from clipbench_widgets.core.wording import worded
from clipbench_widgets.prompt_explorer import examples, page, tour
from clipbench_widgets.prompt_explorer import languages as prompt_languages
from clipbench_widgets.prompt_explorer import records as explorer_records
from clipbench_widgets.prompt_explorer import table as score_table
from clipbench_widgets.prompt_explorer.figure import score_figure

TEMPLATES = (
    "a photo of a {}.",
    "a picture of a {}.",
    "a drawing of a {}.",
    "a blurry photo of a {}.",
)
UNDECIDED = 5  # one cat and two dogs: where it opens, because there the verdict moves
SETTLED = 1.5  # seconds after which a verdict is remembered; those of half-typed words are not


class PromptExplorer(HasScale, TwoModels, GalleryApp):
    """Pictures, prompts, and what a model makes of them.

    Args:
        model: a name or folder for `clipbench.load`, or an Encoder; "classroom" by default.
        pictures: pictures, files, (name, picture) pairs, or a PictureSet; without them, a dozen
            scenes of the emoji world.
        prompts: class names or whole texts: what the probabilities are divided among.
        templates: what the template buttons offer, each with {} where the prompt goes.
        active_templates: those that are on at first; by default none if prompts are given, else the
            first.
        scale_factor: multiplies the model's own scale.
        temperature: the former name of ``scale_factor``.
        state: what to begin with instead, as `restore` takes it.

    Raises:
        UserError: for a model, picture or template that cannot be used.
    """

    NAME = "Prompt explorer"
    RULES = score_table.RULES, explorer_records.RULES
    EXAMPLES = examples.EXAMPLES
    TOUR = tour.STEPS
    STATE = (
        "beside",
        "language",
        "prompts",
        "active_templates",
        "scale_factor",
        "selected",
        "ranked",
        "none_of_these",
        "show_tokens",
        "show_history",
    )

    prompts = Lines()
    ranked = traitlets.Bool(True)  # the most probable prompt on top
    show_tokens = traitlets.Bool(False)
    none_of_these = traitlets.Bool(False)  # one more row, for pictures of something else
    # of the prompts that are names of the emoji world
    language = traitlets.Unicode(prompt_languages.ENGLISH)
    show_history = traitlets.Bool(False)
    # as ``scores``, of the second model; empty without one
    scores_beside = traitlets.List(traitlets.Dict(), read_only=True)
    # the scores that others are compared with
    pinned = traitlets.List(traitlets.Dict(), read_only=True)
    history = traitlets.List(traitlets.Dict(), read_only=True)  # earlier verdicts, the newest last

    def __init__(
        self,
        model=None,
        pictures=None,
        prompts: Sequence[str] | None = None,
        templates: Sequence[str] | None = None,
        *,
        active_templates: Sequence[str] | None = None,
        scale_factor: float = 1.0,
        temperature: float | None = None,
        state: dict | str | None = None,
    ):
        self.encoder = encoder_of("classroom" if model is None else model)
        self._features = RememberedFeatures(self.encoder)
        self._pinned_about, self._remembered_at = "", -math.inf
        # templates offered and active before another language
        self._english: tuple[list[str], list[str]] = [], []
        super().__init__(pictures)
        class_names, offered = offered_with(pictures, TEMPLATES)
        self.templates = listed(offered if templates is None else templates)
        if active_templates is None:
            active_templates = self.templates[:1] if prompts is None else []
        self.active_templates = listed(active_templates)
        self.prompts = listed(class_names if prompts is None else prompts)
        self.scale_factor = scale_factor if temperature is None else temperature
        self._gallery.choose(UNDECIDED if pictures is None else 0)
        self.selected = self._gallery.position
        self._shown.value = page.picture_page(self._gallery.entry)
        self._begin(self._update, state)

    def _use(self, model) -> None:
        self.encoder = encoder_of(model)
        self._features = RememberedFeatures(self.encoder)
        self._update()

    # -------------------- for code

    @property
    def picture(self) -> Image.Image | None:
        """The selected picture."""
        return self._gallery.entry.picture if self._gallery.entry else None

    @property
    def scale(self) -> float:
        """What cosines are multiplied by: the model's own scale times the factor."""
        return self.encoder.scale * self.scale_factor

    def pin(self) -> None:
        """Keep what is shown, to compare other wordings with it.

        When something is pinned already, unpin it.
        """
        self._update.settle()
        if self.scores:
            wording = explorer_records.wording_of(self.active_templates)
            self._pinned_about = f"“{wording}” on {self._gallery.chosen.name}"
        self.set_trait("pinned", [] if self.pinned else self.scores)
        self._draw()

    def table(self) -> list[dict]:
        """List a dict a row, with the picture and the wording: ready for a pandas.DataFrame."""
        self._update.settle()
        return self._with_their_question(self.scores)

    def _table(self) -> list[dict]:
        self._update.settle()
        return [
            {"model": name} | row
            for name, rows in ((self.model, self.scores), (self.beside, self.scores_beside))
            for row in self._with_their_question(rows)
        ]

    def _with_their_question(self, rows: Sequence[dict]) -> list[dict]:
        """Add picture and wording to scores, and leave out the texts that were read."""
        if not rows:
            return []
        wording = explorer_records.wording_of(self.active_templates)
        about = {"picture": self._gallery.chosen.name, "wording": wording}
        return [
            about | {name: value for name, value in row.items() if name != "texts"} for row in rows
        ]

    def summary(self) -> str:
        """Describe the state in words, the most probable prompt first."""
        self._update.settle()
        if not self.scores:
            return f"{self._gallery.entry.name if self._gallery.entry else 'no picture'}: no scores"
        rows = (
            f"{row['prompt']} {format.percent(row['probability'])}"
            f" (cosine {format.number(row['cosine'], 3)}, logit {format.number(row['logit'], 2)})"
            for row in by_probability(self.scores)
        )
        name = self._gallery.chosen.name
        return f"{name}, read by {self.encoder.name} at scale {self.scale:.3g}: {'; '.join(rows)}"

    def to_static(self) -> LessonFigure:
        """Draw the state as a figure, for a page without widgets.

        Raises:
            UserError: when there is nothing to show.
        """
        self._update.settle()
        if not self.scores:
            raise UserError("nothing to show yet: choose a picture and write a prompt")
        return score_figure(
            self._rows(), self._gallery.chosen, self.scale, self._background(), self.summary()
        )

    # -------------------- the parts

    def _build_controls(self) -> None:
        self._shown, self._verdict = ipywidgets.HTML(), ipywidgets.HTML()
        self._text = ipywidgets.Textarea(
            description="Prompts, one per line", placeholder="a cat", rows=9
        )
        self._text.add_class("clipbench-above")
        self._remark = ipywidgets.HTML()
        self._template_note, self._scale_note = ipywidgets.HTML(), ipywidgets.HTML()
        self._slider = scale_slider()
        self._own_scale = button(
            "× 1", "Back to the model's own scale", lambda: self.set_trait("scale_factor", 1.0)
        )
        self._ranked_toggle = ipywidgets.ToggleButton(
            tooltip="The most probable on top, or as written"
        )
        self._tokens_toggle = ipywidgets.ToggleButton(
            tooltip="The pieces of text that the model reads"
        )
        self._none_toggle = ipywidgets.ToggleButton(
            tooltip="One more row, for a picture of something else"
        )
        self._history_toggle = ipywidgets.ToggleButton(tooltip="Earlier verdicts, the newest first")
        self._pin_button = button(
            "", "Keep this state, and compare the next ones with it", self.pin
        )
        self._language = ipywidgets.Dropdown(
            options=prompt_languages.CHOICES, description="Language"
        )
        self._language.add_class("clipbench-language")
        self._pinned_line, self._past = ipywidgets.HTML(), ipywidgets.HTML()
        self._result = ipywidgets.HTML().add_class("clipbench-result")
        self._tokens = ipywidgets.HTML().add_class("clipbench-token-list")

    def _arranged(self) -> list[ipywidgets.Widget]:
        limit = html.small_line(f"It stays in memory, {LIMIT}.")
        upload = html.row_of(self._upload, ipywidgets.HTML(limit))
        shown = (
            ipywidgets.Box([self._shown, self._verdict])
            .add_class("clipbench-shown")
            .add_class("clipbench-stays")
        )
        pictures = html.column_of("clipbench-pictures", shown, self._gallery, upload, self._notice)
        chips = html.column_of(
            "clipbench-choice", html.heading("Template"), self._chips, self._language
        )
        slider = html.row_of(self._slider, self._own_scale)
        templates = html.column_of(
            "clipbench-templates", chips, self._template_note, slider, self._scale_note
        )
        prompts = html.column_of("clipbench-prompts", self._text, self._remark)
        settings = ipywidgets.Box([prompts, templates]).add_class("clipbench-settings")
        toggles = html.row_of(
            self._ranked_toggle,
            self._none_toggle,
            self._pin_button,
            self._tokens_toggle,
            self._history_toggle,
        )
        texts = html.column_of(
            "clipbench-texts",
            settings,
            toggles,
            self._pinned_line,
            self._result,
            self._tokens,
            self._past,
        )
        columns = ipywidgets.Box([pictures, texts]).add_class("clipbench-columns")
        return [columns]

    def _connect(self) -> None:
        super()._connect()
        link_lines(self, "prompts", self._text, self._draw)
        traitlets.link((self._slider, "value"), (self, "scale_factor"))
        traitlets.link((self, "ranked"), (self._ranked_toggle, "value"))
        traitlets.link((self, "show_tokens"), (self._tokens_toggle, "value"))
        traitlets.link((self, "none_of_these"), (self._none_toggle, "value"))
        traitlets.link((self, "show_history"), (self._history_toggle, "value"))
        traitlets.link((self, "language"), (self._language, "value"))
        self.observe(self._on_language, "language")
        self.observe(self._update, ["prompts", "scale_factor", "none_of_these", "beside"])
        self.observe(self._draw, ["ranked", "show_tokens", "show_history"])

    # -------------------- changes of state

    @traitlets.validate("language")
    def _known_language(self, proposal):
        known = [code for _, code in prompt_languages.CHOICES]
        if proposal.value not in known:
            raise traitlets.TraitError(f"language: choose from {', '.join(known)}")
        return proposal.value

    def _on_language(self, change) -> None:
        """Translate the prompts that are known names, and offer templates to fit them.

        In English again, the templates of before come back.
        """
        if change.old == prompt_languages.ENGLISH:
            self._english = self.templates, self.active_templates
        templates = prompt_languages.templates_in(change.new)
        offered, active = (templates, templates[:1]) if templates else self._english
        with self._held():
            self.active_templates, self.templates = [], offered
            self.prompts = prompt_languages.translated(self.prompts, change.new)
            self.active_templates = active
        self._update()

    def _on_entry(self, change) -> None:
        self._shown.value = page.picture_page(change.new)
        super()._on_entry(change)

    # -------------------- compute, then draw

    def _compute(self) -> None:
        entry = self._gallery.entry
        self._say_unfamiliar(self._features, [entry] if entry else [], self.prompts)
        self.set_trait("scores", self._score(self._features))
        second = self._second_features()
        self.set_trait("scores_beside", self._score(second) if second else [])
        self._remember()

    def _show_failure(self, text: str) -> None:
        self._result.value = html.message_line(text)

    def _score(self, features: RememberedFeatures) -> list[dict]:
        entry = self._gallery.entry
        if not self.prompts or not entry:
            return []
        texts = worded(self.prompts, self.active_templates or ["{}"])
        weights, scale = features.of_ensembles(texts), features.encoder.scale * self.scale_factor
        rows = scoring.score(self.prompts, features.of_picture(entry), weights, scale)
        rows = [row | {"texts": filled} for row, filled in zip(rows, texts, strict=True)]
        if not self.none_of_these:
            return rows
        known, background = features.familiarity([entry]), self._background(features)
        familiar = known.shares[0] if known.strange else 1.0
        with_none = scoring.with_none(rows, background, scale, familiar)
        return [{"texts": []} | row for row in with_none]

    def _remember(self) -> None:
        if not self.scores:
            return
        entry = explorer_records.verdict_of(
            self._gallery.chosen.name, self.active_templates, self.scores
        )
        now = time.monotonic()
        settled = self.history if now - self._remembered_at > SETTLED else self.history[:-1]
        self._remembered_at = now
        if settled[-1:] != [entry]:
            settled = [*settled, entry][-explorer_records.MOST_REMEMBERED :]
        self.set_trait("history", settled)

    def _rows(self) -> list[dict]:
        """List the scores in the order shown."""
        return by_probability(self.scores) if self.ranked else list(self.scores)

    def _background(self, features: RememberedFeatures | None = None) -> scoring.Background:
        features = features or self._features
        texts = features.of_texts(scoring.random_texts())
        return scoring.Background.of(features.of_picture(self._gallery.chosen), texts)

    @when_ready
    def _draw(self, _=None) -> None:
        self._update.settle()
        rows = self._rows()
        readings = [scoring.reading(self.encoder, row["texts"][0]) for row in rows if row["texts"]]
        remarks = [
            *scoring.remarks_on(self._text.value),
            *scoring.remarks_on_length(readings),
            *scoring.remarks_on_choice(rows),
        ]
        mark(self._ranked_toggle, "sorted by probability")
        mark(self._tokens_toggle, "show tokens")
        mark(self._none_toggle, scoring.NONE)
        mark(self._history_toggle, "history")
        self._pin_button.description = "unpin" if self.pinned else "pin, to compare"
        self._pinned_line.value = (
            explorer_records.pinned_line(self._pinned_about) if self.pinned else ""
        )
        self._past.value = explorer_records.history_page(self.history) if self.show_history else ""
        self._entitle(f"scale {self.encoder.scale:.3g}")
        self._template_note.value = html.small_line(
            page.what_is_read(self.active_templates, self.prompts)
        )
        self._scale_note.value = html.small_line(
            page.what_the_scale_does(self.encoder.scale, self.scale_factor)
        )
        self._remark.value = html.remark_line(remarks)
        self._verdict.value = page.verdict_page(self._gallery.entry, by_probability(rows))
        self._result.value = self._result_page(rows)
        tokens = self.show_tokens and rows
        self._tokens.value = (
            score_table.token_list(readings, self.active_templates) if tokens else ""
        )

    def _result_page(self, rows: list[dict]) -> str:
        if not self._gallery.entry:
            return html.message_line("There is no picture yet. Upload one.")
        if not rows:
            return html.message_line(
                "There is no prompt yet. Write one into the box, for example: a cat"
            )
        pinned = explorer_records.pinned_shares(self.pinned, self.scores)
        second = score_table.Second(self.model, self.beside, self.scores_beside)
        return score_table.score_table(rows, self.scale, self._background(), pinned, second)


def by_probability(rows: Sequence[dict]) -> list[dict]:
    return sorted(rows, key=lambda row: -row["probability"])
