"""How far the picture slides on a mesh whose texture coordinates change, in metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_POLE, _STRAIGHT, _AT_POLE = 3, 1e-3, 0.25
"""Coordinates of a pole at least, how thin the line is that they are on, and which part counts along it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """Texture coordinates of the vertices of a mesh, and how long they are on it.

    Attributes
    ----------
    lengths : float64[n, 2]
        Coordinates in metres, as long as they are on the average.
    metric : float64[n, 3]
        Around each vertex, of a difference (s, t) of `lengths`: the factors of s s, 2 s t and t t, whose sum
        is the square of its length on the mesh. At a pole, a difference along the line that all of it has in
        the picture counts a quarter: there it has no length, and halfway to the next ring there is half of it
        at half the circumference.
    """

    lengths: Doubles
    metric: Doubles

    def slide(self, vertices: Ints, others: Doubles) -> Doubles:
        """Return how far a picture slides on vertices that have the coordinates `others`, [m, 2]."""
        off = self.lengths[vertices] - others
        s, t = off[:, 0], off[:, 1]
        uu, uv, vv = self.metric[vertices].T
        found: Doubles = np.sqrt(np.clip(uu * s * s + 2.0 * uv * s * t + vv * t * t, 0.0, s * s + t * t))
        return found


def picture_of(positions: Doubles, coordinates: Doubles, triangles: Ints, places: Ints) -> Picture:
    """Return texture coordinates [n, 2] of a mesh as lengths on it; all are 0 where they have no area.

    `places`, int64[n], has one number for all vertices at one place.
    """
    lengths = coordinates * _metres_per_unit(positions, coordinates, triangles)
    corners, ends = positions[triangles], lengths[triangles]
    along, across = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    s, t = ends[:, 1] - ends[:, 0], ends[:, 2] - ends[:, 0]
    size = s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0]
    has_area = np.abs(size) > 0.0
    divisor = np.where(has_area, size, 1.0)[:, None]
    by_s = (along * t[:, 1:] - across * s[:, 1:]) / divisor  # how a place moves with each coordinate
    by_t = (across * s[:, :1] - along * t[:, :1]) / divisor
    factors = np.stack([(by_s * by_s).sum(1), (by_s * by_t).sum(1), (by_t * by_t).sum(1)], axis=1)
    area = np.linalg.norm(np.cross(along, across), axis=1) * has_area
    weights = np.bincount(triangles.reshape(-1), np.repeat(area, 3), len(positions))
    metric = np.zeros((len(positions), 3))
    for column in range(3):
        summed = np.repeat(factors[:, column] * area, 3)
        metric[:, column] = np.bincount(triangles.reshape(-1), summed, len(positions))
    metric /= np.where(weights > 0.0, weights, 1.0)[:, None]
    metric[weights == 0.0] = (1.0, 0.0, 1.0)
    return Picture(lengths, _with_poles(metric, lengths, places))


def _with_poles(metric: Doubles, lengths: Doubles, places: Ints) -> Doubles:
    """Return a metric in which a quarter counts along the line that a place with several coordinates has."""
    counts = np.bincount(places)
    middle = np.stack([np.bincount(places, column) / counts for column in lengths.T], axis=1)
    off = lengths - middle[places]
    spread = np.stack(
        [np.bincount(places, off[:, a] * off[:, b]) for a, b in ((0, 0), (0, 1), (1, 1))], axis=1
    )
    middling, half = (spread[:, 0] + spread[:, 2]) / 2, (spread[:, 0] - spread[:, 2]) / 2
    apart = np.hypot(half, spread[:, 1])
    is_pole = (counts >= _POLE) & (apart > 0.0) & (middling - apart <= _STRAIGHT * (middling + apart))
    angle = np.arctan2(spread[:, 1], half) / 2
    found = metric.copy()
    chosen = np.flatnonzero(is_pole[places])
    line = np.stack((np.cos(angle), np.sin(angle)), axis=1)[places[chosen]]
    kept = np.eye(2) - (1.0 - _AT_POLE) * line[:, :, None] * line[:, None, :]
    whole = metric[chosen][:, [0, 1, 1, 2]].reshape(-1, 2, 2)
    found[chosen] = (kept @ whole @ kept).reshape(-1, 4)[:, [0, 1, 3]]
    return found


def _metres_per_unit(positions: Doubles, coordinates: Doubles, triangles: Ints) -> float:
    """Return the length on a mesh that texture coordinates [n, 2] span for each unit; 0 where they have no
    area.
    """
    corners, uv = positions[triangles], coordinates[triangles]
    area = np.linalg.norm(
        np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1
    ).sum()
    s, t = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    covered = np.abs(s[:, 0] * t[:, 1] - s[:, 1] * t[:, 0]).sum()
    return float(np.sqrt(area / covered)) if covered > 0 else 0.0


def areas_of(positions: Doubles, triangles: Ints) -> Doubles:
    """Return the area of the triangles around each vertex, float64[n]."""
    corners = positions[triangles]
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(across, axis=1)
    summed = np.bincount(triangles.reshape(-1), np.repeat(area / 2, 3), len(positions))
    found: Doubles = summed.astype(np.float64)
    return found
