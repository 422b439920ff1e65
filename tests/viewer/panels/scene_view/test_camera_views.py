"""Where the camera goes on command."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from support.mouse import session_of
from support.views import seen

from engine.math.quaternion import euler_xyz_degrees
from engine.scene.snapshot import Snapshot
from engine.tableau.schema import FeatureSchema, angle_field, choice_field, float_field
from engine.tableau.tableau import Tableau
from viewer.panels.scene_view import camera_views
from viewer.panels.scene_view.camera_views import CameraViews, essential_box
from viewer.panels.scene_view.object_shapes import Shapes, with_descendants
from viewer.session.session import Session
from viewer.window.camera_controller import CameraController
from viewer.window.orbit_camera import forward_of

CAMERA = FeatureSchema(
    "camera",
    (
        choice_field("projection", "perspective", choices=("perspective", "orthographic")),
        angle_field("fovY", 90.0),
        float_field("height", 4.0),
    ),
)


def boxes(*of: tuple[int, tuple[float, float, float], float]) -> Shapes:
    """Cubes: object, middle, half size."""
    count = len(of)
    middle = np.array([each[1] for each in of], np.float64).reshape(count, 3)
    half = np.array([[each[2]] * 3 for each in of], np.float64).reshape(count, 3)
    return Shapes(middle, half)


class Looking:
    """A camera 5 m before a cube, on a ground, beside a light."""

    def __init__(self) -> None:
        self.tableau = Tableau([CAMERA])
        self.camera = self.tableau.add_object("camera", translation=(0, 0, 5), features={"camera": {}})
        for name, place in (("cube", (2, 0, 0)), ("ground", (0, 0, 0)), ("light", (0, 9, 0))):
            self.tableau.add_object(name, translation=place)
        self.tableau.update_world()
        self.session: Session = session_of(self.tableau)
        self.parallel = False
        self.controller = CameraController(self.tableau)
        self.views = CameraViews(
            self.session, self.controller, lambda: seen(parallel=self.parallel), self.shapes
        )

    def shapes(self, rows: np.ndarray | None) -> Shapes:
        of = [(1, (2.0, 0.0, 0.0), 1.0), (2, (0.0, 0.0, 0.0), 500.0)]
        return boxes(*(each for each in of if rows is None or each[0] in rows))

    def run(self, title: str) -> None:
        """Run a command, and wait until the camera has arrived."""
        self.session.commands.find(title).run()
        for _ in range(3):
            self.views.advance()

    @property
    def forward(self) -> np.ndarray:
        view = self.controller.view
        assert view is not None
        return np.array(forward_of(view))


@pytest.fixture
def looking(monkeypatch: pytest.MonkeyPatch) -> Looking:
    monkeypatch.setattr(camera_views, "TRAVEL_S", 1e-9)
    return Looking()


def distance_for(radius: float) -> float:
    """How far a camera of 90 degrees sees a sphere with a margin of a tenth."""
    return 1.1 * radius / math.sin(math.radians(45))


def test_show_selection_shows_its_box_whole_from_the_same_side(looking: Looking) -> None:
    assert not looking.session.commands.find("Show selection").is_enabled()
    looking.session.selection.select([1])
    looking.run("Show selection")
    np.testing.assert_allclose(looking.camera.translation, (2, 0, distance_for(math.sqrt(3))), atol=1e-5)
    np.testing.assert_allclose(looking.forward, (0, 0, -1), atol=1e-6)


def test_what_has_no_shape_is_shown_with_half_a_metre_around(looking: Looking) -> None:
    looking.session.selection.select([3])
    looking.run("Show selection")
    np.testing.assert_allclose(looking.camera.translation[:2], (0, 9), atol=1e-5)
    assert looking.camera.translation[2] == pytest.approx(distance_for(math.sqrt(3) / 2))


def test_show_all_leaves_out_what_surrounds_the_rest(looking: Looking) -> None:
    looking.run("Show all")
    np.testing.assert_allclose(looking.camera.translation, (2, 0, distance_for(math.sqrt(3))), atol=1e-5)
    only = essential_box(boxes((2, (0.0, 0.0, 0.0), 500.0)))
    assert only is not None, "a ground alone is shown"
    assert only[1].tolist() == [500.0] * 3
    assert essential_box(boxes()) is None
    assert essential_box(boxes((1, (math.inf, 0.0, 0.0), 1.0))) is None


@pytest.mark.parametrize(
    ("title", "forward"),
    [
        ("View from the right", (-1, 0, 0)),
        ("View from the left", (1, 0, 0)),
        ("View from above", (0, -1, 0)),
        ("View from below", (0, 1, 0)),
        ("View from behind", (0, 0, 1)),
    ],
)
def test_views_along_axes_look_at_the_same_target(
    looking: Looking, title: str, forward: tuple[int, int, int]
) -> None:
    before = looking.controller.view
    looking.run(title)
    after = looking.controller.view
    assert before is not None
    assert after is not None
    np.testing.assert_allclose(looking.forward, forward, atol=1e-6)
    np.testing.assert_allclose(after.target, before.target, atol=1e-6)
    looking.run("Back to the start")
    np.testing.assert_allclose(looking.camera.translation, (0, 0, 5), atol=1e-5)
    np.testing.assert_allclose(looking.forward, (0, 0, -1), atol=1e-6)


def test_an_orthographic_camera_shows_what_is_at_the_target_as_large_and_so_does_the_way_back(
    looking: Looking,
) -> None:
    view = looking.controller.view
    assert view is not None
    looking.run("Orthographic")
    assert looking.controller.height == pytest.approx(2 * view.distance)
    looking.camera.camera.height = 4.0
    looking.run("Orthographic")
    assert looking.controller.height is None
    after = looking.controller.view
    assert after is not None
    assert after.distance == pytest.approx(2.0)
    np.testing.assert_allclose(after.target, view.target, atol=1e-5)


def test_an_orthographic_picture_gets_the_height_of_what_is_shown(looking: Looking) -> None:
    looking.run("Orthographic")
    looking.parallel = True
    looking.session.selection.select([1])
    looking.run("Show selection")
    assert looking.controller.height == pytest.approx(2 * 1.1 * math.sqrt(3))


def test_back_to_the_start_gives_the_camera_the_very_transform_that_it_had(looking: Looking) -> None:
    camera = looking.tableau["camera"]
    camera.translation, camera.rotation = (0.75, 1.3, 2.95), euler_xyz_degrees((-17.0, 12.3, 0.0))
    session = session_of(looking.tableau)
    controller = CameraController(looking.tableau)
    views = CameraViews(session, controller, lambda: seen(parallel=False), looking.shapes)
    before = camera.translation.tolist(), camera.rotation.tolist()
    for _ in range(3):
        views.look(1.0, 0.5)
        views.advance()
        views.advance()
        assert camera.translation.tolist() != before[0]
        views.reset()
        views.advance()
        views.advance()
        assert (camera.translation.tolist(), camera.rotation.tolist()) == before


@pytest.mark.parametrize("is_moved_by_hand", [False, True])
def test_back_to_the_start_goes_to_the_very_place_where_the_file_has_the_camera(
    looking: Looking, is_moved_by_hand: bool
) -> None:
    part = looking.session.runtime.scene.parts[0]
    place, turn = (3.0, 2.1, 6.3), euler_xyz_degrees((-12.475, 3.2875, 0.0))
    looking.camera.translation, looking.camera.rotation = place, turn
    saved = Snapshot.of(looking.tableau)
    if is_moved_by_hand:
        looking.camera.translation = (3.0, 3.0, 3.0)
    part.saver.before = saved
    looking.views.advance()
    looking.camera.translation = (9.0, 9.0, 9.0)
    looking.run("Back to the start")
    assert looking.camera.translation.tolist() == saved.columns["translation"][looking.camera.row].tolist()
    assert looking.camera.rotation.tolist() == saved.columns["rotation"][looking.camera.row].tolist()
    assert not looking.session.editing.changes.marked(np.array([looking.camera.row]))[looking.camera.row]


def test_a_bookmark_is_where_the_camera_was(looking: Looking) -> None:
    assert not looking.session.commands.find("Go to bookmark 2").is_enabled()
    looking.run("Set bookmark 2")
    looking.run("View from above")
    looking.run("Orthographic")
    looking.run("Go to bookmark 2")
    np.testing.assert_allclose(looking.camera.translation, (0, 0, 5), atol=1e-5)
    assert looking.controller.height is None
    (kept,) = looking.session.preferences.bookmarks
    assert kept.scene == str(Path("a.hu").absolute()), "it is kept beside the scene's name"
    assert [place.number for place in kept.places] == [2]


def test_a_camera_moved_by_something_else_ends_its_travel(
    looking: Looking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_views, "TRAVEL_S", 1e6)
    looking.run("View from above")
    assert looking.views._travel is not None
    looking.camera.translation = (7, 7, 7)
    looking.views.advance()
    assert looking.views._travel is None
    np.testing.assert_allclose(looking.camera.translation, (7, 7, 7))


def test_objects_below_the_selected_ones_are_found_at_every_level() -> None:
    tableau = Tableau()
    for path in ("a", "b"):
        tableau.add_object(path)
    child = tableau.add_object("child", "a")
    leaf = tableau.add_object("leaf", child)
    found = with_descendants(tableau, np.array([tableau["a"].row], np.int32))
    assert found.tolist() == sorted([tableau["a"].row, child.row, leaf.row])
