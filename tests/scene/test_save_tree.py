"""Objects that were renamed or have other parents are saved with their text: comments and spacing stay."""

import os
import random

import numpy as np
import pytest
from support.sampling import amount
from support.small_features import ASSETS, OBJECTS_BEFORE_LAMP, tree_of

from engine.humon import InputError
from engine.scene import load_scene, load_scenes
from engine.tableau import ROOT, NameTaken

TEXT = (
    ASSETS
    + "tableau: {\n"
    + OBJECTS_BEFORE_LAMP
    + """        lamp: { features: [ { @type: light  intensity: 2.0 } ] }   // bright
    }
}
"""
)


@pytest.fixture
def scene(load):
    return load(TEXT)


def below(scene, path, parent):
    rows = np.array([scene.tableau[path].row], np.int32)
    scene.tableau.rearranging.reparent(rows, ROOT if parent is None else scene.tableau[parent].row)


def saved(scene, registry):
    assert scene.save()
    again = load_scene(scene.path, registry)
    assert tree_of(again.tableau) == tree_of(scene.tableau)
    for row in scene.tableau.rows().tolist():
        mine = scene.tableau.handle(row)
        assert mine.position == again.tableau[mine.path].position
    assert not scene.save()
    return scene.path.read_text().removeprefix(ASSETS)


def test_a_renamed_object_keeps_all_but_its_key(scene, registry):
    scene.tableau.rearranging.rename(scene.tableau["cube"].row, "a, ##%s]")
    scene.tableau.rearranging.rename(scene.tableau["lamp"].row, "cube")
    scene.tableau["cube"].light.intensity = 5
    text = TEXT.removeprefix(ASSETS)
    expected = text.replace("cube: {", '"a, ##%s]": {').replace("lamp:", "cube:").replace("2.0", "5")
    assert saved(scene, registry) == expected


def test_an_object_takes_its_comments_to_its_new_parent(scene, registry):
    below(scene, "cube", "lamp")
    scene.tableau["lamp/cube"].translation = (0, 2, 0)
    assert (
        saved(scene, registry)
        == """tableau: {
    objects: {
        camera: { objects: { reticle: { scale: [2 1 1] } } }
        lamp: { features: [ { @type: light  intensity: 2.0 } ]  objects: {
            // the one
            cube: {                       /* in the middle */
                translation: [0, 2, 0]     // metres
                features: [
                    { @type: visibleModel  asset: [assetDb0 0] }   // seen
                ]
                objects: {
                    top: { scale: [1 1 1] }   // of it
                }
            }
        } }   // bright
    }
}
"""
    )


def test_what_changes_places_with_its_parent_and_moves_below_a_new_object_is_saved(scene, registry):
    below(scene, "cube/top", None)
    below(scene, "cube", "top")
    scene.tableau.add_object("group", "top")
    below(scene, "camera", "top/group")
    below(scene, "top/group/camera/reticle", "top")
    scene.tableau.remove("lamp")
    scene.tableau.add_object("lamp", "top/group/camera", translation=(1, 2, 3))
    text = saved(scene, registry)
    assert [each in text for each in ("// the one", "/* in the middle */", "// seen", "// of it")] == [
        True
    ] * 4


def test_what_leaves_a_removed_object_is_kept(scene, registry):
    below(scene, "cube/top", "lamp")
    scene.tableau.remove("cube")
    text = saved(scene, registry)
    assert "top: { scale: [1 1 1] }   // of it" in text
    assert "cube" not in text


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("seed", range(amount(6, 200)))
def test_any_sequence_of_changes_is_saved_as_it_is(seed, load, registry):
    chance, scene = random.Random(seed), load(TEXT)
    tableau = scene.tableau
    for _ in range(3):
        for number in range(chance.randint(1, 8)):
            handles = [tableau.handle(row) for row in tableau.rows().tolist()]
            one = chance.choice(handles) if handles else None
            what = chance.choice(("add", "remove", "rename", "move", "move", "value"))
            try:
                if what == "add" or one is None:
                    tableau.add_object(f"new {number}", one, scale=(1, number + 1, 1))
                elif what == "remove" and len(handles) > 3:
                    tableau.remove(one)
                elif what == "rename":
                    name = chance.choice(("cube", "top", "lamp", "a: b", "ü##", f"n{number}"))
                    tableau.rearranging.rename(one.row, name)
                elif what == "move":
                    parent = chance.choice([ROOT, *(each.row for each in handles)])
                    tableau.rearranging.reparent(np.array([one.row], np.int32), parent)
                else:
                    one.translation = (number, 0.25, seed)
            except (NameTaken, ValueError):
                pass  # a name that is taken, an object below itself
        if chance.random() < 0.8:
            scene.save()
            again = load_scene(scene.path, registry).tableau
            assert tree_of(again) == tree_of(tableau)


def test_an_object_that_moves_to_another_scene_leaves_its_file(write, registry, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    one = write(
        "tableau: { objects: { a: { }  b: { objects: { c: { scale: [1 2 3] } } } } }", "scenes/one.hu"
    )
    two = write("tableau: { objects: { d: { } } }  // two\n", "scenes/two.hu")
    scene = load_scenes([one, two], registry)
    below(scene, "one/b/c", "two/d")
    assert scene.save()
    assert one.read_text() == "tableau: { objects: { a: { }  b: { objects: { } } } }"
    assert two.read_text() == "tableau: { objects: { d: { objects: { c: { scale: [1 2 3] } } } } }  // two\n"


def test_a_read_only_file_is_left_as_it_is_with_what_to_do(scene):
    scene.tableau["lamp"].translation = (0, 1, 0)
    os.chmod(scene.path, 0o444)
    with pytest.raises(InputError, match="read-only") as raised:
        scene.save()
    assert "chmod u+w" in raised.value.problems[0].help
    assert scene.path.read_text() == TEXT
    os.chmod(scene.path, 0o644)
    assert scene.save()


def test_a_file_that_is_gone_is_written_again_only_on_request(scene):
    scene.tableau["lamp"].light.intensity = 4
    scene.path.unlink()
    with pytest.raises(InputError) as raised:
        scene.save()
    (problem,) = raised.value.problems
    assert (problem.code, scene.path.name in problem.message) == ("file.missing", True)
    assert "write it again" in problem.help
    assert not scene.path.exists()
    assert scene.save(restore=True)
    assert scene.path.read_text() == TEXT.replace("2.0", "4")
    scene.path.unlink()
    with pytest.raises(InputError):
        scene.save()
