"""500 skinned characters of 50 bones that all move: what skins add to a frame on the thread that draws.

That is finding what changed of the buffers of `skin`, which is nothing, as shaders read the placements of
bones beside those of all objects; and the boxes of casters, which follow bones. Placing the bones is a row of
its own, beside so many products of matrices in numpy, one for each bone.
"""

import time
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from harness import Row

from engine.assets import open_library
from engine.plan.profile.profile_file import read_profile
from engine.planning.scene import ScenePlanner
from engine.planning.values import FrameValues
from engine.scene import load_scene

ROOT = Path(__file__).resolve().parents[2]
CHARACTERS = 500
BONES = 50
STEP = 0.04
FRAMES = 15
SIZE = (640, 480)


def rows() -> Iterable[Row]:
    """The milliseconds that skins add to a frame, beside those of placing their bones."""
    with TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "chain.hu").write_text(_mesh(), encoding="utf-8")
        (path / "scene.hu").write_text(_scene(), encoding="utf-8")
        placed, bounds, buffers = _frame_ms(path / "scene.hu")
    added = bounds + buffers
    reference = f"placing {CHARACTERS * BONES} objects in {BONES} levels"
    yield Row("skin.500x50", added, "ms", reference, placed, aim="<= 1 ms", holds=added <= 1.0)
    yield Row("skin.500x50_boxes", bounds, "ms", reference, placed)
    products = f"{CHARACTERS * BONES} products of 4 x 4 matrices in numpy"
    yield Row("skin.500x50_placed", placed, "ms", products, _products_ms())


def _products_ms() -> float:
    """The median milliseconds of a product for each bone."""
    one, other = np.random.default_rng(0).random((2, CHARACTERS * BONES, 4, 4)).astype(np.float32)
    times = []
    for _ in range(FRAMES):
        start = time.thread_time()
        np.matmul(one, other)
        times.append(time.thread_time() - start)
    return float(np.median(times)) * 1e3


def _mesh() -> str:
    """A strip with a row of vertices at each bone, which follow that bone and the next one."""
    bones = " ".join(
        f"{{ name: b{number}" + (f"  parent: b{number - 1}  translation: [0 {STEP} 0] }}" if number else " }")
        for number in range(BONES)
    )
    rungs = [(side, number) for number in range(BONES) for side in (-0.1, 0.1)]
    places = " ".join(f"[{side} {number * STEP:.2f} 0]" for side, number in rungs)
    numbers = " ".join(f"[{number} {min(number + 1, BONES - 1)}]" for _, number in rungs)
    corners = " ".join(
        f"[{at} {at + 1} {at + 3}] [{at} {at + 3} {at + 2}]" for at in range(0, 2 * BONES - 2, 2)
    )
    return f"""mesh: {{ name: chain  vertices: {{ pos: [{places}]  frameIdxs: [{numbers}]
    frameWeights: [{"[0.5 0.5] " * len(rungs)}] }}  indices: [{corners}]  bones: [{bones}] }}"""


def _scene() -> str:
    objects = " ".join(
        f"c{number}: {{ translation: [{number % 25} 0 {number // 25}]  features: ["
        "{ @type: shadowCaster  asset: [own chain] } { @type: skin }] }"
        for number in range(CHARACTERS)
    )
    return f"""version: 1
assetDb: {{ name: own  assets: [
    {{ @type: mesh  name: chain  source: chain.hu  skeleton: chain
        lods: [{{ topology: triangle_list  vertices: chain  indices: chain }}] }}
    {{ @type: vertices  name: chain  source: chain  vertexFormat: [
        [pos r32g32b32_sfloat] [frameIdxs r8g8_uint] [frameWeights r32g32_sfloat]] }}
    {{ @type: indices  name: chain  source: chain  indexFormat: uint16 }}
    {{ @type: skeleton  name: chain  source: chain }}
] }}
tableau: {{ name: t  objects: {{
    sun: {{ euler: [-50 0 0]  features: [{{ @type: light }}] }}
    {objects}
}} }}
"""


def _frame_ms(path: Path) -> tuple[float, float, float]:
    """Return the median milliseconds of a frame for placing bones, boxes of casters, and buffers of skins."""
    scene = load_scene(path)
    tableau = scene.tableau
    level = np.array([tableau[f"c{number}"].row for number in range(CHARACTERS)], np.int32)
    levels = []
    for number in range(BONES):
        offset = (0.0, STEP if number else 0.0, 0.0)
        level = tableau.add_objects(
            names=[f"b{number}"] * CHARACTERS, parent=level, translation=[offset] * CHARACTERS
        )
        levels.append(level)
    bones = np.concatenate(levels)
    profile = read_profile(ROOT / "assets" / "profiles" / "lavapipe.json")
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(tableau, scene.registry, library, profile, SIZE)
        values = FrameValues(scene.registry, tableau, planner.guard, library, planner.skins, planner.morphs)
        tableau.update_world()
        needs = planner.needs()
        times = []
        for frame in range(FRAMES):
            half = 0.01 * (frame + 1)
            start = time.thread_time()
            tableau.set_transforms(bones, rotation=(0.0, 0.0, np.sin(half), np.cos(half)))
            tableau.update_world()
            placed = time.thread_time()
            for table in needs.tables.values():
                assert table.bounds() is not None
            bounded = time.thread_time()
            before = values.columns.get("bones")
            seen = planner.skins.bones
            found = time.thread_time()
            values.block(needs.tables, needs.frame, SIZE, needs.columns)
            assert before is None or values.columns["bones"] is before
            assert seen is planner.skins.bones
            times.append((placed - start, bounded - placed, found - bounded))
    placing, boxes, buffers = (np.median(np.array(times)[2:], axis=0) * 1e3).tolist()
    return placing, boxes, buffers
