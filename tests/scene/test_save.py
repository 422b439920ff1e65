"""Saving: only changed values are written, and the file is replaced atomically."""

import os

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.sampling import amount

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


WRONG = (
    ASSETS
    + """tableau: {
    active: perhaps                          // keep 0
    objects: {
        cube: {
            translation: [1 2]                   // keep 1
            rotation: [0 0 0 1]  euler: [0 90 0] /* keep 2 */
            features: [
                { @type: visibleModel  asset: [assetDb0 0]  colour: red }   // keep 3
                5  { } { @type: lihgt }          // keep 4
                { @type: shadowCaster  asset: [assetDb0 cub] }  // keep 5
                { @type: visibleModel }          // keep 6
            ]
            objects: { "a/b": { }  hat: { } "": { euler: [1 0 0] }  brim: 5 }   // keep 7
        }
        lamp: { features: [ { @type: light  intensty: 3  intensity: 2 } { @type: sun } ] }   // keep 8
        glow: {
            features: [{ @type: light  intensity: -2  kind: pont  color: [1 2 -3]  enabled: 7  cookie: 5 }]
        }
        stray: { features: 7  objects: [1 2] }   // keep 9
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


def same(one, other):
    """Assert that both tableaus have the same objects with the same values, at the same lines."""
    assert len(one) == len(other)
    for row in one.rows().tolist():
        mine = one.handle(row)
        theirs = other[mine.path]
        assert mine.position.line == theirs.position.line
        for name in ("translation", "rotation", "scale"):
            np.testing.assert_allclose(getattr(mine, name), getattr(theirs, name), atol=1e-5)
        assert (mine.active, mine.enabled) == (theirs.active, theirs.enabled)
        assert mine.features.keys() == theirs.features.keys()
        for feature in mine:
            twin = theirs[feature.table.type_name]
            assert feature.position.line == twin.position.line
            assert (feature.active, feature.enabled) == (twin.active, twin.enabled)
            for name in feature.table.schema.by_name:
                assert feature[name] == twin[name]


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
            "{ @type: shadowCaster  asset: [assetDb0 1]  active: false }"
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


LIGHT = "{ @type: light  intensity: 8  cookie: [assetDb0 cube] }"
CASTER = "{ @type: shadowCaster  asset: [assetDb0 0]  bias: 5 }"


def kept(text):
    """The lines of what is left out, without their margins."""
    return [line.strip() for line in text.splitlines() if "keep" in line]


def test_what_is_left_out_stays_in_the_text_as_it_is(load, registry):
    scene = load(WRONG)
    tableau = scene.tableau
    assert not scene.save()
    tableau["cube"].scale = (2, 2, 2)
    tableau["cube"].visibleModel.active = False
    tableau["lamp"].light.intensity = 4
    tableau.add_object("sun", features={"light": {"intensity": 7}})
    tableau.add_feature("light", tableau["cube/hat"], {"intensity": 8})
    tableau.rearranging.reparent(np.array([tableau["lamp"].row], np.int32), tableau["sun"].row)
    assert scene.save()
    text = scene.path.read_text()
    edited = kept(WRONG)
    edited[3] = edited[3].replace("red }", "red  active: false }")
    edited[7] = edited[7].replace("hat: { }", f"hat: {{ features: [{LIGHT}] }}")
    edited[8] = edited[8].replace("intensity: 2", "intensity: 4")
    assert sorted(kept(text)) == sorted(edited)
    again = load_scene(scene.path, registry)
    same(tableau, again.tableau)
    assert sorted(each.code for each in again.left_out) == sorted(each.code for each in scene.left_out)
    assert not scene.save()


def test_a_value_that_is_wrong_is_replaced_where_it_is_set(load, registry):
    scene = load(WRONG)
    scene.tableau.active = False
    scene.tableau["cube"].translation = (1, 2, 3)
    scene.tableau["cube"].euler = (0, 45, 0)
    assert scene.save()
    text = scene.path.read_text()
    assert "active: false   " in text
    assert "translation: [1 2 3]   " in text
    assert "euler: [0 90 0] /* keep 2 */" in text
    same(scene.tableau, load_scene(scene.path, registry).tableau)


def test_a_wrong_field_is_replaced_where_it_is_set_and_stays_beside_others_that_are(load, registry):
    scene = load(WRONG)
    light = scene.tableau["glow"].light
    assert (light.intensity, light.kind, light.color, light.enabled) == (0, "directional", (1, 2, 0), True)
    assert light.cookie == scene.asset("assetDb0", "cube", ("model",)).key
    light.samples = 8
    assert scene.save()
    written = WRONG.replace("cookie: 5 }", "cookie: 5  samples: 8 }")
    assert scene.path.read_text() == written
    light.kind, light.color, light.intensity, light.enabled = "point", (1, 2, 0.5), 7, False
    light.cookie = scene.asset("assetDb0", "cube", ("model",)).key
    assert scene.save()
    for old, new in (("-2", "7"), ("pont", "point"), ("-3", "0.5"), ("enabled: 7", "enabled: false")):
        written = written.replace(old, new)
    assert scene.path.read_text() == written
    same(scene.tableau, load_scene(scene.path, registry).tableau)


def test_a_new_feature_comes_before_one_of_its_type_that_is_left_out(load, registry):
    """Of several the first counts. It is removed again without the other."""
    scene = load(WRONG)
    tableau = scene.tableau
    cube = scene.asset("assetDb0", "cube", ("model",)).key
    tableau.add_feature("shadowCaster", tableau["cube"], {"asset": cube, "bias": 4})
    assert scene.save()
    same(tableau, load_scene(scene.path, registry).tableau)
    assert kept(scene.path.read_text()) == kept(WRONG)
    tableau["cube"].shadowCaster.bias = 5
    assert scene.save()
    margin = " " * 16
    before = f"{margin}{CASTER}\n{margin}{{ @type: shadowCaster  asset: [assetDb0 cub] }}"
    assert before in scene.path.read_text()
    tableau.remove_feature("shadowCaster", tableau["cube"])
    assert scene.save()
    assert scene.path.read_text() == WRONG


def test_of_several_the_next_one_counts_where_the_first_was_removed(load, registry):
    more = "LAMP: { scale: [1 2 3] } cube: { features: [{ @type: light } { @type: light  intensity: 9 }] }"
    scene = load(f"{ASSETS}tableau: {{ objects: {{ lamp: {{ }} {more} }} }}")
    assert [each.code for each in scene.left_out] == ["object.name", "feature.duplicate"]
    scene.tableau.remove(scene.tableau["lamp"])
    scene.tableau.remove_feature("light", scene.tableau["cube"])
    assert scene.save()
    again = load_scene(scene.path, registry)
    assert not again.left_out
    assert again.tableau["LAMP"].scale.tolist() == [1, 2, 3]
    assert again.tableau["cube"].light.intensity == 9
    scene.tableau.add_feature("light", scene.tableau["cube"], {"intensity": 7})
    assert scene.save(), "it has not been read again"
    assert load_scene(scene.path, registry).tableau["cube"].light.intensity == 7


def named(tableau):
    tableau.add_object("brim", "cube")


def renamed(tableau):
    tableau.rearranging.rename(tableau["cube/hat"].row, "Brim")


def moved(tableau):
    tableau.rearranging.rename(tableau["lamp"].row, "brim")
    tableau.rearranging.reparent(np.array([tableau["brim"].row], np.int32), tableau["cube"].row)


def put_below(tableau):
    tableau.add_object("new", "stray")


def given_a_feature(tableau):
    tableau.add_feature("light", tableau["stray"])


@pytest.mark.parametrize(
    ("change", "code", "where"),
    [
        (named, "object.name", "brim: 5"),
        (renamed, "object.name", "brim: 5"),
        (moved, "object.name", "brim: 5"),
        (put_below, "value.kind", "objects: [1 2]"),
        (given_a_feature, "value.kind", "features: 7"),
    ],
)
def test_what_would_take_the_place_of_what_is_left_out_is_not_saved(load, change, code, where):
    scene = load(WRONG)
    change(scene.tableau)
    with pytest.raises(InputError) as caught:
        scene.save()
    (problem,) = caught.value.problems
    assert problem.code == code
    assert where in problem.excerpt
    assert scene.path.read_text() == WRONG
