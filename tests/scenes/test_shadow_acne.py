"""Claims about surfaces that are in their own shadow map: no dark dots, and shadows that begin at them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from support.panes import FORMAT, Panes, shader_and_mesh_rows

from engine.testing import OpenedScene, open_scene

pytestmark = pytest.mark.gpu

SIZE = (120, 90)
SUNS = ((-54.8, -57.4, 0), (-5, -30, 0))
LAMPS = {
    "point": ("kind=point",),
    **{f"spot{a}": ("kind=spot", f"outerAngle={a}", f"innerAngle={a - 1}") for a in (30, 60, 75, 80, 85)},
}
PLACES = (((0.3, 2.0, 0.4), (-90, 0, 0)), ((1.2, 0.9, 1.2), (-20, 45, 0)), ((-1.5, 0.7, 0.9), (-60, -70, 0)))
"""Of a lamp, with its direction: above, before, and beside the shape, of which it grazes some."""
SHAPES = {
    "box": "euler: [25 35 15]",
    "ball": "scale: [0.5 0.5 0.5]",
    "ground": "scale: [40 0.01 40]",
    "smoothBox": "euler: [0 20 0]",
    "twisted": "euler: [0 20 0]",
    "round": "euler: [0 20 0]",
}
Points = npt.NDArray[np.float64]


def box(quads: int, twist: float, *, smooth: float, is_round: bool = False) -> str:
    """A box of 1 m, turned by `twist` radians a metre; normals of a place are averaged up to a cosine.

    One that is round is a coarse ball instead.
    """
    grid = np.linspace(-0.5, 0.5, quads + 1)
    places: list[Points] = []
    for axis in range(3):
        a, b = np.meshgrid(grid, grid, indexing="ij")
        for side in (-0.5, 0.5):
            plane = np.zeros((quads + 1, quads + 1, 3))
            plane[..., axis], plane[..., (axis + 1) % 3], plane[..., (axis + 2) % 3] = side, a, b
            low, right, up, far = plane[:-1, :-1], plane[1:, :-1], plane[:-1, 1:], plane[1:, 1:]
            corners = (low, right, far, low, far, up) if side > 0 else (low, far, right, low, up, far)
            places.append(np.stack(corners, axis=2).reshape(-1, 3))
    pos = np.concatenate(places)
    if is_round:
        pos *= 0.5 / np.linalg.norm(pos, axis=1, keepdims=True)
    turn = twist * pos[:, 1]
    cos, sin = np.cos(turn), np.sin(turn)
    pos = np.stack((cos * pos[:, 0] - sin * pos[:, 2], pos[:, 1], sin * pos[:, 0] + cos * pos[:, 2]), axis=1)
    sides = pos.reshape(-1, 3, 3)
    flat = np.cross(sides[:, 1] - sides[:, 0], sides[:, 2] - sides[:, 0])
    flat = np.repeat(flat / np.linalg.norm(flat, axis=1, keepdims=True), 3, axis=0)
    same = (np.abs(pos[:, None] - pos).max(axis=2) < 1e-6) & (flat @ flat.T > smooth)
    normal = same @ flat
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)

    def rows(values: Points) -> str:
        return " ".join("[" + " ".join(f"{v:.6f}" for v in row) + "]" for row in values)

    uv = rows(np.zeros((len(pos), 2)))
    triangles = " ".join(f"[{i} {i + 1} {i + 2}]" for i in range(0, len(pos), 3))
    coordinates = " ".join(
        f"{name}: [{uv}]" for name in ("uv_albedo", "uv_normal", "uv_tangent", "uv_roughness")
    )
    vertices = f"pos: [{rows(pos)}] normal: [{rows(normal)}] {coordinates}"
    return f"mesh: {{ name: box vertices: {{ {vertices} }} indices: [{triangles}] }}"


@pytest.fixture(scope="module")
def scene(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenedScene]:
    """Shapes at one place, of which one is switched on, and casters far away in all directions."""
    panes = Panes(root, tmp_path_factory.mktemp("acne"))
    (panes.folder / "box.mesh.hu").write_text(box(1, 0.0, smooth=0.9))
    (panes.folder / "smoothBox.mesh.hu").write_text(box(1, 0.0, smooth=-2.0))
    (panes.folder / "twisted.mesh.hu").write_text(box(6, 1.5, smooth=0.6))
    (panes.folder / "round.mesh.hu").write_text(box(4, 0.0, smooth=-2.0, is_round=True))
    shutil.copy(root / "assets/builtin/mesh/sphere.hu", panes.folder / "ball.mesh.hu")
    assets = ""
    for name in ("box", "ball", "smoothBox", "twisted", "round"):
        form = FORMAT[: FORMAT.index(" [uv_normal")] if name == "ball" else FORMAT
        assets += "\n".join(shader_and_mesh_rows(name, f"{name}.mesh.hu", form)[2:])
        assets += f"{{ @type: model name: {name} mesh: {name} material: plain }}\n"
    objects = ""
    for name, where in SHAPES.items():
        shown, on = "box" if name == "ground" else name, str(name == "box").lower()
        features = f"{{ @type: visibleModel  asset: [db {shown}] }} {{ @type: shadowCaster }}"
        objects += f"    {name}: {{ {where} enabled: {on}  features: [{features}] }}\n"
    for number, place in enumerate(("-300 0 -300", "300 0 300")):
        caster = "{ @type: shadowCaster  asset: [db box] }"
        objects += f"    far{number}: {{ translation: [{place}]  features: [{caster}] }}\n"
    dim = "sky: [0.2 0.2 0.2]  ground: [0.2 0.2 0.2]"
    objects += f"    sun: {{ features: [{{ @type: light  intensity: 3  {dim} }}] }}\n"
    lamp = f"{{ @type: light  kind: spot  intensity: 6  {dim} }}"
    objects += f"    lamp: {{ enabled: false  features: [{lamp}] }}\n"
    path = panes.scene({"plain": "parameters: { metallic: 0 roughness: 1 }"}, objects, assets)
    camera = "translation: [0 0.5 2.2]  euler: [-12 0 0]  features: [{ @type: camera  fovY: 40"
    old = "features: [{ @type: camera  projection: orthographic  height: 2"
    path.write_text(path.read_text().replace(old, camera))
    with open_scene(path, size=SIZE) as opened:
        assert opened.problems == ()
        yield opened


def show(
    scene: OpenedScene, shape: str, *, far: bool = True, cascades: int = 1, antialiasing: str = "none"
) -> None:
    """Switch a shape on alone, with casters far away or without."""
    for name in SHAPES:
        scene[name].enabled = name == shape
    for number in range(2):
        scene[f"far{number}"].shadowCaster.enabled = far
    scene.set(f"camera.camera.antialiasing={antialiasing}", f"sun.light.cascades={cascades}")


def picture(scene: OpenedScene, *, shadows: bool, light: str = "sun") -> npt.NDArray[Any]:
    scene.set(f"{light}.light.shadows={'on' if shadows else 'off'}")
    scene.settle()
    return np.asarray(scene.frame())[..., 0].astype(int)


@pytest.mark.parametrize("antialiasing", ["none", "msaa4"])
@pytest.mark.parametrize(("far", "cascades"), [(False, 1), (True, 4)])
def test_what_nothing_is_before_is_as_light_with_shadows_as_without(scene, far, cascades, antialiasing):
    for shape in ("box", "ball", "ground"):
        show(scene, shape, far=far, cascades=cascades, antialiasing=antialiasing)
        for sun in SUNS:
            scene["sun"].euler = sun
            with_shadows, without = picture(scene, shadows=True), picture(scene, shadows=False)
            assert (without > 0).sum() > 1000, shape
            assert (without - with_shadows).max() <= 2, (shape, sun)


def dots(picture: npt.NDArray[Any]) -> int:
    """How many pixels are darker than most of those around them."""
    around = [np.roll(picture, (i, k), (0, 1)) for i in (-1, 0, 1) for k in (-1, 0, 1)]
    return int((np.median(around, axis=0) - picture > 12).sum())


@pytest.mark.parametrize("antialiasing", ["none", "msaa4"])
@pytest.mark.parametrize(("shape", "cascades"), [("twisted", 1), ("twisted", 4), ("smoothBox", 4)])
def test_edges_between_triangles_are_no_darker_than_what_they_join(scene, shape, cascades, antialiasing):
    show(scene, shape, far=cascades > 1, cascades=cascades, antialiasing=antialiasing)
    scene["sun"].euler = (-20, -60, 0)
    assert dots(picture(scene, shadows=True)) <= dots(picture(scene, shadows=False)) + 1


@pytest.mark.parametrize("cascades", [1, 4])
def test_a_shadow_begins_where_its_caster_stands(scene, cascades):
    show(scene, "box", far=True, cascades=cascades)
    scene["box"].euler, scene["ground"].enabled = (0, 0, 0), True
    scene["ground"].translation = (0, -0.505, 0)
    scene["sun"].euler = (-35, -90, 0)
    camera = scene["camera"]
    before = np.array(camera.translation), np.array(camera.euler)
    camera.translation, camera.euler = (2.2, 0.6, 0), (-25, 90, 0)  # looks at the dark side of the box
    lit, shaded = (picture(scene, shadows=on)[:, SIZE[0] // 2] for on in (False, True))
    camera.translation, camera.euler = before
    is_ground = lit > 200
    assert 20 < is_ground.sum() < 60
    assert shaded[is_ground].max() < 140, "from the foot of the box on"


@pytest.fixture
def lamp(scene: OpenedScene) -> Iterator[Any]:
    """The lamp, which shines instead of the sun."""
    scene["sun"].enabled, scene["lamp"].enabled = False, True
    yield scene["lamp"]
    scene.set("lamp.light.shadows=off")
    scene["sun"].enabled, scene["lamp"].enabled = True, False


@pytest.mark.parametrize("kind", LAMPS)
def test_what_nothing_is_before_is_as_light_by_a_lamp_with_shadows_as_without(scene, lamp, kind):
    scene.set(*(f"lamp.light.{setting}" for setting in LAMPS[kind]))
    for shape in ("box", "ball", "ground", "round"):
        show(scene, shape, far=False)
        for lamp.translation, lamp.euler in PLACES:
            with_shadows, without = (picture(scene, shadows=on, light="lamp") for on in (True, False))
            assert (without > 20).sum() > 300, shape
            assert (without - with_shadows).max() <= 2, (shape, lamp.translation)


@pytest.mark.parametrize("kind", LAMPS)
def test_edges_between_triangles_are_no_darker_by_a_lamp(scene, lamp, kind):
    scene.set(*(f"lamp.light.{setting}" for setting in LAMPS[kind]))
    show(scene, "twisted", far=False)
    for lamp.translation, lamp.euler in PLACES:
        with_shadows, without = (picture(scene, shadows=on, light="lamp") for on in (True, False))
        assert dots(with_shadows) <= dots(without) + 1, lamp.translation
