"""The names of a map's colours, as buttons."""

from collections.abc import Sequence

import ipywidgets
import traitlets

from clipbench.figures.canvas import KINDS
from clipbench.figures.maps import OTHERS
from clipbench_widgets.core.format import shortened
from clipbench_widgets.core.inputs import button
from clipbench_widgets.embedding_map.points import TEXTS


class Keys(ipywidgets.Box):
    """A button for each kind of points, with its colour; pressed, that kind stands out."""

    children: Sequence["ipywidgets.Button"]  # of ipywidgets.Box
    only = traitlets.Unicode("")  # the pressed one's kind, "" for none

    def __init__(self):
        self._own: set[str] = set()  # kinds with a colour of their own
        super().__init__()
        self.add_class("clipbench-keys")

    def offer(self, names: Sequence[str], kinds: Sequence[str]) -> None:
        """Show buttons for the named kinds and for the rest of all kinds.

        The named ones are in the order of their colours.
        """
        self._own = set(names)
        rest = set(kinds) - self._own
        keys = [(name, place) for place, name in enumerate(names)]
        keys += [(TEXTS, len(KINDS))] if TEXTS in rest else []
        keys += [(OTHERS, len(KINDS))] if rest - {TEXTS} else []
        if keys != [(key.kind, key.place) for key in self.children]:
            self.children = [self._key(*key) for key in keys]
        self._mark()

    def stands_for(self, key: str, kind: str) -> bool:
        """Say whether points of a kind belong to a button."""
        return kind == key or (key == OTHERS and kind not in self._own and kind != TEXTS)

    def _key(self, kind: str, place: int) -> ipywidgets.Button:
        key = button("", "", lambda: self.set_trait("only", "" if self.only == kind else kind))
        key.kind, key.place = kind, place
        return key.add_class("clipbench-key").add_class(
            f"clipbench-key-{'text' if kind == TEXTS else place}"
        )

    @traitlets.observe("only")
    def _mark(self, _=None) -> None:
        for key in self.children:
            on, name = key.kind == self.only, shortened(key.kind, 34)
            key.description = f"✓ {name}" if on else name
            key.tooltip = "Show all kinds alike again" if on else f"Let {name} stand out"
            (key.add_class if on else key.remove_class)("mod-active")
