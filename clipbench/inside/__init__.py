"""Looking inside a CLIP: units, features, attention, occlusion and steering.

It shows what single units respond to, features of sparse autoencoders, where attention goes, what a
picture's parts are worth to a text, and pictures that are steered towards a text.

Everything takes an ``Encoder`` made of this package's own ``CLIP``, of any size, and leaves it as
it was; autoencoders of the joint space take any encoder.
"""

from clipbench.inside.acting import acting, turned_off, turned_up
from clipbench.inside.attention import attention_maps, on_grid, rollout
from clipbench.inside.graded_scenes import graded_scenes
from clipbench.inside.grades import grade
from clipbench.inside.heads import contributions, in_words, lens
from clipbench.inside.occlusion import occlusion_maps, part_of_picture, spread_over_pixels
from clipbench.inside.responses import listening, unit_layers, unit_responses
from clipbench.inside.sparse_autoencoder import (
    Recipe,
    SparseAutoencoder,
    load_autoencoder,
    save_autoencoder,
    train_autoencoder,
)
from clipbench.inside.steering import Steered, steer
from clipbench.inside.stimuli import concept_pictures, word_pictures
from clipbench.inside.units import UnitPairs, auc_by_class, strongest, unit_pairs

__all__ = [
    "Recipe",
    "SparseAutoencoder",
    "Steered",
    "UnitPairs",
    "acting",
    "attention_maps",
    "auc_by_class",
    "concept_pictures",
    "contributions",
    "grade",
    "graded_scenes",
    "in_words",
    "lens",
    "listening",
    "load_autoencoder",
    "occlusion_maps",
    "on_grid",
    "part_of_picture",
    "rollout",
    "save_autoencoder",
    "spread_over_pixels",
    "steer",
    "strongest",
    "train_autoencoder",
    "turned_off",
    "turned_up",
    "unit_layers",
    "unit_pairs",
    "unit_responses",
    "word_pictures",
]
