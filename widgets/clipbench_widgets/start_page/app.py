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
from clipbench_widgets.feature_microscope.app import FeatureMicroscope
from clipbench_widgets.image_search.app import ImageSearch
from clipbench_widgets.prompt_explorer.app import PromptExplorer
from clipbench_widgets.similarity_matrix.app import SimilarityMatrix
from clipbench_widgets.start_page import cards as start_look
from clipbench_widgets.start_page.cards import CARDS, START, CardLook
from clipbench_widgets.start_page.class_mode import invitation
from clipbench_widgets.training_monitor.app import TrainingMonitor
from clipbench_widgets.typographic_studio import apple
from clipbench_widgets.typographic_studio.app import TypographicStudio
from clipbench_widgets.typographic_studio.apple import LiveApple

OWN_MODELS = ("TypographicStudio", "TrainingMonitor")  # apps that do not share the page's
MOST = 1000  # pictures of the map and of the search, which remember the same ones


class StartPage(App):
    """Eight cards; a click opens an app, which is built then and kept. All apps share one model.

    Args:
        model: a name or folder for `clipbench.load`, or an Encoder. One that cannot be loaded is
            told on the page.
        data: pictures for the map, the search and the game, as each app takes them; by default
            their own.
        state: what to begin with: the state of an app, as `restore` takes it.
    """

    RULES = start_look.RULES, address.RULES, apple.RULES
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
        self._home = button("‹ All apps", "Back to the start", lambda: self.show(START))
        self._row = ipywidgets.Box([self._home, *self._cards.values()])
        self._apple, self._sentence = LiveApple(), ipywidgets.HTML()
        pictures = "".join(look.picture_rule() for look in CARDS)
        self._pictures = ipywidgets.HTML(f"<style>{pictures}</style>").add_class("clipbench-style")
        self._invitation = ipywidgets.HTML()
        close = button("Close", "Back to the apps", lambda: self._invite(""))
        self._invited = column_of("clipbench-invited", self._invitation, close)
        self._invited.layout.display = "none"
        self._waiting = ipywidgets.HTML()
        self._waiting.layout.display = "none"
        self._body = ipywidgets.VBox().add_class("clipbench-opened")
        self._address = AddressBar(self._on_arrival, self._on_invitation)

    def _arranged(self) -> list[ipywidgets.Widget]:
        head = row_of(self._title, self._switcher, self._address).add_class("clipbench-start-head")
        parts = (
            head,
            self._sentence,
            self._invited,
            self._pictures,
            self._apple,
            self._row,
            self._notice,
            self._waiting,
        )
        top = column_of("clipbench-start", *parts)
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
            "TypographicStudio": lambda: studio_of(model),
            "EmbeddingMap": lambda: EmbeddingMap(model, data, most=MOST),
            "TrainingMonitor": lambda: TrainingMonitor(tiny_training()),
            "ImageSearch": lambda: ImageSearch(
                model, data, most=MOST, rivals=shipped_models.picture_encoders()
            ),
            "FeatureMicroscope": lambda: FeatureMicroscope(model),
            "BeatTheMachine": lambda: BeatTheMachine(model, data),
        }
        return makers[name]()

    # -------------------- one model for all

    def _use(self, model) -> None:
        self.encoder = encoder_of(model)
        self._share_model()

    def _share_model(self) -> None:
        """Have the app that is shown use the page's model; the others follow when they are."""
        app = self.apps.get(self.shown)
        if app is None or self.shown in OWN_MODELS or app.encoder is self.encoder:
            return
        try:
            app.use(self.encoder)
        except UserError as error:
            self._say(str(error))

    def _on_model(self, change) -> None:
        """Take the model that was chosen in an app."""
        if change.owner.encoder is not self.encoder:
            self.use(change.owner.encoder)

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
        self._share_model()
        self._draw()
        self._tell_address()

    def _build(self, name: str) -> None:
        self._waiting.value, self._waiting.layout.display = start_look.waiting_page(name), None
        try:
            self.apps[name] = self._make(name)
            self._body.children = [*self._body.children, ipywidgets.Box([self.apps[name]])]
            self.apps[name].observe_state(self._tell_address)
            if name not in OWN_MODELS:
                self.apps[name].observe(self._on_model, "model")
        except Exception as error:  # nobody in front of a class can read a traceback
            known = isinstance(error, UserError)
            self._say(str(error) if known else f"This app cannot start: {error}")
        self._waiting.layout.display = "none"

    def _on_arrival(self, end: str) -> None:
        self._say("")
        try:
            if end:
                self.restore("#" + end)
            else:
                self.show(START)
        except UserError as error:
            self._say(str(error))
        self._tell_address()

    def _on_invitation(self, place: str) -> None:
        self._say("")
        try:
            self._invite(invitation(place) if not self._invitation.value else "")
        except UserError as error:
            self._say(str(error))

    def _invite(self, page: str) -> None:
        """Show how a class comes here; "" for nothing."""
        self._invitation.value = page
        self._invited.layout.display = None if page else "none"

    def _tell_address(self, _=None) -> None:
        """Keep the page's address at what is shown; the cards need none."""
        end = app_state.fragment(self._as_state()) if self.shown in self.apps else ""
        self._address.show(end, self.shown in self.apps and not end, self.shown)

    def _draw(self) -> None:
        at_start = self.shown == START
        self._title.value, self._sentence.value = start_look.TITLE, start_look.SENTENCE
        (self.remove_class if at_start else self.add_class)("clipbench-in-app")
        self._show_model()
        for part in (self._apple, self._switcher):
            part.layout.display = None if at_start and self.encoder else "none"
        for part in (self._title, self._sentence):
            part.layout.display = None if at_start else "none"
        self._home.layout.display = "none" if at_start else None
        if at_start and self.encoder:
            self._apple.show()
        self._row.add_class("clipbench-cards" if at_start else "clipbench-tabs")
        self._row.remove_class("clipbench-tabs" if at_start else "clipbench-cards")
        for look, (name, card) in zip(CARDS, self._cards.items(), strict=True):
            card.description = look.text if at_start else look.title
            card.disabled = self.encoder is None
            (card.add_class if name == self.shown else card.remove_class)("clipbench-chosen")
        for name, box in zip(self.apps, self._body.children, strict=True):
            box.layout.display = None if name == self.shown else "none"


def studio_of(model: Encoder | None) -> TypographicStudio:
    """Make a studio that opens on the model that has most reason to read."""
    readers = shipped_models.readers()
    studio = TypographicStudio([model, *readers])
    studio.use(readers[0])
    return studio


def tiny_training() -> Trainer:
    """Make the tiny model's training, which ends after three minutes and leaves no files."""
    return scene_trainer(find_preset("tiny"), threads=1)
