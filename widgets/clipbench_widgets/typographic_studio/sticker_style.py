"""How a sticker looks and where it lies, as controls and as traits."""

from collections.abc import Callable

import ipywidgets
import traitlets

from clipbench import UserError
from clipbench.data.alter.sticker import Sticker, rgb
from clipbench_widgets.typographic_studio import fonts

# the traits of a StickerLook
LOOKS = ("font", "height", "position", "angle", "opacity", "text_color", "paper_color")
SIZES, ANGLES = (4, 60), (-90, 90)  # per cent of the picture's side; degrees


class StickerLook(ipywidgets.VBox):
    """Font, size, angle, opacity, place, and two colours of a sticker.

    ``sticker(word)`` prints a word that way.
    """

    # a name of clipbench_widgets.typographic_studio.fonts, never a file
    font = traitlets.Unicode(fonts.DEFAULT)
    height = traitlets.Float(0.28)  # as a fraction of the picture's side
    # of the centre
    position = traitlets.Tuple(traitlets.Float(), traitlets.Float(), default_value=(0.5, 0.5))
    angle = traitlets.Float(0.0)  # degrees, counter-clockwise
    opacity = traitlets.Float(1.0)
    text_color = traitlets.Unicode("#14141a")
    paper_color = traitlets.Unicode("#fcfcfa", allow_none=True)  # None: letters only

    def __init__(self):
        self._sliders: list[tuple[ipywidgets.IntSlider, Callable[[], int]]] = []
        self._font = ipywidgets.Dropdown(
            options=list(fonts.font_files()), value=self.font, description="Font"
        )
        self._text = ipywidgets.ColorPicker(value=self.text_color, description="Letters")
        self._paper = ipywidgets.ColorPicker(value=self.paper_color, description="Paper")
        self._with_paper = ipywidgets.ToggleButton(
            tooltip="A piece of paper behind the word, or letters only"
        )
        colours = ipywidgets.VBox([self._text, self._paper]).add_class("clipbench-colours")
        super().__init__(
            [
                self._font,
                self._slider("Size", "%", SIZES, "height", 100),
                self._slider("Angle", "°", ANGLES, "angle", 1),
                self._slider("Opacity", "%", (0, 100), "opacity", 100),
                self._place_slider("Across", 0),
                self._place_slider("Down", 1),
                colours,
                self._with_paper,
            ]
        )
        self.add_class("clipbench-sliders")
        traitlets.link((self, "font"), (self._font, "value"))
        self._text.observe(self._on_text_color, "value")
        self._paper.observe(self._on_paper, "value")
        self._with_paper.observe(self._on_paper, "value")
        self.observe(
            self._show, ["height", "position", "angle", "opacity", "text_color", "paper_color"]
        )
        self._show()

    def sticker(self, word: str) -> Sticker:
        """Make a sticker with a word that looks this way.

        Raises:
            UserError: for a word that cannot be printed.
        """
        return Sticker(
            word,
            self.height,
            self.position,
            self.text_color,
            self.paper_color,
            self.angle,
            self.opacity,
            fonts.font_file(self.font),
        )

    # -------------------- sliders and traits

    def _slider(
        self, name: str, unit: str, ends: tuple[int, int], trait: str, factor: int
    ) -> ipywidgets.IntSlider:
        return self._followed(
            f"{name} {unit}",
            ends,
            lambda: round(factor * getattr(self, trait)),
            lambda value: self.set_trait(trait, value / factor),
        )

    def _place_slider(self, name: str, axis: int) -> ipywidgets.IntSlider:
        def write(value: int) -> None:
            self.position = tuple(
                value / 100 if axis == i else at for i, at in enumerate(self.position)
            )

        return self._followed(
            f"{name} %", (0, 100), lambda: round(100 * self.position[axis]), write
        )

    def _followed(
        self,
        label: str,
        ends: tuple[int, int],
        read: Callable[[], int],
        write: Callable[[int], None],
    ):
        """Make a slider that moves with a trait.

        One moved by the trait, and so rounded, does not write it back.
        """
        slider = ipywidgets.IntSlider(read(), *ends, description=label)
        slider.observe(lambda change: None if change.new == read() else write(change.new), "value")
        self._sliders.append((slider, read))
        return slider

    def _on_text_color(self, change) -> None:
        try:
            self.text_color = change.new
        except traitlets.TraitError:  # a colour that browsers know and pictures do not
            self._show()

    def _on_paper(self, _) -> None:
        try:
            self.paper_color = self._paper.value if self._with_paper.value else None
        except traitlets.TraitError:
            self._show()

    def _show(self, _=None) -> None:
        for slider, read in self._sliders:
            slider.value = read()
        self._text.value = self.text_color
        if self.paper_color is not None:
            self._paper.value = self.paper_color
        self._paper.disabled = self.paper_color is None
        self._with_paper.value = self.paper_color is not None
        self._with_paper.description = (
            "✓ paper behind the word" if self._with_paper.value else "paper behind the word"
        )

    # -------------------- what is usable

    @traitlets.validate("height", "angle", "opacity")
    def _in_range(self, proposal):
        ends = {"height": [side / 100 for side in SIZES], "angle": ANGLES, "opacity": (0.0, 1.0)}
        low, high = ends[proposal.trait.name]
        return within(proposal.value, low, high, proposal.trait.name)

    @traitlets.validate("position")
    def _on_the_picture(self, proposal):
        return tuple(within(at, 0.0, 1.0, "position") for at in proposal.value)

    @traitlets.validate("font")
    def _known_font(self, proposal):
        try:
            fonts.font_file(proposal.value)
        except UserError as error:
            raise traitlets.TraitError(str(error)) from None
        return proposal.value

    @traitlets.validate("text_color", "paper_color")
    def _colour(self, proposal):
        try:
            rgb(proposal.value or "white")
        except UserError as error:
            raise traitlets.TraitError(str(error)) from None
        return proposal.value


def within(value: float, low: float, high: float, name: str) -> float:
    """Return the nearest value of a range."""
    if value != value:
        raise traitlets.TraitError(f"{name}: not a number")
    return float(min(max(value, low), high))
