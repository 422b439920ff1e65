"""Claims about the view of a light for its shadow map: what is in it, how large it is, and that it rests."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.sampling import amount

from engine.feature import Box, FrameView, View
from engine.math import axis_angle, unit_axes
from engine.tableau import Tableau
from features._shadow_maps import SHADOW_TEXELS
from features._shadow_view import CASCADE_RATIO, ShadowView, shadow_views
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
    return fit_all(seen, casters, 1, **more)[0][0]


def fit_all(seen: FrameView, casters: Box, count: int, **more) -> tuple[list[ShadowView], float]:
    light = more.get("light", sun())
    return shadow_views(tuple(light[3, :3].tolist()), unit_axes(light), casters, seen, DISTANCE, count)


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


@pytest.mark.parametrize("count", [2, 3, 4])
def test_several_maps_never_grow_and_replace_each_other_where_the_replaced_one_shows_nothing(count):
    casters = (np.array([-1e5, 0, -2e5]), np.array([1e5, 3, 0]))
    near, _ = fit_all(frame((0.0, 1.6, -1e5)), casters, count)
    widths = [near[0].texel * CASCADE_RATIO**number for number in range(12)]
    np.testing.assert_allclose([view.texel for view in near], widths[:count])
    last, firsts = None, []
    tableau = Tableau([Camera().schema])
    tableau.add_object("camera", features={"camera": {}})
    for metres in np.geomspace(0.4, 1500, 800):
        tableau["camera"].translation = (0, 1.6, metres)
        tableau.update_world()
        views, moved_on = fit_all(seen_by_camera(tableau), casters, count)
        first = int(np.argmin(np.abs(np.array(widths) - views[0].texel)))
        np.testing.assert_allclose([view.texel for view in views], widths[first : first + count])
        assert 0 <= moved_on < 2
        assert first > 0 or moved_on >= 1, "nothing has left yet, so the last shows all"
        now = 2 * first + moved_on  # 2 of one window are 0 of the next
        assert last is None or abs(now - last) < 0.16, "what they show changes gradually"
        last = now
        firsts.append(first)
    assert sorted(set(firsts)) == list(range(firsts[-1] + 1)), "one after the other"
    assert firsts[-1] >= 4


@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("height", [30, 100, 500])
def test_from_high_above_several_maps_hold_what_is_seen_there(count, height):
    tableau = Tableau([Camera().schema])
    tableau.add_object(
        "camera",
        translation=(0, height + 10, 0),
        rotation=axis_angle((1, 0, 0), -np.pi / 2),
        features={"camera": {}},
    )
    tableau.update_world()
    seen = seen_by_camera(tableau)
    views, moved_on = fit_all(seen, (np.array([-9000.0, 0, -9000]), np.array([9000.0, 10, 9000])), count)
    shown = [view for number, view in enumerate(views) if number < count - 1 or moved_on >= 1]
    reach = 0.4 * height
    ground = np.array([[x, 0.0, z] for x in (-reach, 0, reach) for z in (-reach, 0, reach)])
    assert (np.abs([on_map(view, seen, ground)[:, :2] for view in shown]) <= 1).all(axis=(1, 2)).any()


@pytest.mark.parametrize("count", [1, 3])
def test_while_a_caster_moves_at_the_rim_the_others_keep_their_texels_but_for_a_few_steps(count):
    seen, point, found = frame(), np.array([[0.2, 0.4, 1.0]]), []
    for wide in np.linspace(12, 50, 400):
        casters = (np.array([-3.0, 0, -3]), np.array([wide, 2, 3]))
        views, _ = fit_all(seen, casters, count)
        found.append((views[-1].texel, on_map(views[-1], seen, point)[0, :2] * SHADOW_TEXELS / 2))
    same = [(a, b) for a, b in pairwise(found) if a[0] == b[0]]
    assert len(found) - 1 - len(same) <= 9, "four steps to twice the width"
    for (_, before), (_, after) in same:
        np.testing.assert_allclose(after - before, np.round(after - before), atol=0.02)


def test_casters_that_fit_into_the_view_no_more_keep_their_texels():
    seen, found = frame(), []
    for wide in np.linspace(20, 34, 200):
        found.append(fit(seen, (np.array([-wide, 0, -wide]), np.array([wide, 2, wide]))))
    (before, after), *others = ((a, b) for a, b in pairwise(found) if a.fade != b.fade)
    assert not others
    assert before.texel == after.texel
    places = [on_map(view, seen, np.zeros((1, 3)))[0, :2] * SHADOW_TEXELS / 2 for view in (before, after)]
    np.testing.assert_allclose(places[1] - places[0], np.round(places[1] - places[0]), atol=0.02)


@pytest.mark.parametrize("wide", [0.01, 0.5, 0.83, 1.2])
def test_the_map_of_casters_in_a_few_metres_wastes_nothing(wide):
    casters = (np.full(3, -wide), np.full(3, wide))
    corners = np.array(np.meshgrid(*zip(*casters, strict=True))).reshape(3, -1).T
    for count in (1, 2):
        views, _ = fit_all(frame(), casters, count)
        for view in views:
            assert 0.95 < np.abs(on_map(view, frame(), corners)[:, :2]).max() < 0.97


def test_where_all_casters_fit_into_all_maps_but_the_first_nothing_is_mixed_in_or_out():
    casters = (np.array([-9.0, 0, -18]), np.array([9.0, 2, 0]))
    for metres in (30.0, 45.0, 80.0):
        views, moved_on = fit_all(frame((0, 1.6, metres)), casters, 3)
        assert moved_on >= 1
        assert views[1] is views[2]
