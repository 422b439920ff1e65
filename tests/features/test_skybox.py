"""Claims about skyboxes: which is in use, what it gives to shaders, and the directions of the picture."""

from __future__ import annotations

import numpy as np
import pytest

from engine.assets import AssetRef, EnvironmentFacts
from engine.feature import FeatureRows, FrameView
from engine.math import axis_angle
from engine.tableau import Tableau
from features.camera import Camera
from features.skybox import SKY, Skybox

FACTS = {
    index: EnvironmentFacts(64, 3, 0, tuple((float(index), 0.5 * n, 1.0) for n in range(9)))
    for index in (1, 2)
}


class Library:
    """Only facts of environments 1 and 2."""

    def facts(self, ref: AssetRef) -> EnvironmentFacts:
        return FACTS[ref.index]


def frame(tableau: Tableau, size: tuple[int, int] = (640, 480)) -> FrameView:
    tableau.update_world()
    seen = FrameView(tableau, size, lambda feature: None)
    return FrameView(tableau, size, lambda feature: None, Camera().view(seen), Library())  # type: ignore[arg-type]


def scene() -> Tableau:
    return Tableau([Skybox().schema, Camera().schema])


def add(tableau: Tableau, name: str, index: int, **fields: object) -> None:
    tableau.add_object(name, features={"skybox": {"asset": AssetRef(1, index), **fields}})


def test_the_first_enabled_skybox_is_in_use():
    tableau = scene()
    assert Skybox().frame_values(frame(tableau)) == {}
    add(tableau, "a", 1, rotation=90.0, intensity=2.0)
    add(tableau, "b", 2, visible=False)
    values = Skybox().frame_values(frame(tableau))
    assert values["environment"] == pytest.approx([0.0, 1.0, 2.0, 2.0], abs=1e-6)
    assert np.array_equal(values["irradiance"], 2.0 * np.array(FACTS[1].irradiance))
    assert values["skyVisible"] == 1.0
    tableau["a"].skybox.enabled = False
    values = Skybox().frame_values(frame(tableau))
    assert values["environment"] == [1.0, 0.0, 1.0, 2.0]
    assert np.array_equal(values["irradiance"], FACTS[2].irradiance)
    assert values["skyVisible"] == 0.0


def test_the_sky_has_a_pass_while_an_active_skybox_is_to_be_seen():
    tableau = scene()
    add(tableau, "a", 1, visible=False)
    table = tableau.tables["skybox"]
    assert Skybox().passes(FeatureRows(table, table.rows_active)) == ()
    add(tableau, "b", 2)
    assert Skybox().passes(FeatureRows(table, table.rows_active)) == (SKY,)


@pytest.mark.parametrize("size", [(640, 480), (100, 300)])
@pytest.mark.parametrize("corner", [(-1.0, -1.0), (0.3, 0.7), (1.0, 0.0)])
def test_a_place_in_the_picture_shows_the_direction_of_what_is_drawn_there(size, corner):
    tableau = scene()
    rotation = axis_angle((0.3, 1.0, 0.2), 0.8)
    tableau.add_object("camera", translation=(70.0, 2.0, -300.0), rotation=rotation, features={"camera": {}})
    values = Camera().frame_values(frame(tableau, size))
    direction = (np.array([*corner, 0.0, 1.0]) @ values["clipToDirection"])[:3]
    place = np.append(np.array(values["cameraPosition"][:3]) + 7.0 * direction, 1.0)
    clip = place @ values["viewProjection"]
    assert clip[3] > 0
    assert clip[:2] / clip[3] == pytest.approx(corner, abs=1e-4)


def test_without_perspective_the_whole_picture_shows_the_direction_of_the_view():
    tableau = scene()
    rotation = axis_angle((0.0, 1.0, 0.0), np.pi / 2)
    tableau.add_object("camera", rotation=rotation, features={"camera": {"projection": "orthographic"}})
    matrix = Camera().frame_values(frame(tableau))["clipToDirection"]
    for corner in ((-1.0, -1.0), (0.0, 0.5)):
        assert (np.array([*corner, 0.0, 1.0]) @ matrix)[:3] == pytest.approx([-1.0, 0.0, 0.0], abs=1e-6)
