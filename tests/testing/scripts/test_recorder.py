"""Claims about recordings: what is recorded, what is not, and that a replay reaches the same end state."""

from pathlib import Path

import numpy as np
import pytest

from engine.feature.motion import Animator
from engine.scene import load_scene
from engine.scene.snapshot import Snapshot
from engine.testing.hu.test_files import read_tests
from engine.testing.scripts.recorder import Changed, Given, Reached, Recorder, Resized, Switched, Waited
from engine.testing.scripts.recording_text import recording_text
from engine.testing.scripts.script import load_script
from engine.testing.scripts.structure_changes import FeatureAdded

SIZE = (64, 48)


@pytest.fixture
def scene(root):
    return load_scene(root / "scenes" / "cube.hu")


@pytest.fixture
def recorder(scene):
    return Recorder(scene, SIZE)


class Played:
    """The part of `OpenedScene` that recorded scripts use."""

    def __init__(self, document) -> None:
        self.document, self.tableau, self.size, self.settled = document, document.tableau, SIZE, 0
        self.clock = document.tableau.clock

    def __getitem__(self, path):
        return self.tableau[path]

    def set(self, setting):
        self.document.apply_setting(setting)

    def step(self, seconds):
        self.clock.advance(seconds)

    def resize(self, *size):
        self.size = size

    def settle(self, max_frames=0):
        self.settled += 1


def state(tableau) -> dict[str, list]:
    """Everything that a tableau holds."""
    columns = {name: getattr(tableau, name).tolist() for name in ("translation", "rotation", "scale")}
    columns |= {f"tableau.{flag}": [getattr(tableau, flag)] for flag in ("active", "enabled")}
    columns |= {flag: tableau.flags(flag).tolist() for flag in ("active", "enabled")}
    for name, table in tableau.tables.items():
        for field in (*table.schema.by_name, "active", "enabled"):
            column = table.flags(field) if field in ("active", "enabled") else table.column(field)
            columns[f"{name}.{field}"] = column.tolist()
    return columns


def work(recorder, tableau) -> None:
    """A session: toggles, edits, camera moves, time, a resize."""
    caster = tableau["cube"].shadowCaster

    def frame(seconds=0.016, size=SIZE):
        tableau.update_world()
        tableau.clock.advance(seconds)
        recorder.note(size)

    frame(1.25)
    caster.active = False
    frame()
    caster.active = True
    frame()
    tableau["sun"].light.intensity = 1.7
    tableau["sun"].light.color = (1.0, 0.25, 0.125)
    tableau["camera"].camera.projection = "orthographic"
    tableau["ground"].enabled = False
    frame(0.5)
    tableau.enabled = False
    frame()
    tableau.enabled, tableau.active = True, False
    frame()
    for turn in range(40):
        tableau["camera"].translation = (1.7 + turn / 70, 1.5, 2.9)
        tableau["camera"].euler = (-18.1, 28.6 + turn / 3, 0)
        frame()
    frame(0.3, (80, 60))
    tableau["cube"].scale = (1, 1.5, 1 / 3)
    frame(size=(80, 60))


def test_what_is_done_is_recorded_in_order_with_its_times(recorder, scene):
    work(recorder, scene.tableau)
    events = recorder.events()
    assert events[:4] == (
        Waited(1.266),
        Changed("cube", "shadowCaster", "active", False),
        Waited(0.016),
        Changed("cube", "shadowCaster", "active", True),
    )
    assert Changed("sun", "light", "color", [1, 0.25, 0.125]) in events
    assert Changed("camera", "camera", "projection", "orthographic") in events
    assert Changed("ground", "", "enabled", False) in events
    assert Resized(80, 60) in events
    assert sum(event.seconds for event in events if isinstance(event, Waited)) == pytest.approx(
        2.770, abs=0.002
    )
    assert [event for event in events if isinstance(event, Switched)] == [
        Switched("enabled", False),
        Switched("active", False),
        Switched("enabled", True),
    ]


def test_a_drag_of_the_camera_is_thinned_out_and_its_end_is_exact(recorder, scene):
    work(recorder, scene.tableau)
    events = recorder.events()
    moves = [e for e in events if isinstance(e, Changed) and (e.path, e.field) == ("camera", "translation")]
    assert 3 <= len(moves) <= 10
    assert np.array_equal(moves[-1].value, scene.tableau["camera"].translation)


def test_frames_in_which_nothing_is_done_are_only_time(recorder, scene):
    for _ in range(100):
        scene.tableau.update_world()
        scene.tableau.clock.advance(0.25)
        recorder.note(SIZE)
    assert recorder.events() == (Waited(25.0),)


def test_a_change_back_to_the_old_value_is_not_recorded(recorder, scene):
    scene.tableau["cube"].enabled = False
    scene.tableau["cube"].enabled = True
    scene.tableau.update_world()
    recorder.note(SIZE)
    assert recorder.events() == ()


def test_a_clock_that_is_paused_set_or_turned_back_is_replayed_to_the_same_time(recorder, scene, tmp_path):
    clock = scene.tableau.clock
    clock.advance(1 / 3)
    recorder.note(SIZE)
    clock.paused = True
    clock.advance(5.0)
    recorder.note(SIZE)
    clock.set(0.125)
    recorder.note(SIZE)
    clock.step(1 / 3)
    recorder.note(SIZE)
    events = recorder.events()
    assert events == (Waited(0.333), Reached(0.125), Waited(0.333), Reached(clock.time))
    texts = [recording_text(tmp_path / name, scene.path, SIZE, events) for name in ("a.py", "a.test.hu")]
    assert "scene.clock.set(0.125)" in texts[0]
    assert "{ time: 0.125 }" in texts[1]


def test_a_recording_that_begins_later_replays_from_there(scene):
    scene.tableau.clock.set(2.5)
    recorder = Recorder(scene, SIZE)
    recorder.note(SIZE)
    assert recorder.events() == (Reached(2.5),)


@pytest.mark.parametrize("name", ["test_work.py", "work.test.hu"])
def test_a_replay_ends_where_the_recording_ended(recorder, scene, root, tmp_path, name):
    work(recorder, scene.tableau)
    path = tmp_path / name
    path.write_text(recording_text(path, scene.path, SIZE, recorder.events()))
    again = Played(load_scene(root / "scenes" / "cube.hu"))
    if name.endswith(".py"):
        load_script(path)(again)
    else:
        (test,) = read_tests(path)
        assert test.size == SIZE
        assert test.scene.resolve() == scene.path.resolve()
        for step in test.steps[:-1]:  # the last one expects, which needs a whole scene
            step.run(_Play(again))
    assert state(again.tableau) == state(scene.tableau)
    assert again.clock.time == scene.tableau.clock.time
    assert again.size == (80, 60)
    assert again.settled == 1


class _Play:
    def __init__(self, scene) -> None:
        self.scene = scene
        scene.step = lambda seconds, count: Played.step(scene, seconds * count)


@pytest.mark.parametrize("name", ["test_given.py", "given.test.hu"])
def test_settings_given_with_the_scene_are_replayed_first(root, tmp_path, name):
    given = (
        "cube.shadowCaster.active=false",
        "cube.visibleModel.asset=[assetDb0 ground]",
        "sun.light.color=[1 0 0]",
    )
    scene = load_scene(root / "scenes" / "cube.hu")
    for setting in given:
        scene.apply_setting(setting)
    recorder = Recorder(scene, SIZE, given)
    scene.tableau["cube"].visibleModel.asset = scene.asset("assetDb0", "cube", ("model",)).key
    recorder.note(SIZE)
    events = recorder.events()
    assert events[:3] == tuple(map(Given, given))
    assert events[-1] == Changed("cube", "visibleModel", "asset", ["assetDb0", "cube"], asset=True)
    path = tmp_path / name
    path.write_text(recording_text(path, scene.path, SIZE, events))
    again = Played(load_scene(root / "scenes" / "cube.hu"))
    if name.endswith(".py"):
        load_script(path)(again)
    else:
        for step in read_tests(path)[0].steps[:-1]:
            step.run(_Play(again))
    assert state(again.tableau) == state(scene.tableau)


def test_a_script_names_its_scene_from_where_it_lies(tmp_path):
    (tmp_path / "tests").mkdir()
    text = recording_text(tmp_path / "tests" / "a.test.hu", tmp_path / "scenes" / "s.hu", SIZE, ())
    assert "scene: ../scenes/s.hu\n" in text
    text = recording_text(tmp_path / "tests" / "a.py", tmp_path / "scenes" / "s.hu", SIZE, ())
    assert "Path(__file__).parent / '../scenes/s.hu'" in text
    compile(text, "a.py", "exec")
    assert Path(tmp_path / "tests" / "a.py").suffix == ".py"


def test_a_link_that_leads_to_itself_is_named_like_a_file(tmp_path):
    path = tmp_path / "loop.py"
    path.symlink_to(path)
    assert "'s.hu'" in recording_text(path, tmp_path / "s.hu", SIZE, ())


def test_changes_of_one_moment_are_one_step_and_of_one_value_two(tmp_path):
    events = (
        Changed("a", "", "translation", [1, 2, 3]),
        Changed("a", "", "rotation", [0, 0, 0, 1]),
        Changed("a", "", "translation", [1, 2, 4]),
        Waited(0.5),
        Changed("a b", "light", "color", [1, 0, 0]),
    )
    text = recording_text(tmp_path / "a.test.hu", tmp_path / "s.hu", SIZE, events)
    assert [line.strip() for line in text.splitlines()[6:10]] == [
        "{ set: { a.translation: [1 2 3]  a.rotation: [0 0 0 1] } }",
        "{ set: { a.translation: [1 2 4] } }",
        "{ step: 0.5 }",
        '{ set: { "a b.light.color": [1 0 0] } }',
    ]


def test_what_features_move_is_not_recorded_and_costs_no_comparison(scene, recorder, monkeypatch):
    tableau = scene.tableau
    cube = tableau["cube"]
    tableau.add_feature("spin", cube)
    recorder.note(SIZE)
    animator = Animator(tableau, scene.registry, None, pytest.fail)
    monkeypatch.setattr(Snapshot, "of", lambda *_: pytest.fail("compared"))
    for _ in range(3):
        tableau.clock.advance(1.0)
        animator.update()
        assert len(tableau.update_world())
        recorder.note(SIZE)
    assert recorder.events() == (FeatureAdded("cube", {"@type": "spin"}), Waited(3.0))
