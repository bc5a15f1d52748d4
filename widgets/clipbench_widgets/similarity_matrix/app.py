"""SimilarityMatrix: every text against every picture, and what the contrastive loss wants of it."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import ipywidgets
import torch
import traitlets

from clipbench import PictureSet, UserError
from clipbench.figures import LessonFigure
from clipbench.figures.pictures import similarity_heatmap
from clipbench_widgets.core import html
from clipbench_widgets.core.app import App, when_ready
from clipbench_widgets.core.beside import TwoModels
from clipbench_widgets.core.example_pictures import CAPTIONS, example_pictures
from clipbench_widgets.core.gallery import Thumbnail
from clipbench_widgets.core.inputs import (
    encoder_of,
    link_lines,
    listed,
    named,
    scale_slider,
)
from clipbench_widgets.core.latest_only import LatestOnly
from clipbench_widgets.core.pictures import NamedPicture, named_pictures
from clipbench_widgets.core.remembered_features import RememberedFeatures
from clipbench_widgets.core.traits import HasScale, Lines
from clipbench_widgets.core.uploads import PictureUpload
from clipbench_widgets.similarity_matrix import page as matrix_page
from clipbench_widgets.similarity_matrix import tour
from clipbench_widgets.similarity_matrix.examples import EXAMPLES

MODES = ("cosine", "row softmax", "column softmax")
IN_WORDS = {  # for a figure, whose rows are pictures
    "cosine": "cosine",
    "row softmax": "softmax over the pictures",
    "column softmax": "softmax over the texts",
}
ORDERS = ("as given", "alike together")
MAX_SIDE = 40  # texts, and pictures: more cells than a page can show


class SimilarityMatrix(HasScale, TwoModels, App):
    """Texts by pictures, as cosines or as probabilities along the rows or the columns.

    Where there are as many texts as pictures, text n and picture n are taken for a pair.

    Args:
        model: a name or folder for `clipbench.load`, or an Encoder; "classroom" by default.
        pictures: pictures, files, (name, picture) pairs, or a PictureSet; without them, a dozen
            scenes.
        texts: one per picture for pairs; by default captions of the scenes, or the pictures' names.
        state: what to begin with instead, as `restore` takes it.

    Raises:
        UserError: for a model or picture that cannot be used, and for more than 40 of either.
    """

    NAME = "Similarity matrix"
    RULES = (matrix_page.RULES,)
    EXAMPLES = EXAMPLES
    TOUR = tour.STEPS
    STATE = "beside", "texts", "mode", "order", "scale_factor", "chosen_text", "chosen_picture"

    texts = Lines(MAX_SIDE)
    mode = traitlets.Enum(MODES, "cosine")
    order = traitlets.Enum(ORDERS, "as given")
    chosen_text = traitlets.Int(0)  # a position in ``texts``
    chosen_picture = traitlets.Int(0)
    # (texts, pictures), in the order given
    cosines = traitlets.List(traitlets.List(), read_only=True)
    # the same of the second model, empty without one
    cosines_beside = traitlets.List(traitlets.List(), read_only=True)
    accuracy = traitlets.Dict(read_only=True)  # image_to_text and text_to_image, None without pairs

    def __init__(
        self,
        model=None,
        pictures=None,
        texts: Sequence[str] | None = None,
        *,
        mode: str = "cosine",
        state: dict | str | None = None,
    ):
        self.encoder = encoder_of("classroom" if model is None else model)
        self._features = RememberedFeatures(self.encoder)
        self._picture_buttons: dict[NamedPicture, Thumbnail] = {}
        self._text_buttons: list[ipywidgets.Button] = []
        self._update = LatestOnly(self._compare_and_draw)
        self.entries = list(example_pictures()) if pictures is None else named_pictures(pictures)
        if len(self.entries) > MAX_SIDE:
            raise UserError(
                f"{len(self.entries)} pictures are too many for one matrix; give at most {MAX_SIDE}"
            )
        if texts is None:
            texts = CAPTIONS if pictures is None else default_texts(pictures, self.entries)
        self._has_examples = pictures is None
        super().__init__()
        self.mode = mode
        self.texts = listed(texts)
        self._given = len(self.entries)
        self._begin(self._update, state)

    def _use(self, model) -> None:
        self.encoder = encoder_of(model)
        self._features = RememberedFeatures(self.encoder)
        self._update()

    def _fits_examples(self) -> bool:
        return self._has_examples

    # -------------------- for code

    @property
    def scale(self) -> float:
        return self.encoder.scale * self.scale_factor

    def values(self, mode: str | None = None) -> torch.Tensor:
        """Return the matrix (texts, pictures), in the order given.

        It holds cosines, or probabilities along the rows or columns.
        """
        self._update.settle()
        cosines = torch.tensor(self.cosines).view(len(self.texts), len(self.entries))
        return in_mode(cosines, mode or self.mode, self.scale)

    def refresh(self) -> None:
        """Encode everything again, when the model has been trained further."""
        self._features.forget()
        self._update.now()

    def follow(self, seconds: float = 0.5) -> Callable[[dict], None]:
        """Make a callback for a Trainer of this encoder's model, which redraws the matrix.

        The matrix comes into order while the model is trained.

        Args:
            seconds: at least so long between two pictures of the matrix.
        """
        encoder: Any = self.encoder  # one with a model, which is being trained
        last = -math.inf

        def on_event(event: dict) -> None:
            nonlocal last
            due = event["event"] == "end" or (
                event["event"] == "step" and time.monotonic() - last >= seconds
            )
            if not due:
                return
            training = encoder.model.training
            encoder.model.eval()  # nothing is dropped, and batch statistics are left alone
            self.refresh()
            encoder.model.train(training)
            last = time.monotonic()

        return on_event

    def _table(self) -> list[dict]:
        cosines = self.values("cosine").tolist()
        return [
            {"text": text, "picture": entry.name, "cosine": cosine}
            for text, row in zip(self.texts, cosines, strict=True)
            for entry, cosine in zip(self.entries, row, strict=True)
        ]

    def summary(self) -> str:
        """Describe the state in words."""
        self._update.settle()
        if not self.cosines or not self.entries:
            return "no similarities: give pictures and texts"
        size = (
            f"{len(self.texts)} texts × {len(self.entries)} pictures, read by {self.encoder.name}"
        )
        if self.accuracy["image_to_text"] is None:
            return size
        both = (
            f"{name.replace('_', ' ')} {100 * value:.1f} %" for name, value in self.accuracy.items()
        )
        return f"{size}; accuracy on the diagonal: {', '.join(both)}"

    def to_static(self) -> LessonFigure:
        """Draw the matrix as a figure, for a page without widgets.

        Raises:
            UserError: when there is nothing to show.
        """
        if not self.cosines or not self.entries:
            raise UserError("nothing to show yet: give pictures and texts")
        rows, columns = self._arrangement()
        pictures = [self.entries[column].picture for column in columns]
        heading = f"{IN_WORDS[self.mode]} of {self.summary()}"
        what = "cosine similarity" if self.mode == "cosine" else "probability"
        texts = [self.texts[row] for row in rows]
        return similarity_heatmap(self.values()[rows][:, columns].T, pictures, texts, heading, what)

    # -------------------- the parts

    def _build_controls(self) -> None:
        self._accuracy = (
            ipywidgets.HTML().add_class("clipbench-accuracy").add_class("clipbench-stays")
        )
        self._legend = ipywidgets.HTML().add_class("clipbench-matrix-legend")
        self._mode = named(ipywidgets.ToggleButtons(options=MODES), "Values")
        self._order = named(ipywidgets.ToggleButtons(options=ORDERS), "Order")
        self._slider = scale_slider()
        self._cells = ipywidgets.HTML()
        self._styles = ipywidgets.HTML().add_class("clipbench-style")
        self._grid = ipywidgets.Box().add_class("clipbench-grid")
        self._detail = ipywidgets.HTML().add_class("clipbench-detail")
        self._second_cells = ipywidgets.HTML().add_class("clipbench-second-matrix")
        self._text = ipywidgets.Textarea(description="Texts, one per line", rows=6).add_class(
            "clipbench-above"
        )
        self._upload = PictureUpload(self._add, self._say, "Add a picture of your own")

    def _arranged(self) -> list[ipywidgets.Widget]:
        matrix = ipywidgets.Box([self._styles, self._grid]).add_class("clipbench-matrix")
        side = ipywidgets.Box([matrix, self._second_cells, self._detail])
        side.add_class("clipbench-matrix-side")
        switches = html.row_of(self._mode, self._order, self._slider)
        upload = html.row_of(self._upload, self._notice)
        parts = self._accuracy, switches, self._legend, side, self._text, upload
        whole = html.column_of("clipbench-whole-matrix", *parts)
        return [html.column_of("clipbench-matrix-app", whole)]

    def _connect(self) -> None:
        traitlets.link((self, "mode"), (self._mode, "value"))
        traitlets.link((self, "order"), (self._order, "value"))
        traitlets.link((self._slider, "value"), (self, "scale_factor"))
        link_lines(self, "texts", self._text)
        self.observe(self._update, ["texts", "beside"])
        self.observe(self._draw, ["mode", "scale_factor", "chosen_text", "chosen_picture"])
        self.observe(self._lay_out, "order")

    def _state_names(self) -> tuple[str, ...]:
        """Leave out which picture, where it is one's own: nobody else has it."""
        own = self.chosen_picture >= self._given
        return tuple(name for name in self.STATE if not (own and name == "chosen_picture"))

    # -------------------- changes of state

    @traitlets.validate("chosen_text", "chosen_picture")
    def _inside(self, proposal):
        count = len(self.texts if proposal.trait.name == "chosen_text" else self.entries)
        return max(0, min(proposal.value, count - 1))

    def _add(self, entry: NamedPicture) -> None:
        if len(self.entries) >= MAX_SIDE:
            raise UserError(f"the matrix is full with {MAX_SIDE} pictures")
        self.entries = [*self.entries, entry]
        self._update()
        self.chosen_picture = len(self.entries) - 1

    # -------------------- compute, then draw

    @when_ready
    def _compare_and_draw(self) -> None:
        cosines = self._similarities(self._features)
        self._say_unfamiliar(self._features, self.entries, self.texts)
        self.set_trait("cosines", cosines.tolist())
        second = self._second_features()
        beside = self._similarities(second).tolist() if second else []
        self.set_trait("cosines_beside", beside)
        self.set_trait("accuracy", diagonal_accuracy(cosines))
        self.chosen_text = min(self.chosen_text, max(0, len(self.texts) - 1))
        self._lay_out()

    def _similarities(self, features: RememberedFeatures) -> torch.Tensor:
        """Compute the cosines (texts, pictures)."""
        if not self.texts or not self.entries:
            return torch.zeros(len(self.texts), len(self.entries))
        cosines = features.of_texts(self.texts) @ features.of_pictures(self.entries).T
        if not torch.isfinite(cosines).all():
            raise UserError(
                "the model's features are not finite numbers; its training has probably diverged"
            )
        return cosines

    def _arrangement(self) -> tuple[list[int], list[int]]:
        """Give the positions of the rows and of the columns in the order shown."""
        given = list(range(len(self.texts))), list(range(len(self.entries)))
        if self.order == "as given" or min(map(len, given)) < 3:
            return given
        cosines = torch.tensor(self.cosines)
        if len(self.texts) == len(self.entries):  # pairs stay pairs
            order = alike_together(torch.cat([cosines, cosines.T], 1))
            return order, order
        return alike_together(cosines), alike_together(cosines.T)

    @when_ready
    def _lay_out(self, _=None) -> None:
        """Put the buttons of rows and columns into their places, then draw."""
        self._update.settle()
        rows, columns = self._arrangement()
        pictures = [self._picture_button(column) for column in columns]
        names = [self._text_button(number, row) for number, row in enumerate(rows)]
        side = f"var(--cb-matrix-label) repeat({len(columns)}, var(--cb-cell))"
        self._grid.layout.grid_template_columns = side
        place(self._cells, f"2 / 2 / span {max(1, len(rows))} / span {max(1, len(columns))}")
        for number, button in enumerate(pictures):
            place(button, f"1 / {number + 2} / auto / auto")
        for number, button in enumerate(names):
            place(button, f"{number + 2} / 1 / auto / auto")
        self._styles.value = f"<style>{''.join(button.rule for button in pictures)}</style>"
        self._grid.children = [*pictures, *names, self._cells]
        self._draw()

    def _picture_button(self, position: int) -> Thumbnail:
        entry = self.entries[position]
        if entry not in self._picture_buttons:
            button = Thumbnail(entry)
            button.remove_class("clipbench-thumbnail").add_class("clipbench-column-picture")
            self._picture_buttons[entry] = self._axis_button(button, "chosen_picture")
        button = self._picture_buttons[entry]
        button.position = position
        return button

    def _text_button(self, number: int, position: int) -> ipywidgets.Button:
        """Return the n-th button from the top.

        Buttons are kept, because a new one costs more than the text on it.
        """
        if number == len(self._text_buttons):
            button = ipywidgets.Button().add_class("clipbench-row-name")
            self._text_buttons.append(self._axis_button(button, "chosen_text"))
        button = self._text_buttons[number]
        button.description = button.tooltip = self.texts[position]
        button.position = position
        return button

    def _axis_button(self, button: ipywidgets.Button, trait: str) -> ipywidgets.Button:
        button.on_click(lambda clicked: self.set_trait(trait, clicked.position))
        button.trait = trait
        return button

    @when_ready
    def _draw(self, _=None) -> None:
        self._update.settle()
        pairs = bool(self.texts) and len(self.texts) == len(self.entries)
        self._entitle(f"scale {self.scale:.3g}")
        self._legend.value = matrix_page.legend(self.mode, pairs)
        self._accuracy.value = matrix_page.accuracy_line(**self.accuracy)
        if not self.texts or not self.entries:
            self._cells.value, self._detail.value = (
                "",
                html.message_line("Write a text, upload a picture."),
            )
            return
        self._cells.value = self._cells_page(self.values(), pairs)
        self._draw_second(pairs)
        for button in self._grid.children:
            if button is not self._cells:
                here = button.position == getattr(self, button.trait)
                (button.add_class if here else button.remove_class)("clipbench-here")
        self._detail.value = self._detail_page()

    def _cells_page(self, values: torch.Tensor, pairs: bool) -> str:
        rows, columns = self._arrangement()
        return matrix_page.cells(
            values[rows][:, columns],
            [self.entries[column].name for column in columns],
            [self.texts[row] for row in rows],
            probabilities=self.mode != "cosine",
            pairs=pairs,
            here=(rows.index(self.chosen_text), columns.index(self.chosen_picture)),
        )

    def _draw_second(self, pairs: bool) -> None:
        """Draw the second model's matrix in the order of the first."""
        second = self._second()
        (self.add_class if second else self.remove_class)("clipbench-two")
        self._second_cells.layout.display = None if second else "none"
        if second is None:
            return
        cosines = torch.tensor(self.cosines_beside)
        values = in_mode(cosines, self.mode, second.scale * self.scale_factor)
        right = matrix_page.accuracy_line(**diagonal_accuracy(cosines)) if pairs else ""
        self._second_cells.value = matrix_page.second_page(
            self.beside, right, self._cells_page(values, pairs)
        )

    def _detail_page(self) -> str:
        cell = self.chosen_text, self.chosen_picture
        numbers = {
            "cosine": self.values("cosine")[cell].item(),
            f"of the {len(self.texts)} texts for this picture": self.values("column softmax")[
                cell
            ].item(),
            f"of the {len(self.entries)} pictures for this text": self.values("row softmax")[
                cell
            ].item(),
        }
        return matrix_page.detail(
            self.entries[self.chosen_picture], self.texts[self.chosen_text], numbers
        )


def in_mode(cosines: torch.Tensor, mode: str, scale: float) -> torch.Tensor:
    """Return cosines as they are, or as probabilities along rows or columns."""
    if mode == "cosine":
        return cosines
    return (scale * cosines).softmax(1 if mode == "row softmax" else 0)


def place(widget: ipywidgets.Widget, area: str) -> None:
    widget.layout.grid_area = area


def diagonal_accuracy(cosines: torch.Tensor) -> dict[str, float | None]:
    """Measure how often the true pair wins its column and its row.

    Its column is image to text, its row text to image; None without pairs.
    """
    if len(cosines) == 0 or cosines.shape[0] != cosines.shape[1]:
        return {"image_to_text": None, "text_to_image": None}
    own = torch.arange(len(cosines))
    return {
        "image_to_text": (cosines.argmax(0) == own).float().mean().item(),
        "text_to_image": (cosines.argmax(1) == own).float().mean().item(),
    }


def alike_together(rows: torch.Tensor) -> list[int]:
    """Order the rows of a matrix so that like ones are neighbours.

    The order is that of the leaves of a hierarchical clustering.
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    return leaves_list(linkage(rows.numpy(), "average", optimal_ordering=True)).tolist()


def default_texts(pictures, entries: Sequence[NamedPicture]) -> list[str]:
    """Write the pictures' names as texts, in a set's own first template if it has one."""
    template = (
        pictures.templates[0] if isinstance(pictures, PictureSet) and pictures.templates else "{}"
    )
    return [template.replace("{}", entry.name) for entry in entries]
