"""Makes the assets of scenes/morph.hu, and the scene: a flower with morph targets, and flowers that open.

    python assets/flowers/make_flowers.py

The flower is a bud. Its targets are the half open flower, the open one, the one whose petals hang, and a bent
stem; normals are those of each shape. The same files come out each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from engine.assets.importers.surface_frames import smooth_normals

Doubles = npt.NDArray[np.float64]

ALONG, ACROSS = 13, 7
"""Vertices of a petal."""
TALL = 0.62
"""Metres from the ground to the petals."""
RINGS = ((0.0, 5, 0.155, 0.235, 0.86), (0.55, 6, 0.165, 0.25, 1.0))
"""Rings of petals: turn, how many, width and length in metres, and how far they open."""
SECONDS = 8.0
"""How long a flower takes to open and to close again."""
FLOWERS = 64

BUD = (52.0, -118.0)
SHAPES: Mapping[str, tuple[float, float]] = {
    "half": (58.0, -62.0),
    "open": (64.0, 22.0),
    "hang": (78.0, 96.0),
}
"""The angle of petals to the stem where they begin, and by how much it grows to their tips, in degrees."""

_HERE = Path(__file__).parent
_SCENES = _HERE.parents[1] / "scenes"


def main() -> None:
    """Write the picture, the mesh, the clip and the scene."""
    Image.fromarray(colours()).save(_HERE / "petals.png", optimize=True)
    (_HERE / "flower.hu").write_text(flower(), encoding="utf-8")
    (_HERE / "bloom.hu").write_text(bloom(), encoding="utf-8")
    (_SCENES / "morph.hu").write_text(scene(), encoding="utf-8")


def colours() -> npt.NDArray[np.uint8]:
    """Green for the stem, yellow for the middle and a petal with veins, side by side, uint8[128, 256, 3]."""
    v, u = np.mgrid[0:128, 0:256].astype(np.float64)
    v, u = v / 127, u / 255
    picture = np.empty((128, 256, 3))
    stem = np.stack((0.16 + 0.13 * v, 0.34 + 0.2 * v, 0.1 + 0.06 * v), axis=2)
    middle = np.stack((0.85 - 0.2 * v, 0.6 - 0.25 * v, 0.1 + 0 * v), axis=2)
    across = (u - 0.5) * 4 - 1  # -1 to 1 on the right half
    veins = 0.5 + 0.5 * np.cos(across * 26 / (0.35 + v))
    tip = np.stack((0.93 - 0.1 * veins, 0.42 - 0.16 * veins + 0.1 * v, 0.55 - 0.1 * veins + 0.1 * v), axis=2)
    base = np.array((0.99, 0.9, 0.62))
    part = np.clip(v * 1.7 - 0.1, 0, 1)[..., None] ** 1.3
    picture[:] = base * (1 - part) + tip * part
    picture[:, :64], picture[:, 64:128] = stem[:, :64], middle[:, 64:128]
    return np.rint(np.clip(picture, 0, 1) * 255).astype(np.uint8)


class Parts:
    """Positions of all shapes, float64[shapes, n, 3], with one set of texture coordinates and triangles."""

    def __init__(self) -> None:
        self.positions: list[Doubles] = []
        self.uv: list[Doubles] = []
        self.triangles: list[npt.NDArray[np.int64]] = []
        self._count = 0

    def grid(self, positions: Doubles, uv: Doubles) -> None:
        """Add a grid of vertices, positions [shapes, rows, columns, 3], with its texture coordinates."""
        rows, columns = uv.shape[:2]
        first = self._count + np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)
        corners = np.stack((first, first + 1, first + columns + 1, first + columns), axis=2).reshape(-1, 4)
        self.triangles.append(np.concatenate((corners[:, [0, 1, 2]], corners[:, [0, 2, 3]])))
        self.positions.append(positions.reshape(len(positions), -1, 3))
        self.uv.append(uv.reshape(-1, 2))
        self._count += rows * columns


def petal(
    angles: tuple[float, float], opens: float, turn: float, width: float, length: float, ring: int
) -> Doubles:
    """Return a petal [ALONG, ACROSS, 3] that leaves the stem at an angle, which grows to its tip."""
    s, u = np.linspace(0, 1, ALONG), np.linspace(-1, 1, ACROSS)
    theta = np.radians(BUD[0] + (angles[0] - BUD[0]) * opens + (BUD[1] + (angles[1] - BUD[1]) * opens) * s)
    step = length / (ALONG - 1)
    r = 0.028 + 0.008 * ring + np.concatenate(([0], np.cumsum(np.sin(theta[:-1]) * step)))
    y = TALL + np.concatenate(([0], np.cumsum(np.cos(theta[:-1]) * step)))
    wide = width / 2 * (0.22 + 0.78 * np.sin(np.pi * s**0.72) ** 0.8) * np.where(s > 0.97, 0.45, 1)
    side = wide[:, None] * u
    cup = -(0.55 - 0.4 * np.clip(theta, 0, 1.2)[:, None] / 1.2) * side**2 / (width / 2)
    ruffle = 0.012 * s[:, None] ** 3 * np.cos(3 * np.pi * u) * (wide[:, None] / (width / 2))
    inward = np.stack((np.cos(theta), -np.sin(theta)), axis=1)  # across the petal, as (r, y)
    out = r[:, None] - (cup + ruffle) * -inward[:, :1]
    up = y[:, None] - (cup + ruffle) * -inward[:, 1:]
    c, d = np.cos(turn), np.sin(turn)
    return np.stack((out * c - side * d, up, out * d + side * c), axis=2)


def sway(positions: Doubles) -> Doubles:
    """Return positions on a stem that is bent to +X."""
    bent = positions.copy()
    part = np.clip(positions[..., 1] / TALL, 0, None)
    bent[..., 0] += 0.16 * part**2
    bent[..., 1] -= 0.05 * part**2 + 0.25 * np.where(part > 0.9, positions[..., 0], 0)
    return bent


def flower() -> str:
    """The bud with its targets."""
    parts = Parts()
    names = [*SHAPES, "sway"]
    for number, (turn, count, width, length, opens) in enumerate(RINGS):
        for k in range(count):
            at = 2 * np.pi * (k + turn) / count
            shapes = [
                petal(angles, opens, at, width, length, number) for angles in (BUD, *SHAPES.values(), BUD)
            ]
            shapes[-1] = sway(shapes[0])
            v, u = np.mgrid[0:ALONG, 0:ACROSS]
            parts.grid(
                np.stack(shapes),
                np.stack((0.51 + 0.48 * u / (ACROSS - 1), 0.03 + 0.93 * v / (ALONG - 1)), axis=2),
            )
    add(parts, stem, (0.01, 0.24), len(names))
    add(parts, middle, (0.26, 0.49), len(names))
    for turn, base in ((0.6, 0.1), (2.9, 0.2)):
        add(parts, leaf(turn, base), (0.01, 0.24), len(names))
    positions = np.concatenate(parts.positions, axis=1)
    triangles = np.concatenate(parts.triangles)
    normals = np.stack([smooth_normals(np.round(shape, 6), triangles) for shape in positions])  # over seams
    lines = [
        "// A bud and the shapes that it takes. Written by make_flowers.py.",
        "version: 1",
        "mesh: {",
        "    name: flower",
        "    vertices: {",
        f"        pos: {rows(positions[0])}",
        f"        normal: {rows(normals[0], 3)}",
        f"        uv_albedo: {rows(np.concatenate(parts.uv), 3)}",
        "    }",
        f"    indices: {rows(triangles, 0)}",
        "    targets: {",
    ]
    for number, name in enumerate(names, 1):
        moves, turns = positions[number] - positions[0], normals[number] - normals[0]
        some = np.flatnonzero((np.abs(moves).max(axis=1) > 5e-5) | (np.abs(turns).max(axis=1) > 5e-4))
        lines += [
            f"        {name}: {{",
            f"            vertices: [{' '.join(map(str, some.tolist()))}]",
            f"            pos: {rows(moves[some])}",
            f"            normal: {rows(turns[some], 3)}",
            "        }",
        ]
    return "\n".join([*lines, "    }", "}", ""])


def add(
    parts: Parts, shape: Callable[[Doubles, Doubles], Doubles], columns: tuple[float, float], targets: int
) -> None:
    """Add a grid of vertices that only `sway` moves; `shape` places them by two numbers from 0 to 1."""
    s, u = np.mgrid[0:13, 0:9] / np.array((12.0, 8.0))[:, None, None]
    placed = shape(s, u)
    uv = np.stack((columns[0] + (columns[1] - columns[0]) * u, 0.03 + 0.93 * s), axis=2)
    parts.grid(np.stack([*[placed] * targets, sway(placed)]), uv)


def stem(s: Doubles, u: Doubles) -> Doubles:
    """A tube that widens below the petals."""
    radius = 0.013 + 0.004 * (1 - s) + 0.03 * np.clip(s * 8 - 7, 0, 1) ** 2
    turn = -2 * np.pi * u
    return np.stack((radius * np.cos(turn), (TALL + 0.006) * s, radius * np.sin(turn)), axis=2)


def middle(s: Doubles, u: Doubles) -> Doubles:
    """The yellow head inside."""
    turn, rise = -2 * np.pi * u, np.pi / 2 * s
    radius = 0.042 * np.cos(rise)
    return np.stack(
        (radius * np.cos(turn), TALL + 0.002 + 0.05 * np.sin(rise), radius * np.sin(turn)), axis=2
    )


def leaf(turn: float, base: float) -> Callable[[Doubles, Doubles], Doubles]:
    """A leaf that leaves the stem at a height."""

    def shape(s: Doubles, u: Doubles) -> Doubles:
        wide = 0.045 * np.sin(np.pi * s**0.8) * (2 * u - 1)
        out, up = 0.01 + 0.24 * s, base + 0.25 * s - 0.22 * s**2 + 8 * wide**2
        c, d = np.cos(turn), np.sin(turn)
        return np.stack((out * c - wide * d, up, out * d + wide * c), axis=2)

    return shape


def rows(values: npt.ArrayLike, digits: int = 4) -> str:
    """Rows of numbers."""
    found = np.round(np.asarray(values, np.float64), digits) + 0.0
    return "[" + " ".join("[" + " ".join(plain(n, digits) for n in row) + "]" for row in found) + "]"


def plain(number: float, digits: int) -> str:
    """A number without zeros behind it."""
    text = f"{number:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def bloom() -> str:
    """The clip: the flower opens, hangs, closes again, and sways twice."""
    times = np.linspace(0, SECONDS, 9)
    steps = (0, 1, 2, 2.4, 3, 2.4, 2, 1, 0)  # bud, half, open, hang
    values = []
    for time, step in zip(times, steps, strict=True):
        weights = [max(0.0, 1 - abs(step - shape)) for shape in (1, 2, 3)]
        values.append([*weights, 0.45 * np.sin(4 * np.pi * time / SECONDS)])
    return (
        "// A flower opens and closes. Written by make_flowers.py.\n"
        "version: 1\nanimation: {\n    channels: [\n"
        f"        {{ property: weights  times: [{' '.join(plain(t, 3) for t in times)}]\n"
        f"            values: {rows(values, 3)} }}\n    ]\n}}\n"
    )


def scene() -> str:
    """Flowers on a meadow, each at another time of the clip."""
    generator = np.random.default_rng(11)
    places: list[tuple[float, float]] = []
    while len(places) < FLOWERS:
        x, z = generator.uniform(-3.4, 3.4), generator.uniform(-6.0, 0.7)
        if abs(x) > 3.4 - 0.26 * max(z + 3, 0):
            continue
        if all(np.hypot(x - px, z - pz) > 0.42 for px, pz in places):
            places.append((x, z))
    objects = []
    for number, (x, z) in enumerate(places):
        material = ("", "  material: [morphAssets cream]", "  material: [morphAssets violet]")[number % 3]
        size, turn = generator.uniform(0.85, 1.2), generator.uniform(0, 360)
        speed, phase = generator.uniform(0.7, 1.2), generator.uniform(0.1, 7.6)
        objects.append(
            f"                flower{number}: {{\n"
            f"                    translation: [{plain(x, 2)} 0 {plain(z, 2)}]\n"
            f"                    euler: [0 {plain(turn, 0)} 0]\n"
            f"                    scale: [{plain(size, 2)} {plain(size, 2)} {plain(size, 2)}]\n"
            "                    features: [\n"
            f"                        {{ @type: visibleModel  asset: [morphAssets flower]{material} }}\n"
            "                        { @type: shadowCaster }\n"
            "                        { @type: morph }\n"
            "                        { @type: animation  clip: [morphAssets bloom]"
            f"  speed: {plain(speed, 2)}  phase: {plain(phase, 2)} }}\n"
            "                    ]\n"
            "                }\n"
        )
    return HEAD + "".join(objects) + "            }\n        }\n    }\n}\n"


HEAD = """// Flowers of one mesh, whose morph targets open and close them, each at its own pace.
// Written by assets/flowers/make_flowers.py.
version: 1
include: [morph.assets.hu]

tableau: {
    name: morph
    objects: {
        sky: {
            features: [
                { @type: skybox  asset: [morphAssets sky]  rotation: 160  intensity: 0.75 }
            ]
        }
        camera: {
            translation: [0 0.94 1.75]
            euler: [-7 0 0]
            features: [
                { @type: camera  fovY: 42  toneMapping: neutral }
            ]
        }
        sun: {
            euler: [-38 52 0]
            features: [
                { @type: light  color: [1 0.93 0.82]  intensity: 3.4  cascades: 2  shadowDistance: 14 }
            ]
        }
        ground: {
            scale: [60 1 60]
            features: [
                { @type: visibleModel  asset: [morphAssets ground] }
            ]
        }
        flowers: {
            objects: {
"""


if __name__ == "__main__":
    main()
