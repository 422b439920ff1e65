"""Claims about the shadows of point and spot lights: they end where geometry says, however wide these are."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest

from engine.testing import OpenedScene, open_scene
from features._shadow_maps import LOCAL_TEXELS

pytestmark = pytest.mark.gpu

COLUMNS = 400
FARTHEST = 1.66
"""Metres from the light's foot to the back of the caster, at most."""

SCENE = """version: 1
tableau: { name: t  objects: {
    ground: { scale: [80 1 80]  translation: [0 -0.5 0]
              features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
    caster: { features: [{ @type: visibleModel  asset: [builtin placeholder] } { @type: shadowCaster }] }
    camera: { translation: [0 16 0]  euler: [-90 0 0]  features: [{ @type: camera  projection: orthographic
              background: [0 0 0]  antialiasing: none  toneMapping: none }] }
    lamp: { translation: [0 1 0]  euler: [-90 0 0]  features: [{ @type: light  kind: spot  intensity: 50
            shadows: on  sky: [0 0 0]  ground: [0 0 0] }] }
} }
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenedScene]:
    """A lamp 1 m above the ground that looks down, and a box beside it, seen from above."""
    path = tmp_path_factory.mktemp("local") / "scene.hu"
    path.write_text(SCENE)
    with open_scene(path, size=(COLUMNS, 8)) as opened:
        assert opened.problems == ()
        yield opened


def aim(scene: OpenedScene, kind: str, angle: float, tilt: float = 0.0) -> None:
    """Make the lamp of a kind, with a cone of `angle` degrees, `tilt` degrees from down towards +X."""
    scene.set(
        f"lamp.light.kind={kind}", f"lamp.light.outerAngle={angle}", f"lamp.light.innerAngle={angle - 0.5}"
    )
    scene["lamp"].euler = (-90 + tilt, -90, 0)


def stand(scene: OpenedScene, back: float, height: float) -> None:
    """Stand the caster on the ground so that its back is at a distance from the lamp's foot."""
    scene["caster"].translation = (0.8 * back, height / 2, 0)
    scene["caster"].scale = (0.4 * back, height, 0.6 * back)


def row(scene: OpenedScene, begin: float, end: float) -> npt.NDArray[np.float64]:
    """How much of its light the ground gets on the X axis, [COLUMNS]: 1 where all, nan where it has none."""
    scene.set(
        f"camera.camera.height={(end - begin) * 8 / COLUMNS}",
        f"lamp.light.intensity={3 * (1 + begin * begin) ** 1.5}",
    )
    scene["camera"].translation = ((begin + end) / 2, 16, 0)
    found = []
    for scene["caster"].enabled in (False, True):
        scene.settle()
        encoded = np.asarray(scene.frame())[4, :, 0] / 255
        found.append(np.where(encoded > 0.04045, ((encoded + 0.055) / 1.055) ** 2.4, encoded / 12.92))
    bare, beside = found
    return np.divide(beside, bare, out=np.full(COLUMNS, np.nan), where=bare > 0.02)


def shadow_end(scene: OpenedScene, expected: float) -> float:
    """The place on the X axis where a shadow ends that should end at `expected` metres."""
    lit = row(scene, 0.75 * expected, 1.25 * expected) > 0.5
    assert not lit[0], "the shadow does not reach so far"
    assert lit.any(), "the shadow goes on"
    return expected * (0.75 + 0.5 * int(lit.argmax()) / COLUMNS)


def texel(kind: str, angle: float, tilt: float, place: float) -> float:
    """How far a texel of the shadow map goes along the X axis on the ground at a place there, in metres."""
    if kind == "point":  # a face of its cube looks along X or down
        angle, tilt = 45, 90 if place > 1 else 0
    away = np.cos(np.arctan(place) - np.radians(tilt))
    return 2 * float(np.tan(np.radians(angle)) * away**2 * (1 + place**2)) / LOCAL_TEXELS


ANGLES = (30, 45, 60, 70, 75, 80, 85)
AIMS = [
    ("point", 45, 0),
    *(("spot", a, 0) for a in ANGLES),
    *(("spot", a, t) for a in ANGLES[2:] for t in (20, 45)),
]


@pytest.mark.parametrize(("kind", "angle", "tilt"), AIMS)
def test_a_shadow_ends_where_the_ray_over_its_caster_meets_the_ground(scene, kind, angle, tilt):
    aim(scene, kind, angle, tilt)
    farthest = FARTHEST / 0.25 if kind == "point" else 0.75 * float(np.tan(np.radians(min(angle + tilt, 85))))
    back = min(0.45 * farthest, FARTHEST)
    missed = {}
    for height in (0.3, 0.4, 0.5, 0.6, 0.7, 0.8):
        end = back / (1 - height)
        if end <= farthest:  # else the cone would end before one sees that the shadow does
            stand(scene, back, height)
            bound = 1.25 * texel(kind, angle, tilt, end) + 0.5 * end / COLUMNS
            found = shadow_end(scene, end)
            missed[height] = (round(found - end, 4), round(bound, 4))
    assert len(missed) >= 3
    assert all(abs(off) <= bound for off, bound in missed.values()), missed


@pytest.mark.parametrize("angle", [60, 75, 80, 85])
def test_behind_what_is_higher_than_a_spot_light_all_is_dark_to_the_border_of_its_cone(scene, angle):
    aim(scene, "spot", angle)
    border = float(np.tan(np.radians(angle - 0.5)))
    for back, height in ((0.9, 1.2), (0.9, 3.0), (0.6 * border, 1.2)):
        stand(scene, back, height)
        begin = back + 2 * texel("spot", angle, 0, back)
        parts = np.geomspace(begin, border, 2 + int(np.log2(border / begin)))  # as light falls off along it
        for near, far in itertools.pairwise(parts.tolist()):
            lit = row(scene, near, far)
            assert not np.isnan(lit).any(), "what is dark is so by the shadow"
            assert lit.max() < 0.02, (back, height, near)
