"""A file that is read again and a tableau that was changed by hand: nothing of either is lost."""

import numpy as np
import pytest
from support.small_features import ASSETS, tree_of

from engine.math.quaternion import euler_xyz_degrees
from engine.scene import load_scene
from engine.scene.file_update import update_from_file
from engine.tableau import ROOT

TEXT = (
    ASSETS
    + """tableau: {
    objects: {
        cube: { translation: [0 1 0]  features: [ { @type: visibleModel  asset: [assetDb0 0] } ]
            objects: { top: { } } }
        lamp: { features: [ { @type: light  intensity: 2.0 } ] }
    }
}
"""
)


@pytest.fixture
def scene(load):
    return load(TEXT)


@pytest.fixture
def reread(scene, registry):
    """Replace a part of the file, and take it over; returns the conflicts as (path, what, own, file)."""

    def reread(old, new, keep_own=True):
        text = scene.path.read_text()
        assert text.count(old) == 1
        scene.path.write_text(text.replace(old, new))
        fresh = load_scene(scene.path, registry)
        part, now = scene.parts[0], fresh.parts[0]
        found = update_from_file(part, scene.tableau, now, fresh.tableau, lambda key: key, keep_own=keep_own)
        return [
            (each.path, each.what, np.array(each.own).tolist(), np.array(each.file).tolist())
            for each in found
        ]

    return reread


def test_what_was_set_by_hand_is_kept_or_gives_way_and_the_conflict_has_both(scene, reread):
    scene.tableau["cube"].translation = (5, 0, 0)
    scene.tableau["lamp"].light.intensity = 9
    assert reread("[0 1 0]", "[0 2 0]") == [("cube", "translation", [5, 0, 0], [0, 2, 0])]
    assert scene.tableau["cube"].translation.tolist() == [5, 0, 0]
    assert reread("2.0", "4", keep_own=False) == [("lamp", "light.intensity", 9, 4)]
    assert scene.tableau["lamp"].light.intensity == 4
    assert scene.save()
    assert "[5 0 0]" in scene.path.read_text()
    assert "intensity: 4" in scene.path.read_text()


def test_a_rotation_that_is_read_back_in_other_digits_is_no_change_of_the_file(scene, reread):
    cube = scene.tableau["cube"]
    for number in range(40):
        cube.rotation = euler_xyz_degrees((-12.475 + 0.7131 * number, 3.2875 - 1.37 * number, 0.01 * number))
        scene.save()
        cube.rotation = held = euler_xyz_degrees((number, 5.0, 6.0))
        assert reread("lamp: {", "lamp: { /* more */") == []
        assert cube.rotation.tolist() == np.asarray(held, cube.rotation.dtype).tolist()
        assert reread("lamp: { /* more */", "lamp: {") == []
    text = scene.path.read_text()
    at = text.index("euler: ")
    old = text[at : text.index("]", at) + 1]
    ((path, what, *_),) = reread(old, "euler: [1 2 3]")
    assert (path, what) == ("cube", "rotation")


def test_an_object_that_the_file_has_no_longer_stays_if_it_was_changed(scene, reread, registry):
    scene.tableau["lamp"].light.intensity = 9
    lamp = "        lamp: { features: [ { @type: light  intensity: 2.0 } ] }\n"
    assert [each[:2] for each in reread(lamp, "")] == [("lamp", "object")]
    assert scene.save()
    assert load_scene(scene.path, registry).tableau["lamp"].light.intensity == 9


@pytest.mark.parametrize("name", ["cube", "lamp"])
def test_an_object_that_is_renamed_in_the_file_keeps_its_place(scene, reread, name):
    order = ["cube", "lamp"]
    reread(f"        {name}: {{", "        other: {")
    tableau = scene.tableau
    listed = [tableau.name_of(row) for row in tableau.rearranging.order(ROOT)]
    assert listed == ["other" if each == name else each for each in order]
    text = scene.path.read_text()
    tableau["other"].translation = (7, 0, 0)
    assert scene.save()
    lines = zip(text.splitlines(), scene.path.read_text().splitlines(), strict=True)
    assert sum(one != other for one, other in lines) == 1, "only the value that was set changes"


def test_an_object_that_was_moved_below_one_that_goes_is_kept(scene, reread, registry):
    tableau = scene.tableau
    tableau.rearranging.reparent(np.array([tableau["cube"].row], np.int32), tableau["lamp"].row)
    lamp = "        lamp: { features: [ { @type: light  intensity: 2.0 } ] }\n"
    reread(lamp, "", keep_own=False)
    assert sorted(tree_of(tableau)) == ["cube", "cube/top"]
    scene.save()
    assert tree_of(load_scene(scene.path, registry).tableau) == tree_of(tableau)


def test_renames_removals_and_moves_by_hand_survive_a_change_of_the_file(scene, reread, registry):
    tableau = scene.tableau
    tableau.rearranging.rename(tableau["cube"].row, "box")
    tableau.rearranging.reparent(np.array([tableau["box/top"].row], np.int32), -1)
    tableau.remove_feature("light", tableau["lamp"])
    assert reread("[0 1 0]", "[0 2 0]") == []
    assert sorted(tree_of(tableau)) == ["box", "lamp", "top"]
    assert tableau["box"].translation.tolist() == [0, 2, 0]
    assert scene.save()
    assert "light" not in scene.path.read_text()
    assert tree_of(load_scene(scene.path, registry).tableau) == tree_of(tableau)


def test_an_object_that_is_put_back_after_a_change_of_the_file_is_no_change(scene, reread):
    tableau = scene.tableau
    taken = tableau.rearranging.take_out(np.array([tableau["cube"].row], np.int32))
    reread("2.0", "4")
    tableau.rearranging.put_back(taken)
    assert not scene.save()


def test_what_is_left_out_is_that_of_the_file_as_it_was_read_last(scene, reread):
    """And a version says that other problems may follow."""
    tableau = scene.tableau
    for old, new, lost in (("visibleModel", "visibleModle", True), ("visibleModle", "visibleModel", False)):
        before = tableau.structure_version
        reread(f"@type: {old}", f"@type: {new}")
        (gaps,) = tableau.gaps.values()
        assert gaps.has("visibleModel") is gaps.has_on("cube", ("visibleModel",)) is lost
        assert not gaps.has("light")
        assert tableau.structure_version > before


def test_siblings_take_the_order_of_the_file_and_what_is_new_by_hand_stays_after_what_it_was_after(
    scene, reread, registry
):
    tableau = scene.tableau
    tableau.add_object("own")
    lamp = "        lamp: { features: [ { @type: light  intensity: 2.0 } ] }\n"
    assert reread(lamp, "") == []
    assert (
        reread("    objects: {\n        cube", f"    objects: {{\n{lamp}        first: {{ }}\n        cube")
        == []
    )
    assert [child.name for child in tableau.children()] == ["lamp", "first", "cube", "own"]
    assert scene.save()
    again = load_scene(scene.path, registry).tableau
    assert [child.name for child in again.children()] == ["lamp", "first", "cube", "own"]
    assert not scene.save()
