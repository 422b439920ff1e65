"""Makes the sky and the sphere of scenes/sky.hu: environment/sky.hdr and mesh/sphere.hu.

    PYTHONPATH=. python assets/builtin/make_sky.py

The sky is a gradient from the zenith to a hazy horizon, with a sun and its glow, over dark ground. Both files
are the same after every run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import numpy.typing as npt

from engine.storage.radiance import radiance_bytes

ROWS = 512
SUN = np.array([-0.62, 0.55, 0.56])
SUN_LIGHT = np.array([1.0, 0.86, 0.66]) * 900.0
SUN_EDGE = np.cos(np.radians(1.4)), np.cos(np.radians(1.0))
"""The cosines of the angles from its middle at which the sun begins and is whole; the real one is smaller."""

ZENITH, HORIZON = np.array([0.06, 0.17, 0.55]), np.array([0.62, 0.76, 0.94])
GROUND, HAZE = np.array([0.11, 0.10, 0.075]), np.array([0.40, 0.44, 0.47])
RINGS, SLICES = 32, 64

Floats = npt.NDArray[np.float64]


def sky() -> npt.NDArray[np.float32]:
    """Return float32[ROWS, 2 * ROWS, 3]: the middle shows -z, +x is to its right."""
    down = (np.arange(ROWS) + 0.5)[:, None] * (np.pi / ROWS)
    around = (np.arange(2 * ROWS) + 0.5)[None, :] * (np.pi / ROWS) - np.pi
    direction = np.stack(
        (np.sin(down) * np.sin(around), np.cos(down) + 0 * around, -np.sin(down) * np.cos(around)), axis=-1
    )
    height = direction[..., 1:2]
    to_sun = direction @ (SUN / np.linalg.norm(SUN))[:, None]
    above = HORIZON + (ZENITH - HORIZON) * np.clip(height, 0, 1) ** 0.45
    above = above + np.array([1.0, 0.72, 0.42]) * (
        2.2 * np.clip(to_sun, 0, 1) ** 220 + 0.5 * np.clip(to_sun, 0, 1) ** 14
    )
    above = above + SUN_LIGHT * _step(to_sun, *SUN_EDGE)
    below = HAZE + (GROUND - HAZE) * (1 - np.exp(np.clip(height, -1, 0) * 14.0))
    return np.asarray(below + (above - below) * _step(height, -0.004, 0.004), np.float32)


def _step(value: Floats, low: float, high: float) -> Floats:
    """Return 0 below `low`, 1 above `high`, and a smooth curve between them."""
    part = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part))


def sphere() -> str:
    """Return a sphere of radius 1 as a mesh source; its pictures go once around it."""
    down, around = np.meshgrid(
        np.linspace(0, np.pi, RINGS + 1), np.linspace(0, 2 * np.pi, SLICES + 1), indexing="ij"
    )
    normal = np.stack((np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)), axis=-1)
    uv = np.stack((around / (2 * np.pi), down / np.pi), axis=-1)
    wide = SLICES + 1
    first = (np.arange(RINGS)[:, None] * wide + np.arange(SLICES)).ravel()
    upper = np.stack((first, first + wide, first + 1), axis=-1)[
        SLICES:
    ]  # none at the poles, where they are empty
    lower = np.stack((first + 1, first + wide, first + wide + 1), axis=-1)[:-SLICES]
    corners = _rows(normal.reshape(-1, 3))
    places = _rows(uv.reshape(-1, 2))
    lines = [
        "// A sphere of radius 1, by make_sky.py.",
        "mesh: {",
        "    name: sphere",
        "    vertices: {",
        f"        pos: [{corners}]",
        f"        normal: [{corners}]",
        *(f"        uv_{slot}: [{places}]" for slot in ("albedo", "normal", "tangent", "roughness")),
        "    }",
        f"    indices: [{_rows(np.concatenate((upper, lower)))}]",
        "}",
        "",
    ]
    return "\n".join(lines)


def _rows(values: npt.NDArray[np.generic]) -> str:
    return " ".join("[" + " ".join(f"{number:.5g}" for number in row) + "]" for row in values.tolist())


def main() -> None:
    """Write both files."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    folder = Path(__file__).parent
    (folder / "environment").mkdir(exist_ok=True)
    (folder / "environment" / "sky.hdr").write_bytes(radiance_bytes(sky()))
    (folder / "mesh" / "sphere.hu").write_text(sphere(), encoding="utf-8")


if __name__ == "__main__":
    main()
