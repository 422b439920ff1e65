"""Makes the assets of scenes/lod.hu, and the scene: a rock in four levels of detail, strewn along a valley.

    python assets/rocks/make_rocks.py

The rock is a sphere that is cut and roughened by noise; each level is the same shape with a quarter of the
triangles. It has no normals and tangents: they are made when it is cooked. The same files come out each time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

LEVELS = (4, 3, 2, 1)
"""How often the triangles of an icosahedron are divided for each level, the finest first."""
SIZE = 128
ROCKS = 90

Doubles = npt.NDArray[np.float64]

_HERE = Path(__file__).parent


def main() -> None:
    """Write the picture, the mesh and the scene."""
    Image.fromarray(grain()).save(_HERE / "grain.png", optimize=True)
    (_HERE / "rock.hu").write_text(rock(), encoding="utf-8")
    (_HERE.parents[1] / "scenes/lod.hu").write_text(scene(), encoding="utf-8")


def grain() -> npt.NDArray[np.uint8]:
    """The normals of fine grain, which joins up with itself on all sides, uint8[SIZE, SIZE, 4]."""
    height = sum(_noise(cells, seed) / cells**0.8 for seed, cells in enumerate((8, 16, 32, 64)))
    right = np.roll(height, -1, axis=1) - np.roll(height, 1, axis=1)
    up = np.roll(height, 1, axis=0) - np.roll(height, -1, axis=0)
    normals = np.stack((-right * 5, -up * 5, np.ones_like(height)), axis=2)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    texels = np.concatenate((normals * 0.5 + 0.5, np.ones((SIZE, SIZE, 1))), axis=2)
    return np.rint(texels * 255).astype(np.uint8)


def rock() -> str:
    """The mesh source."""
    lods = []
    for level in LEVELS:
        directions, triangles = sphere(level)
        lods.append(f"""        {{
            vertices: {{
                pos: {rows(shape(directions))}
                uv_albedo: {rows(_around(directions) * (6.0, 3.0))}
            }}
            indices: {rows(triangles)}
        }}
""")
    return f"""// A rock of about 2 m in {len(LEVELS)} levels of detail, by make_rocks.py.
mesh: {{
    name: rock
    lods: [
{"".join(lods)}    ]
}}
"""


def sphere(level: int) -> tuple[Doubles, npt.NDArray[np.int64]]:
    """Directions and triangles of an icosahedron that is divided so often."""
    golden = (1 + 5**0.5) / 2
    corners = [(-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0)]
    corners += [(0, -1, golden), (0, 1, golden), (0, -1, -golden), (0, 1, -golden)]
    corners += [(golden, 0, -1), (golden, 0, 1), (-golden, 0, -1), (-golden, 0, 1)]
    faces = [(0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2)]
    faces += [(10, 7, 6), (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5)]
    faces += [(2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1)]
    points, triangles = np.array(corners, np.float64), np.array(faces)
    for _ in range(level):
        ends = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]], axis=2)
        edges, number = np.unique(ends.reshape(-1, 2), axis=0, return_inverse=True)
        a, b, c = triangles.T
        ab, bc, ca = number.reshape(-1, 3).T + len(points)
        points = np.concatenate((points, points[edges].mean(axis=1)))
        triangles = np.concatenate(
            [np.stack(each, axis=1) for each in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))]
        )
    return points / np.linalg.norm(points, axis=1, keepdims=True), triangles


def shape(directions: Doubles) -> Doubles:
    """Where the surface of the rock is in these directions: cut by planes, roughened by waves."""
    rng = np.random.default_rng(11)
    away = np.full(len(directions), 1.0)
    for _ in range(14):
        normal = rng.normal(size=3)
        normal /= np.linalg.norm(normal)
        facing = directions @ normal
        cut = rng.uniform(0.62, 0.86) / np.maximum(facing, 1e-3)
        away = np.minimum(away, np.where(facing > 0, cut, np.inf))
    for waves, part in ((3, 0.06), (7, 0.03), (15, 0.014)):
        for _ in range(6):
            turn = rng.normal(size=3) * waves
            away = away + part / 3 * np.sin(directions @ turn + rng.uniform(0, 6.3))
    return directions * away[:, None] * (1.15, 0.85, 1.0) + (0, 0.5, 0)


def _around(directions: Doubles) -> Doubles:
    """Texture coordinates around a direction; mirrored at the back, so that there is no seam."""
    turn = np.abs(np.arctan2(directions[:, 0], directions[:, 2])) / np.pi
    return np.stack((turn, np.arccos(np.clip(directions[:, 1], -1, 1)) / np.pi), axis=1)


def _noise(cells: int, seed: int) -> Doubles:
    """Smooth noise from -1 to 1 of so many cells a side, without a seam."""
    values = np.random.default_rng(40 + seed).uniform(-1, 1, (cells, cells))
    at = np.arange(SIZE) * (cells / SIZE)
    low = np.floor(at).astype(int)
    part = at - low
    part = part * part * (3 - 2 * part)
    high = (low + 1) % cells
    across = values[low] + (values[high] - values[low]) * part[:, None]
    noise: Doubles = across[:, low] + (across[:, high] - across[:, low]) * part[None, :]
    return noise


def scene() -> str:
    """The scene: rocks along a valley, nearer ones farther from its middle."""
    rng = np.random.default_rng(5)
    objects = []
    for number in range(ROCKS):
        away = 3.5 * 1.045**number - 1.5
        side = rng.choice((-1.0, 1.0)) * (1.3 + away * rng.uniform(0.06, 0.5))
        size = rng.uniform(0.55, 1.2)
        turn = f"{rng.uniform(-12, 12):.0f} {rng.uniform(0, 360):.0f} {rng.uniform(-12, 12):.0f}"
        stone = rng.choice(("granite", "sandstone", "slate"))
        objects.append(f"""                rock{number}: {{
                    translation: [{side:.2f} 0 {-away:.2f}]
                    euler: [{turn}]
                    scale: [{size:.2f} {size:.2f} {size:.2f}]
                    features: [
                        {{ @type: visibleModel
                            asset: [rockAssets rock]
                            material: [rockAssets {stone}]
                        }}
                        {{ @type: shadowCaster }}
                    ]
                }}
""")
    return f"""// Rocks in four levels of detail, by their size in the picture: 5,120 triangles down to 80.
// Their stone is each object's own. Written by assets/rocks/make_rocks.py.
version: 1
include: [lod.assets.hu]

tableau: {{
    name: lod
    objects: {{
        sky: {{
            features: [
                {{ @type: skybox  asset: [rockAssets sky]  rotation: 150 }}
            ]
        }}
        camera: {{
            translation: [0 1.7 2.6]
            euler: [-7 0 0]
            features: [
                {{ @type: camera  fovY: 45  toneMapping: neutral }}
            ]
        }}
        sun: {{
            euler: [-32 -58 0]
            features: [
                {{ @type: light  color: [1 0.92 0.8]  intensity: 3.2  shadowDistance: 60  cascades: 3 }}
            ]
        }}
        ground: {{
            scale: [60 1 60]
            features: [
                {{ @type: visibleModel  asset: [rockAssets ground] }}
            ]
        }}
        rocks: {{
            objects: {{
{"".join(objects)}            }}
        }}
    }}
}}
"""


def rows(values: npt.NDArray[np.generic]) -> str:
    """Rows of numbers as Humon, eight in a line."""
    texts = ["[" + " ".join(f"{value:.4g}" for value in row.tolist()) + "]" for row in values]
    lines = [" ".join(texts[start : start + 8]) for start in range(0, len(texts), 8)]
    return "[\n                    " + "\n                    ".join(lines) + "\n                ]"


if __name__ == "__main__":
    main()
