"""A row of buttons that switch prompt templates on and off; several together are an ensemble."""

from collections.abc import Callable, Sequence

import ipywidgets
import traitlets

MAX_CHIPS = 8  # templates beyond this have no button of their own; "all" includes them


class TemplateChips(ipywidgets.Box):
    """Chips for templates; ``active`` holds those that are on, in the order of ``templates``.

    With none on, the model reads the text as it is.
    """

    templates = traitlets.List(traitlets.Unicode())
    active = traitlets.List(traitlets.Unicode())

    def __init__(self, templates: Sequence[str] = ()):
        super().__init__()
        self.add_class("clipbench-row")
        self._build()
        self.templates = list(templates)

    @traitlets.validate("active")
    def _in_order(self, proposal):
        return [template for template in self.templates if template in proposal.value]

    @traitlets.observe("templates")
    def _build(self, _=None) -> None:
        plain = Chip("no template", lambda: not self.active, lambda on: [] if on else self.active)
        single = [self._single(template) for template in self.templates[:MAX_CHIPS]]
        every = Chip(
            f"all {len(self.templates)} (ensemble)",
            lambda: self.active == self.templates,
            lambda on: self.templates if on else self.templates[:1],
        )
        self.children = [plain, *single, *([every] if len(self.templates) > 1 else [])]
        for chip in self.children:
            chip.observe(self._on_chip, "value")
        self.active = list(self.active)  # without those that are no longer offered
        self._mark()

    def _single(self, template: str) -> "Chip":
        def switched(on: bool) -> list[str]:
            others = [active for active in self.active if active != template]
            return [*others, template] if on else others

        return Chip(template, lambda: template in self.active, switched)

    def _on_chip(self, change) -> None:
        chip = change.owner
        if change.new != chip.is_on():
            self.active = list(chip.switched(change.new))
            # also when nothing has changed: "no template" cannot be switched off by itself
            self._mark()

    @traitlets.observe("active")
    def _mark(self, _=None) -> None:
        for chip in self.children:
            chip.value = chip.is_on()
            chip.description = f"✓ {chip.label}" if chip.value else chip.label


class Chip(ipywidgets.ToggleButton):
    """One button of the row.

    Args:
        is_on: whether it should look pressed.
        switched: what becomes active when it is pressed or released.
    """

    def __init__(
        self, label: str, is_on: Callable[[], bool], switched: Callable[[bool], Sequence[str]]
    ):
        super().__init__(description=label, tooltip=label)
        self.label, self.is_on, self.switched = label, is_on, switched
        self.add_class("clipbench-chip")
