"""Claims about levels of detail: which is drawn at which size, in picture and shadow, and what it costs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.panes import CORNERS, FORMAT, Panes, pane
from support.random_scenes import profile
from support.shared_runtime import shared_runtime
from support.two_eyes import Eyes, covered

from engine.assets import open_library
from engine.feature import discover
from engine.planning.draw.eyes import Eye
from engine.planning.scene import ScenePlanner
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.testing import OpenedScene, assert_planned, open_scene

pytestmark = pytest.mark.gpu

SIZE = (128, 128)
_SIDES = slice(0, 64), slice(64, 128)


def level(right: float, top: float) -> str:
    """A pane that is cut off; all have the same sphere, as two of its corners are where they were."""
    return f"""{{ vertices: {{
            pos: [[-0.5 -0.5 0] [{right} -0.5 0] [{right} {top} 0] [-0.5 {top} 0]]
            normal: [[0 0 1] [0 0 1] [0 0 1] [0 0 1]]
            uv_albedo: {CORNERS}  uv_normal: {CORNERS}  uv_tangent: {CORNERS}  uv_roughness: {CORNERS}
        }} indices: [[0 1 2] [0 2 3]] }}
"""


MESH = f"mesh: {{ lods: [ {level(0.5, 0.5)} {level(0.0, 0.5)} {level(0.0, 0.0)} ] }}"
ASSETS = (
    """
    { @type: mesh name: thing source: thing.mesh.hu lods: [
        { topology: triangle_list vertices: v0 indices: i0 screenSize: 0.4 }
        { topology: triangle_list vertices: v1 indices: i1 screenSize: 0.1 }
        { topology: triangle_list vertices: v2 indices: i2 }
    ] }
    { @type: model name: thing mesh: thing material: glow }
"""
    + f"{{ @type: vertices name: v0 source: thing vertexFormat: [{FORMAT}] }}\n"
    + f"{{ @type: vertices name: v1 source: thing vertexFormat: [{FORMAT}] }}\n"
    + f"{{ @type: vertices name: v2 source: thing vertexFormat: [{FORMAT}] }}\n"
    + "\n".join(f"{{ @type: indices name: i{i} source: thing indexFormat: uint16 }}" for i in range(3))
)
MATERIALS = {"glow": "parameters: { emissive: [1 1 1] baseColor: [0 0 0 1] metallic: 0 roughness: 1 }"}
OBJECTS = """    thing: { features: [{ @type: visibleModel  asset: [db thing] }] }
    none: { features: [{ @type: light  intensity: 0  sky: [0 0 0]  ground: [0 0 0] }] }
"""


@pytest.fixture
def panes(root: Path, tmp_path: Path) -> Panes:
    made = Panes(root, tmp_path)
    (tmp_path / "thing.mesh.hu").write_text(MESH)
    return made


@pytest.fixture
def scene(panes: Panes) -> Iterator[OpenedScene]:
    with open_scene(panes.scene(MATERIALS, OBJECTS, ASSETS), size=SIZE) as opened:
        assert opened.problems == ()
        opened["camera"].camera.projection = "perspective"
        opened["camera"].camera.fovY = 90
        yield opened


def distance(size: float) -> float:
    """How far away a sphere around a pane takes this part of the height of a picture of 90 degrees."""
    return 2**0.5 / 2 / size  # its radius over the size, as half the height at 1 m is 1 m


def shown(scene: OpenedScene) -> int:
    """The level that is seen: by which of its quarters there are."""
    picture = np.asarray(scene.frame())[..., 0] > 128
    upper, lower = picture[:64], picture[64:]
    quarters = tuple(bool(half[:, side].any()) for half in (upper, lower) for side in _SIDES)
    return {(True,) * 4: 0, (True, False, True, False): 1, (False, False, True, False): 2}[quarters]


def test_a_level_is_drawn_down_to_its_size_and_the_last_however_small(scene):
    for size, expected in ((2, 0), (0.5, 0), (0.3, 1), (0.15, 1), (0.05, 2), (0.02, 2), (2, 0)):
        scene["thing"].translation = (0, 0, -distance(size))
        assert shown(scene) == expected, size


def test_the_size_follows_from_camera_scale_and_projection(scene):
    scene["thing"].translation = (0, 0, -distance(0.3))
    assert shown(scene) == 1
    scene["thing"].scale = (2, 2, 2)
    assert shown(scene) == 0
    scene["thing"].scale = (1, 1, 1)
    scene["camera"].translation = (0, 0, -distance(0.3) + distance(0.05))
    assert shown(scene) == 2
    scene["camera"].camera.fovY = 10
    assert shown(scene) == 0
    scene["camera"].camera.projection = "orthographic"
    for height, expected in ((2, 0), (10, 1), (40, 2)):
        scene["camera"].camera.height = height
        assert shown(scene) == expected


def test_a_level_stays_until_the_size_is_clearly_another(scene):
    def at(size: float) -> int:
        scene["thing"].translation = (0, 0, -distance(size))
        return shown(scene)

    assert [at(size) for size in (0.6, 0.42, 0.38, 0.37)] == [0, 0, 0, 0]
    assert [at(size) for size in (0.35, 0.38, 0.42, 0.43)] == [1, 1, 1, 1]
    assert at(0.45) == 0
    assert [at(size) for size in (0.05, 0.105, 0.12)] == [2, 2, 1]


def test_all_levels_are_resident(scene):
    scene.frame()
    for name in ("v0", "v1", "v2", "i0", "i1", "i2"):
        assert_planned(scene, name)


def test_one_level_of_each_object_is_drawn(scene):
    for number in range(20):
        asset = {"asset": scene.document.asset("db", "thing", ("model",))}
        place = (0, 0, -distance(0.7) * (number + 1))
        scene.tableau.add_object(f"more{number}", translation=place, features={"visibleModel": asset})
    scene.frame()
    draws = scene.host.runtime.renderer.draws
    assert (draws.instances, draws.triangles) == (21, 42)
    assert draws.calls == 2, "the meshes share buffers; and that of the picture"


def test_levels_are_chosen_again_only_where_the_camera_or_an_object_with_levels_has_moved(panes, monkeypatch):
    counts: Counter[str] = Counter()
    size = Eye.size

    def counted(eye: Eye, centres: np.ndarray, radii: np.ndarray) -> np.ndarray:
        counts["rows"] += len(centres)
        return size(eye, centres, radii)

    more = OBJECTS + pane("plain", "glow")
    with open_scene(panes.scene(MATERIALS, more, ASSETS), size=SIZE) as scene:
        scene.frame()
        monkeypatch.setattr(Eye, "size", counted)
        scene.step(count=3)
        scene["plain"].translation = (0, 0, -3)
        scene.frame()
        assert not counts
        scene["thing"].translation = (0, 0, -3)
        scene.frame()
        assert counts == {"rows": 1}
        scene["camera"].translation = (0, 0, 1)
        scene.frame()
        assert counts == {"rows": 2}
        scene["thing"].visibleModel.active = False
        scene.frame()
        scene["camera"].translation = (0, 0, 2)
        scene.frame()
        assert counts == {"rows": 2}, "objects with one level cost nothing"


def test_a_shadow_is_that_of_the_level_that_is_seen(panes):
    wall = pane("wall", "wall", "translation: [0 0 -1]  scale: [3 3 1]")
    objects = """    thing: { features: [{ @type: shadowCaster  asset: [db thing] }] }
    lamp: { features: [{ @type: light  sky: [0 0 0]  ground: [0 0 0] }] }
"""
    materials = {**MATERIALS, "wall": "parameters: { metallic: 0 roughness: 1 }"}
    with open_scene(panes.scene(materials, wall + objects, ASSETS), size=SIZE) as scene:
        for height, corners in ((2, (0, 0)), (10, (0, 1))):
            scene["camera"].camera.height = height
            picture = scene.frame()[..., 0] > 128
            step = round(0.25 * SIZE[1] / height)
            assert picture[64, 64 + 3 * step]
            assert (int(picture[64, 64 - step]), int(picture[64, 64 + step])) == corners, height


def test_a_level_that_is_switched_on_again_is_the_right_one(scene):
    scene["thing"].translation = (0, 0, -distance(0.2))
    assert shown(scene) == 1
    scene["thing"].visibleModel.active = False
    assert not (scene.frame()[..., 0] > 128).any()
    scene["thing"].translation = (0, 0, -distance(0.05))
    scene["thing"].visibleModel.active = True
    scene.settle()
    assert shown(scene) == 2


def rows_in_views(runtime: Runtime) -> dict[str, tuple[int, int]]:
    """How many instances each view that draws models draws, of how many."""
    return {view: counts for _, view, *counts in runtime.renderer.rows_in_views()}


def test_two_views_see_an_object_in_two_levels_in_one_frame_and_the_plan_stays(panes):
    """The levels of a pane are whole, its left half and its lower left quarter."""
    eyes = "    eyes: { features: [{ @type: eyes  apart: 0  left: 2  right: 10 }] }\n"
    objects = OBJECTS.replace("thing: {", "thing: { translation: [0 0 -1] ")
    path = panes.scene(MATERIALS, eyes + objects, ASSETS)
    registry = discover()
    registry.register(Eyes())
    scene = load_scene(path, registry)
    options = RuntimeOptions(size=(64, 64), validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        runtime.settle()

        def seen() -> tuple[float, ...]:
            runtime.frame()
            picture = runtime.read_pixels()
            return (*covered(picture, 0), *covered(picture, 1))

        whole, half = (0.25, 0.75), (0.45, 0.5)
        assert seen() == pytest.approx((*whole, *half), abs=0.02)
        plan, both = runtime.plan, runtime.tableau["eyes"].eyes
        assert plan is not None
        both.left, both.right = 10.0, 2.0
        assert seen() == pytest.approx((*half, *whole), abs=0.02)
        both.left, both.right = 3.5, 3.5  # between the levels: 1.41 / 3.5 m is 0.404
        low, high = 0.5 - 0.5 / 3.5, 0.5 + 0.5 / 3.5
        assert seen() == pytest.approx((low, 0.5, low, high), abs=0.02), "each has its own hysteresis"
        assert rows_in_views(runtime) == {"": [1, 1], "left": [1, 1], "right": [1, 1]}
        assert runtime.plan is plan
        assert runtime.memory.live_bytes == plan.planned_bytes
        assert runtime.problems == ()


def test_views_with_levels_have_room_for_a_list_of_instances_each(panes):
    """What is planned follows from the rows with levels, not from the levels that are shown."""
    eyes = "    eyes: { features: [{ @type: eyes }] }\n"
    plain = "".join(pane(f"plain{number}", "glow") for number in range(60))
    path = panes.scene(MATERIALS, eyes + OBJECTS + plain, ASSETS)
    registry = discover()
    registry.register(Eyes())
    scene = load_scene(path, registry)
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(scene.tableau, scene.registry, library, profile("unified"), SIZE)

        def planned(ring: str) -> int:
            rows = planner.plan(planner.needs()).memory.subresources
            return int(rows["size"][rows["key"] == planner.keys.transient(ring)][0])

        one = planned("forward.draws")
        assert planned("eyes.draws") == 2 * one
        scene.tableau["thing"].active = False
        assert (planned("forward.draws"), planned("eyes.draws")) == (one, one)


def test_the_map_and_the_picture_show_an_object_in_levels_of_their_own(panes):
    lying = OBJECTS.replace("thing: {", "thing: { euler: [-90 0 0] ")
    shown_map = "{ @type: areaMap  size: 64  extent: EXTENT  border: 0  marker: 0  background: [0 0 0]"
    for extent, level in ((3, 0), (10, 1)):
        above = shown_map.replace("EXTENT", str(extent)) + "  radius: 0  offsetX: 0  offsetY: 0 }"
        path = panes.scene(MATERIALS, lying, ASSETS)
        text = path.read_text().replace(
            "camera: { features: [", "camera: { translation: [0 0 9]  features: ["
        )
        text = text.replace(
            "background: [0 0 0] }", "background: [0 0 0] } " + above.replace("{ @", "{ @"), 1
        )
        path.write_text(text)
        with open_scene(path, size=SIZE) as scene:
            scene["camera"].areaMap.follow = "nothing"
            picture = np.asarray(scene.frame())[:64, 64:, 0] > 128
            columns = np.flatnonzero(picture.any(axis=0)) / 64
            right = 0.5 + (0.5 / extent if level == 0 else 0.0)
            assert (columns[0], columns[-1] + 1 / 64) == pytest.approx((0.5 - 0.5 / extent, right), abs=0.04)
