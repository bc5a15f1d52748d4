"""The first line of every app: its name, the model that answers, and tools."""

from collections.abc import Callable, Sequence

import ipywidgets

from clipbench_widgets.core import shipped_models
from clipbench_widgets.core.format import shortened
from clipbench_widgets.core.inputs import named

LONGEST = 90


class ModelSwitcher(ipywidgets.Dropdown):
    """A choice of models by names that say what each has seen.

    Args:
        choose: called with the name of the model that a person chooses.
    """

    def __init__(self, choose: Callable[[str], None]):
        super().__init__()
        self._choose, self._shows = choose, ""
        named(self, "Model").add_class("clipbench-switcher")
        self.observe(self._chosen, "value")
        self.offer((), "")

    def offer(self, names: Sequence[str], chosen: str) -> None:
        """Offer these models, one of which answers now; none hides the choice."""
        self._shows = chosen
        names = list(dict.fromkeys([*([chosen] if chosen else []), *names]))
        known = [name for name in shipped_models.joint_models() if name in names]
        names = [*(name for name in names if name not in known), *known]
        options = [(shortened(shipped_models.in_words(name), LONGEST), name) for name in names]
        if tuple(options) != self._options_full:
            self.options = options
        if names:
            self.value = chosen
        self.layout.display = None if names else "none"

    def _chosen(self, change) -> None:
        if change.new is not None and change.new != self._shows:
            self._choose(change.new)
