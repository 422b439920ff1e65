"""Claims about culling in pictures: they are the same with it, whatever moves, bends or casts."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support import images
from support.many_models import many_models
from support.sampling import Sample, amount
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.math import euler_xyz_degrees
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import Scene, load_scene
from engine.testing import open_scene

pytestmark = pytest.mark.gpu

SIZE = (96, 54)
SCENES = sorted(
    path.stem for path in (Path(__file__).parents[2] / "scenes").glob("*.hu") if "." not in path.stem
)
POSES = [(0, 0, 0, 0, 0), (1, 0.5, -2, -20, 70), (-3, 1, 2, 5, 200), (0.5, 4, 0, -80, 10)]
"""How cameras are moved, in metres, and turned about X and Y, in degrees."""


def both(runtime: Runtime) -> tuple[np.ndarray, np.ndarray]:
    """The picture of everything, then that of what views see, which is less or the same."""
    pictures, instances = [], []
    for least in (None, 0):
        runtime.renderer._cull_from = least
        runtime.frame()
        instances.append(runtime.renderer.draws.instances)
        pictures.append(runtime.read_pixels())
    assert instances[1] <= instances[0]
    return pictures[0], pictures[1]


def drawn_of(runtime: Runtime) -> dict[tuple[str, str], tuple[int, int]]:
    return {(name, view): (drawn, of) for name, view, drawn, of in runtime.renderer.rows_in_views()}


@pytest.mark.timeout(300)
def test_a_scene_has_the_same_picture_with_culling_and_without(sample: Sample) -> None:
    for number in sample.of(range(len(SCENES)), 2):
        try:
            same_from_everywhere(SCENES[number])
        except AssertionError as error:
            error.add_note(f"scenes/{SCENES[number]}.hu")
            raise


def same_from_everywhere(name: str) -> None:
    with open_scene(f"scenes/{name}.hu", size=SIZE) as scene:
        runtime = scene.host.runtime
        for number, (x, y, z, up, round_) in enumerate(POSES[: amount(2, len(POSES))]):
            cameras = scene.tableau.tables["camera"].rows_active()
            objects = scene.tableau.tables["camera"].object[cameras]
            if number:
                scene.tableau.set_transforms(
                    objects,
                    translation=scene.tableau.translation[objects] + (x, y, z),
                    rotation=euler_xyz_degrees((up, round_, 0)),
                )
            scene.tableau.clock.advance(0.37)
            whole, culled = both(runtime)
            images.assert_same(whole, culled)


WORLD = """version: 1
tableau: { name: t  objects: {
    ground: { translation: [0 -0.5 0]  scale: [30 1 30]  features: [
        { @type: visibleModel  asset: [builtin placeholder] } { @type: shadowCaster } ] }
    before: { translation: [0 0.5 -6]  scale: [-1 1 1]  features: [
        { @type: visibleModel  asset: [builtin placeholder] } { @type: shadowCaster } ] }
    behind: { translation: [0 9 4]  scale: [2 2 -2]  features: [
        { @type: visibleModel  asset: [builtin placeholder] } { @type: shadowCaster } ] }
    camera: { translation: [0 1.5 0]  features: [{ @type: camera  toneMapping: none }] }
    sun: { euler: [-45 0 0]  features: [{ @type: light  shadowDistance: SHADOWS  cascades: CASCADES }] }
    lamp: { translation: [2 3 -5]  features: [{ @type: light  kind: point  shadows: on  intensity: 40 }] }
} }
"""


def world(tmp_path: Path, shadows: int, cascades: int) -> Path:
    path = tmp_path / "world.hu"
    path.write_text(WORLD.replace("SHADOWS", str(shadows)).replace("CASCADES", str(cascades)))
    return path


@pytest.fixture
def single(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every object is a block of its own, as those of large meshes are."""
    monkeypatch.setattr("engine.planning.draw.instance_blocks.BLOCK_TRIANGLES", 1)


@pytest.mark.usefixtures("single")
@pytest.mark.parametrize(("shadows", "cascades"), [(1000, 1), (4, 1), (20, 4)])
def test_what_stands_behind_the_camera_still_casts_into_the_view(tmp_path, shadows, cascades) -> None:
    with open_scene(world(tmp_path, shadows, cascades), size=SIZE) as scene:
        runtime = scene.host.runtime
        whole, culled = both(runtime)
        images.assert_same(whole, culled)
        drawn = drawn_of(runtime)
        assert drawn["forward", ""] == (2, 3), "the one behind is not seen"
        scene["behind"].shadowCaster.enabled = False
        images.assert_different(both(runtime)[1], culled)


@pytest.mark.usefixtures("single")
def test_each_view_of_a_pass_has_its_own_list(tmp_path) -> None:
    with open_scene(world(tmp_path, 1000, 1), size=SIZE) as scene:
        scene.frame()
        both(scene.host.runtime)
        faces = [n for (name, _), (n, _) in drawn_of(scene.host.runtime).items() if name == "localShadow"]
        assert len(faces) == 6
        assert len(set(faces)) > 1
        calls = scene.host.runtime.renderer.draws.calls
        recordings = scene.host.runtime.renderer._commands.recordings
        scene["camera"].euler = (0, 180, 0)
        scene.frame()
        assert scene.host.runtime.renderer._commands.recordings == recordings, "nothing is recorded again"
        assert drawn_of(scene.host.runtime)["forward", ""][0] < 3
        assert scene.host.runtime.renderer.draws.calls == calls


@pytest.mark.usefixtures("single")
@pytest.mark.parametrize("far", [(0, 0, 0), (1e6 + 0.3, -1e5, 1e6)])
def test_what_moves_into_the_view_is_drawn_in_that_frame(tmp_path, far) -> None:
    with open_scene(world(tmp_path, 1000, 1), size=SIZE) as scene:
        scene.tableau.set_transforms(
            scene.tableau.rows(), translation=scene.tableau.translation[scene.tableau.rows()] + far
        )
        before = np.asarray(both(scene.host.runtime)[1])
        scene["behind"].translation = np.array((1, 1, -4)) + far
        whole, culled = both(scene.host.runtime)
        images.assert_same(whole, culled)
        images.assert_different(before, culled)


def test_bones_take_the_box_of_a_mesh_with_them() -> None:
    with open_scene("scenes/skin.hu", size=SIZE, settings=["camera.camera.antialiasing=none"]) as scene:
        skins = scene.tableau.tables["skin"]
        owners = set(skins.object[skins.rows_active()].tolist())
        bones = np.array([row for row in scene.tableau.rows() if int(scene.tableau.parent[row]) in owners])
        there = scene.tableau.translation[bones].copy()
        for x in (0.0, 1.0, 4.0, 100.0):
            scene.tableau.set_transforms(bones, translation=there + np.array((x, 0, 0)))
            whole, culled = both(scene.host.runtime)
            images.assert_same(whole, culled)
        assert drawn_of(scene.host.runtime)["forward", ""][0] < drawn_of(scene.host.runtime)["forward", ""][1]


def test_vertices_that_a_shader_moves_are_drawn_wherever_their_mesh_is(root, tmp_path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(root / "docs" / "features" / "wind"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    import diorama_wind

    registry = discover()
    assert issubclass(diorama_wind.Wind, Feature)
    registry.register(diorama_wind.Wind())
    text = (
        WORLD.replace("SHADOWS", "40")
        .replace("CASCADES", "1")
        .replace(
            "before: {",
            "reed: { translation: [-6 0.5 -5]  features: [\n"
            "    { @type: wind  asset: [builtin placeholder]  strength: 10  heading: 0 }] }\n    before: {",
        )
    )
    (tmp_path / "world.hu").write_text(text)
    scene = load_scene(tmp_path / "world.hu", registry)
    options = RuntimeOptions(size=SIZE, validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        runtime.settle()
        whole, culled = both(runtime)
        images.assert_same(whole, culled)
        assert drawn_of(runtime)["wind", ""] == (1, 1)
        scene.tableau["reed"].wind.enabled = False
        images.assert_different(both(runtime)[1], culled)
    sys.modules.pop("diorama_wind")


def many_of_few(scene: Scene, count: int) -> None:
    """Add so many objects of all models around the camera."""
    rng = np.random.default_rng(6)
    for number in range(5):
        made = scene.tableau.add_objects(translation=rng.uniform(-30, 30, (count, 3)), scale=np.full(3, 0.5))
        asset = {"asset": scene.asset("db", f"o{number}", ("model",))}
        for feature in ("visibleModel", "shadowCaster"):
            scene.tableau.add_feature(feature, made, asset)


def test_draw_calls_do_not_follow_from_how_many_objects_and_materials_there_are(root, tmp_path) -> None:
    """At most four calls for a pipeline in a view: here one, or two where objects are mirrored."""
    scene = load_scene(many_models(root, tmp_path / "tree", 30, 30))
    recorded: list[str] = []
    options = RuntimeOptions(size=SIZE, validate=False, culling=True)
    with open_library(scene.dbs) as library, Runtime(scene, library, options) as runtime:
        vk = runtime.renderer._recorder._vk

        class Listening:
            def __getattr__(self, name: str) -> Callable[..., object]:
                call = getattr(vk, name)
                return (lambda *a: recorded.append(name) or call(*a)) if "Draw" in name else call

        runtime.settle()
        runtime.renderer._recorder._vk = Listening()
        counts = []
        for more in (0, 200, 1000):
            many_of_few(scene, more)
            runtime.settle()
            for far in (0, 500, 0, 0, 0):  # both slots draw the shadow map, and leave it out
                scene.tableau["camera"].translation = (far, 3, 5)
                runtime.frame()
            del recorded[:]
            scene.tableau["camera"].translation = (more, 3, 5)
            runtime.frame()
            runtime.frame()
            assert recorded == [], "a camera that moves records nothing"
            runtime.renderer._record_again()
            runtime.frame()
            counts.append(recorded.count("vkCmdDrawIndexedIndirect"))
            views = [
                n
                for known in runtime.renderer._passes.values()
                for n in known.binding.table.declaration.views
            ]
            assert counts[-1] <= 4 * len(views), "each view has one pipeline"
            assert "vkCmdDrawIndexed" not in recorded
        assert counts == [counts[0]] * 3
