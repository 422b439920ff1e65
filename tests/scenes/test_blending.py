"""Claims about what is seen through: its order along the view, its depth, its pass, what it costs at rest."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.images import assert_colours
from support.panes import Panes, pane, shader_and_mesh_rows

from engine.assets import data_root
from engine.plan import Blend
from engine.planning.draw.eyes import Eye
from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

SIZE = (64, 64)
GLOWING = "parameters: {{ emissive: {} baseColor: [0 0 0 {}] metallic: 0 roughness: 1 }}"
MATERIALS = {
    "red": f"{GLOWING.format('[1 0 0]', 0.5)} alphaMode: blend",
    "green": f"{GLOWING.format('[0 1 0]', 0.5)} alphaMode: blend",
    "both": f"{GLOWING.format('[1 0 0]', 0.5)} alphaMode: blend  doubleSided: true",
    "blue": GLOWING.format("[0 0 1]", 1),
}
DARK = "    none: { features: [{ @type: light  intensity: 0  sky: [0 0 0]  ground: [0 0 0] }] }\n"
AMBIENT = "    none: { features: [{ @type: light  intensity: 0  sky: [1 1 1]  ground: [1 1 1] }] }\n"
FIRST_RED, FIRST_GREEN = (187, 137, 0), (137, 187, 0)  # half of one over half of the other, on black


@pytest.fixture
def panes(root: Path, tmp_path: Path) -> Panes:
    return Panes(root, tmp_path)


@pytest.fixture
def scene(panes: Panes) -> Iterator[OpenedScene]:
    """A red pane before a green one, and a blue one that is opaque behind their right half."""
    objects = (
        pane("red", "red", "translation: [0 0 0.5]")
        + pane("green", "green", "translation: [0 0 -0.5]")
        + pane("blue", "blue", "translation: [0.5 0 -2]")
    )
    with open_scene(panes.scene(MATERIALS, objects + DARK), size=SIZE) as opened:
        assert opened.problems == ()
        yield opened


def middle(scene: OpenedScene) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The colours on the left of the middle, and on the right of it, where blue is behind."""
    picture = scene.frame()
    return tuple(picture[32, 24, :3].tolist()), tuple(picture[32, 40, :3].tolist())


def test_what_is_seen_through_is_drawn_over_what_is_behind_the_farthest_first(scene):
    assert_colours(middle(scene), (FIRST_RED, (187, 137, 137)))
    scene["red"].translation = (0, 0, -1)
    assert_colours(middle(scene), (FIRST_GREEN, (137, 187, 137)))
    scene["red"].translation = (0, 0, -3)
    assert_colours(middle(scene), (FIRST_GREEN, (0, 187, 187)), why="blue hides what is behind it")


def test_the_order_follows_the_camera(scene):
    scene["camera"].translation = (0, 0, 1)
    assert_colours(middle(scene)[0], FIRST_RED)
    scene["red"].euler = scene["green"].euler = scene["camera"].euler = (0, 180, 0)
    scene["camera"].translation = (0, 0, -1)
    assert_colours(scene.frame()[32, 40, :3], FIRST_GREEN)


@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
def test_the_order_is_that_of_depth_in_every_projection(scene, projection):
    scene["camera"].camera.projection = projection
    scene["camera"].translation = (0, 0, 4)
    for far in (-30, -3, 0.4, 0.6, 2):
        scene["green"].translation = (0, 0, far)
        picture = scene.frame()
        assert_colours(picture[32, 31, :3], FIRST_RED if far < 0.5 else FIRST_GREEN, why=far)


def test_the_pass_that_blends_is_there_while_something_active_is_seen_through(scene):
    def passes() -> list[str]:
        scene.frame()
        return [p.declaration.name for p in scene.host.runtime.needs.graph.passes]

    assert passes() == ["forward", "blended", "toneMap"]
    scene["green"].visibleModel.active = False
    assert "blended" in passes()
    scene["red"].visibleModel.enabled = False
    assert "blended" in passes(), "it is drawn again in the next frame"
    scene["red"].visibleModel.active = False
    assert passes() == ["forward", "toneMap"]
    assert_colours(middle(scene), ((0, 0, 0), (0, 0, 255)))
    scene["red"].visibleModel.active = scene["red"].visibleModel.enabled = True
    assert "blended" in passes()


def test_a_scene_without_materials_that_blend_makes_no_table_for_them(panes):
    with open_scene(panes.scene({"blue": MATERIALS["blue"]}, pane("p", "blue") + DARK), size=SIZE) as opened:
        opened.frame()
        assert "blended" not in opened.host.runtime.planner._passes._tables


def test_it_is_sorted_again_only_where_the_camera_or_something_seen_through_has_moved(scene, monkeypatch):
    counts: Counter[str] = Counter()
    nearness = Eye.nearness

    def counted(eye: Eye, points: np.ndarray) -> np.ndarray:
        counts["sorted"] += 1
        return nearness(eye, points)

    scene.frame()
    monkeypatch.setattr(Eye, "nearness", counted)
    scene.step(count=3)
    scene["blue"].translation = (0.5, 0, -2.5)
    scene.frame()
    assert not counts
    scene["camera"].translation = (0, 0, 0.1)
    scene.frame()
    scene["red"].translation = (0, 0.01, 0.5)
    scene.frame()
    assert counts == {"sorted": 2}


def test_both_sides_of_a_pane_are_seen_through(panes):
    objects = pane("p", "both", "euler: [0 180 0]") + pane(
        "q", "red", "euler: [0 180 0] translation: [0 0 1]"
    )
    with open_scene(panes.scene(MATERIALS, objects + DARK), size=SIZE) as opened:
        assert_colours(middle(opened)[0], (187, 0, 0), why="the other one has no back")


def test_what_blends_is_tested_against_depth_and_not_written_into_it(scene):
    scene.frame()
    rows = {row.pass_name: row.state for row in scene.plan.pipelines}
    assert (rows["blended"].depth_test, rows["blended"].depth_write) == (True, False)
    assert rows["blended"].blends == (Blend.PREMULTIPLIED,)
    assert (rows["forward"].depth_write, rows["forward"].blends) == (True, (Blend.OPAQUE,))


def test_glass_is_drawn_over_the_sky(panes):
    shutil.copytree(data_root() / "assets/builtin/environment", panes.folder / "environment")
    assets = "{ @type: environment name: sky source: environment/sky.hdr }"
    sky = "    sky: { features: [{ @type: skybox  asset: [db sky] }] }\n"
    scene = panes.scene(MATERIALS, pane("p", "green") + sky, assets)
    with open_scene(scene, size=SIZE) as opened:
        assert opened.problems == ()
        seen = np.asarray(opened.frame()).astype(int)
        opened["p"].visibleModel.enabled = False
        bare = np.asarray(opened.frame()).astype(int)
    assert bare[32, 32, :3].min() > 20
    half = np.asarray(bare[32, 32, :3] / 255) ** 2.2 / 2
    assert abs((seen[32, 32, [0, 2]] / 255) ** 2.2 - half[[0, 2]]).max() < 0.06, "half of the sky is left"
    assert seen[32, 32, 1] > seen[32, 32, 0]
    np.testing.assert_array_equal(seen[2], bare[2])


def sphere(order: np.ndarray | None = None) -> str:
    """A mesh of a sphere whose half towards +Z has the left part of its texture, triangles in this order."""
    across, along = 12, 24
    down, around = np.meshgrid(
        np.linspace(0, np.pi, across + 1), np.linspace(0, 2 * np.pi, along + 1), indexing="ij"
    )
    pos = np.stack((np.sin(down) * np.cos(around), np.cos(down), np.sin(down) * np.sin(around)), -1)
    uv = np.stack((np.where(pos[..., 2] > 0, 0.25, 0.75), np.full(down.shape, 0.5)), -1).reshape(-1, 2)
    first = (np.arange(across)[:, None] * (along + 1) + np.arange(along)).ravel()
    below = first + along + 1
    triangles = np.stack((first, first + 1, below, below, first + 1, below + 1), -1).reshape(-1, 3)
    triangles = triangles if order is None else triangles[order]
    points, uvs = np.round(0.7 * pos.reshape(-1, 3), 4).tolist(), uv.tolist()
    vertices = f"pos: {points} normal: {points} uv_albedo: {uvs} uv_normal: {uvs} uv_tangent: {uvs}"
    text = (
        f"mesh: {{ name: m vertices: {{ {vertices} uv_roughness: {uvs} }} indices: {triangles.tolist()} }}\n"
    )
    return text.replace(",", "")


GLASS = "textures: { albedo: halves } parameters: { baseColor: [1 1 1 0.5]  metallic: 0 } alphaMode: blend"


@pytest.fixture
def balls(panes: Panes) -> Panes:
    """Panes, and spheres that differ in the order of their triangles alone."""
    panes.picture("halves", [[(255, 0, 0, 255), (255, 0, 0, 255), (0, 255, 0, 255), (0, 255, 0, 255)]])
    shuffled = np.random.default_rng(1).permutation(576)
    for name, order in (
        ("one", None),
        ("turned", np.arange(576)[::-1]),
        ("mixed", shuffled),
        ("other", None),
    ):
        (panes.folder / f"{name}.mesh.hu").write_text(sphere(order))
    return panes


def models(names: tuple[str, ...]) -> str:
    """Records of spheres, as models of glass; `other` has a material that hides what is behind."""
    rows = []
    for name in names:
        material = "solid" if name == "other" else "glass"
        rows += shader_and_mesh_rows(f"{name}Ball", f"{name}.mesh.hu")[2:]
        rows.append(f"{{ @type: model name: {name} mesh: {name}Ball material: {material} }}")
    return "\n".join(rows)


@pytest.mark.parametrize("antialiasing", ["none", "msaa4"])
@pytest.mark.parametrize("scale", ["", "scale: [-1 1 1]", "scale: [-1 -1 -1]"])
def test_a_ball_that_is_seen_through_looks_alike_whatever_the_order_of_its_triangles(
    balls: Panes, antialiasing: str, scale: str
) -> None:
    names = ("one", "turned", "mixed", "other")
    materials = {"glass": f"{GLASS} doubleSided: true", "solid": "parameters: { metallic: 0 }"}
    seen = []
    for name in names:
        place = f"translation: [0 0 -2] euler: [20 15 0] {scale}"
        more = "material: [db glass]" if name == "other" else ""
        shown = f"    p: {{ {place} features: [{{ @type: visibleModel asset: [db {name}] {more} }}] }}\n"
        settings = (f"camera.camera.antialiasing={antialiasing}",)
        path = balls.scene(materials, shown + AMBIENT, models(names))
        with open_scene(path, size=SIZE, settings=settings) as opened:
            assert opened.problems == ()
            seen.append(opened.frame().copy())
    red, green, _ = seen[0][32, 32, :3].astype(int).tolist()
    front, back = (green, red) if scale == "scale: [-1 -1 -1]" else (red, green)
    assert front - 40 > back > 100, "its back is seen through its front"
    for name, picture in zip(names, seen, strict=True):
        assert np.array_equal(picture, seen[0]), name


def test_balls_that_are_seen_through_are_drawn_whole_one_behind_the_other(balls: Panes) -> None:
    shown = pane("near", "one", "translation: [0 0 -2]") + pane("far", "turned", "translation: [0 0 -6]")
    path = balls.scene({"glass": f"{GLASS} doubleSided: true"}, shown + AMBIENT, models(("one", "turned")))
    with open_scene(path, size=SIZE) as opened:
        both = opened.frame().copy()
        opened["near"].translation = (0, 0, -9)
        assert np.array_equal(opened.frame(), both), "red over green, over red over green"
        opened["near"].visibleModel.enabled = False
        assert (both[32, 32, :2] - opened.frame()[32, 32, :2].astype(int) > 10).all()


def test_what_has_one_side_or_does_not_blend_is_drawn_by_as_many_calls_as_before(balls: Panes) -> None:
    shown = "".join(pane(f"p{n}", "one", f"translation: [0 0 -{2 * n}]") for n in range(1, 6))
    calls = {}
    for name, fields in {
        "single": GLASS,
        "both": f"{GLASS} doubleSided: true",
        "solid": "doubleSided: true",
    }.items():
        with open_scene(balls.scene({"glass": fields}, shown, models(("one",))), size=SIZE) as opened:
            opened.frame()
            calls[name] = opened.host.runtime.renderer.draws.calls
    assert calls["single"] == calls["solid"]
    assert calls["both"] - calls["single"] == 9, "two calls for each of five, in place of one for all"
