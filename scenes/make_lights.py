"""Writes lights.hu: a thousand lamps over a floor of spheres at night.

    python scenes/make_lights.py

The lamps stand in a grid, moved a little, each in a hue of its own place; about four reach each point of the
floor. The same file comes out every time.
"""

from __future__ import annotations

import argparse
import colorsys
from pathlib import Path

import numpy as np

from engine.files.writing import write_whole

COLUMNS, ROWS = 40, 25
SPACING = 1.5
RANGE = 1.75
SPHERES = 2
"""One sphere stands in every square of so many lamps by so many."""

HEAD = """// A thousand lamps over a floor of spheres at night, written by make_lights.py.
version: 1
include: [lights.assets.hu]

tableau: {
    name: lights
    objects: {
        camera: {
            translation: [0 5.2 23.5]
            euler: [-17 0 0]
            features: [ { @type: camera  fovY: 42  toneMapping: aces  background: [0.003 0.0044 0.008] } ]
        }
        moon: {
            euler: [-38 -64 0]
            features: [
                { @type: light  color: [0.6 0.75 1]  intensity: 0.3  cascades: 3  shadowDistance: 60
                    sky: [0.006 0.008 0.014]  ground: [0.002 0.002 0.002] }
            ]
        }
        floor: {
            scale: [80 1 60]
            features: [ { @type: visibleModel  asset: [lightsAssets floor] } ]
        }
"""


def main() -> None:
    """Write the scene."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    rng = np.random.default_rng(1000)
    lines = [HEAD]
    for row in range(ROWS // SPHERES):
        for column in range(COLUMNS // SPHERES):
            x = (column - (COLUMNS // SPHERES - 1) / 2) * SPACING * SPHERES
            z = (row - (ROWS // SPHERES - 1) / 2) * SPACING * SPHERES
            size = rng.uniform(0.28, 0.62)
            model = ("glossy", "metal", "rough")[int(rng.integers(3))]
            x, z = x + rng.uniform(-0.35, 0.35), z + rng.uniform(-0.35, 0.35)
            scale = f"[{size:.2f} {size:.2f} {size:.2f}]"
            features = f"{{ @type: visibleModel  asset: [lightsAssets {model}] }} {{ @type: shadowCaster }}"
            place = f"translation: [{x:.2f} {size:.2f} {z:.2f}]  scale: {scale}"
            lines.append(f"        ball{row}x{column}: {{ {place}  features: [ {features} ] }}\n")
    for row in range(ROWS):
        for column in range(COLUMNS):
            x = (column - (COLUMNS - 1) / 2) * SPACING + rng.uniform(-0.4, 0.4)
            z = (row - (ROWS - 1) / 2) * SPACING + rng.uniform(-0.4, 0.4)
            hue = (
                0.5 + 0.5 * np.sin(0.11 * x + 0.5 * np.sin(0.21 * z)) * np.cos(0.13 * z) + rng.normal(0, 0.03)
            )
            r, g, b = colorsys.hsv_to_rgb(hue % 1.0, 0.75, 1.0)
            height = rng.uniform(0.45, 0.95)
            lines.append(
                f"        lamp{row}x{column}: {{ translation: [{x:.2f} {height:.2f} {z:.2f}]  features: [ "
                f"{{ @type: light  kind: point  color: [{r:.2f} {g:.2f} {b:.2f}]  intensity: 0.8  "
                f"range: {RANGE} }} ] }}\n"
            )
    lines.append("    }\n}\n")
    write_whole(Path(__file__).parent / "lights.hu", "".join(lines).encode())


if __name__ == "__main__":
    main()
