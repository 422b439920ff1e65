"""Claims about passes that are left out: pictures are the same, and what changes is drawn in that frame."""

from __future__ import annotations

import random

import numpy as np
import pytest
from support.sampling import Extent, Run, Sample

from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

SIZE = (96, 54)
SCENES = ("cube", "skin", "morph", "transparent")
"""Without the sky, as what is drawn after everything shares memory with the map of the sun."""
SLOW_SCENES = ("lights", "crowd")
ANIMATED_SCENES = ("skin", "morph", "crowd")
STEPS = 6


def without_sky(name: str) -> OpenedScene:
    scene = open_scene(f"scenes/{name}.hu", size=SIZE)
    table = scene.tableau.tables["skybox"]
    table.set_flag("active", np.arange(len(table), dtype=np.int32), False)
    scene.settle()
    return scene


def picture(scene: OpenedScene) -> np.ndarray:
    scene.host.runtime.frame()
    return scene.host.runtime.read_pixels()


def whole(scene: OpenedScene) -> np.ndarray:
    """The picture of a frame in which every pass is drawn."""
    scene.host.runtime.renderer._record_again()
    found = picture(scene)
    assert not reused(scene)
    return found


def reused(scene: OpenedScene) -> frozenset[str]:
    return scene.host.runtime.renderer.reused


def change(scene: OpenedScene, pick: random.Random) -> str:
    """Change one thing by chance, and return what."""
    tableau = scene.tableau
    kind = pick.choice(
        ("move", "turn", "enabled", "active", "camera", "light", "weights", "clock", "nothing")
    )
    row = pick.choice(tableau.rows().tolist())
    thing = tableau.handle(row)
    match kind:
        case "move":
            thing.translation = tuple(np.add(thing.translation, [pick.uniform(-0.3, 0.3) for _ in range(3)]))
        case "turn":
            thing.euler = [pick.uniform(-40, 40) for _ in range(3)]
        case "camera":
            thing = tableau["camera"]
            thing.translation = tuple(np.add(thing.translation, [pick.uniform(-0.1, 0.1), 0, 0]))
        case "enabled" | "active":
            kind = f"{kind} of {(table := pick.choice(switched(scene))).type_name}"
            table.set_flag(
                kind.split()[0], np.array([pick.randrange(len(table))], np.int32), pick.random() < 0.7
            )
        case "light":
            lights = tableau.tables["light"]
            lights.set("color", np.array([0], np.int32), [[pick.random() for _ in range(3)]])
        case "weights":
            table = tableau.tables["morph"]
            if len(table):
                handle = tableau.handle(int(table.object[0]))
                handle.morph.weights = [pick.random() for _ in handle.morph.weights]
        case "clock":
            scene.step(count=3)
    return f"{kind} at {tableau.path(row)}"


def switched(scene: OpenedScene) -> list:
    names = ("visibleModel", "shadowCaster", "light", "skin", "morph")
    return [table for name in names if len(table := scene.tableau.tables[name])]


def test_the_shadow_map_is_drawn_again_in_the_frame_in_which_it_changes_and_only_then() -> None:
    with open_scene("scenes/cube.hu", size=SIZE) as scene:
        cube, camera, sun = (scene[name] for name in ("cube", "camera", "sun"))

        def turn_sun() -> None:
            sun.euler = (-50, 10, 0)

        def move_cube() -> None:
            cube.translation = (0.1, 1, 0)

        def hide_shadow() -> None:
            cube.shadowCaster.enabled = False

        def grow_cube() -> None:
            cube.scale = (1, 2, 1)

        def move_camera() -> None:
            camera.translation = tuple(np.add(camera.translation, (0.01, 0, 0)))

        def dim_sun() -> None:
            sun.light.intensity = 1.0

        def nothing() -> None:
            pass

        scene.settle()
        scene.step(count=2)
        for act in (nothing, turn_sun, move_cube, move_camera, grow_cube, nothing, dim_sun, hide_shadow):
            is_still = act in (nothing, move_camera, dim_sun)
            act()
            found = picture(scene)
            assert reused(scene) == ({"shadow"} if is_still else set()), act.__name__
            assert np.array_equal(found, whole(scene)), act.__name__
            scene.step()
            assert reused(scene) == {"shadow"}, act.__name__


def test_a_frame_that_was_not_submitted_leaves_the_map_to_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_scene("scenes/cube.hu", size=SIZE) as scene:
        scene.settle()
        scene.step(count=2)
        runtime = scene.host.runtime
        scene["cube"].translation = (0.3, 1, 0)
        with monkeypatch.context() as patched:
            patched.setattr(type(runtime.device), "submit", _refuse)
            with pytest.raises(RuntimeError, match="refused"):
                runtime.frame()
        found = picture(scene)
        assert reused(scene) == set()
        assert np.array_equal(found, whole(scene))


def _refuse(*_: object, **__: object) -> None:
    raise RuntimeError("refused")


@pytest.mark.timeout(300)
def test_whatever_changes_the_picture_is_that_of_a_frame_in_which_every_pass_is_drawn(sample: Sample) -> None:
    names = SCENES + (SLOW_SCENES if Run.extent is Extent.WHOLE else ())
    for number in sample.of(range(len(names) * 20), 1):
        pick = random.Random(number)
        name = names[number % len(names)]
        with without_sky(name) as scene:
            scene.step(count=2)
            assert "shadow" in reused(scene) or name in ANIMATED_SCENES, name
            done = []
            for _ in range(STEPS):
                done.append(change(scene, pick))
                if done[-1].startswith("active"):
                    scene.settle()
                found = picture(scene)
                assert np.array_equal(found, whole(scene)), (name, number, done)
