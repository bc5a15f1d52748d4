"""A small autoencoder of the small model's joint space, and how few scenes tests look at."""

import torch
from small import small_encoder

from clipbench.inside.graded_scenes import graded_scenes
from clipbench.inside.sparse_autoencoder import SparseAutoencoder, layer_outputs

FEW_SCENES = {"scenes": 90, "judged": 60}


def untrained_autoencoder() -> SparseAutoencoder:
    """Look along 48 random directions around the mean of some scenes; most are active somewhere."""
    scenes = graded_scenes("search", 40).pictures
    rows = torch.cat(list(layer_outputs(small_encoder(), scenes, progress=False)))[:, 0]
    return SparseAutoencoder(16, 48, 4).start(rows).requires_grad_(False)


AUTOENCODER = untrained_autoencoder()
