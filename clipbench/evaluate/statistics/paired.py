"""Whether two classifiers differ on the same pictures.

McNemar's exact test, and a bootstrap interval.
"""

from collections.abc import Iterable

import numpy as np


def paired_test(
    first: Iterable[bool],
    second: Iterable[bool],
    samples: int = 10_000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, float]:
    """Compare two classifiers picture by picture.

    Args:
        first, second: whether each was right, of the same M pictures in the same order.
        samples: of the bootstrap.

    Returns:
        ``pictures``; ``only_first`` and ``only_second``, pictures on which one alone was right;
        ``difference`` of the accuracies, second less first, with ``difference_low`` and
        ``difference_high``, the bootstrap's percentiles over pictures; ``p``, McNemar's exact
        two-sided test that both are equally likely to be the one that is right.
    """
    first, second = (np.asarray(list(each), dtype=bool) for each in (first, second))
    losses, wins, n = int((first & ~second).sum()), int((second & ~first).sum()), len(first)
    low, high = bootstrap_interval(losses, wins, n, samples, level, seed)
    return {
        "pictures": n,
        "only_first": losses,
        "only_second": wins,
        "difference": (wins - losses) / n,
        "difference_low": low,
        "difference_high": high,
        "p": mcnemar_exact(losses, wins),
    }


def mcnemar_exact(losses: int, wins: int) -> float:
    """Compute the p-value of the exact test of McNemar (1947).

    It is twice the smaller tail of a fair coin thrown losses + wins times, at most 1.
    """
    from scipy.stats import binomtest

    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def bootstrap_interval(
    losses: int, wins: int, n: int, samples: int, level: float, seed: int
) -> tuple[float, float]:
    """Compute percentiles of the difference when n pictures are drawn again.

    Each resample is a multinomial draw of three kinds.
    """
    shares = np.array([losses, wins, n - losses - wins]) / n
    drawn = np.random.default_rng(seed).multinomial(n, shares, size=samples)
    tail = (1 - level) / 2
    low, high = np.quantile((drawn[:, 1] - drawn[:, 0]) / n, [tail, 1 - tail])
    return float(low), float(high)
