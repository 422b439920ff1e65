"""Claims about the view of a light for its shadow map: what is in it, how large it is, and that it rests."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sampling import amount

from engine.feature import Box, FrameView, View
from engine.math import axis_angle, unit_axes
from engine.tableau import Tableau
from features._shadow_maps import SHADOW_TEXELS
from features._shadow_view import ShadowView, shadow_view
from features.camera import Camera
from features.light import Light

NEAR: Box = (np.array([-1.0, 0, -1]), np.array([1.0, 2, 1]))
WIDE: Box = (np.array([-1.0, 0, -1]), np.array([2000.0, 2, 2000]))
FAR_OUT = np.array([1e6 + 0.3, -2e5 - 0.7, 3e6 + 1.9])
DISTANCE = 40.0


def sun(turn: float = 1.0) -> np.ndarray:
    """The world matrix of a light that shines down at an angle."""
    tableau = Tableau([Light().schema])
    tableau.add_object("sun", rotation=axis_angle((1, 0.2, 0.1), -turn), features={"light": {}})
    tableau.update_world()
    return tableau.world(np.array([0]))[0]


def seen_by_camera(tableau: Tableau, box: Box | None = None) -> FrameView:
    view = Camera().view(FrameView(tableau, (160, 120), lambda feature: None))
    return FrameView(tableau, (160, 120), lambda feature: box, view)


def frame(eye=(0.0, 1.6, 5.0), turn: float = 0.0, **fields) -> FrameView:
    tableau = Tableau([Camera().schema])
    rotation = axis_angle((0, 1, 0), turn)
    tableau.add_object("camera", translation=eye, rotation=rotation, features={"camera": fields})
    tableau.update_world()
    return seen_by_camera(tableau)


def fit(seen: FrameView, casters: Box = WIDE, **more) -> ShadowView:
    light = more.get("light", sun())
    return shadow_view(tuple(light[3, :3].tolist()), unit_axes(light), casters, seen, DISTANCE)


def on_map(found: ShadowView, seen: FrameView, points: np.ndarray) -> np.ndarray:
    """Where points of the world are on the map: x and y from -1 to 1, depth."""
    return ((points - seen.origin) @ found.matrix[:3] + found.matrix[3])[:, :3]


def part_of_view(view: View, distance: float, count: int = 200) -> np.ndarray:
    """Points of the world inside the view, up to a distance."""
    rng = np.random.default_rng(3)
    side = np.cross(view.forward, (0, 1, 0))
    side /= np.linalg.norm(side)
    up = np.cross(side, view.forward)
    along = max(view.lens.begin, -distance / 2) + rng.uniform(0, distance, count)
    angle, out = rng.uniform(0, 2 * np.pi, count), view.lens.reach + view.lens.spread * along
    across = np.cos(angle)[:, None] * side + np.sin(angle)[:, None] * up
    out *= rng.random(count)
    return view.eye + along[:, None] * view.forward + out[:, None] * across


def test_casters_that_are_close_together_are_all_in_the_map_whatever_the_camera_does():
    first = fit(frame(), NEAR)
    for eye, turn in [((0, 1.6, 6), 0), ((20, 3, 5), 2.0), ((0, 300, 0), -1.0)]:
        again = fit(frame(eye, turn), NEAR)
        assert again.texel == first.texel
        seen = frame(eye, turn)
        corners = np.array(np.meshgrid(*zip(*NEAR, strict=True))).reshape(3, -1).T
        np.testing.assert_allclose(on_map(again, seen, corners), on_map(first, frame(), corners), atol=1e-4)
    assert first.texel < 3.5 / SHADOW_TEXELS


def test_one_caster_far_away_does_not_make_the_texels_larger_than_the_view_needs():
    found = fit(frame())
    assert found.texel < 2 * DISTANCE / SHADOW_TEXELS
    farther = fit(frame(), (WIDE[0], WIDE[1] * 1000))
    assert farther.texel == found.texel


@settings(max_examples=amount(15, 100))
@given(st.floats(-3, 3), st.floats(0.1, 3.0), st.sampled_from(["perspective", "orthographic"]), st.booleans())
def test_what_is_seen_up_to_the_distance_is_in_the_map(turn, down, projection, far):
    seen = frame(np.array((3.0, 4, 5)) + far * FAR_OUT, turn, projection=projection)
    casters = (WIDE[0] + far * FAR_OUT, WIDE[1] + far * FAR_OUT)
    found = fit(seen, (casters[0] - 5000, casters[1] + 5000), light=sun(down))
    places = on_map(found, seen, part_of_view(seen.view, DISTANCE))
    assert (np.abs(places[:, :2]) <= 1).all()
    assert ((places[:, 2] >= -1e-6) & (places[:, 2] <= 1)).all()


def test_what_casts_on_it_from_above_is_in_the_map():
    seen = frame()
    above = part_of_view(seen.view, DISTANCE) + 500 * sun()[2, :3]
    casters = (np.full(3, -1000.0), np.full(3, 1000.0))
    places = on_map(fit(seen, casters), seen, above)
    assert (np.abs(places[:, :2]) <= 1).all()
    assert ((places[:, 2] > 0) & (places[:, 2] <= 1)).all()


@pytest.mark.parametrize("far", [0, 1])
def test_while_the_camera_moves_the_map_moves_by_whole_texels(far):
    rng = np.random.default_rng(5)
    point = np.array([[0.2, 0.4, 1.0]]) + far * FAR_OUT
    casters = (WIDE[0] + far * FAR_OUT, WIDE[1] + far * FAR_OUT)
    first = None
    for _ in range(40):
        eye, turn = np.array((0, 1.6, 5)) + far * FAR_OUT + rng.normal(0, 0.3, 3), rng.normal(0, 0.2)
        seen = frame(eye, turn)
        found = fit(seen, casters)
        texels = on_map(found, seen, point)[0, :2] * SHADOW_TEXELS / 2
        first = (found.texel, texels) if first is None else first
        assert found.texel == first[0]
        moved = texels - first[1]
        np.testing.assert_allclose(moved, np.round(moved), atol=0.02)


def test_from_high_above_the_map_holds_what_is_seen_there():
    eye = (0, 500, 0)
    tableau = Tableau([Camera().schema])
    tableau.add_object(
        "camera", translation=eye, rotation=axis_angle((1, 0, 0), -np.pi / 2), features={"camera": {}}
    )
    tableau.update_world()
    seen = seen_by_camera(tableau)
    casters = (np.array([-3000.0, 0, -3000]), np.array([3000.0, 10, 3000]))
    found = fit(seen, casters)
    ground = np.array([[x, 0.0, z] for x in (-200, 0, 200) for z in (-200, 0, 200)])
    assert (np.abs(on_map(found, seen, ground)) <= 1).all()
    texels = set()
    for height in range(400, 600, 10):
        tableau["camera"].translation = (0, height, 0)
        tableau.update_world()
        texels.add(fit(seen_by_camera(tableau), casters).texel)
    assert 1 < len(texels) <= 3  # it grows in steps


def test_a_light_takes_the_distance_from_its_field():
    tableau = Tableau([Light().schema, Camera().schema])
    tableau.add_object("camera", translation=(0, 1.6, 5), features={"camera": {}})
    light = tableau.add_object("sun", rotation=axis_angle((1, 0.2, 0.1), -1), features={"light": {}})
    tableau.update_world()
    made = seen_by_camera(tableau, WIDE)
    first = Light().frame_values(made)["shadowTexels"]
    light.light.shadowDistance = 4 * DISTANCE
    second = Light().frame_values(seen_by_camera(tableau, WIDE))["shadowTexels"]
    assert second[0] == pytest.approx(4 * first[0])


def test_a_camera_that_moves_a_little_leaves_the_light_alone():
    first = frame()
    fit(first)
    assert first.reads.hold(frame((0.01, 1.6, 5.0)))
    assert not first.reads.hold(frame((9.0, 1.6, 5.0)))
    assert not first.reads.hold(frame(fovY=60.0))
