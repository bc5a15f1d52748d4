"""Features of many dimensions as points of a plane, and how far such a map can be trusted."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from clipbench.errors import UserError, missing_package

EQUAL = 1e-6  # of the largest number: a spread below it is rounding
BLOCK = 256  # rows at a time whose distances to all others are held in memory


class Cancelled(Exception):
    """A computation that was given up because its caller asked for it."""


# -------------------- PCA


@dataclass(frozen=True)
class Plane:
    """The plane through the mean of some features in which they vary most."""

    mean: Float[Tensor, " D"]
    directions: Float[Tensor, "2 D"]  # orthonormal, the one with more variance first
    variance: Float[Tensor, "2"]  # shares of the total, as fractions

    def project(self, features: Float[Tensor, "M D"]) -> Float[Tensor, "M 2"]:
        """Project features onto the plane, also those that it was not made from."""
        return (features - self.mean) @ self.directions.T


def principal_plane(features: Float[Tensor, "M D"]) -> Plane:
    """Compute the first two principal components (Pearson 1901), by singular value decomposition.

    In each direction the entry with the largest magnitude is positive, as in scikit-learn, so that
    the same features give the same map. Directions without variance, as of a single row, are still
    orthonormal.

    Raises:
        UserError: for no rows, fewer than two dimensions, or numbers that are not finite.
    """
    check_finite(features)
    if features.shape[1] < 2:
        raise UserError("a map needs features of at least 2 dimensions")
    mean = features.mean(0)
    centred = features - mean
    _, sizes, directions = torch.linalg.svd(centred, full_matrices=len(features) < 2)
    directions = directions[:2]
    largest = directions.abs().argmax(1, keepdim=True)
    directions = directions * directions.gather(1, largest).sign()
    power = torch.zeros(2, dtype=features.dtype)
    power[: len(sizes)] = sizes[:2].square()
    return Plane(mean, directions, power / sizes.square().sum().clamp(min=1e-30))


# -------------------- UMAP


def umap_map(
    features: Float[Tensor, "M D"],
    seed: int = 0,
    neighbours: int = 15,
    min_distance: float = 0.1,
    start: Literal["plane", "random"] = "plane",
    report: Callable[[float], None] = lambda share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Float[Tensor, "M 2"]:
    """Make a UMAP (McInnes et al. 2018) by cosine distance.

    Started from the principal plane, it keeps far clusters where PCA shows them; from random places
    it does not (Kobak and Linderman 2021). The same features, seed, start and installation give the
    same map. The first call in a process compiles for up to a minute.

    Args:
        start: where the points are put first.
        report: is called with the share that is done, from 0 to 1.
        cancelled: is asked now and then; when it says yes, ``Cancelled`` is raised.

    Raises:
        UserError: without umap-learn, for fewer than four rows, numbers that are not finite, or
            rows that are all equal.
        Cancelled: see ``cancelled``.
    """
    check_finite(features)
    if len(features) < 4:
        raise UserError(f"UMAP needs at least 4 points, not {len(features)}; use PCA")
    plane = principal_plane(features).project(features)
    if plane.abs().max() <= EQUAL * features.abs().max():
        raise UserError(
            "all points are equal: the model gives the same features to everything, so there is "
            "nothing to map"
        )
    umap = imported_umap()
    if cancelled():
        raise Cancelled
    plane = 10 * plane / plane.abs().max().clamp(min=1e-12)
    layout = umap.UMAP(
        n_neighbors=min(neighbours, len(features) - 1),
        min_dist=min_distance,
        metric="cosine",
        init=plane.numpy() if start == "plane" else "random",
        random_state=seed,
        n_jobs=1,  # several threads would make it irreproducible
        tqdm_kwds={
            "disable": False,
            "file": ProgressReader(report, cancelled),
            "mininterval": 0.1,
            "bar_format": "{n}/{total}",
            "desc": "",
        },
    )
    points = torch.from_numpy(layout.fit_transform(features.numpy())).float()
    if not torch.isfinite(points).all():
        raise UserError("UMAP finds no map of these points, most of which are equal; use PCA")
    return points


def imported_umap():
    try:
        import umap
    except ImportError:
        raise missing_package("UMAP", "umap-learn", "maps") from None
    from tqdm.std import tqdm

    umap.layouts.tqdm = tqdm  # in a notebook it would be tqdm's widget, which takes no file
    return umap


class ProgressReader:
    """A file into which tqdm writes ``3/500``.

    umap-learn offers no other way to watch it or to stop it.
    """

    def __init__(self, report: Callable[[float], None], cancelled: Callable[[], bool]):
        self.report, self.cancelled = report, cancelled

    def write(self, text: str) -> None:
        if self.cancelled():
            raise Cancelled
        done, slash, total = text.strip().partition("/")
        if slash and done.isdecimal() and total.isdecimal() and int(total):
            self.report(int(done) / int(total))

    def flush(self) -> None:
        pass


# -------------------- quality


def trustworthiness(
    features: Float[Tensor, "M D"],
    points: Float[Tensor, "M 2"],
    neighbours: int = 15,
    rows: Int[Tensor, " Q"] | None = None,
) -> float:
    """Measure how far neighbours on the map are neighbours in the full space.

    Trustworthiness (Venna and Kaski 2001).

    1 if all are, about 0.5 for a random map. The same number as scikit-learn's, but in blocks:
    5,000 points need a few megabytes and not 600. On unit vectors, neighbours by distance are those
    by cosine.

    Args:
        neighbours: k, on the map.
        rows: measure only the neighbours of these points, among all; by default, of all.

    Raises:
        UserError: unless there are more than twice as many points as neighbours.
    """
    count = len(features)
    if not 0 < neighbours < count / 2:
        raise UserError(f"trustworthiness needs more than {2 * neighbours} points, not {count}")
    rows = torch.arange(count) if rows is None else rows
    misplaced = sum(too_far(features, points, neighbours, block) for block in rows.split(BLOCK))
    return 1 - 2 * misplaced / (len(rows) * neighbours * (2 * count - 3 * neighbours - 1))


def too_far(features: Tensor, points: Tensor, neighbours: int, rows: Tensor) -> int:
    """Sum by how many ranks map neighbours of ``rows`` lie beyond the k-th in the full space."""
    far, near = distances(features, rows), distances(points, rows)
    on_map = far.gather(1, near.topk(neighbours, largest=False).indices).sort(1).values
    # every point falls into one of the intervals between a row's map neighbours; all before them
    # are closer
    interval = torch.searchsorted(on_map, far, right=True)
    interval += (neighbours + 1) * torch.arange(len(rows))[:, None]
    counts = interval.flatten().bincount(minlength=len(rows) * (neighbours + 1)).view(len(rows), -1)
    closer = counts.cumsum(1)[:, :neighbours]
    return int((closer + 1 - neighbours).clamp(min=0).sum())


def distances(features: Tensor, rows: Tensor) -> Tensor:
    """Compute squared distances from some rows to all (Q, M), infinity from a row to itself."""
    chosen = features[rows]
    squares = features.square().sum(1)
    result = squares[rows, None] + squares - 2 * chosen @ features.T
    result[torch.arange(len(rows)), rows] = torch.inf
    return result


def check_finite(features: Tensor) -> None:
    if not len(features):
        raise UserError("there is nothing to map: no features")
    if not torch.isfinite(features).all():
        raise UserError("some of the features are not finite numbers")
