"""Makes the builtin pictures: the four brick maps, and the small textures that stand in for others.

    python assets/builtin/make_bricks.py

One square metre of running bond, four bricks by twelve courses, that joins up with itself on all sides.
Everything follows from one height field: colours are chosen per brick, normals and tangents are its slopes,
occlusion is how far a point lies below what surrounds it. The same pictures come out every time.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

SIZE = 256
FINER = 4
COLUMNS, COURSES = 4, 12
METRES = 1.0
MORTAR = 0.011
DEPTH = 0.010

Plane = npt.NDArray[np.float64]

_HERE = Path(__file__).parent


def main() -> None:
    """Write every picture."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    for name, picture in {**bricks(), **stand_ins()}.items():
        path = _HERE / name
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(picture).save(path, optimize=True)


def stand_ins() -> dict[str, npt.NDArray[np.uint8]]:
    """The textures used where one is missing: visible for colours, neutral for the rest."""
    row, column = np.indices((8, 8))
    odd = ((row + 1) // 2 + (column + 1) // 2) % 2  # the same from both sides
    checker = np.where(odd[..., None] == 0, [255, 0, 255, 255], [20, 20, 20, 255])
    plain = {"white": (255, 255, 255, 255), "flatNormal": (128, 128, 255, 255), "matte": (255, 255, 0, 255)}
    pictures = {f"texture/{name}.png": np.full((1, 1, 4), value, np.uint8) for name, value in plain.items()}
    pictures["texture/placeholder.png"] = checker.astype(np.uint8)
    return pictures


def bricks() -> dict[str, npt.NDArray[np.uint8]]:
    """The four maps of the brick wall, uint8[256, 256, 4]."""
    wall = _Wall(SIZE * FINER)
    slope_x, slope_y = _slopes(wall.height)
    normal = _unit(np.stack([-slope_x, -slope_y, np.ones_like(slope_x)], axis=-1))
    tangent = _unit(np.stack([np.ones_like(slope_x), np.zeros_like(slope_x), slope_x], axis=-1))
    around = wall.height
    for _ in range(3):
        around = _blurred(around, SIZE * FINER // 48)
    occlusion = 1.0 - np.clip((around - wall.height) / DEPTH, 0.0, 1.0) * 0.75
    roughness = np.clip(wall.mix(0.93, 0.78) + 0.08 * wall.grain + 0.05 * wall.tint, 0.0, 1.0)
    maps = np.stack([occlusion, roughness, np.zeros_like(roughness)], axis=-1)
    return {
        "material/brick-albedo.png": _picture(_srgb(_smaller(wall.color()))),
        "material/brick-normal.png": _picture(_unit(_smaller(normal)) * 0.5 + 0.5),
        "material/brick-tangent.png": _picture(_unit(_smaller(tangent)) * 0.5 + 0.5),
        "material/brick-roughness.png": _picture(_smaller(maps)),
    }


class _Wall:
    """The wall as planes of float64[size, size]; row 0 is the top."""

    def __init__(self, size: int) -> None:
        self._size = size
        at = (np.arange(size) + 0.5) / size
        across, down = np.meshgrid(at, at)
        across = across + 0.0016 * (self._noise(24, 1) + 0.6 * self._noise(64, 2))
        down = down + 0.0012 * (self._noise(24, 3) + 0.6 * self._noise(64, 4))
        course = np.floor(down * COURSES)
        shifted = across * COLUMNS + 0.5 * (course % 2)
        self._number = (course % COURSES).astype(int) * COLUMNS + (np.floor(shifted) % COLUMNS).astype(int)
        self._inside_x = (shifted % 1.0 - 0.5) / COLUMNS
        self._inside_y = (down * COURSES % 1.0 - 0.5) / COURSES
        self.grain = 0.55 * self._noise(96, 5) + 0.45 * self._noise(200, 6)
        self.tint = self._per_brick(7)
        self.brick = self._brick()
        self.height = self._height()

    def mix(self, mortar: float, brick: float) -> Plane:
        """One value for mortar, another for bricks, blended over their edges."""
        return mortar + (brick - mortar) * self.brick

    def color(self) -> Plane:
        """Linear colours: fired clay from orange to dark red, some bricks burnt, on grey lime mortar."""
        pale, red, burnt = (
            np.array(c) for c in ([0.40, 0.135, 0.062], [0.255, 0.058, 0.030], [0.105, 0.036, 0.028])
        )
        warmth, burn = self._per_brick(8)[..., None], self._per_brick(9)[..., None]
        clay = red + (pale - red) * np.clip(0.5 + 0.5 * warmth, 0, 1)
        clay = clay + (burnt - clay) * np.clip((burn - 0.45) * 1.6, 0, 0.85)
        clay = clay * (1.0 + 0.16 * self.tint + 0.20 * self.grain + 0.14 * self._noise(12, 10))[..., None]
        specks = np.clip(self._noise(220, 11) - 0.52, 0, 1)[..., None]
        clay = clay * (1.0 - 1.1 * specks)
        lime = (
            np.array([0.42, 0.385, 0.335]) * (1.0 + 0.16 * self.grain + 0.12 * self._noise(10, 12))[..., None]
        )
        return np.clip(lime + (clay - lime) * self.brick[..., None], 0.0, 1.0)

    def _brick(self) -> Plane:
        """1 on a brick's face, 0 in the mortar, with rounded corners and a worn edge between them."""
        corner = 0.008
        half_x = METRES / COLUMNS / 2 - MORTAR / 2 - corner
        half_y = METRES / COURSES / 2 - MORTAR / 2 - corner
        dx, dy = np.abs(self._inside_x) - half_x, np.abs(self._inside_y) - half_y
        outside = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - corner
        edge = np.clip(0.5 - (outside + 0.0011 * self.grain) / 0.0052, 0.0, 1.0)
        return edge * edge * (3.0 - 2.0 * edge)

    def _height(self) -> Plane:
        """Metres above the ground of the joints; bricks stand out a little unevenly and lean a little."""
        lean = 0.012 * (self._per_brick(13) * self._inside_x + 2.0 * self._per_brick(14) * self._inside_y)
        face = DEPTH + 0.0012 * self._per_brick(15) + lean
        pits = np.clip(self._noise(56, 16) - 0.35, 0, 1) * 0.0028
        face = face + 0.0007 * self.grain - pits + 0.0007 * self._noise(14, 17)
        joint = 0.0013 * self._noise(80, 18) + 0.0009 * self.grain
        return joint + (face - joint) * self.brick

    def _per_brick(self, seed: int) -> Plane:
        """A number from -1 to 1 for each brick, on its pixels."""
        return np.random.default_rng(seed).uniform(-1, 1, COLUMNS * COURSES)[self._number]

    def _noise(self, cells: int, seed: int) -> Plane:
        """Smooth noise from -1 to 1 of so many cells a side, without a seam."""
        values = np.random.default_rng(1000 + seed).uniform(-1, 1, (cells, cells))
        at = np.arange(self._size) * (cells / self._size)
        low = np.floor(at).astype(int)
        part = at - low
        part = part * part * (3 - 2 * part)
        high = (low + 1) % cells
        rows = values[low] + (values[high] - values[low]) * part[:, None]
        return rows[:, low] + (rows[:, high] - rows[:, low]) * part[None, :]


def _slopes(height: Plane) -> tuple[Plane, Plane]:
    """Rise per metre to the right and upwards; rows count downwards."""
    step = 2 * METRES / len(height)
    right = (np.roll(height, -1, axis=1) - np.roll(height, 1, axis=1)) / step
    up = (np.roll(height, 1, axis=0) - np.roll(height, -1, axis=0)) / step
    return right, up


def _blurred(plane: Plane, radius: int) -> Plane:
    """Mean over a square, around all sides."""
    for axis in (0, 1):
        width = 2 * radius + 1
        wrapped = np.concatenate([plane, plane, plane], axis=axis).cumsum(axis=axis)
        size = plane.shape[axis]
        end = np.take(wrapped, np.arange(size) + size + radius, axis=axis)
        start = np.take(wrapped, np.arange(size) + size - radius - 1, axis=axis)
        plane = (end - start) / width
    return plane


def _smaller(plane: Plane) -> Plane:
    return plane.reshape(SIZE, FINER, SIZE, FINER, -1).mean(axis=(1, 3))


def _unit(vectors: Plane) -> Plane:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def _srgb(linear: Plane) -> Plane:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def _picture(channels: Plane) -> npt.NDArray[np.uint8]:
    opaque = np.concatenate([channels, np.ones((*channels.shape[:2], 1))], axis=-1)
    return np.rint(np.clip(opaque, 0, 1) * 255).astype(np.uint8)


if __name__ == "__main__":
    main()
