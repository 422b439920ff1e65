"""Claims about lights: directions, colours, and a shadow matrix that contains all casters."""

from itertools import product

import numpy as np
import pytest

from engine.feature import FeatureRows, FrameView
from engine.math import axis_angle
from engine.tableau import Tableau
from features._local_lights import spot_matrix
from features._shadow_maps import LOCAL_TEXELS
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


@pytest.mark.parametrize(
    ("shadows", "caster"),
    [
        (("auto", "on", "on"), 0),
        (("off", "on", "on"), 1),
        (("off", "auto", "on"), 2),
        (("off", "auto", "off"), None),
    ],
)
def test_of_directional_lights_one_casts_shadows_the_first_or_the_next_that_should(shadows, caster):
    tableau = scene()
    tableau.add_object("lamp", features={"light": {"kind": "spot"}})
    for number, choice in enumerate(shadows):
        sky = (0.1 * number, 0.0, 0.0)
        add_light(tableau, f"sun{number}", 0.3 + number, shadows=choice, intensity=1.0 + number, sky=sky)
    rows = FeatureRows(tableau.tables["light"], tableau.tables["light"].rows_active)
    values = Light().frame_values(frame(tableau))
    assert values["skyAmbient"].tolist() == [0, 0, 0], "ambient light is that of the first"
    casting = [p.name for p in Light().passes(rows)]
    assert ("shadow" in casting) == ("shadowMatrices" in values) == (caster is not None)
    faults = [fault for fault in Light().faults(frame(tableau)) if fault.code == "light.shadows"]
    assert [fault.row - 1 for fault in faults] == [
        number for number, choice in enumerate(shadows) if choice == "on" and number != caster
    ]
    assert all(f"'sun{caster}'" in fault.message and fault.field == "shadows" for fault in faults)
    if caster is None:
        return
    lights = Light().buffer_values(frame(tableau))["lights"]
    assert lights["color"][0].tolist() == [1.0 + caster] * 3, "shaders shade the first one"
    alone = scene()
    add_light(alone, angle=0.3 + caster)
    expected = Light().frame_values(frame(alone))["shadowMatrices"]
    np.testing.assert_allclose(values["shadowMatrices"], expected, atol=1e-6)


@pytest.mark.parametrize("outer", [1, 30, 60, 75, 80, 85])
def test_the_map_of_a_spot_light_holds_its_cone_with_room_to_filter(outer):
    angle = np.radians(outer)
    rim = np.array([np.sin(angle), 0.0, -np.cos(angle), 1.0]) @ spot_matrix(np.zeros(3), np.eye(3), angle)
    assert 3 < (1 - rim[0] / rim[3]) * LOCAL_TEXELS / 2 < 8
