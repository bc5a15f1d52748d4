"""Tip-Adapter (Zhang et al. 2022): few-shot pictures as a cache beside the zero-shot classifier.

The cache has keys and values:

    logits = scale * f W + alpha * exp(-beta (1 - f K^T)) L

f are unit vectors of pictures, W the zero-shot weights, K the training pictures' unit vectors
(keys) and L their labels as one-hot rows (values). Nothing is trained; alpha and beta are chosen on
validation rows. With ``tuned`` the keys are trained (the paper's Tip-Adapter-F).
"""

from collections.abc import Callable
from itertools import product

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from clipbench.evaluate.probes.linear_probe import Rows

ALPHAS = (0.0, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0)  # 0 is zero-shot itself
BETAS = (1.0, 2.0, 5.5, 10.0, 20.0, 50.0)
STEPS, LEARNING_RATE = 60, 1e-3


def cache_logits(
    features: Float[Tensor, "M D"],
    keys: Float[Tensor, "N D"],
    values: Float[Tensor, "N C"],
    beta: float,
) -> Float[Tensor, "M C"]:
    return (-beta * (1 - features @ keys.T)).exp() @ values


def tip_adapter_scorer(
    pool: Rows, test: Rows, weights: Float[Tensor, "D C"], scale: float, tuned: bool = False
) -> Callable[[Tensor, Tensor], float]:
    """Make a ``score`` for ``few_shot_curve``.

    Features are projected unit vectors; ties go to the smaller alpha.
    """

    def score(train: Tensor, validation: Tensor) -> float:
        keys, values = pool[train].features, F.one_hot(pool[train].labels, weights.shape[1]).float()
        if tuned:
            keys = tune_keys(keys, values, pool[train], weights, scale)
        alpha, beta = choose(pool[validation], keys, values, weights, scale)
        return accuracy(
            test,
            scale * test.features @ weights
            + alpha * cache_logits(test.features, keys, values, beta),
        )

    return score


def choose(
    validation: Rows, keys: Tensor, values: Tensor, weights: Tensor, scale: float
) -> tuple[float, float]:
    """Choose the (alpha, beta) of the grid with the best validation accuracy."""
    zero_shot = scale * validation.features @ weights
    caches = {beta: cache_logits(validation.features, keys, values, beta) for beta in BETAS}
    return max(
        product(ALPHAS, BETAS),
        key=lambda pair: accuracy(validation, zero_shot + pair[0] * caches[pair[1]]),
    )


def tune_keys(keys: Tensor, values: Tensor, train: Rows, weights: Tensor, scale: float) -> Tensor:
    """Tune the keys by some steps of AdamW on the cross-entropy of the training rows.

    At alpha = 1 and beta = 5.5.
    """
    keys = keys.clone().requires_grad_()
    optimizer = torch.optim.AdamW([keys], lr=LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    with torch.enable_grad():
        for _ in range(STEPS):
            logits = scale * train.features @ weights + cache_logits(
                train.features, keys, values, 5.5
            )
            optimizer.zero_grad()
            F.cross_entropy(logits, train.labels).backward()
            optimizer.step()
            schedule.step()
    return keys.detach()


def accuracy(rows: Rows, logits: Float[Tensor, "M C"]) -> float:
    return float((logits.argmax(1) == rows.labels).double().mean())
