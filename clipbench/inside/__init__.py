"""Looking inside a CLIP: what single units answer, where attention goes, what a picture's parts are
worth to a text, and pictures that are steered towards a text.

Everything takes an ``Encoder`` made of this package's own ``CLIP``, of any size, and leaves it as
it was.
"""

from clipbench.inside.attention import attention_maps, on_grid, rollout
from clipbench.inside.occlusion import occlusion_maps, spread_over_pixels
from clipbench.inside.responses import listening, unit_layers, unit_responses
from clipbench.inside.steering import Steered, steer
from clipbench.inside.stimuli import concept_pictures, word_pictures
from clipbench.inside.units import UnitPairs, auc_by_class, strongest, unit_pairs

__all__ = [
    "Steered",
    "UnitPairs",
    "attention_maps",
    "auc_by_class",
    "concept_pictures",
    "listening",
    "occlusion_maps",
    "on_grid",
    "rollout",
    "spread_over_pixels",
    "steer",
    "strongest",
    "unit_layers",
    "unit_pairs",
    "unit_responses",
    "word_pictures",
]
