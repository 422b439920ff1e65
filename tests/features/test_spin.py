"""Claims about spin: where an object is turned to, at which time, and what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest

from engine.feature import Registry
from engine.feature.motion import Animator
from engine.math import euler_xyz_degrees
from engine.scene import load_scene
from engine.tableau import Tableau
from features.spin import Spin


@pytest.fixture
def tableau() -> Tableau:
    made = Tableau(Registry([Spin()]).schemas)
    made.add_object("top", features={"spin": {"speed": 90.0}}, translation=(1, 2, 3))
    return made


def at(tableau: Tableau, seconds: float, path: str = "top") -> np.ndarray:
    """The world axes of an object at a time, as rows."""
    tableau.clock.set(seconds)
    registry = Registry([Spin()])
    Animator(tableau, registry, None, pytest.fail).update()
    tableau.update_world()
    return tableau[path].world[:3, :3]


def test_it_turns_by_its_speed_counter_clockwise_about_its_axis(tableau):
    assert np.allclose(at(tableau, 0.0), np.eye(3), atol=1e-6)
    # A quarter turn about +Y takes +X to -Z and +Z to +X.
    assert np.allclose(at(tableau, 1.0), [(0, 0, -1), (0, 1, 0), (1, 0, 0)], atol=1e-6)
    assert np.allclose(at(tableau, 4.0), np.eye(3), atol=1e-6)
    assert tableau["top"].world[3, :3].tolist() == [1, 2, 3]


def test_the_phase_is_the_turn_at_time_0(tableau):
    tableau["top"].spin.phase = 90.0
    tableau["top"].spin.speed = 0.0
    for seconds in (0.0, 5.0):
        assert np.allclose(at(tableau, seconds), [(0, 0, -1), (0, 1, 0), (1, 0, 0)], atol=1e-6)


def test_the_axis_is_the_objects_own_and_of_any_length(tableau):
    tableau["top"].euler = (0, 0, 90)  # its own +X is the world's +Y
    tableau["top"].spin.axis = (5.0, 0.0, 0.0)
    turned = at(tableau, 1.0)
    assert np.allclose(turned[0], (0, 1, 0), atol=1e-6)
    assert np.allclose(turned[2], (1, 0, 0), atol=1e-6)


def test_it_is_as_exact_after_a_year(tableau):
    year = 365 * 24 * 3600.0
    assert np.allclose(at(tableau, year + 1.0), at(tableau, 1.0), atol=1e-6)


def test_it_keeps_its_own_rotation_while_it_spins(tableau):
    tableau["top"].euler = (10, 20, 30)
    at(tableau, 1.0)
    assert np.array_equal(tableau["top"].rotation, euler_xyz_degrees((10, 20, 30)))


SCENE = "tableau: {{ objects: {{ top: {{ features: [ {{ @type: spin  {field} }} ] }} }} }}\n"


@pytest.mark.parametrize(
    ("field", "at", "code", "used"),
    [
        ("axis: [0 0 0]", "[0", "value.range", ("axis", (0, 1, 0))),
        ("speed: 1e9", "1e9", "value.range", ("speed", 36000)),
        ("phase: 400", "400", "value.range", ("phase", 360)),
        ("around: 3", "around", "field.unknown", ("speed", 45)),
    ],
)
def test_a_wrong_field_is_reported_at_its_place(tmp_path, field, at, code, used):
    text = SCENE.format(field=field)
    (tmp_path / "s.hu").write_text(text)
    scene = load_scene(tmp_path / "s.hu")
    (problem,) = scene.left_out
    assert scene.tableau["top"].spin[used[0]] == used[1]
    assert (problem.code, problem.position.line, problem.position.column) == (
        code,
        1,
        text.index(at) + 1,
    )


def test_an_axis_of_zeros_is_refused_by_every_way_in(tableau):
    with pytest.raises(ValueError, match="axis must not be 3 zeros"):
        tableau["top"].spin.axis = (0, 0, 0)
    with pytest.raises(ValueError, match="axis must not be 3 zeros"):
        tableau.tables["spin"].set("axis", np.array([0], np.int32), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="axis must not be 3 zeros"):
        tableau.add_object("other", features={"spin": {"axis": (0, 0, 0)}})
