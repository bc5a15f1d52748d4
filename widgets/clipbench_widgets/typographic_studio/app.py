"""TypographicStudio: write a word on a picture and see whether the model believes it."""

from collections.abc import Sequence

import ipywidgets
import traitlets
from PIL import Image

from clipbench import Encoder, PictureSet, UserError
from clipbench.data.alter.sticker import Sticker, check_letters, print_on
from clipbench.data.open import open_labelled
from clipbench.evaluate.typographic import NAMED_WORDING, patched
from clipbench.figures import LessonFigure
from clipbench_widgets.core import html, position_pad, scoring, shipped_models
from clipbench_widgets.core.app import when_ready
from clipbench_widgets.core.gallery_app import GalleryApp, offered_with
from clipbench_widgets.core.inputs import button, encoder_of, link_lines, listed, mark
from clipbench_widgets.core.pictures import NamedPicture, square
from clipbench_widgets.core.position_pad import PositionPad
from clipbench_widgets.core.remembered_features import RememberedFeatures
from clipbench_widgets.core.runner import Runner
from clipbench_widgets.core.traits import Lines
from clipbench_widgets.core.uploads import LIMIT
from clipbench_widgets.core.wording import worded
from clipbench_widgets.typographic_studio import fonts, size_chart, tour
from clipbench_widgets.typographic_studio import page as studio_page
from clipbench_widgets.typographic_studio.examples import EXAMPLES
from clipbench_widgets.typographic_studio.figure import studio_figure
from clipbench_widgets.typographic_studio.printable import printable
from clipbench_widgets.typographic_studio.size_curve import SizeCurve
from clipbench_widgets.typographic_studio.size_sweep import Question, without_the_word
from clipbench_widgets.typographic_studio.sticker_style import LOOKS, StickerLook
from clipbench_widgets.typographic_studio.verdict import Verdict, control_for, judge

TEMPLATES = ("a photo of a {}.", "a photo of a {} with a sign.", "a {} with a word on it")
SIDE = 384  # pixels of the square that is written on; what most models see is smaller
LONGEST_WORD = 30  # letters; more do not fit on a picture
# success is measured on pictures of things that the tiny models know too
SET, SET_SIZE = "scenes:heldout256", 64
VIEWS = ("before", "after", "control")
APPLE = 6  # the green apple among the example pictures, which made such stickers famous


class TypographicStudio(GalleryApp):
    """A picture, a word printed on it, and what a model makes of both.

    Beside the word there is always a control word that means nothing, on the same sticker: if it
    does what the word does, then the sticker hides the picture, and nothing has been read.

    Args:
        model: a name or folder for `clipbench.load`, or an Encoder; "classroom" by default. A list
            offers several to switch between, such as a model that has seen signs and its twin that
            has not.
        pictures: pictures, files, (name, picture) pairs, or a PictureSet; without them, a dozen
            scenes. The model sees the middle square of each.
        data: labelled pictures for the success over a set: a PictureSet, or a name for
            `clipbench.open_pictures`. Without it, the pictures if they are a PictureSet, else
            "scenes:heldout256".
        texts: what the probabilities are divided among.
        templates: what the wording buttons offer, each with {} where the text goes.
        word: what is printed at first.
        state: what to begin with instead, as `restore` takes it.

    Raises:
        UserError: for a model, picture or template that cannot be used.
    """

    NAME = "Typographic studio"
    RULES = position_pad.RULES, studio_page.RULES, size_chart.RULES
    EXAMPLES = EXAMPLES
    TOUR = tour.STEPS
    STATE = (
        "texts",
        "active_templates",
        "selected",
        "word",
        "control_word",
        "masked",
        "told",
        *LOOKS,
    )

    word = traitlets.Unicode()
    # empty: a word of about as many letters that is no thing's name
    control_word = traitlets.Unicode()
    masked = traitlets.Bool(False)  # a defence: the sticker is covered before the model looks
    # a defence: every text says what is written, instead of a template
    told = traitlets.Bool(False)
    texts = Lines()
    reader = traitlets.Int(0)  # position among the models given
    # font, height, position, angle, opacity, text_color, paper_color
    look = traitlets.Instance(StickerLook)

    def __init__(
        self,
        model=None,
        pictures=None,
        texts: Sequence[str] | None = None,
        templates: Sequence[str] | None = None,
        *,
        word: str = "pizza",
        data=None,
        state: dict | str | None = None,
    ):
        self._models = (
            list(model)
            if isinstance(model, (list, tuple))
            else ["classroom" if model is None else model]
        )
        self._chosen_by_hand = len(self._models) > 1
        self._readers: dict[int, RememberedFeatures] = {}
        self._features = self._reader_at(0)
        self._printed: dict[tuple, NamedPicture] = {}
        self._drawn: list[NamedPicture | None] = [None] * len(VIEWS)
        self._data = pictures if data is None and isinstance(pictures, PictureSet) else data or SET
        super().__init__(pictures)
        self._gallery.choose(APPLE if pictures is None else 0)
        class_names, offered = offered_with(pictures, TEMPLATES)
        self.templates = listed(offered if templates is None else templates)
        self.active_templates = self.templates[:1] if texts is None else []
        self.texts = listed(class_names if texts is None else texts)
        self.word = word
        self.selected = self._gallery.position
        self._begin(self._update, state)

    # -------------------- for code

    @property
    def encoder(self) -> Encoder:
        """The model that reads now."""
        return self._features.encoder

    @property
    def verdict(self) -> Verdict | None:
        """What the word does; None when there is nothing to judge."""
        self._update.settle()
        return judge(self.scores, self.word, self._control_in_use) if self.scores else None

    @property
    def pictures(self) -> dict[str, Image.Image]:
        """What the model is shown: ``before``, ``after`` and ``control``."""
        if self._gallery.entry is None:
            return {}
        return {name: view.picture for name, view in zip(VIEWS, self._views(), strict=True)}

    def _table(self) -> list[dict]:
        self._update.settle()
        about = {"word": self.word, "control_word": self._control_in_use}
        return [about | row for row in self.scores]

    def summary(self) -> str:
        """Describe the state in words."""
        verdict = self.verdict
        if verdict is None:
            return "nothing to judge: give a picture and texts"
        shares = (
            f"{when}: {getattr(verdict, when)['text']} "
            f"{studio_page.percent(getattr(verdict, when)[when])}"
            for when in VIEWS
        )
        font = "" if self.look.font == fonts.DEFAULT else f" in {self.look.font}"
        about = (
            f"{self._gallery.chosen.name} with “{self.word}” on it{font}, read by "
            f"{self.encoder.name}"
        )
        return f"{about}. {'; '.join(shares)}. {verdict.headline()}. {verdict.explanation()}"

    def to_static(self) -> LessonFigure:
        """Draw the state as a figure, for a page without widgets.

        Raises:
            UserError: when there is nothing to show.
        """
        if self.verdict is None:
            raise UserError("nothing to show yet: choose a picture and write a text")
        return studio_figure(self.pictures, self.scores, self.verdict, self.summary())

    # -------------------- the parts

    def _build_controls(self) -> None:
        self._headline = (
            ipywidgets.HTML().add_class("clipbench-studio-verdict").add_class("clipbench-stays")
        )
        self._word = ipywidgets.Text(description="Write on the picture", placeholder="a word")
        self._word.add_class("clipbench-word")
        self._add = button(
            "",
            "The model can only choose among the texts",
            lambda: self.set_trait("texts", [*self.texts, self.word]),
        )
        self._signs = ipywidgets.HTML()  # how many words the model saw in training
        self.look = StickerLook()
        self._pad = PositionPad("Where the word is written: click, drag, or press the arrow keys")
        self._images = [ipywidgets.HTML() for _ in VIEWS]
        self._names = [ipywidgets.HTML() for _ in VIEWS]
        self._says = [ipywidgets.HTML() for _ in VIEWS]
        self._control = ipywidgets.Text(description="Control word").add_class(
            "clipbench-control-word"
        )
        self._duel = ipywidgets.HTML()
        self._text = ipywidgets.Textarea(description="Texts, one per line", rows=9).add_class(
            "clipbench-above"
        )
        self._remark = ipywidgets.HTML()
        self._mask = ipywidgets.ToggleButton(
            tooltip="Paint over the sticker before the model looks"
        )
        self._tell = ipywidgets.ToggleButton(
            tooltip="For those who can read the word by other means"
        )
        self._runner = Runner()
        self.curve = SizeCurve(self._question, self._runner)

    def _arranged(self) -> list[ipywidgets.Widget]:
        views = ipywidgets.Box([self._view(number) for number in range(len(VIEWS))]).add_class(
            "clipbench-views"
        )
        views.children[1].add_class("clipbench-middle")
        bench = ipywidgets.Box([views, self.look]).add_class("clipbench-bench")
        wording = html.column_of(
            "clipbench-choice", html.heading("Defences: another wording"), self._chips, self._tell
        )
        cover = html.column_of("clipbench-choice", html.heading("… or a cover"), self._mask)
        texts = html.column_of("clipbench-studio-texts", self._text, self._remark, wording, cover)
        table = html.column_of(
            "clipbench-answers", self._duel, html.heading("Many pictures"), self.curve
        )
        below = ipywidgets.Box([table, texts]).add_class("clipbench-below")
        self._upload.button.tooltip = f"It stays in memory, {LIMIT}."
        pictures = ipywidgets.Box([self._gallery, self._upload]).add_class(
            "clipbench-picture-strip"
        )
        words = ipywidgets.Box([self._word, self._control, self._add]).add_class("clipbench-words")
        parts = [self._signs, pictures, words, self._notice, self._headline, bench, below]
        return [html.column_of("clipbench-studio", *parts)]

    def _view(self, number: int) -> ipywidgets.VBox:
        over = [self._pad] if VIEWS[number] == "after" else []
        canvas = ipywidgets.Box([self._images[number], *over]).add_class("clipbench-canvas")
        return html.column_of("clipbench-view", self._names[number], canvas, self._says[number])

    def _connect(self) -> None:
        super()._connect()
        link_lines(self, "texts", self._text, self._draw)
        self._word.observe(lambda change: self.set_trait("word", change.new), "value")
        self._control.observe(lambda change: self.set_trait("control_word", change.new), "value")
        traitlets.link((self, "masked"), (self._mask, "value"))
        traitlets.link((self, "told"), (self._tell, "value"))
        traitlets.link((self.look, "position"), (self._pad, "position"))
        self.look.observe(self._update, list(LOOKS))
        self.observe(self._update, ["texts", "word", "control_word", "masked", "told"])

    def _holder(self, name: str) -> traitlets.HasTraits:
        return self.look if name in LOOKS else self

    # -------------------- changes of state

    @traitlets.validate("word", "control_word")
    def _printable_word(self, proposal):
        return printable(proposal.value, LONGEST_WORD)

    @traitlets.validate("reader")
    def _known_reader(self, proposal):
        return max(0, min(proposal.value, len(self._models) - 1))

    @traitlets.observe("word", "control_word")
    def _on_word(self, change) -> None:
        box = self._word if change.name == "word" else self._control
        # set by code; typing is left alone
        if printable(box.value, LONGEST_WORD) != change.new:
            box.value = change.new

    @traitlets.observe("reader")
    def _on_reader(self, change) -> None:
        try:
            self._features = self._reader_at(change.new)
        except UserError as error:
            self.reader = change.old
            self._say(str(error))
        else:
            self._update()
        self._show_model()

    def _use(self, model) -> None:
        if name_of(model) not in map(name_of, self._models):
            self._models.append(encoder_of(model))
        number = list(map(name_of, self._models)).index(name_of(model))
        self._features = self._reader_at(number)
        self.reader = number

    def _offered_models(self) -> list[str]:
        """List the models given; with a single one, also the shipped ones."""
        given = list(map(name_of, self._models))
        return given if self._chosen_by_hand else super()._offered_models()

    def _reader_at(self, number: int) -> RememberedFeatures:
        """Return the features of one of the models.

        The model is read from its files when it is first asked for.
        """
        if number not in self._readers:
            self._readers[number] = RememberedFeatures(
                encoder_of(shipped_models.found(self._models[number]))
            )
        return self._readers[number]

    # -------------------- the sticker

    @property
    def _control_in_use(self) -> str:
        return self.control_word or control_for(self.word, self.texts)

    def _sticker(self, word: str) -> Sticker | None:
        """Make a sticker with a word.

        None without a word, and for one that cannot be printed, with a message.
        """
        if not word:
            return None
        sticker = self.look.sticker(word)
        try:
            check_letters(sticker)
        except UserError as error:
            self._say(str(error))
            return None
        return sticker

    def _views(self) -> list[NamedPicture]:
        """Give the picture as it is, with the word, and with the control word.

        What is as before is not printed again.
        """
        entry, known = self._gallery.chosen, self._printed
        stickers = (
            None,
            self._sticker(self.word),
            self._sticker(self._control_in_use if self.word else ""),
        )
        keys = [(entry, sticker, self.masked and sticker is not None) for sticker in stickers]
        plain = known.get(keys[0]) or NamedPicture(entry.name, square(entry.picture, SIDE))
        self._printed = {keys[0]: plain}
        for key in keys:
            self._printed[key] = (
                self._printed.get(key) or known.get(key) or printed(plain, *key[1:])
            )
        return [self._printed[key] for key in keys]

    def _question(self) -> Question:
        """Ask the question of the size curve.

        Raises:
            UserError: when there is no word, or no picture to print it on.
        """
        sticker = self._sticker(self.word)
        if sticker is None:
            raise UserError(self.message or "write a word on the picture first")
        if isinstance(self._data, str):
            self._data = open_labelled(self._data)
        data = without_the_word(self._data, self.word, SET_SIZE)
        return Question(
            self.encoder, data, sticker, self._control_in_use, self._wording(), self.masked
        )

    # -------------------- compute, then draw

    def _compute(self) -> None:
        self._say("")
        with self._runner.turn:
            scores = self._score()
            entry = self._gallery.entry
            self._say_unfamiliar(self._features, [entry] if entry else [], self.texts)
        self.set_trait("scores", scores)

    def _show_failure(self, text: str) -> None:
        self._say(text)

    def _score(self) -> list[dict]:
        if not self.texts or not self._gallery.entry:
            return []
        weights = self._features.of_ensembles(worded(self.texts, self._wording()))
        pictures = self._features.of_pictures(self._views())
        scored = [
            scoring.score(self.texts, picture, weights, self.encoder.scale) for picture in pictures
        ]
        return [joined(*rows) for rows in zip(*scored, strict=True)]

    def _wording(self) -> list[str]:
        """List the templates in use."""
        if self.told and self.word:
            return [NAMED_WORDING.format("{}", self.word.replace("{}", ""))]
        return self.active_templates or ["{}"]

    @when_ready
    def _draw(self) -> None:
        self._entitle(f"scale {self.encoder.scale:.3g}")
        self._signs.value = html.small_line(self._what_it_saw())
        self._remark.value = html.remark_line(scoring.remarks_on(self._text.value))
        mark(self._mask, "cover the sticker")
        mark(self._tell, f"say what is written: {NAMED_WORDING.format('{}', self.word or '…')}")
        self._control.placeholder = control_for(self.word, self.texts)
        verdict = self.verdict
        missing = bool(self.word) and verdict is not None and verdict.target is None
        self._add.layout.display = "" if missing else "none"
        self._add.description = f"Add “{self.word}” to the texts"
        if verdict is None:
            self._show_nothing()
            return
        self._headline.value = studio_page.headline(verdict)
        self._duel.value = studio_page.duel(self.scores, verdict)
        self._draw_views(verdict)

    def _what_it_saw(self) -> str:
        """Say whether the model had words to learn to read from.

        Also which of the models offered had most.
        """
        names = list(map(name_of, self._models))
        shares = {
            name: share
            for name in names
            if (share := shipped_models.share_of_signs(name)) is not None
        }
        most = max(shares, key=shares.__getitem__, default=None)
        return studio_page.what_it_saw(self.encoder.name, shares.get(self.encoder.name), most)

    def _draw_views(self, verdict: Verdict) -> None:
        word = f"with “{self.word}”" if self.word else "with a word"
        names = self._gallery.chosen.name, word, "with a word that names nothing"
        for number, (view, name, when) in enumerate(zip(self._views(), names, VIEWS, strict=True)):
            if self._drawn[number] is not view:
                self._drawn[number] = view
                self._images[number].value = studio_page.picture(view.picture, view.name)
            row = getattr(verdict, when)
            self._names[number].value = studio_page.view_name(name)
            self._says[number].value = studio_page.says(row, when, row is not verdict.before)

    def _show_nothing(self) -> None:
        what = (
            "Write a text into the box, for example: a cat"
            if self._gallery.entry
            else "Upload a picture."
        )
        self._headline.value, self._duel.value = html.message_line(what), ""
        self._drawn = [None] * len(VIEWS)
        for part in (*self._images, *self._names, *self._says):
            part.value = ""


def name_of(model) -> str:
    """Give the name of a model, or of an Encoder."""
    return str(getattr(model, "name", model))


def printed(plain: NamedPicture, sticker: Sticker | None, masked: bool) -> NamedPicture:
    """Print a sticker on a square picture, or cover the place of the sticker."""
    if sticker is None:
        return plain
    picture = (patched if masked else print_on)(plain.picture, sticker)
    return NamedPicture(
        f"{plain.name} with the word {sticker.word}{', covered' if masked else ''}", picture
    )


def joined(before: dict, after: dict, control: dict) -> dict:
    """Join one text's rows of the three pictures into one row."""
    rows = {"before": before, "after": after, "control": control}
    shares = {when: row["probability"] for when, row in rows.items()}
    return {"text": before["prompt"], **shares} | {
        f"cosine_{when}": row["cosine"] for when, row in rows.items()
    }
