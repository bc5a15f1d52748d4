"""The base of all apps: a title, a message line, a style sheet, and nothing computed too early."""

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import ipywidgets
import traitlets

from clipbench import UserError
from clipbench.encoders.familiarity import NOTHING_KNOWN, Familiarity
from clipbench_widgets.core import app_state, export, html, shipped_models, tour
from clipbench_widgets.core.examples import Example, ExampleRow
from clipbench_widgets.core.export import ExportBar
from clipbench_widgets.core.format import sentence
from clipbench_widgets.core.header import ModelSwitcher
from clipbench_widgets.core.inputs import button
from clipbench_widgets.core.pictures import NamedPicture
from clipbench_widgets.core.remembered_features import RememberedFeatures
from clipbench_widgets.core.theme import style_sheet
from clipbench_widgets.core.tour import Step, Tour


def when_ready(method: Callable) -> Callable:
    """Make a method of an `App` do nothing until the app is built."""

    @functools.wraps(method)
    def gated(self, *arguments):
        return method(self, *arguments) if self._ready else None

    return gated


class App(ipywidgets.VBox):
    """What every app is: controls and a page in one box, with traits that say its state.

    A subclass names itself and its style sheets, and writes three methods that are called in this
    order: `_build_controls` makes the widgets, `_arranged` lays them out, `_connect` links them
    with the traits. Its own ``__init__`` then sets the traits to what was asked for and calls
    `_begin`.
    """

    NAME = ""  # in the title
    RULES: tuple[str, ...] = ()  # style sheets of its own, after those that all apps share
    CSS_CLASS = "clipbench-app"
    # traits that a person sets, in an order in which they can be set one after the other
    STATE: tuple[str, ...] = ()
    EXAMPLES: tuple[Example, ...] = ()
    TOUR: tuple[Step, ...] = ()

    model = traitlets.Unicode(read_only=True)  # the name of the model that answers
    message = traitlets.Unicode(read_only=True)  # what is wrong, in a sentence
    # what of the pictures and texts is outside of what the model was trained on, in a line
    unfamiliar = traitlets.Unicode(read_only=True)
    _ready = False  # until then, changes of traits compute nothing; see `when_ready`

    def __init__(self):
        self._title, self._notice = ipywidgets.HTML(), ipywidgets.HTML()
        self._given_models: dict[str, Any] = {}  # encoders that are not shipped
        self._switcher = ModelSwitcher(self._on_switcher)
        self._show_notice()
        self._build_controls()
        head = [self._header()] if self.NAME else []
        rules = style_sheet(html.RULES, tour.RULES, *self.RULES)
        super().__init__([rules, *head, *self._arranged()])
        self.add_class(self.CSS_CLASS)
        self._connect()

    def summary(self) -> str:
        """Return the state in words."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.summary()}>"

    def state(self) -> dict:
        """Return what is chosen and written, as a small dict for `restore`, ``state=`` or JSON.

        Pictures of one's own are not part of it.
        """
        return self._as_state()

    def _as_state(self) -> dict:
        """Return the same where a subclass has a trait of the name ``state``."""
        encoder = getattr(self, "encoder", None)
        about = {"app": type(self).__name__} | ({"model": str(encoder.name)} if encoder else {})
        return about | self._values(self._state_names())

    def restore(self, state: dict | str) -> None:
        """Choose and write what a state says: all of it, or nothing.

        Args:
            state: what ``state()`` gave, its JSON, or an address that ends in it.

        Raises:
            UserError: for another app's state, an unknown name, or a value that is not possible
                here.
        """
        state = app_state.read_state(state)
        before, model = self._values(self.STATE), self.model
        with self._held():
            try:
                values = self._own_part(state)
                self._switch_to(state.get("model"))
                self._set_values(values)
            except UserError:
                self._switch_to(model)
                self._set_values(before)
                raise
        self._example_row.ask("")
        self._redraw()
        self._say_other_model(state)

    def use(self, model) -> None:
        """Have another model answer from now on.

        Args:
            model: a name or folder for `clipbench.load`, or an Encoder.

        Raises:
            UserError: for a model that cannot be used here; the one before stays.
        """
        self._use(self._given_models.get(str(model)) or shipped_models.found(model))
        self._show_model()

    def _table(self) -> list[dict]:
        """List the numbers that are shown, a dict a row."""
        return []

    def citation(self) -> str:
        """Say in a line how to cite what is shown, with all that it takes to see it again."""
        return export.citation(self.NAME, getattr(self, "encoder", None), self._as_state())

    def observe_state(self, handler: Callable) -> None:
        """Have ``handler`` called whenever something in the state changes."""
        self.observe(handler, "model")
        for name in self.STATE:
            self._holder(name).observe(handler, name)

    # -------------------- for subclasses

    def _build_controls(self) -> None:
        raise NotImplementedError

    def _arranged(self) -> list[ipywidgets.Widget]:
        raise NotImplementedError

    def _connect(self) -> None:
        """Link controls and traits; nothing, where controls only call methods."""

    def _begin(self, draw: Callable[[], None], state: dict | str | None = None) -> None:
        """Open the gate of `when_ready`, and draw for the first time.

        Args:
            draw: computes and draws everything; called again when a state is restored.
            state: see `restore`.
        """
        self._ready, self._redraw = True, draw
        self._show_model()
        draw() if state is None else self.restore(state)

    def _use(self, model) -> None:
        """Take another model; an app with an ``encoder`` says how."""
        raise NotImplementedError

    def _offered_models(self) -> list[str]:
        """List the names of the models to choose from."""
        if getattr(self, "encoder", None) is None:
            return []
        return [*self._given_models, *shipped_models.joint_models()]

    def _fits_examples(self) -> bool:
        """Say whether examples and tour can be shown with the pictures at hand."""
        return True

    def _show_example(self, example: Example) -> None:
        """Put the app into the state of an example.

        Raises:
            UserError: where that is not possible.
        """
        self.restore({"app": type(self).__name__, **example.state})

    # -------------------- the header

    def _header(self) -> ipywidgets.Widget:
        fits = self._fits_examples()
        self._example_row = ExampleRow(self.EXAMPLES if fits else (), self._on_example)
        self._tour = Tour(self, self.TOUR if fits else ())
        self._exports = ExportBar(self)
        take = button("Tour", "Three bets, and what comes out", self._tour.start, "map-signs")
        take.layout.display = None if self._tour.steps else "none"
        first = html.row_of(self._title, self._switcher, *self._header_parts(), take, self._exports)
        below = self._exports.shown, self._example_row, self._tour
        return html.column_of("clipbench-header", first, *below)

    def _header_parts(self) -> list[ipywidgets.Widget]:
        """List what an app has in its first line beside the model."""
        return []

    def _on_switcher(self, name: str) -> None:
        self._say("")
        try:
            self.use(name)
        except UserError as error:
            self._show_model()
            self._say(str(error))

    def _show_model(self) -> None:
        encoder = getattr(self, "encoder", None)
        self.set_trait("model", str(encoder.name) if encoder else "")
        if encoder and self.model not in shipped_models.joint_models():
            self._given_models[self.model] = encoder
        self._switcher.offer(self._offered_models(), self.model)

    def _switch_to(self, model) -> None:
        """Use a model that a state names, if it is one of those offered."""
        if model != self.model and model in self._offered_models():
            self.use(model)

    def _on_example(self, example: Example) -> None:
        self._say("")
        try:
            self._show_example(example)
        except UserError as error:
            self._say(str(error))
        else:
            self._example_row.ask(example.question)

    # -------------------- the state

    @contextlib.contextmanager
    def _held(self) -> Iterator[None]:
        """Compute and draw nothing meanwhile."""
        ready, self._ready = self._ready, False
        try:
            yield
        finally:
            self._ready = ready

    def _state_names(self) -> tuple[str, ...]:
        """Return the names in ``STATE`` that mean something to others."""
        return self.STATE

    def _holder(self, name: str) -> traitlets.HasTraits:
        """Return who has a trait of the state: the app, or one of its parts."""
        return self

    def _values(self, names: tuple[str, ...]) -> dict:
        return {name: app_state.value_of(self._holder(name), name) for name in names}

    def _own_part(self, state: dict) -> dict:
        """Return name -> value.

        Raises:
            UserError: when it is another app's, or has names that this app does not know.
        """
        own = type(self).__name__
        if state["app"] != own:
            raise UserError(f"this is a state of {app_state.in_short(state['app'])}, not of {own}")
        values = {name: value for name, value in state.items() if name not in ("app", "model")}
        unknown = [name for name in values if name not in self.STATE]
        if unknown:
            known = ", ".join(self.STATE) or "no settings"
            raise UserError(
                f"state: {app_state.in_short(unknown[0])} is unknown; {own} has {known}"
            )
        return values

    def _set_values(self, values: dict) -> None:
        for name in self.STATE:
            if name in values:
                app_state.set_strictly(self._holder(name), name, values[name])

    def _say_other_model(self, state: dict) -> None:
        model, own = state.get("model"), self._as_state().get("model")
        if isinstance(model, str) and own is not None and model != own:
            shown = app_state.in_short(model)
            self._say(f"This view was made with the model {shown}; here {own} answers.")

    def _entitle(self, about: str) -> None:
        """Show the app's name, and beside it the model or the data."""
        self._title.value = html.title(self.NAME, about)

    def _say(self, text: str) -> None:
        """Show what is wrong; "" for nothing."""
        self.set_trait("message", text)

    def _say_unfamiliar(
        self,
        features: RememberedFeatures,
        entries: Sequence[NamedPicture],
        texts: Sequence[str],
        shown: Familiarity = NOTHING_KNOWN,
    ) -> None:
        """Show what of these is outside of what the model was trained on, if anything is.

        Args:
            shown: what is known of the many pictures that the app shows beside these.
        """
        lines = features.familiarity(entries, texts).line, shown.line
        self.set_trait("unfamiliar", "; ".join(line for line in lines if line))

    def _to_notice(self) -> str:
        """Return what the message line shows."""
        return self.message

    @traitlets.observe("message", "unfamiliar")
    def _show_notice(self, _=None) -> None:
        text = self._to_notice()
        remark = html.remark_line([sentence(self.unfamiliar)]) if self.unfamiliar else ""
        self._notice.value = html.message_line(text) + remark
        self._notice.layout.display = None if self._notice.value else "none"
