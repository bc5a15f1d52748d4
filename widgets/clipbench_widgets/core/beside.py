"""A second model beside an app's own: the same pictures and texts, two answers."""

import ipywidgets
import traitlets

from clipbench import Encoder
from clipbench_widgets.core import shipped_models
from clipbench_widgets.core.format import shortened
from clipbench_widgets.core.header import LONGEST
from clipbench_widgets.core.inputs import named
from clipbench_widgets.core.remembered_features import RememberedFeatures

ALONE = ""


class BesideBox(ipywidgets.Dropdown):
    """A choice of the second model, by names that say what each has seen."""

    def __init__(self):
        names = shipped_models.joint_models()
        shown = [f"+ {shortened(shipped_models.in_words(name), LONGEST)}" for name in names]
        super().__init__(options=[("one model", ALONE), *zip(shown, names, strict=True)])
        named(self, "Second model").add_class("clipbench-switcher").add_class("clipbench-beside")


class TwoModels(traitlets.HasTraits):
    """What an app is that can show a shipped model's answers beside those of its own."""

    beside = traitlets.Unicode(ALONE)  # the second model's name
    _known: RememberedFeatures | None = None  # its features

    def _header_parts(self) -> list[ipywidgets.Widget]:
        """Put the choice of the second model into the app's first line."""
        box = BesideBox()
        traitlets.link((self, "beside"), (box, "value"))
        return [box]

    def _second(self) -> Encoder | None:
        """Return the second model; None where there is none."""
        return shipped_models.opened(self.beside) if self.beside else None

    def _second_features(self) -> RememberedFeatures | None:
        """Return what the second model makes of texts and pictures, kept while it is chosen."""
        second = self._second()
        if second is None or self._known is None or self._known.encoder is not second:
            self._known = None if second is None else RememberedFeatures(second)
        return self._known

    @traitlets.validate("beside")
    def _shipped_or_none(self, proposal):
        return proposal.value if proposal.value in shipped_models.joint_models() else ALONE
