"""One picture's vector with features turned up or down, beside random features moved as far."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from clipbench_widgets.feature_microscope.dictionary import Dictionary

CONTROLS = 20  # random draws, of which the first is shown


@dataclass(frozen=True)
class Turned:
    """The vector (D,) as it is, turned, and the controls' (CONTROLS, D); all of unit length."""

    before: Tensor
    after: Tensor
    controls: Tensor
    moved: bool  # whether anything has changed


def turned(
    dictionary: Dictionary, vector: Tensor, features: Sequence[int], amount: float, seed: int = 0
) -> Turned:
    """Turn features of a vector, each by so many times its usual strength; none falls below zero.

    What the autoencoder does not explain stays as it is. A control takes as many random features
    and moves the vector along each as far as along the one that it stands for.
    """
    ours, chosen = dictionary.autoencoder, torch.tensor(list(features))
    activity = ours.encode(vector)[chosen]
    steps = (activity + amount * dictionary.usual[chosen]).clamp(min=0) - activity
    after = vector + steps @ ours.decoder[chosen] * ours.scale
    drawn = random_features(dictionary, features, seed)
    controls = vector + torch.einsum("n,cnd->cd", steps, ours.decoder[drawn]) * ours.scale
    return Turned(
        vector, F.normalize(after, dim=0), F.normalize(controls, dim=1), bool(steps.any())
    )


def random_features(dictionary: Dictionary, features: Sequence[int], seed: int) -> Tensor:
    """Draw as many other features that are not dead, CONTROLS times.

    Where too few others are left, some are drawn twice.
    """
    generator = torch.Generator().manual_seed(seed)
    others = torch.tensor(sorted(set(dictionary.alive) - set(features)) or list(features))
    enough = others.repeat(-(-len(features) // len(others)))
    draws = [torch.randperm(len(enough), generator=generator) for _ in range(CONTROLS)]
    return torch.stack([enough[draw[: len(features)]] for draw in draws])
