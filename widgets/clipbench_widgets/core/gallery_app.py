"""The base of apps that score one picture of a gallery against texts in the wording of templates."""

from collections.abc import Sequence

import traitlets

from clipbench import PictureSet, UserError
from clipbench.errors import in_words
from clipbench_widgets.core.app import App, when_ready
from clipbench_widgets.core.example_pictures import PROMPTS, example_pictures
from clipbench_widgets.core.examples import Example
from clipbench_widgets.core.gallery import Gallery
from clipbench_widgets.core.inputs import classes_of
from clipbench_widgets.core.latest_only import LatestOnly
from clipbench_widgets.core.pictures import NamedPicture, named_pictures
from clipbench_widgets.core.template_chips import TemplateChips
from clipbench_widgets.core.traits import Templates
from clipbench_widgets.core.uploads import PictureUpload

MAX_UPLOADS = 6  # the oldest own picture makes room for the next


class GalleryApp(App):
    """A gallery with uploads, template buttons, and scores that follow every change.

    A subclass adds `_compute`, which sets ``scores``, `_draw`, and `_show_failure`.

    Args:
        pictures: whatever `named_pictures` takes; without them, a dozen scenes.
    """

    templates = Templates()  # offered
    active_templates = Templates()  # several are averaged; none is the text as it is
    selected = traitlets.Int(-1)  # position in the gallery, -1 while it is empty
    # a dict a text, in their order
    scores = traitlets.List(traitlets.Dict(), read_only=True)

    def __init__(self, pictures):
        self._has_examples = pictures is None
        self._uploads: list[NamedPicture] = []
        self._update = LatestOnly(self._compute_and_draw)
        self._gallery = Gallery(
            example_pictures() if pictures is None else named_pictures(pictures)
        )
        self._chips = TemplateChips()
        self._upload = PictureUpload(self._add_picture, self._say, "Add a picture of your own")
        super().__init__()

    def refresh(self) -> None:
        """Encode everything again, when the model has been trained further."""
        self._features.forget()
        self._update.now()

    def _connect(self) -> None:
        self._gallery.observe(self._on_entry, "entry")
        self._chips.observe(lambda change: self.set_trait("active_templates", change.new), "active")

    def _fits_examples(self) -> bool:
        return self._has_examples

    def _show_example(self, example: Example) -> None:
        """Show it, with a picture that it may bring along."""
        entry = example.picture() if example.picture else None
        if example.picture and entry is None:
            raise UserError("this installation has no such picture")
        super()._show_example(example)
        if entry is not None:
            self._add_picture(self._shown_before(entry.name) or entry)

    def _shown_before(self, name: str) -> NamedPicture | None:
        return next((entry for entry in self._gallery.entries if entry.name == name), None)

    def _state_names(self) -> tuple[str, ...]:
        """Leave out which picture, where it is one's own: nobody else has it."""
        own = self._gallery.entry in self._uploads
        return tuple(name for name in self.STATE if not (own and name == "selected"))

    # -------------------- changes of state

    @traitlets.observe("templates")
    def _on_templates(self, change) -> None:
        self._chips.templates = change.new

    @traitlets.observe("active_templates")
    def _on_active_templates(self, change) -> None:
        self.templates = [*self.templates, *change.new]  # what is in use is also offered
        self._chips.active = change.new
        self._update()

    @traitlets.validate("selected")
    def _existing_picture(self, proposal):
        return (
            max(0, min(proposal.value, len(self._gallery.entries) - 1))
            if self._gallery.entries
            else -1
        )

    @traitlets.observe("selected")
    def _on_selected(self, change) -> None:
        self._gallery.choose(change.new)

    def _on_entry(self, _) -> None:
        self.selected = self._gallery.position
        self._update()

    def _add_picture(self, entry: NamedPicture) -> None:
        if entry in self._gallery.entries:
            self._gallery.entry = entry
            return
        self._uploads.append(entry)
        if len(self._uploads) > MAX_UPLOADS:
            self._gallery.remove(self._uploads.pop(0))
        self._gallery.add(entry)

    # -------------------- compute, then draw

    @when_ready
    def _compute_and_draw(self) -> None:
        """Score and draw; say what the user can mend, and also raise anything else."""
        try:
            self._compute()
            self._draw()
        except Exception as error:
            self.set_trait("scores", [])
            self._show_failure(in_words(error))
            if not isinstance(error, UserError):
                raise

    def _compute(self) -> None:
        raise NotImplementedError

    def _draw(self) -> None:
        raise NotImplementedError

    def _show_failure(self, text: str) -> None:
        raise NotImplementedError


def offered_with(pictures, templates: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return the class names and templates of a PictureSet; of other pictures, the usual ones."""
    if isinstance(pictures, PictureSet):
        return classes_of(pictures), pictures.templates
    return PROMPTS, templates
