"""Claims about health bars: how full they are, what they follow, where they lie, what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.overlays import box, faults, opened, runtime, shown

from features.overlays.health_bar import HealthBar

pytestmark = pytest.mark.gpu

COLORS = "color: [0 1 0]  lowColor: [1 0 0]  background: [0 0 0]  borderColor: [0 0 1]  opacity: 1"
BAR = f"healthBar  width: 24  height: 8  border: 2  radius: 0  offsetX: 4  offsetY: 4  {COLORS}"


def full(picture: np.ndarray) -> int:
    """How many columns of a bar are full, most of each at least, in its middle row."""
    _, top, _, height = box(picture[:, :, 2] > 250)
    return int((picture[top + height // 2, :, :2].max(axis=1) > 160).sum())


@pytest.mark.parametrize(
    ("value", "columns"), [(0.0, 0), (0.5, 10), (0.72, 14.4), (1.0, 20), (7.0, 20), (-3.0, 0)]
)
def test_it_is_as_full_as_its_value_within_its_limits(tmp_path: Path, value: float, columns: float) -> None:
    with opened(tmp_path, f"{BAR}  value: {value}") as scene:
        picture = shown(scene)
        assert box(picture[:, :, 2] > 250) == (4, 36, 24, 8)
        assert full(picture) == pytest.approx(columns, abs=0.8)
        assert faults(scene) == []
        scene.set("camera/over.healthBar.minimum=-3", "camera/over.healthBar.maximum=7")
        assert full(shown(scene)) == pytest.approx(20 * (value + 3) / 10, abs=0.8)


def test_its_colour_goes_from_low_to_high(tmp_path: Path) -> None:
    with opened(tmp_path, f"{BAR}  value: 0.1") as scene:
        found = []
        for value in (0.1, 0.4, 0.9):
            scene["camera/over"].healthBar.value = value
            found.append(shown(scene)[39, 6])
        assert found[0][0] > 250 > 5 > found[0][1]
        assert found[2][1] > 250 > 5 > found[2][0]
        assert min(found[1][:2]) > 150


@pytest.mark.parametrize(
    ("anchor", "place"),
    [
        ("topLeft", (4, 3)),
        ("top", (20, 3)),
        ("topRight", (36, 3)),
        ("left", (4, 20)),
        ("middle", (20, 20)),
        ("right", (36, 20)),
        ("bottomLeft", (4, 37)),
        ("bottom", (20, 37)),
        ("bottomRight", (36, 37)),
    ],
)
def test_it_hangs_on_corners_and_edges_of_the_viewport(tmp_path: Path, anchor: str, place) -> None:
    bar = BAR.replace("offsetY: 4", "offsetY: 3")
    with opened(tmp_path, f"{bar}  anchor: {anchor}") as scene:
        assert box(shown(scene)[:, :, 2] > 250) == (*place, 24, 8)
        runtime(scene).content_scale = 2.0
        scene.resize(256, 192)
        scene.set("camera.camera.viewport=[0.5 0.5 0.5 0.5]")
        scene.settle()
        left, top, *size = box(shown(scene)[:, :, 2] > 250)
        assert size == [48, 16]
        assert (left, top) == (128 + 2 * place[0], 96 + 2 * place[1])


def test_edges_are_whole_pixels_and_corners_are_round(tmp_path: Path) -> None:
    with opened(tmp_path, f"{BAR}  value: 0.5") as scene:
        blue = shown(scene)[:, :, 2]
        assert ((blue <= 1) | (blue >= 254)).all()
        scene.set("camera/over.healthBar.radius=4")
        picture = shown(scene)
        assert picture[36, 4, 2] < 40
        assert picture[36, 8, 2] == 255


def test_it_follows_a_field_of_any_object_without_a_new_plan(tmp_path: Path) -> None:
    with opened(tmp_path, f'{BAR}  bind: "sun.light.intensity"  maximum: 10') as scene:
        (message,) = faults(scene)
        assert "no object 'sun'" in message
        assert full(shown(scene)) == 0
        scene.tableau.add_object("sun", features={"light": {"intensity": 4.0}})
        scene.settle()
        plan = scene.plan
        assert full(shown(scene)) == pytest.approx(8, abs=0.8)
        scene["sun"].light.intensity = 9.0
        assert full(shown(scene)) == pytest.approx(18, abs=0.8)
        assert scene.plan is plan
        assert faults(scene) == []
        scene["camera/over"].healthBar.bind = "camera.camera.fovY"
        scene["camera/over"].healthBar.maximum = 90.0
        assert full(shown(scene)) == pytest.approx(10, abs=0.8)  # in degrees
        assert scene.plan is plan


def test_only_a_change_of_what_it_shows_makes_it_ask_again(tmp_path: Path, monkeypatch) -> None:
    asked = []
    own = HealthBar.buffer_values
    monkeypatch.setattr(HealthBar, "buffer_values", lambda self, frame: asked.append(1) or own(self, frame))
    with opened(tmp_path, f'{BAR}  bind: "sun.light.intensity"  maximum: 10') as scene:
        scene.tableau.add_object("sun", features={"light": {"intensity": 4.0}})
        scene.settle()
        scene.frame()
        before = len(asked)
        scene["sun"].light.color = (1.0, 0.0, 0.0)
        scene["camera"].translation = (1, 2, 3)
        scene.frame()
        scene.frame()
        assert len(asked) == before
        scene["sun"].light.intensity = 5.0
        scene.frame()
        assert len(asked) == before + 1


@pytest.mark.parametrize(
    ("fields", "code", "message", "hint"),
    [
        ('bind: "sn.light.intensity"', "object.unknown", "no object 'sn'", "did you mean 'sun'?"),
        ('bind: "sun.lihgt.intensity"', "feature.unknown", "no feature 'lihgt'", "did you mean 'light'?"),
        ('bind: "sun.light.intensty"', "field.unknown", "no field 'intensty'", "did you mean 'intensity'?"),
        ('bind: "sun.light.color"', "value.number", "is colour", "sun.light.intensity"),
        ('bind: "intensity"', "setting.form", "is not PATH.FEATURE.FIELD", "sun.light.intensity"),
        ("minimum: 5", "value.range", "its maximum, 1, is not above its minimum, 5", "larger `maximum`"),
    ],
)
def test_what_it_cannot_show_is_a_warning_at_its_line_and_it_is_empty(
    tmp_path: Path, fields: str, code: str, message: str, hint: str
) -> None:
    with opened(tmp_path, f"{BAR}  {fields}") as scene:
        scene.tableau.add_object("sun", features={"light": {}})
        scene.settle()
        assert full(shown(scene)) == 0
        (problem,) = (one for one in scene.problems if one.code != "feature.absent")
        assert problem.code == code
        assert message in problem.message
        assert problem.message.startswith("healthBar on 'camera/over': ")
        assert hint in (problem.help or "")
        assert str(problem.position).rpartition(":")[0].endswith("scene.hu:6")
        shown_line, caret = problem.excerpt.splitlines()
        assert shown_line[len(caret) - 1 :].startswith(fields.partition(": ")[2])


def test_disabled_it_keeps_its_memory_and_inactive_it_has_none(tmp_path: Path) -> None:
    with opened(tmp_path, BAR) as scene:
        picture, plan = shown(scene), scene.plan
        bar = scene["camera/over"].healthBar
        bar.enabled = False
        assert not shown(scene).any()
        assert scene.plan is plan
        bar.active = False
        scene.settle()
        assert not shown(scene).any()
        assert scene.memory.live == scene.memory.planned
        assert "ealthBar" not in str(scene.plan)
        bar.active = bar.enabled = True
        scene.settle()
        assert (shown(scene) == picture).all()


def test_bars_of_several_files_follow_the_objects_of_their_own_file(tmp_path: Path) -> None:
    with opened(tmp_path, "healthBar  enabled: false") as scene:
        for name, intensity in (("a", 2.0), ("b", 3.0)):
            top = scene.tableau.add_object(name)
            scene.tableau.add_object("sun", top, features={"light": {"intensity": intensity}})
            scene.tableau.add_object("bar", top, features={"healthBar": {}})
        objects = np.array([scene[f"{name}/bar"].row for name in "ab"], np.int32)
        paths = ["sun.light.intensity", "sun.light.intensity"]
        assert scene.tableau.bindings.numbers(paths, objects).tolist() == [2.0, 3.0]
        scene.tableau.add_object("sun", features={"light": {"intensity": 5.0}})
        assert scene.tableau.bindings.numbers(paths, objects).tolist() == [5.0, 5.0]
