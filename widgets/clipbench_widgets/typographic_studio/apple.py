"""An apple with a word on it, and what two models make of it: the start page's own experiment."""

from dataclasses import dataclass
from html import escape

import ipywidgets
import traitlets

from clipbench import UserError
from clipbench.data.alter.sticker import Sticker, check_letters, print_on
from clipbench_widgets.core import html, scoring, shipped_models
from clipbench_widgets.core.example_pictures import example_pictures
from clipbench_widgets.core.format import percent
from clipbench_widgets.core.latest_only import LatestOnly
from clipbench_widgets.core.pictures import NamedPicture, data_uri, square
from clipbench_widgets.core.remembered_features import RememberedFeatures
from clipbench_widgets.core.style_files import sheet
from clipbench_widgets.core.wording import worded
from clipbench_widgets.typographic_studio.printable import printable
from clipbench_widgets.typographic_studio.verdict import control_for

RULES = sheet("typographic_studio/apple.css")
APPLE = "green apple"
TEXTS = (APPLE, "pizza", "gorilla", "dog")
TEMPLATE = "a photo of a {}."
SIDE = 320  # pixels; twice the size on the page
HEIGHT = 0.28  # of the paper
LONGEST_WORD = 20


@dataclass(frozen=True)
class Opinion:
    """What one model takes the apple for, with the word and with a word that means nothing."""

    model: str
    text: str
    share: float
    control: str
    control_word: str

    @property
    def flips(self) -> bool:
        return self.text != APPLE


class LiveApple(ipywidgets.Box):
    """A picture, a word to write on it, and the verdicts of two models that differ in one thing.

    Args:
        models: shipped models, such as one that saw printed words and one that did not.
    """

    word = traitlets.Unicode("pizza")
    opinions: traitlets.List = traitlets.List(read_only=True)  # an Opinion a model

    def __init__(self, models: tuple[str, ...] | None = None):
        readers = shipped_models.readers()
        self.models = (readers[0], readers[-1]) if models is None else models
        self._readers: dict[str, RememberedFeatures] = {}
        self._box = ipywidgets.Text(
            value=self.word, description="Write on the apple", placeholder="a word"
        )
        self._picture, self._says = ipywidgets.HTML(), ipywidgets.HTML()
        side = html.column_of("clipbench-apple-side", self._box, self._says)
        super().__init__([self._picture, side])
        self.add_class("clipbench-apple")
        self._update = LatestOnly(self._judge_and_draw)
        self._box.observe(lambda change: self.set_trait("word", change.new), "value")
        self.observe(self._on_word, "word")

    def show(self) -> None:
        """Judge for the first time; later changes follow by themselves."""
        if not self.opinions:
            self._update.now()

    @traitlets.validate("word")
    def _one_line(self, proposal):
        return printable(proposal.value, LONGEST_WORD)

    def _on_word(self, change) -> None:
        if printable(self._box.value, LONGEST_WORD) != change.new:
            self._box.value = change.new
        self._update()

    # -------------------- judge, then draw

    def _judge_and_draw(self) -> None:
        texts = list(dict.fromkeys([*TEXTS, *([self.word] if self.word else [])]))
        control = control_for(self.word, texts)
        try:
            views = [written(self.word), written(control if self.word else "")]
            judged = [self._opinion(name, texts, views, control) for name in self.models]
        except UserError as error:
            self._says.value = html.message_line(str(error))
            return
        self.set_trait("opinions", judged)
        self._picture.value = picture_page(views[0])
        self._says.value = opinions_page(self.opinions)

    def _opinion(
        self, name: str, texts: list[str], views: list[NamedPicture], control: str
    ) -> Opinion:
        reader = self._reader(name)
        weights = reader.of_ensembles(worded(texts, [TEMPLATE]))
        with_word, with_control = (
            scoring.most_probable(scoring.score(texts, features, weights, reader.encoder.scale))
            for features in reader.of_pictures(views)
        )
        share = with_word["probability"]
        return Opinion(name, with_word["prompt"], share, with_control["prompt"], control)

    def _reader(self, name: str) -> RememberedFeatures:
        if name not in self._readers:
            self._readers[name] = RememberedFeatures(shipped_models.opened(name))
        return self._readers[name]


def written(word: str) -> NamedPicture:
    """Write a word on the apple.

    Raises:
        UserError: for letters that the font does not have.
    """
    (apple,) = (entry for entry in example_pictures() if entry.name == APPLE)
    picture = square(apple.picture, SIDE)
    if not word:
        return NamedPicture(APPLE, picture)
    sticker = Sticker(word, height=HEIGHT, position=(0.5, 0.5))
    check_letters(sticker)
    return NamedPicture(f"{APPLE} with the word {word}", print_on(picture, sticker))


# -------------------- the page


def picture_page(entry: NamedPicture) -> str:
    return f'<img alt="{escape(entry.name)}" src="{data_uri(entry.picture)}">'


def opinions_page(opinions: list[Opinion]) -> str:
    return html.status("".join(map(opinion_page, opinions)))


def opinion_page(opinion: Opinion) -> str:
    flipped = " clipbench-flipped" if opinion.flips else ""
    verdict = f"{escape(opinion.text)} <span>{escape(percent(opinion.share))}</span>"
    return (
        f'<p class="clipbench-opinion{flipped}">{escape(upbringing(opinion.model))}'
        f'<strong dir="auto">{verdict}</strong>{escape(caveat(opinion))}</p>'
    )


def upbringing(model: str) -> str:
    """Say whether a model grew up with printed words."""
    share = shipped_models.share_of_signs(model)
    if not share:
        return "A model that never saw a printed word says"
    return f"A model that saw printed words on {100 * share:.0f} % of its pictures says"


def caveat(opinion: Opinion) -> str:
    """Say when the paper, and not the word, has made the verdict."""
    if not opinion.flips or opinion.control == APPLE:
        return ""
    return (
        f"… but with “{opinion.control_word}”, which names nothing, it says {opinion.control}: "
        "it is the paper."
    )
