"""Claims about lights: directions, colours, and a shadow matrix that contains all casters."""

from itertools import product

import numpy as np
import pytest

from engine.feature import FrameView
from engine.math import axis_angle
from engine.tableau import Tableau
from features.camera import Camera
from features.light import MAX_LIGHTS, Light

BOX = (np.array([-1, 0, -2], np.float32), np.array([3, 4, 1], np.float32))


def frame(tableau: Tableau, box=BOX) -> FrameView:
    tableau.update_world()
    return FrameView(tableau, (640, 480), lambda feature: box)


def scene() -> Tableau:
    return Tableau([Light().schema, Camera().schema])


def add_light(tableau: Tableau, name: str = "sun", angle: float = -1.0, **fields) -> None:
    rotation = axis_angle((1.0, 0.2, 0.1), angle)
    tableau.add_object(name, rotation=rotation, features={"light": fields})


@pytest.mark.parametrize("angle", [-0.4, -1.0, -1.57, 2.5])
def test_the_shadow_map_contains_every_corner_of_the_casters(angle):
    tableau = scene()
    add_light(tableau, angle=angle)
    values = Light().frame_values(frame(tableau))
    corners = np.array([[*corner, 1] for corner in product(*zip(*BOX, strict=True))], np.float32)
    clip = corners @ values["shadowMatrices"][0]
    assert np.all(np.abs(clip[:, :2]) <= 1)
    assert np.all((clip[:, 2] >= 0) & (clip[:, 2] <= 1))
    assert np.abs(clip[:, :2]).max() > 0.9  # and wastes little of the map


def test_points_nearer_to_the_light_have_greater_depth():
    tableau = scene()
    add_light(tableau)
    values = Light().frame_values(frame(tableau))
    towards = Light().buffer_values(frame(tableau))["lights"]["direction"][0]
    near, far = np.append(towards, 1), np.append(-towards, 1)
    depth = np.array([near, far], np.float32) @ values["shadowMatrices"][0][:, 2]
    assert depth[0] > depth[1]


def test_a_light_shines_along_minus_z_with_colour_times_intensity():
    tableau = scene()
    tableau.add_object("sun", features={"light": {"color": (1, 0.5, 0.25), "intensity": 4.0}})
    lights = Light().buffer_values(frame(tableau))["lights"]
    assert lights["direction"].tolist() == [[0, 0, 1]]
    assert lights["color"].tolist() == [[4, 2, 1]]


def test_no_light_gives_no_values_and_only_the_first_few_count():
    tableau = scene()
    assert Light().frame_values(frame(tableau)) == {}
    for index in range(MAX_LIGHTS + 2):
        add_light(tableau, f"sun{index}")
    values = Light().frame_values(frame(tableau))
    assert values["lightCounts"] == [MAX_LIGHTS, 0, 0, 0]
    assert len(Light().buffer_values(frame(tableau))["lights"]["color"]) == MAX_LIGHTS


def test_a_disabled_light_does_not_shine():
    tableau = scene()
    add_light(tableau, enabled=False)
    assert Light().frame_values(frame(tableau)) == {}


def test_a_light_without_casters_still_has_a_finite_matrix():
    tableau = scene()
    add_light(tableau)
    assert np.isfinite(Light().frame_values(frame(tableau, None))["shadowMatrices"]).all()
