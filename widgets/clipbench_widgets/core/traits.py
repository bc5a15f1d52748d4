"""Kinds of traits that several apps have: each makes what it is given usable, or refuses it."""

import math

import traitlets

from clipbench.evaluate.features.prompts import fill_templates
from clipbench_widgets.core.inputs import SCALE_FACTORS
from clipbench_widgets.core.scoring import MAX_CHARACTERS, MAX_PROMPTS, read_prompts


class Clipped(traitlets.Float):
    """A number in a range; what lies outside becomes the nearest end, and NaN is refused."""

    def __init__(self, default: float, ends: tuple[float, float]):
        super().__init__(default)
        self.ends = ends

    def validate(self, obj, value):
        value = super().validate(obj, value)
        if math.isnan(value):
            raise traitlets.TraitError(f"{self.name}: not a number")
        return min(max(value, self.ends[0]), self.ends[1])


class HasScale(traitlets.HasTraits):
    """What an app is that multiplies the model's own scale."""

    # a multiplier of the model's own scale, as in figure 3 of CLIP's paper: more of it is sharper
    scale_factor = Clipped(1.0, SCALE_FACTORS)
    # its former name, kept for notebooks; CLIP's temperature is tau = 1 / scale
    temperature = Clipped(1.0, SCALE_FACTORS)

    @traitlets.observe("scale_factor", "temperature")
    def _keep_both_names(self, change) -> None:
        self.scale_factor = self.temperature = change.new


class Lines(traitlets.List):
    """Texts as `read_prompts` reads them: trimmed, none empty, none twice."""

    def __init__(self, most: int = MAX_PROMPTS):
        super().__init__(traitlets.Unicode())
        self.most = most

    def validate(self, obj, value):
        return read_prompts("\n".join(super().validate(obj, value) or ()))[: self.most]


class Templates(traitlets.List):
    """Prompt templates, none twice, each with {} where the text goes."""

    def __init__(self):
        super().__init__(traitlets.Unicode())

    def validate(self, obj, value):
        value = super().validate(obj, value)
        if value:
            fill_templates(["x"], value)  # raises for one without {}
        return list(dict.fromkeys(value))


class Query(traitlets.Unicode):
    """A text that a model is asked for, cut where no model reads any further."""

    def validate(self, obj, value):
        return super().validate(obj, value)[:MAX_CHARACTERS]
