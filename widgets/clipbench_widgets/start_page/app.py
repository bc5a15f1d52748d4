"""StartPage: all apps behind one page of cards, for a class that opens them in a browser."""

import ipywidgets
import traitlets

from clipbench import Encoder, Trainer, UserError
from clipbench.training.presets import find_preset, scene_trainer
from clipbench_widgets.beat_the_machine.app import BeatTheMachine
from clipbench_widgets.core import address, app_state, shipped_models
from clipbench_widgets.core.address import AddressBar
from clipbench_widgets.core.app import App
from clipbench_widgets.core.example_pictures import example_pictures
from clipbench_widgets.core.html import column_of, row_of
from clipbench_widgets.core.inputs import button, encoder_of
from clipbench_widgets.embedding_map.app import EmbeddingMap
from clipbench_widgets.image_search.app import ImageSearch
from clipbench_widgets.prompt_explorer.app import PromptExplorer
from clipbench_widgets.similarity_matrix.app import SimilarityMatrix
from clipbench_widgets.start_page import cards as start_look
from clipbench_widgets.start_page.cards import CARDS, START, CardLook
from clipbench_widgets.training_monitor.app import TrainingMonitor
from clipbench_widgets.typographic_studio.app import TypographicStudio

MOST = 1000  # pictures of the map and of the search, which remember the same ones


class StartPage(App):
    """Seven cards; a click opens an app, which is built then and kept. All apps share one model.

    Args:
        model: a name or folder for `clipbench.load`, or an Encoder. One that cannot be loaded is
            told on the page.
        data: pictures for the map, the search and the game, as each app takes them; by default
            their own.
        state: what to begin with: the state of an app, as `restore` takes it.
    """

    RULES = start_look.RULES, address.RULES
    CSS_CLASS = "clipbench-page"

    shown = traitlets.Unicode(START)  # the name of an app, or START for the cards

    def __init__(self, model="classroom", data=None, *, state: dict | str | None = None):
        self.apps: dict[str, ipywidgets.Widget] = {}  # those that have been opened
        self.encoder: Encoder | None = None
        self._data = data
        super().__init__()
        self._load(model)
        self._begin(self._draw, state)

    def _as_state(self) -> dict:
        """Return the state of the app that is shown."""
        return self.apps[self.shown]._as_state() if self.shown in self.apps else super()._as_state()

    def restore(self, state: dict | str) -> None:
        """Open the app that a state is of, and restore it there.

        Raises:
            UserError: for an unknown app, and as the app's own `restore`.
        """
        read = app_state.read_state(state)
        name = read["app"]
        if name not in (*self._cards, type(self).__name__):
            raise UserError(f"state: there is no app {app_state.in_short(name)}")
        self.show(name if name in self._cards else START)
        self._draw()
        if name in self.apps:
            self.apps[name].restore(read)
        elif name not in self._cards:
            self._own_part(read)

    def show(self, name: str) -> None:
        """Show an app, or START for the cards."""
        self.shown = name

    def summary(self) -> str:
        """Describe the state in words."""
        model = self.encoder.name if self.encoder else "no model"
        opened = ", ".join(self.apps) or "none"
        return f"{self.shown or 'the cards'} shown, opened so far: {opened}; {model}"

    # -------------------- the parts

    def _build_controls(self) -> None:
        self._cards = {look.name: self._card(look) for look in CARDS}
        self._row = ipywidgets.Box(list(self._cards.values()))
        self._waiting = ipywidgets.HTML()
        self._waiting.layout.display = "none"
        self._body = ipywidgets.VBox().add_class("clipbench-opened")
        self._address = AddressBar(self._on_arrival)

    def _arranged(self) -> list[ipywidgets.Widget]:
        head = row_of(self._title, self._address)
        top = column_of("clipbench-start", head, self._row, self._notice, self._waiting)
        return [top.add_class("clipbench-app"), self._body]

    def _card(self, look: CardLook) -> ipywidgets.Button:
        card = button(look.text, look.invitation, lambda: self.show(look.name))
        return card.add_class("clipbench-start-card").add_class(look.css_class)

    def _load(self, model) -> None:
        """Load what all apps need and use it once.

        So a kernel that waits for its visitor is warm.
        """
        try:
            encoder = encoder_of(model)
            encoder.encode_text(["a cat"])
            self.encoder = encoder
            example_pictures()
        except UserError as error:
            self._say(f"The apps need a model. {error}")

    def _make(self, name: str) -> ipywidgets.Widget:
        model, data = self.encoder, self._data
        makers = {
            "PromptExplorer": lambda: PromptExplorer(model),
            "SimilarityMatrix": lambda: SimilarityMatrix(model),
            "TypographicStudio": lambda: TypographicStudio([model, *shipped_models.readers()]),
            "EmbeddingMap": lambda: EmbeddingMap(model, data, most=MOST),
            "TrainingMonitor": lambda: TrainingMonitor(tiny_training()),
            "ImageSearch": lambda: ImageSearch(
                model, data, most=MOST, rivals=shipped_models.picture_encoders()
            ),
            "BeatTheMachine": lambda: BeatTheMachine(model, data),
        }
        return makers[name]()

    # -------------------- changes of state

    @traitlets.validate("shown")
    def _known_name(self, proposal):
        return proposal.value if proposal.value in self._cards and self.encoder else START

    @traitlets.observe("shown")
    def _on_shown(self, _) -> None:
        self._say("")
        if self.shown != START and self.shown not in self.apps:
            self._draw()
            self._build(self.shown)
        self._draw()
        self._tell_address()

    def _build(self, name: str) -> None:
        self._waiting.value, self._waiting.layout.display = start_look.waiting_page(name), None
        try:
            self.apps[name] = self._make(name)
            self._body.children = [*self._body.children, ipywidgets.Box([self.apps[name]])]
            self.apps[name].observe_state(self._tell_address)
        except Exception as error:  # nobody in front of a class can read a traceback
            known = isinstance(error, UserError)
            self._say(str(error) if known else f"This app cannot start: {error}")
        self._waiting.layout.display = "none"

    def _on_arrival(self, end: str) -> None:
        self._say("")
        try:
            self.restore("#" + end)
        except UserError as error:
            self._say(str(error))

    def _tell_address(self, _=None) -> None:
        """Keep the page's address at what is shown; the cards need none."""
        end = app_state.fragment(self._as_state()) if self.shown in self.apps else ""
        self._address.show(end, too_long=self.shown in self.apps and not end)

    def _draw(self) -> None:
        at_start = self.shown == START
        self._title.value = start_look.title(self.encoder.name if self.encoder else "", at_start)
        self._row.add_class("clipbench-cards" if at_start else "clipbench-tabs")
        self._row.remove_class("clipbench-tabs" if at_start else "clipbench-cards")
        for look, (name, card) in zip(CARDS, self._cards.items(), strict=True):
            card.description = look.text if at_start else look.title
            card.disabled = self.encoder is None
            (card.add_class if name == self.shown else card.remove_class)("clipbench-chosen")
        for name, box in zip(self.apps, self._body.children, strict=True):
            box.layout.display = None if name == self.shown else "none"


def tiny_training() -> Trainer:
    """Make the tiny model's training, which ends after three minutes and leaves no files."""
    return scene_trainer(find_preset("tiny"), threads=1)
