"""Saving: only changed values are written, and the file is replaced atomically."""

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.sampling import amount
from support.small_features import WRONG, same

from engine.assets import AssetRef
from engine.humon import InputError
from engine.scene import load_scene

from .conftest import ASSETS

TEXT = (
    ASSETS
    + """// a view
tableau: {
    name: view   // its name
    objects: {
        cube: {                       /* the one */
            translation: [0, 0.50, 0]     // metres
            euler: [0 30 0]
            features: [
                { @type: visibleModel  enabled: true  asset: [assetDb0 0] }   // seen
                { @type: shadowCaster  asset: [assetDb0 1] }
            ]
        }
        camera: { objects: { reticle: { scale: [1 1 1] } } }
        lamp: { rotation: [0 0 0 1]  features: [ { @type: light  intensity: 2.0  color: [1 1 1] } ] }
    }
}
"""
)


@pytest.fixture
def scene(load):
    return load(TEXT)


@pytest.fixture
def saved(scene, registry):
    """Save, and return the changed lines {old: new}; the file must load as the same tableau."""

    def saved():
        before = scene.path.read_text().splitlines()
        assert scene.save()
        again = load_scene(scene.path, registry).tableau
        same(scene.tableau, again)
        after = scene.path.read_text().splitlines()
        if len(before) != len(after):
            return after
        return {old.strip(): new.strip() for old, new in zip(before, after, strict=True) if old != new}

    return saved


def test_without_changes_nothing_is_written(scene):
    stamp = os.stat(scene.path)
    assert not scene.save()
    assert os.stat(scene.path).st_mtime_ns == stamp.st_mtime_ns
    assert os.stat(scene.path).st_ino == stamp.st_ino


def test_switching_a_flag_changes_only_its_value(scene, saved):
    scene.tableau["cube"].visibleModel.enabled = False
    assert saved() == {
        "{ @type: visibleModel  enabled: true  asset: [assetDb0 0] }   // seen": (
            "{ @type: visibleModel  enabled: false  asset: [assetDb0 0] }   // seen"
        )
    }


def test_a_switched_flag_that_the_file_omits_is_added(scene, saved):
    scene.tableau["cube"].shadowCaster.active = False
    scene.tableau["camera/reticle"].enabled = False
    assert saved() == {
        "{ @type: shadowCaster  asset: [assetDb0 1] }": (
            "{ @type: shadowCaster  active: false  asset: [assetDb0 1] }"
        ),
        "camera: { objects: { reticle: { scale: [1 1 1] } } }": (
            "camera: { objects: { reticle: { scale: [1 1 1]  enabled: false } } }"
        ),
    }


def test_unchanged_numbers_keep_their_notation(scene, saved):
    scene.tableau["cube"].translation = (1.5, 0.5, 0)
    assert saved() == {"translation: [0, 0.50, 0]     // metres": "translation: [1.5, 0.50, 0]     // metres"}


def test_a_rotation_is_written_in_the_form_that_the_file_has(scene, saved):
    scene.tableau["cube"].euler = (0, 45, 0)
    scene.tableau["lamp"].rotation = (0, 1, 0, 0)
    assert saved() == {
        "euler: [0 30 0]": "euler: [0 45 0]",
        "lamp: { rotation: [0 0 0 1]  features: [ { @type: light  intensity: 2.0  color: [1 1 1] } ] }": (
            "lamp: { rotation: [0 1 0 0]  features: [ { @type: light  intensity: 2.0  color: [1 1 1] } ] }"
        ),
    }


def test_assets_are_written_by_name_if_it_is_unique_and_by_index_if_not(scene, saved):
    scene.tableau["lamp"].light.cookie = AssetRef(1, 0)
    scene.tableau["cube"].shadowCaster.asset = AssetRef(1, 0)
    (line,) = [new for old, new in saved().items() if "shadowCaster" in old]
    assert "asset: [assetDb0 0]" in line  # `cube` would name the mesh


def test_new_fields_objects_and_features_are_added_and_removed_ones_deleted(scene, saved):
    tableau = scene.tableau
    tableau["lamp"].light.cone = 60
    tableau["lamp"].light.note = "two words"
    tableau.add_object("sun", translation=(0, 5, 0), features={"light": {"intensity": 7.5, "enabled": False}})
    tableau.add_object("spot", "sun")
    tableau.add_object("mark", "camera/reticle", scale=(2, 2, 2))
    tableau.add_feature("light", tableau["camera"])
    tableau.remove_feature("shadowCaster", tableau["cube"])
    saved()
    text = scene.path.read_text()
    assert "shadowCaster" not in text
    assert "/* the one */" in text
    tableau.remove("camera")
    tableau.remove("sun/spot")
    saved()
    text = scene.path.read_text()
    assert "reticle" not in text
    assert "spot" not in text
    assert not scene.save()


def test_an_object_replaced_by_one_of_the_same_name_is_written(scene, saved):
    scene.tableau.remove("lamp")
    scene.tableau.add_object("lamp", translation=(1, 2, 3))
    saved()
    text = scene.path.read_text()
    assert "translation: [1 2 3]" in text
    assert "@type: light" not in text


def test_new_objects_are_inserted_where_all_others_are_removed(scene, saved):
    for child in scene.tableau.children():
        scene.tableau.remove(child)
    scene.tableau.add_object("alone")
    saved()
    scene.tableau.remove("alone")
    saved()


def test_saving_twice_writes_only_the_second_change(scene, saved):
    scene.tableau["lamp"].light.intensity = 4
    saved()
    scene.tableau["lamp"].light.intensity = 5
    ((old, new),) = saved().items()
    assert "intensity: 4" in old
    assert "intensity: 5" in new


def test_a_file_changed_on_disk_is_not_overwritten(scene):
    newer = scene.path.read_text().replace("name: view", "name: other")
    scene.path.write_text(newer)
    scene.tableau["lamp"].light.intensity = 4
    with pytest.raises(InputError) as caught:
        scene.save()
    assert caught.value.problems[0].code == "scene.changed"
    assert scene.path.read_text() == newer


def test_a_file_replaced_by_one_of_a_newer_version_is_not_overwritten(scene):
    newer = "version: 9\n" + scene.path.read_text()
    scene.path.write_text(newer)
    scene.tableau["lamp"].light.intensity = 4
    with pytest.raises(InputError):
        scene.save()
    assert scene.path.read_text() == newer


def test_a_failing_save_leaves_the_old_file_and_no_other(scene, monkeypatch):
    before = scene.path.read_bytes()
    names = sorted(os.listdir(scene.path.parent))
    scene.tableau["lamp"].light.intensity = 4

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(InputError) as caught:
            scene.save()
    assert caught.value.problems[0].code == "output.write"
    assert scene.path.read_bytes() == before
    assert sorted(os.listdir(scene.path.parent)) == names
    assert scene.save()  # the change is not lost


def test_temporary_files_of_killed_processes_are_deleted(scene):
    left = scene.path.parent / f".{scene.path.name}.x1.saving"
    left.write_text("half a fi")
    scene.tableau["lamp"].light.intensity = 4
    scene.save()
    assert not left.exists()


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r"], ids=["LF", "CRLF", "CR"])
def test_an_added_and_a_removed_line_move_the_positions_between_them(load, registry, line_break):
    """The number of lines is the same, but the camera is on another line."""
    scene = load(TEXT)
    scene.path.write_bytes(TEXT.replace("\n", line_break).encode())
    scene = load_scene(scene.path, registry)
    camera = scene.tableau["camera"]
    before = camera.position.line
    scene.tableau["cube"].enabled = False
    scene.tableau.remove("lamp")
    assert scene.save()
    assert camera.position.line == before + 1
    same(scene.tableau, load_scene(scene.path, registry).tableau)


def test_objects_cannot_be_saved_without_a_tableau_in_a_file(load):
    scene = load(ASSETS)
    scene.tableau.add_object("new")
    with pytest.raises(InputError) as caught:
        scene.save()
    assert caught.value.problems[0].code == "scene.no_tableau"


def test_a_file_in_another_encoding_is_saved_as_utf_8(scene, registry):
    scene.path.write_bytes(TEXT.encode("utf-16"))
    again = load_scene(scene.path, registry)
    again.tableau["lamp"].light.intensity = 4
    assert again.save()
    assert "intensity: 4" in scene.path.read_bytes().decode("utf-8")


def test_changes_of_an_included_tableau_are_saved_to_its_file(load, write, registry):
    home = write(TEXT, "scenes/b.hu")
    scene = load("include: [b.hu]")
    scene.tableau["lamp"].light.intensity = 9
    assert scene.save()
    assert "intensity: 9" in home.read_text()
    assert scene.path.read_text() == "include: [b.hu]"


actions = st.lists(
    st.tuples(
        st.sampled_from(("move", "turn", "toggle", "power", "add", "remove", "feature", "unfeature", "save")),
        st.integers(0, 30),
        st.floats(-100, 100, width=32),
    ),
    max_size=12,
)


@pytest.mark.parametrize("text", [TEXT, WRONG], ids=["right", "wrong"])
@given(actions=actions)
@settings(max_examples=amount(20, 200), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_all_changes_are_loaded_again(load, registry, text, actions):
    scene = load(text)
    tableau = scene.tableau
    for number, (what, which, value) in enumerate(actions):
        rows = [*tableau.rows().tolist(), None]
        row = rows[which % len(rows)]
        handle = None if row is None else tableau.handle(row)
        if handle is not None and handle.name == "stray":
            continue  # there is no room in its text
        if what == "add":
            tableau.add_object(f"new {number}", handle, translation=(value, 0, 0), features={"light": {}})
        elif what == "save":
            scene.save()
        elif handle is None:
            continue
        elif what == "move":
            handle.translation = (value, 1, 2)
        elif what == "turn":
            handle.euler = (0, value / 2, 0)
        elif what == "toggle":
            handle.enabled = not handle.enabled
        elif what == "remove":
            tableau.remove(handle)
        elif what == "power" and "light" in handle:
            handle.light.intensity = abs(value)
        elif what == "feature" and "light" not in handle:
            tableau.add_feature("light", handle, {"intensity": abs(value)})
        elif what == "unfeature":
            tableau.remove_feature("light", handle)
    scene.save()
    same(tableau, load_scene(scene.path, registry).tableau)
