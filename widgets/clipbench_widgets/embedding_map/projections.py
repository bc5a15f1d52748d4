"""Where a map's points lie: on the plane of PCA, on a UMAP, or where they were put."""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from clipbench.evaluate.maps import Plane, principal_plane, trustworthiness
from clipbench_widgets.embedding_map.points import MapPoints

PROJECTIONS = ("PCA", "UMAP", "given")
SHOWN = ("pictures and texts", "pictures", "texts")
SHIFTS = (-0.25, 1.0)  # shares of the difference of the means; at 0.5 the means meet
NEIGHBOURS = 15  # for UMAP and trustworthiness
MEASURED = 250  # points at which trustworthiness is measured: enough for its second digit


@dataclass(frozen=True)
class What:
    """What is to be shown."""

    projection: str
    shown: str
    shift: float

    @property
    def of_umap(self) -> tuple[str, float]:
        """What a UMAP depends on."""
        return self.shown, round(self.shift, 3)


class Projections:
    """Points of a map, each computed once."""

    def __init__(self, data: MapPoints):
        self.data = data
        self.umaps: dict[tuple[str, float], Tensor] = {}
        self._planes: dict[str, Plane] = {}
        self._reaches: dict[str, np.ndarray] = {}
        self._trusts: dict[What, float | None] = {}

    def missing(self, what: What) -> bool:
        """Say whether this is a UMAP that has not been computed; PCA is shown until then."""
        return what.projection == "UMAP" and what.of_umap not in self.umaps

    def seen(self, what: What) -> str:
        return "PCA" if self.missing(what) else what.projection

    @property
    def given(self) -> Tensor:
        assert self.data.given is not None  # else "given" is not offered
        return self.data.given

    def rows(self, what: What) -> np.ndarray:
        """List the rows that are shown."""
        pictures, everything = self.data.pictures, len(self.data)
        first = pictures if what.shown == "texts" else 0
        last = pictures if what.shown == "pictures" else everything
        if what.projection == "given":
            last = min(last, len(self.given))
        return np.arange(first, max(first, last))

    def plane(self, what: What) -> Plane:
        """Compute the plane of the features as they are: the shift moves points, not the axes."""
        if what.shown not in self._planes:
            rows = self.rows(What("PCA", what.shown, 0.0))
            self._planes[what.shown] = principal_plane(self.data.features[rows])
        return self._planes[what.shown]

    def points(self, what: What, shown: Tensor) -> Tensor:
        """Compute the points (N, 2) of the rows with the features ``shown`` (N, D)."""
        seen = self.seen(what)
        if seen == "UMAP":
            return self.umaps[what.of_umap]
        if seen == "given":
            return self.given[self.rows(what)]
        return self.plane(what).project(shown) if len(shown) else torch.zeros(0, 2)

    def reach(self, what: What) -> np.ndarray | None:
        """Give what must fit into the frame, if that is more than the points.

        On the plane of PCA, it is what the shift moves far out.
        """
        rows = self.rows(what)
        if self.seen(what) != "PCA" or not len(rows):
            return None
        if what.shown not in self._reaches:
            features = torch.cat([self.data.moved(share)[rows] for share in (0.0, SHIFTS[0])])
            self._reaches[what.shown] = self.plane(what).project(features).numpy()
        return self._reaches[what.shown]

    def axes(self, what: What) -> tuple[str, str]:
        seen = self.seen(what)
        if seen != "PCA":
            return f"{seen} 1", f"{seen} 2"
        first, second = self.plane(what).variance.tolist()
        return f"first direction ({first:.0%} of the variance)", f"second direction ({second:.0%})"

    def trust(self, what: What, shown: Tensor, points: Tensor) -> float | None:
        """Measure trustworthiness at some points, spread evenly, among all; None for too few."""
        what, count = replace(what, projection=self.seen(what)), len(shown)
        if count <= 2 * NEIGHBOURS:
            return None
        if what not in self._trusts:
            rows = torch.arange(min(count, MEASURED)) * count // min(count, MEASURED)
            self._trusts[what] = trustworthiness(shown, points, NEIGHBOURS, rows)
        return self._trusts[what]
