"""Clusters of features, and how well they agree with known groups."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.errors import UserError


def k_means(
    points: Float[Tensor, "M D"], clusters: int, seed: int = 0, steps: int = 100
) -> Int[Tensor, " M"]:
    """Assign every point to one of so many clusters (Lloyd 1982, started by k-means++).

    A cluster that loses all its points keeps its centre.

    Args:
        steps: at most; it ends earlier where no point changes its cluster.

    Raises:
        UserError: for fewer points than clusters, or no cluster.
    """
    if not 1 <= clusters <= len(points):
        raise UserError(f"{len(points)} points cannot form {clusters} clusters")
    centres = spread_centres(points, clusters, torch.Generator().manual_seed(seed))
    assigned = torch.cdist(points, centres).argmin(1)
    for _ in range(steps):
        counts = assigned.bincount(minlength=clusters)[:, None]
        sums = torch.zeros_like(centres).index_add_(0, assigned, points)
        centres = torch.where(counts > 0, sums / counts.clamp(min=1), centres)
        before, assigned = assigned, torch.cdist(points, centres).argmin(1)
        if torch.equal(before, assigned):
            break
    return assigned


def spread_centres(points: Tensor, clusters: int, generator: torch.Generator) -> Tensor:
    """Draw centres by k-means++ (Arthur & Vassilvitskii 2007).

    Each next one is a point, with a chance as its squared distance to the nearest centre so far.
    """
    first = int(torch.randint(len(points), (1,), generator=generator))
    chosen, distances = [first], (points - points[first]).square().sum(1)
    while len(chosen) < clusters:
        weights = distances if bool(distances.sum() > 0) else torch.ones_like(distances)
        chosen.append(int(torch.multinomial(weights, 1, generator=generator)))
        distances = distances.minimum((points - points[chosen[-1]]).square().sum(1))
    return points[chosen].clone()


def adjusted_rand_index(found: Int[Tensor, " M"], truth: Int[Tensor, " M"]) -> float:
    """Compute how well clusters agree with groups, corrected for chance (Hubert & Arabie 1985).

    It counts pairs of points that are together in both. 1 is perfect agreement, 0 what chance
    gives. (Mutual information, which is more often quoted, is large by chance alone where there are
    many small clusters.)

    Raises:
        UserError: for labels of fewer than two points.
    """
    from sklearn.metrics import adjusted_rand_score

    if len(found) < 2:
        raise UserError(f"{len(found)} labels have no pairs that could agree; give two at least")
    return float(adjusted_rand_score(truth.tolist(), found.tolist()))
