"""A map's points in their frame: which part is seen, and which points are where."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

# the whole map in the picture's own units; as many steps as a sharp screen shows
WIDTH, HEIGHT = 4000, 3000
MARGIN = 0.04  # of the frame, on each side
REACH = 0.025  # of the seen width: how far from a point the pointer may be
SMALLEST_VIEW = 0.02  # of the whole width
DIRECTIONS = {"ArrowLeft": (-1, 0), "ArrowRight": (1, 0), "ArrowUp": (0, -1), "ArrowDown": (0, 1)}

Place = tuple[float, float]  # fractions of the seen width and height, from the left and the top


@dataclass(frozen=True)
class View:
    """The part of the frame that is seen: its left, top and width; always of the frame's shape."""

    left: float = 0.0
    top: float = 0.0
    width: float = WIDTH

    @property
    def height(self) -> float:
        return self.width * HEIGHT / WIDTH

    def to_frame(self, places: Sequence[Place]) -> np.ndarray:
        """Convert fractions of what is seen to units of the frame: (P, 2)."""
        return np.array([self.left, self.top]) + np.array(places, float).reshape(-1, 2) * [
            self.width,
            self.height,
        ]

    def to_place(self, points: np.ndarray) -> np.ndarray:
        """Convert units of the frame to fractions of what is seen: (P, 2)."""
        return (np.asarray(points) - [self.left, self.top]) / [self.width, self.height]

    def zoomed(self, at: Place, factor: float) -> "View":
        """Zoom in or out, the place under the pointer kept; never beyond the frame."""
        width = min(max(self.width * factor, SMALLEST_VIEW * WIDTH), WIDTH)
        x, y = self.to_frame([at])[0]
        height = width * HEIGHT / WIDTH
        left, top = x - at[0] * width, y - at[1] * height
        return View(min(max(left, 0), WIDTH - width), min(max(top, 0), HEIGHT - height), width)


@dataclass(frozen=True)
class Frame:
    """N points in units of the frame, y downwards."""

    points: np.ndarray  # (N, 2)
    view: View = View()
    scale: float = 1.0  # units of the frame in one of the map
    middle: Place = (0.0, 0.0)  # the place on the map that stands in the frame's middle

    @classmethod
    def around(cls, points: np.ndarray, extent: np.ndarray | None = None) -> "Frame":
        """Put points (N, 2) of a map into the frame, both axes at one scale.

        Args:
            extent: points that must fit in; the points themselves by default.
        """
        extent = points if extent is None else extent
        if not len(extent):
            return cls(np.zeros((0, 2)))
        low, high = extent.min(0), extent.max(0)
        room = np.array([WIDTH, HEIGHT]) * (1 - 2 * MARGIN)
        # one point, or equal ones, stand in the middle
        least = 1e-9 * max(1.0, float(np.abs(high).max()))
        frame = cls(
            points,
            View(),
            float((room / np.maximum(high - low, least)).min()),
            tuple((low + high) / 2),
        )
        return replace(frame, points=frame.of_map(points))

    def of_map(self, points: np.ndarray) -> np.ndarray:
        """Convert points of the map (P, 2) to units of the frame."""
        return (points - self.middle) * [self.scale, -self.scale] + [WIDTH / 2, HEIGHT / 2]

    def seen_as(self, view: View) -> "Frame":
        return replace(self, view=view)

    def in_view(self) -> np.ndarray:
        """Say which points are seen, as booleans (N,)."""
        places = self.view.to_place(self.points)
        return np.asarray(((places >= 0) & (places <= 1)).all(1))

    def nearest(self, at: Place) -> int:
        """Find the point under the pointer, -1 for none."""
        if not len(self.points):
            return -1
        away = np.hypot(*(self.points - self.view.to_frame([at])[0]).T)
        nearest = int(away.argmin())
        return nearest if away[nearest] <= REACH * self.view.width else -1

    def inside(self, corners: Sequence[Place]) -> list[int]:
        """Find the points within an outline."""
        from matplotlib.path import Path

        if len(corners) < 3 or not len(self.points):
            return []
        return np.flatnonzero(
            Path(self.view.to_frame(corners)).contains_points(self.points)
        ).tolist()

    def beside(self, point: int, key: str) -> int:
        """Find the nearest point in the direction of an arrow key; the same one at the edge."""
        if not 0 <= point < len(self.points):
            return self.nearest_to_middle()
        along = (self.points - self.points[point]) @ DIRECTIONS[key]
        across = np.abs((self.points - self.points[point]) @ DIRECTIONS[key][::-1])
        cost = np.where(along > 0.5, along + 2 * across, np.inf)
        return int(cost.argmin()) if np.isfinite(cost).any() else point

    def nearest_to_middle(self) -> int:
        middle = self.view.to_frame([(0.5, 0.5)])[0]
        return int(np.hypot(*(self.points - middle).T).argmin()) if len(self.points) else -1

    def view_of(self, chosen: Sequence[int]) -> View:
        """Choose a view that holds these points with some room around them."""
        if not len(chosen):
            return View()
        points = self.points[list(chosen)]
        low, high = points.min(0), points.max(0)
        width = max(high[0] - low[0], (high[1] - low[1]) * WIDTH / HEIGHT) * 1.25
        width = min(max(width, 3 * SMALLEST_VIEW * WIDTH), WIDTH)
        height = width * HEIGHT / WIDTH
        left, top = (low + high) / 2 - [width / 2, height / 2]
        return View(
            float(min(max(left, 0), WIDTH - width)),
            float(min(max(top, 0), HEIGHT - height)),
            float(width),
        )
