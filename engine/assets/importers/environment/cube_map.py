"""Cube maps and pictures of all directions: which direction each pixel shows, and sampling one for the other.

Directions are those of the world: +y is up, and the middle of an equirectangular picture shows -z, ahead of a
camera that is not turned, with +x to its right. Faces are in Vulkan's order and orientation, so that a shader
samples a cube with a direction of the world (Vulkan specification, "Cube Map Face Selection").
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from engine.assets.importers.environment.cube_levels import FACES
from engine.assets.importers.environment.light import Light

Floats = npt.NDArray[np.float32]

_AXES = (
    ((0, 0, -1), (0, -1, 0), (1, 0, 0)),
    ((0, 0, 1), (0, -1, 0), (-1, 0, 0)),
    ((1, 0, 0), (0, 0, 1), (0, 1, 0)),
    ((1, 0, 0), (0, 0, -1), (0, -1, 0)),
    ((1, 0, 0), (0, -1, 0), (0, 0, 1)),
    ((-1, 0, 0), (0, -1, 0), (0, 0, -1)),
)
"""Of each face: the directions to the right, down, and to its middle."""

_FILE_ORDER = ((0, 1), (1, 1), (2, 0), (3, 0), (5, 1), (4, 1))
"""Of each face: the picture that shows it, and the axis (0 down, 1 right) along which it is turned over."""


def faces_of_pictures(pictures: list[Light]) -> Light:
    """Return the faces float32[6, size, size, 3] of pictures in the order px nx py ny pz nz.

    These are as most tools write them: as seen from the middle, pz ahead, px to its right, nx to its left, py
    above it and ny below. Ahead is -z of the world, as cube maps are left-handed.
    """
    return np.stack([np.flip(pictures[number], axis) for number, axis in _FILE_ORDER])


def face_directions(face: int, size: int) -> Floats:
    """Return the directions, not of length 1, that the pixels of a face show: float32[size, size, 3]."""
    at = ((np.arange(size) + 0.5) * (2.0 / size) - 1.0).astype(np.float32)
    right, down, middle = (np.array(axis, np.float32) for axis in _AXES[face])
    found: Floats = at[None, :, None] * right + at[:, None, None] * down + middle
    return found


def picture_directions(rows: int, first: int, last: int) -> Floats:
    """Return the directions of some rows of an equirectangular picture: float32[n, 2 * rows, 3]."""
    down = (np.arange(first, last) + 0.5) * (np.pi / rows)
    around = (np.arange(2 * rows) + 0.5) * (np.pi / rows) - np.pi
    sine, cosine = np.sin(down)[:, None], np.cos(down)[:, None]
    axes = sine * np.sin(around), cosine * np.ones_like(around), -sine * np.cos(around)
    return np.stack(axes, axis=-1).astype(np.float32)


class Surroundings:
    """An equirectangular picture float32[rows, 2 * rows, 3], sampled by direction.

    It goes on around the sides and over the poles, where no seam is.
    """

    _MARGIN = 2

    def __init__(self, picture: npt.NDArray[np.floating]) -> None:
        rows, columns, channels = picture.shape
        edge = self._MARGIN
        self._rows, self._columns = rows, columns
        self._padded = np.empty((rows + 2 * edge, columns + 2 * edge, channels), np.float32)
        inner = self._padded[:, edge:-edge]
        inner[edge:-edge] = picture
        for number in range(edge):  # over a pole, a row goes on half a turn away
            inner[edge - 1 - number] = np.roll(inner[edge + number], columns // 2, axis=0)
            inner[-edge + number] = np.roll(inner[-edge - 1 - number], columns // 2, axis=0)
        self._padded[:, :edge] = self._padded[:, columns : columns + edge]
        self._padded[:, -edge:] = self._padded[:, edge : 2 * edge]
        self._flat = self._padded.reshape(-1, channels)

    def linear(self, directions: Floats) -> Light:
        """Return float32[..., 3] between the four nearest pixels."""
        at, (right, down) = self._places(directions)
        taps = self._flat[at], self._flat[at + 1]
        upper = taps[0] + (taps[1] - taps[0]) * right
        at += self._padded.shape[1]
        taps = self._flat[at], self._flat[at + 1]
        lower = taps[0] + (taps[1] - taps[0]) * right
        found: Light = upper + (lower - upper) * down
        return found

    def smooth(self, directions: Floats) -> Light:
        """Return float32[..., 3] by cubic curves (E. Catmull, R. Rom, 1974), never negative."""
        at, (right, down) = self._places(directions)
        across, along = _cubic(right), _cubic(down)
        wide = self._padded.shape[1]
        found = np.zeros((*directions.shape[:-1], 3), np.float32)
        for y in range(4):
            row = at + (y - 1) * wide
            line = self._flat[row - 1] * across[0]
            for x in range(1, 4):
                line += self._flat[row + (x - 1)] * across[x]
            found += line * along[y]
        return np.maximum(found, 0.0, out=found)

    def _places(self, directions: Floats) -> tuple[npt.NDArray[np.int64], tuple[Floats, Floats]]:
        """Return the pixel up and left of each direction, and how far it is from there to the next ones."""
        x, y, z = (directions[..., axis] for axis in range(3))
        column = (np.arctan2(x, -z) / (2 * np.pi) + 0.5) * self._columns - 0.5 + self._MARGIN
        down = np.arctan2(np.hypot(x, z), y) / np.pi * self._rows - 0.5 + self._MARGIN
        left, top = np.floor(column), np.floor(down)
        at = top.astype(np.int64) * self._padded.shape[1] + left.astype(np.int64)
        return at, ((column - left)[..., None], (down - top)[..., None])


def face_samples(faces: Light, directions: Floats) -> Light:
    """Return float32[..., 3] of faces between the four nearest pixels of the one that a direction meets."""
    size, found = faces.shape[1], np.empty((*directions.shape[:-1], 3), np.float32)
    longest = np.abs(directions).argmax(axis=-1)
    along = np.take_along_axis(directions, longest[..., None], axis=-1)[..., 0]
    number = 2 * longest + (along < 0)
    for face in range(FACES):
        here = number == face
        some = directions[here]
        right, down, middle = (np.array(axis, np.float32) for axis in _AXES[face])
        depth = (some * middle).sum(axis=-1)
        columns, rows = (
            np.clip(((some * axis).sum(axis=-1) / depth + 1) * (size / 2) - 0.5, 0, size - 1)
            for axis in (right, down)
        )
        left, top = (np.minimum(np.floor(at), max(size - 2, 0)).astype(np.int64) for at in (columns, rows))
        across, along_rows = (columns - left)[:, None], (rows - top)[:, None]
        step = min(1, size - 1)
        picture = faces[face]
        upper = picture[top, left] * (1 - across) + picture[top, left + step] * across
        lower = picture[top + step, left] * (1 - across) + picture[top + step, left + step] * across
        found[here] = upper * (1 - along_rows) + lower * along_rows
    return found


def reduced(picture: Light, rows: int, columns: int) -> Light:
    """Return a picture of at most so many rows and columns: each pixel is the mean of those it replaces."""
    for axis, most in ((0, rows), (1, columns)):
        count = picture.shape[axis]
        if count > most:
            edges = np.arange(most) * count // most
            counts = np.diff(np.append(edges, count)).astype(np.float32)
            sums: Light = np.add.reduceat(picture, edges, axis=axis)
            sums /= counts.reshape((-1, 1, 1) if axis == 0 else (-1, 1))
            picture = sums
    return picture


def _cubic(part: Floats) -> tuple[Floats, ...]:
    """Return the weights of the four pixels around a place, of which `part` is how far after the second."""
    square = part * part
    cube = square * part
    half = np.float32(0.5)
    return (
        (2 * square - part - cube) * half,
        (2 - 5 * square + 3 * cube) * half,
        (part + 4 * square - 3 * cube) * half,
        (cube - square) * half,
    )
