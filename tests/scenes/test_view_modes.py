"""View modes: pictures of values equal what follows from the scene, and memory comes and goes with a mode."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.panes import Panes, pane

from engine.graph.view_mode import GRID_PICTURE, ViewMode
from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

SIZE = (64, 64)
DIM = "parameters: { baseColor: [0.25 0.5 0.75 1]  roughness: 0.25  metallic: 0.75  emissive: [0 0.5 1] }"


def show(scene: OpenedScene, mode: ViewMode) -> np.ndarray:
    """The picture in a mode, float[height, width, 3] in parts of 255."""
    scene.host.runtime.planner.show(mode)  # type: ignore[attr-defined]
    scene.settle()
    return np.asarray(scene.frame())[..., :3].astype(float)


@pytest.fixture(scope="module")
def surfaces(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenedScene]:
    """A sphere of radius 1 in the left half of the picture, a pane 3 m from the eye in the right one."""
    panes = Panes(root, tmp_path_factory.mktemp("surfaces"))
    shutil.copy(root / "assets/builtin/mesh/sphere.hu", panes.folder / "ball.mesh.hu")
    texels = np.full((4, 4, 4), 255, np.uint8)
    texels[..., :3] = (128, 64, 200)  # occlusion, roughness, metal
    panes.picture("arm", texels)
    assets = """
        { @type: mesh name: ball source: ball.mesh.hu
          lods: [{ topology: triangle_list vertices: ball indices: ball }] }
        { @type: vertices name: ball source: ball vertexFormat: [[pos r32g32b32_sfloat]
          [normal r32g32b32_sfloat] [uv_albedo r32g32_sfloat]] }
        { @type: indices name: ball source: ball indexFormat: uint16 }
        { @type: model name: ball mesh: ball material: dim }"""
    objects = pane("ball", "ball", "translation: [-0.5 0 -5] scale: [0.45 0.45 0.45]")
    objects += pane("dim", "rough", "translation: [0.5 0 -3]")
    path = panes.scene({"dim": DIM, "rough": f"textures: {{ roughness: arm }} {DIM}"}, objects, assets)
    with open_scene(path, size=SIZE) as scene:
        yield scene


def pane_of(picture: np.ndarray) -> np.ndarray:
    """What is in the middle of the pane."""
    return picture[28:36, 44:52].reshape(-1, 3)


def test_normals_of_a_sphere_are_those_of_its_places(surfaces: OpenedScene) -> None:
    picture = show(surfaces, ViewMode.NORMAL)
    x, y = np.meshgrid((np.arange(64) + 0.5) / 32 - 1, 1 - (np.arange(64) + 0.5) / 32)
    away = np.stack(((x + 0.5) / 0.45, y / 0.45), axis=2)
    squared = (away**2).sum(axis=2)
    inside = squared < 0.9
    normal = np.dstack((away, np.sqrt(np.maximum(1 - squared, 0))))
    assert inside.sum() > 500
    difference = np.abs(picture - (normal * 0.5 + 0.5) * 255)[inside]
    assert difference.max() <= 4.0
    assert difference.mean() <= 1.0
    assert np.abs(pane_of(picture) - (127.5, 127.5, 255)).max() <= 1.0


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (ViewMode.ALBEDO, 255 * (1.055 * np.array((0.25, 0.5, 0.75)) ** (1 / 2.4) - 0.055)),
        (ViewMode.ROUGHNESS, (64 * 0.25,) * 3),
        (ViewMode.METALLIC, (200 * 0.75,) * 3),
        (ViewMode.OCCLUSION, (128,) * 3),
        (ViewMode.EMISSIVE, (0, 255 * (1.055 * 0.5 ** (1 / 2.4) - 0.055), 255)),
        (ViewMode.DEPTH, (255 / (1 + 3),) * 3),
    ],
)
def test_a_value_of_a_surface_is_shown_as_it_is(
    surfaces: OpenedScene, mode: ViewMode, expected: tuple[float, ...]
) -> None:
    picture = show(surfaces, mode)
    assert np.abs(pane_of(picture) - expected).max() <= 1.5
    assert picture[2, 2].tolist() == [0, 0, 0], "where nothing is"


def test_coordinates_of_textures_are_shown_as_red_and_green(surfaces: OpenedScene) -> None:
    picture = show(surfaces, ViewMode.UV)
    x, y = np.meshgrid(np.arange(64), np.arange(64))
    u, v = (x + 0.5) / 32 - 1, (y + 0.5 - 16) / 32
    inside = (u > 0.05) & (u < 0.95) & (v > 0.05) & (v < 0.95)
    expected = np.dstack((u, v, np.zeros_like(u))) * 255
    assert np.abs(picture - expected)[inside].max() <= 1.5


def test_channels_are_those_of_the_lit_picture(surfaces: OpenedScene) -> None:
    lit = show(surfaces, ViewMode.LIT)
    for channel, mode in enumerate((ViewMode.RED, ViewMode.GREEN, ViewMode.BLUE)):
        picture = show(surfaces, mode)
        assert np.abs(picture - lit[..., [channel]]).max() <= 1.0
    covered = show(surfaces, ViewMode.COVERAGE)
    assert set(np.unique(covered)) == {0.0, 255.0}
    assert (covered[..., 0] > 0).mean() == pytest.approx((np.pi * 0.45**2 + 1) / 4, abs=0.02)


def test_a_wireframe_draws_edges_alone_and_lines_lie_over_what_is_lit(surfaces: OpenedScene) -> None:
    lit, covered = show(surfaces, ViewMode.LIT), show(surfaces, ViewMode.COVERAGE)[..., 0] > 0
    changed = (show(surfaces, ViewMode.LINES) != lit).any(axis=2)
    wire = (show(surfaces, ViewMode.WIREFRAME) != lit[2, 2]).any(axis=2)
    inside = np.zeros_like(covered)
    inside[20:44, 36:60] = True  # the pane has one edge inside: its diagonal
    for found in (changed, wire):
        assert 20 <= (found & inside).sum() <= 80
        grown = covered | np.roll(covered, 1, 0) | np.roll(covered, -1, 0)
        assert not (found & ~(grown | np.roll(grown, 1, 1) | np.roll(grown, -1, 1))).any()


def test_the_grid_lies_on_the_ground_behind_objects_and_in_no_picture_that_is_read() -> None:
    with open_scene("scenes/cube.hu", size=(160, 120)) as scene:
        runtime = scene.host.runtime  # type: ignore[attr-defined]
        lit, live = show(scene, ViewMode.LIT), scene.memory.live
        runtime.planner.show(ViewMode.LIT, grid=True)
        runtime.planner.watch(frozenset({GRID_PICTURE.name}))
        scene.settle()
        assert np.array_equal(np.asarray(scene.frame())[..., :3], lit)
        assert "viewer: grid" in str(scene.memory.assets["gridPicture"].why)
        with_grid = runtime.read_pixels(GRID_PICTURE)[..., :3].astype(float)
        changed = np.abs(with_grid - lit).max(axis=2) > 8
        assert 0.01 < changed[60:].mean() < 0.5, "lines, not an area"
        assert not changed[:12].any(), "there is no ground above the horizon"
        cube = np.asarray(show(scene, ViewMode.ALBEDO))  # bricks are red, the ground is grey
        runtime.planner.watch(frozenset())
        is_cube = cube[..., 0] > cube[..., 2] + 30
        assert is_cube.mean() > 0.05
        assert not (changed & is_cube & np.roll(is_cube, 2, 0) & np.roll(is_cube, -2, 0)).any()
        assert np.array_equal(show(scene, ViewMode.LIT), lit)
        assert "gridPicture" not in scene.memory.assets
        assert scene.memory.live - live <= 32 << 10


ABOVE = (
    "camera.translation=[0 8 0]",
    "camera.euler=[-90 0 0]",
    "camera.camera.projection=orthographic",
    "camera.camera.height=4",
)


def test_the_grid_lies_behind_overlays_and_behind_objects_also_in_a_view_without_perspective() -> None:
    with open_scene("scenes/tableau.hu", size=(480, 320), settings=ABOVE) as scene:
        runtime = scene.host.runtime  # type: ignore[attr-defined]
        lit, live = show(scene, ViewMode.LIT), scene.memory.live
        runtime.planner.show(ViewMode.LIT, grid=True)
        runtime.planner.watch(frozenset({GRID_PICTURE.name}))
        scene.settle()
        scene.frame()
        assert "areaMap" in str(scene.memory.assets["overlayCover"].why)
        changed = np.abs(runtime.read_pixels(GRID_PICTURE)[..., :3].astype(float) - lit).max(axis=2) > 4
        assert changed[158:162, 4:180].any(axis=0).all(), "the axis of x crosses the picture"
        area_map, bar, cube = changed[22:198, 282:458], changed[288:298, 22:198], changed[145:175, 222:258]
        assert changed[4:16, 282:458].any(), "there are lines around the map"
        assert changed[302:, 22:198].any(), "and around the bar"
        assert not area_map.any()
        assert not bar.any()
        assert not cube.any(), "the cube stands on the ground"
        show(scene, ViewMode.LIT)
        assert "overlayCover" not in scene.memory.assets
        assert scene.memory.live - live <= 32 << 10


def test_a_view_of_values_returns_what_light_takes_and_the_lit_one_brings_it_back() -> None:
    with open_scene("scenes/cube.hu", size=SIZE) as scene:
        lit, before = show(scene, ViewMode.LIT), scene.memory
        assert "shadowMap" in before.assets
        normals = show(scene, ViewMode.NORMAL)
        assert not np.array_equal(normals, lit)
        assert "shadowMap" not in scene.memory.assets
        assert before.live - scene.memory.live > 15 << 20
        show(scene, ViewMode.RED)
        assert "visible" not in str(scene.memory.assets["wholePicture"].why)
        assert "camera" in str(scene.memory.assets["wholePicture"].why)
        assert np.array_equal(show(scene, ViewMode.LIT), lit)
        assert set(scene.memory.assets) == set(before.assets)
        assert scene.memory.live - before.live <= 32 << 10, "pages lie elsewhere"
        for mode in (ViewMode.DEPTH, ViewMode.LINES, ViewMode.LIT):
            show(scene, mode)
        assert scene.memory.live - before.live <= 32 << 10
