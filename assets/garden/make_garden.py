"""Makes the assets of scenes/transparent.hu: a bush of leaf cards, a wire fence, and a pane.

    python assets/garden/make_garden.py

Colours of holes are those of what is beside them, so that no dark edge comes up at a distance. The same files
come out every time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

SIZE = 256
CARDS = 420
WIRE = 128

Doubles = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]

_HERE = Path(__file__).parent


def main() -> None:
    """Write every picture and mesh."""
    for name, picture in pictures().items():
        Image.fromarray(picture).save(_HERE / name, optimize=True)
    for name, text in meshes().items():
        (_HERE / name).write_text(text, encoding="utf-8")


def pictures() -> dict[str, Picture]:
    """The pictures by their file names, uint8[height, width, 4]."""
    return {"leaves.png": leaves(), "wire.png": wire(), "wire-roughness.png": wire_roughness()}


def meshes() -> dict[str, str]:
    """The mesh sources by their file names."""
    corners = np.array([[0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.0, 0.0]])
    upright = np.array([[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0], [0.5, 1.0, 0.0], [-0.5, 1.0, 0.0]])
    forward = np.tile([0.0, 0.0, 1.0], (4, 1))
    quad = np.array([[0, 1, 2], [0, 2, 3]])
    return {
        "bush.hu": mesh("A bush: leaf cards around its middle, about 1 m wide.", "bush", *bush()),
        "pane.hu": mesh("A pane of 1 m that stands at height 0.", "pane", upright, forward, corners, quad),
        "fence.hu": mesh(
            "A fence of 1 by 1 m with 14 meshes a metre.", "fence", upright, forward, corners * 7.0, quad
        ),
    }


def leaves() -> Picture:
    """A twig with leaves, in linear colours as sRGB; what is no leaf is a hole."""
    rng = np.random.default_rng(7)
    at = (np.arange(SIZE * 2) + 0.5) / (SIZE * 2) * 2 - 1
    x, y = np.meshgrid(at, -at)
    color = np.tile([0.10, 0.21, 0.035], (*x.shape, 1))
    alpha = np.zeros(x.shape)
    for _ in range(34):
        angle, away = rng.uniform(0, 2 * np.pi), 0.62 * np.sqrt(rng.uniform(0, 1))
        turn = angle + rng.normal(0, 0.7)
        middle = away * np.array([np.cos(angle), np.sin(angle)])
        length, width = rng.uniform(0.24, 0.34), rng.uniform(0.07, 0.1)
        along = (x - middle[0]) * np.cos(turn) + (y - middle[1]) * np.sin(turn)
        across = -(x - middle[0]) * np.sin(turn) + (y - middle[1]) * np.cos(turn)
        part = along / length + 0.5
        edge = width * np.sqrt(np.clip(4 * part * (1 - part), 0, 1)) * (1.15 - 0.5 * part)
        inside = (part > 0) & (part < 1) & (np.abs(across) < edge)
        tone = rng.uniform(0.75, 1.35)
        hue = np.array([rng.uniform(0.07, 0.15), rng.uniform(0.19, 0.28), 0.035]) * tone
        veins = 1 + 0.25 * np.exp(-((across / 0.008) ** 2))
        veins += 0.08 * np.cos((along - 1.5 * np.abs(across)) * 190)
        shade = veins * (0.8 + 0.3 * np.clip(across / width, -1, 1))
        color = np.where(inside[..., None], hue * shade[..., None], color)
        alpha = np.where(inside, 1.0, alpha)
    color, alpha = _smaller(color * alpha[..., None]), _smaller(alpha[..., None])
    filled = np.where(alpha > 0, color / np.maximum(alpha, 1e-6), [0.10, 0.21, 0.035])
    return _texels(np.concatenate((_srgb(filled), alpha), axis=2))


def wire() -> Picture:
    """One mesh of a fence: two wires that cross, round in their light, and a hole in each quarter."""
    away, lean = _wires()
    light = np.sqrt(np.clip(1 - away**2, 0, 1))
    color = np.array([0.34, 0.36, 0.38]) * (0.35 + 0.65 * light + 0.1 * lean)[..., None]
    cover = np.clip((1.0 - away) * 6 + 0.5, 0, 1)
    return _texels(np.concatenate((_srgb(_smaller(color)), _smaller(cover[..., None])), axis=2))


def wire_roughness() -> Picture:
    """Zinc: half rough metal."""
    return np.full((4, 4, 4), (255, 105, 255, 255), np.uint8)


def _wires() -> tuple[Doubles, Doubles]:
    """How far from the middle of the nearest wire each texel is, in wire radii, and on which side."""
    at = (np.arange(WIRE * 2) + 0.5) / (WIRE * 2)
    x, y = np.meshgrid(at, at)
    found = []
    for direction in (1, -1):
        across = (x + direction * y + 0.5) % 1.0 - 0.5
        found.append(across / 0.085)
    nearest = np.where(np.abs(found[0]) < np.abs(found[1]), found[0], found[1])
    return np.abs(nearest), np.clip(nearest, -1, 1)


def bush() -> tuple[Doubles, Doubles, Doubles, npt.NDArray[np.int64]]:
    """Positions, normals, texture coordinates and triangles of cards around the middle of a bush.

    Their fronts and normals point away from the middle, so that the bush is lit as one round thing.
    """
    rng = np.random.default_rng(3)
    positions, normals, uv, triangles = [], [], [], []
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) / 2
    for number in range(CARDS):
        out = rng.normal(size=3)
        out /= np.linalg.norm(out)
        middle = out * np.array([0.46, 0.40, 0.46]) * rng.uniform(0.35, 1.0) ** 0.5 + (0, 0.44, 0)
        facing = out + 0.9 * rng.normal(size=3)
        facing /= np.linalg.norm(facing) * np.sign(facing @ out)
        right = np.cross(facing, rng.normal(size=3))
        right /= np.linalg.norm(right)
        up = np.cross(facing, right)
        size = rng.uniform(0.15, 0.24)
        place = middle + size * (corners[:, :1] * right + corners[:, 1:] * up)
        place[:, 1] = np.maximum(place[:, 1], 0.01)
        away = place - (0, 0.25, 0)
        positions.append(place)
        normals.append(away / np.linalg.norm(away, axis=1, keepdims=True))
        uv.append(corners * (1, -1) + 0.5)
        triangles.append(np.array([[0, 1, 2], [0, 2, 3]]) + 4 * number)
    return np.concatenate(positions), np.concatenate(normals), np.concatenate(uv), np.concatenate(triangles)


def mesh(
    about: str,
    name: str,
    positions: Doubles,
    normals: Doubles,
    uv: Doubles,
    triangles: npt.NDArray[np.int64],
) -> str:
    """A mesh source; all slots have the same texture coordinates."""
    return f"""// {about} By make_garden.py.
mesh: {{
    name: {name}
    vertices: {{
        pos: {rows(positions)}
        normal: {rows(normals)}
        uv_albedo: {rows(uv)}
    }}
    indices: {rows(triangles)}
}}
"""


def rows(values: npt.NDArray[np.generic]) -> str:
    """Rows of numbers as Humon, eight in a line."""
    texts = ["[" + " ".join(f"{value:.4g}" for value in row.tolist()) + "]" for row in values]
    lines = [" ".join(texts[start : start + 8]) for start in range(0, len(texts), 8)]
    return "[\n            " + "\n            ".join(lines) + "\n        ]"


def _smaller(plane: Doubles) -> Doubles:
    """Half the size, by the mean of four texels."""
    height, width = plane.shape[0] // 2, plane.shape[1] // 2
    return plane.reshape(height, 2, width, 2, -1).mean(axis=(1, 3))


def _srgb(linear: Doubles) -> Doubles:
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * np.abs(linear) ** (1 / 2.4) - 0.055)


def _texels(channels: Doubles) -> Picture:
    return np.rint(np.clip(channels, 0, 1) * 255).astype(np.uint8)


if __name__ == "__main__":
    main()
