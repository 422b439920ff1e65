"""Makes the assets of scenes/skin.hu and scenes/crowd.hu, and both scenes: a tentacle, and figures that walk.

    python assets/creatures/make_creatures.py

Both meshes are tubes around bones, whose weights change smoothly from one bone to the next. Bones of the
skeletons lie as the objects of the scenes do before anything moves them. The same files come out each time.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from shape import Doubles, Shape

SEGMENTS = 16
"""Bones of the tentacle."""
STEP = 0.16
"""Metres from one of them to the next."""
FIGURES = 500
CLIP_KEYS = 9

_HERE = Path(__file__).parent
_SCENES = _HERE.parents[1] / "scenes"


def main() -> None:
    """Write the picture, the meshes, the clip and the scenes."""
    Image.fromarray(mottled()).save(_HERE / "mottled.png", optimize=True)
    (_HERE / "tentacle.hu").write_text(tentacle(), encoding="utf-8")
    (_HERE / "figure.hu").write_text(figure(), encoding="utf-8")
    (_HERE / "walk.hu").write_text(walk(), encoding="utf-8")
    (_SCENES / "skin.hu").write_text(skin_scene(), encoding="utf-8")
    (_SCENES / "crowd.hu").write_text(crowd_scene(), encoding="utf-8")


def mottled() -> npt.NDArray[np.uint8]:
    """Dark spots on skin, lighter on one side, which join up with themselves, uint8[256, 256, 3]."""
    size = 256
    generator = np.random.default_rng(3)
    y, x = np.mgrid[0:size, 0:size] / size
    dark = np.zeros((size, size))
    for _ in range(110):
        px, py, radius = generator.random(), generator.random(), 0.012 + 0.035 * generator.random() ** 2
        dx, dy = (x - px + 0.5) % 1 - 0.5, (y - py + 0.5) % 1 - 0.5
        dark = np.maximum(dark, np.clip((radius - np.hypot(dx, dy)) / 0.008, 0, 1))
    light = (0.5 - 0.5 * np.cos(2 * np.pi * x)) ** 3
    colour = (
        np.array((0.44, 0.10, 0.13)) * (1 - light[..., None])
        + np.array((0.86, 0.55, 0.44)) * light[..., None]
    )
    colour = colour * (1 - 0.62 * (dark * (1 - light))[..., None])
    return np.rint(colour * 255).astype(np.uint8)


def tentacle() -> str:
    """A tube that tapers along +Y, with a bone for each STEP metres."""
    shape = Shape(SEGMENTS)
    height = SEGMENTS * STEP
    at = np.concatenate(
        (np.linspace(0, height, 97), height + 0.03 * np.sin(np.linspace(0, np.pi / 2, 7))[1:])
    )
    line = np.stack((np.zeros_like(at), at, np.zeros_like(at)), axis=1)
    radius = (
        0.045 + 0.215 * (1 - np.clip(at / height, 0, 1)) ** 1.25 + 0.16 * np.exp(-np.maximum(at, 0) / 0.09)
    )
    radius *= np.sqrt(np.clip(1 - ((at - height) / 0.0301).clip(0) ** 2, 1e-6, 1))
    middle = (np.arange(SEGMENTS) + 0.5) * STEP
    away = np.abs(np.clip(at, middle[0], middle[-1])[:, None] - middle) / STEP
    weights = np.where(away < 0.5, 0.75 - away**2, np.clip(1.5 - away, 0, None) ** 2 / 2)
    weights /= weights.sum(axis=1, keepdims=True)
    shape.tube(line, np.stack((radius, radius), axis=1), weights, around=40, repeat=(1, 1.1))
    bones = "".join(
        f"        {{ name: bone{k}  {f'parent: bone{k - 1}  translation: [0 {STEP} 0]' if k else ''} }}\n"
        for k in range(SEGMENTS)
    )
    return shape.text("tentacle", bones)


JOINTS: dict[str, tuple[str, tuple[float, float, float]]] = {
    "hips": ("", (0, 0.98, 0)),
    "spine": ("hips", (0, 0.16, 0)),
    "chest": ("spine", (0, 0.2, 0)),
    "head": ("chest", (0, 0.26, 0.01)),
    "armL": ("chest", (0.2, 0.15, 0)),
    "foreArmL": ("armL", (0.02, -0.29, 0)),
    "armR": ("chest", (-0.2, 0.15, 0)),
    "foreArmR": ("armR", (-0.02, -0.29, 0)),
    "legL": ("hips", (0.1, -0.06, 0)),
    "shinL": ("legL", (0.01, -0.43, 0.01)),
    "footL": ("shinL", (0, -0.42, -0.02)),
    "legR": ("hips", (-0.1, -0.06, 0)),
    "shinR": ("legR", (-0.01, -0.43, 0.01)),
    "footR": ("shinR", (0, -0.42, -0.02)),
}
"""The bones of the figure: parent, and metres from it. It looks along +Z, its left is +X."""


def place(name: str) -> Doubles:
    """Where a bone is in the mesh."""
    parent, offset = JOINTS[name]
    return np.array(offset) + (place(parent) if parent else 0.0)


def moved(start: Doubles, offset: tuple[float, float, float]) -> tuple[float, ...]:
    """A place so many metres from another."""
    return tuple(np.add(start, offset).tolist())


def figure() -> str:
    """A figure of 1.75 m of tubes with round ends."""
    names = list(JOINTS)
    shape = Shape(len(names))
    number = {name: names.index(name) for name in names}
    hips, spine, chest, head = (place(name) for name in ("hips", "spine", "chest", "head"))
    trunk = [moved(hips, (0, -0.06, 0)), tuple(spine), tuple(chest), moved(chest, (0, 0.12, 0))]
    shape.limb(
        trunk,
        [(0.13, 0.1), (0.12, 0.09), (0.155, 0.105), (0.12, 0.085)],
        [number["hips"], number["spine"], number["chest"]],
        5,
    )
    shape.limb(
        [moved(chest, (0, 0.14, 0)), tuple(head)], [(0.055, 0.055), (0.05, 0.05)], [number["chest"]], 2
    )
    shape.limb(
        [moved(head, (0, 0.06, 0.01)), moved(head, (0, 0.15, 0.01))],
        [(0.085, 0.1), (0.092, 0.108)],
        [number["head"]],
        4,
    )
    for side, sign in (("L", 1.0), ("R", -1.0)):
        arm, fore, leg, shin, foot = (
            place(part + side) for part in ("arm", "foreArm", "leg", "shin", "foot")
        )
        hand = moved(fore, (sign * 0.01, -0.31, 0.04))
        arms = [number["arm" + side], number["foreArm" + side]]
        shape.limb([tuple(arm), tuple(fore), hand], [(0.055, 0.055), (0.044, 0.044), (0.034, 0.042)], arms)
        legs = [number["leg" + side], number["shin" + side]]
        shape.limb(
            [tuple(leg), tuple(shin), tuple(foot)], [(0.088, 0.094), (0.06, 0.064), (0.042, 0.046)], legs
        )
        shape.limb(
            [moved(foot, (0, -0.035, -0.03)), moved(foot, (0, -0.045, 0.15))],
            [(0.045, 0.036), (0.042, 0.026)],
            [number["foot" + side]],
            3,
        )
    bones = "".join(
        f"        {{ name: {name}{f'  parent: {parent}' if parent else ''}"
        f"  translation: {vector(offset)} }}\n"
        for name, (parent, offset) in JOINTS.items()
    )
    return shape.text("figure", bones)


def vector(numbers: npt.ArrayLike, digits: int = 3) -> str:
    """A row of numbers."""
    return (
        "["
        + " ".join(
            f"{number:.{digits}f}".rstrip("0").rstrip(".").replace("-0", "-0")
            for number in np.asarray(numbers)
        )
        + "]"
    )


def path(name: str) -> str:
    """The names from the figure to a bone."""
    parent = JOINTS[name][0]
    return f"{path(parent)}/{name}" if parent else name


def about_x(degrees: float) -> str:
    """A quaternion."""
    half = np.radians(degrees) / 2
    return vector((np.sin(half), 0, 0, np.cos(half)), 5)


def walk() -> str:
    """The clip of one double step: a second."""
    times = np.linspace(0, 1, CLIP_KEYS)
    turns = 2 * np.pi * times
    swing: dict[str, Doubles] = {
        "spine": 3 + 0 * turns,
        "head": -2 + 2 * np.cos(2 * turns),
    }
    for side, phase in (("L", 0.0), ("R", np.pi)):
        swing["leg" + side] = -4 - 27 * np.sin(turns + phase)
        swing["shin" + side] = 22 + 24 * np.cos(turns + phase) + 6 * np.cos(2 * (turns + phase))
        swing["foot" + side] = -8 + 14 * np.sin(turns + phase - 0.6)
        swing["arm" + side] = 24 * np.sin(turns + phase)
        swing["foreArm" + side] = -28 + 14 * np.sin(turns + phase)
    at = vector(times, 4)
    channels = []
    for name, degrees in swing.items():
        values = " ".join(about_x(each) for each in degrees)
        channels.append(
            f"        {{ target: {path(name)}  property: rotation  times: {at}\n"
            f"            values: [{values}] }}\n"
        )
    bounce = [(0, 0.955 + 0.022 * np.cos(2 * turn), 0) for turn in turns]
    values = " ".join(vector(each) for each in bounce)
    channels.append(
        f"        {{ target: hips  property: translation  times: {at}\n            values: [{values}] }}\n"
    )
    return (
        "// A double step, by make_creatures.py.\nanimation: {\n    channels: [\n"
        + "".join(channels)
        + "    ]\n}\n"
    )


BENDS = {
    "curled": ([0, 8, 12, 10, 3, -6, -14, -22, -27, -30, -32, -34, -36, -38, -40, -42], 4),
    "raised": ([0, -6, -9, -7, -3, 4, 9, 11, 12, 12, 11, 10, 10, 12, 16, 20], -3),
    "leaning": ([0, 14, 22, 24, 20, 12, 2, -8, -16, -20, -20, -18, -16, -18, -22, -26], 2),
}
"""Degrees about Z of each bone, and about X of all, of each tentacle."""


def bone(bends: list[int], roll: int, number: int, indent: str) -> str:
    """A bone and those that follow it."""
    if number == SEGMENTS:
        return ""
    move = f"  translation: [0 {STEP} 0]" if number else ""
    below = bone(bends, roll, number + 1, indent + "  ")
    inner = f"  objects: {{\n{below}{indent}}}" if below else ""
    return f"{indent}bone{number}: {{{move}  euler: [{roll if number else 0} 0 {bends[number]}]{inner} }}\n"


def skin_scene() -> str:
    """Tentacles of one mesh, each bent in its own way."""
    places = {
        "curled": ("[0.15 0 0.2]", 0, 1.0),
        "raised": ("[-1.15 0 -0.9]", 25, 0.9),
        "leaning": ("[1.55 0 -0.7]", 200, 0.85),
    }
    tentacles = []
    for name, (place, turn, size) in places.items():
        bends, roll = BENDS[name]
        tentacles.append(f"""        {name}: {{
            translation: {place}
            euler: [0 {turn} 0]
            scale: [{size} {size} {size}]
            features: [
                {{ @type: visibleModel  asset: [skinAssets tentacle] }}
                {{ @type: shadowCaster }}
                {{ @type: skin }}
            ]
            objects: {{
{bone(bends, roll, 0, "                ")}            }}
        }}
""")
    return f"""// Tentacles of {SEGMENTS} bones, each an object below the one before it.
// Written by assets/creatures/make_creatures.py.
version: 1
include: [skin.assets.hu]

tableau: {{
    name: skin
    objects: {{
        sky: {{
            features: [
                {{ @type: skybox  asset: [skinAssets sky]  rotation: 200  intensity: 0.9 }}
            ]
        }}
        camera: {{
            translation: [0.1 1.35 4.2]
            euler: [-7 0 0]
            features: [
                {{ @type: camera  fovY: 40  toneMapping: neutral }}
            ]
        }}
        sun: {{
            euler: [-42 -48 0]
            features: [
                {{ @type: light  color: [1 0.94 0.84]  intensity: 3.2 }}
            ]
        }}
        ground: {{
            scale: [30 1 30]
            features: [
                {{ @type: visibleModel  asset: [skinAssets ground] }}
            ]
        }}
{"".join(tentacles)}    }}
}}
"""


def crowd_scene() -> str:
    """FIGURES figures in loose rows that walk, each with a phase, a size and a colour of its own."""
    generator = np.random.default_rng(11)
    colours = ("clay", "sand", "moss", "slate", "rust")
    columns = 25
    figures = []

    def below(parent: str) -> str:
        return " ".join(
            f"{name}: {{ translation: {vector(offset)}"
            f"{f' objects: {{ {inner} }}' if (inner := below(name)) else ''} }}"
            for name, (of, offset) in JOINTS.items()
            if of == parent
        )

    bones = below("")
    for number in range(FIGURES):
        row, column = divmod(number, columns)
        x = (column - (columns - 1) / 2) * 1.25 + generator.uniform(-0.35, 0.35) + 0.6 * (row % 2)
        z = -row * 1.5 + generator.uniform(-0.45, 0.45)
        size, turn = generator.uniform(0.9, 1.1), generator.uniform(-10, 10) + 14
        colour, phase = colours[int(generator.integers(len(colours)))], generator.random()
        speed = generator.uniform(0.85, 1.15)
        figures.append(f"""        figure{number}: {{
            translation: [{x:.2f} 0 {z:.2f}]
            euler: [0 {turn:.0f} 0]
            scale: [{size:.2f} {size:.2f} {size:.2f}]
            features: [
                {{ @type: visibleModel  asset: [crowdAssets figure]  material: [crowdAssets {colour}] }}
                {{ @type: shadowCaster }} {{ @type: skin }}
                {{ @type: animation  clip: [crowdAssets walk]  phase: {phase:.2f}  speed: {speed:.2f} }}
            ]
            objects: {{ {bones} }}
        }}
""")
    return f"""// {FIGURES} figures of {len(JOINTS)} bones that walk, each with a phase of its own.
// Written by assets/creatures/make_creatures.py.
version: 1
include: [crowd.assets.hu]

tableau: {{
    name: crowd
    objects: {{
        sky: {{
            features: [
                {{ @type: skybox  asset: [crowdAssets sky]  rotation: 160 }}
            ]
        }}
        camera: {{
            translation: [0 2.3 5.2]
            euler: [-11 0 0]
            features: [
                {{ @type: camera  fovY: 42  toneMapping: neutral }}
            ]
        }}
        sun: {{
            euler: [-38 -52 0]
            features: [
                {{ @type: light  color: [1 0.92 0.8]  intensity: 3.2  shadowDistance: 45  cascades: 3 }}
            ]
        }}
        ground: {{
            scale: [80 1 80]
            features: [
                {{ @type: visibleModel  asset: [crowdAssets ground] }}
            ]
        }}
{"".join(figures)}    }}
}}
"""


if __name__ == "__main__":
    main()
