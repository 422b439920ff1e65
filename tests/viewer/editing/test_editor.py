"""All that is done by hand can be undone and done again, and is what files then have."""

import contextlib
import random
from collections.abc import Callable

import numpy as np
import pytest
from support.sampling import amount
from support.small_features import tree_of

from engine.scene import Scene, load_scene
from engine.tableau import ROOT
from viewer.editing.editor import Editor
from viewer.editing.file_changes import FileChanges
from viewer.editing.history import EditError
from viewer.editing.value_edit import Target

HOSTILE = ("##a", "100%s", "a, b", "{x}", "שלום", "立方体", "🧊", "a###b", 'q"uote', "back`tick'")


def rows(editor: Editor, *paths: str) -> np.ndarray:
    return np.array([editor.tableau[path].row for path in paths], np.int32)


def order(editor: Editor) -> list[tuple[str, ...]]:
    """The names of siblings in order, for each parent."""
    tableau = editor.tableau
    parents = [ROOT, *tableau.rows().tolist()]
    return [tuple(map(tableau.name_of, tableau.rearranging.order(parent))) for parent in parents]


def everything(editor: Editor) -> object:
    tableau = editor.tableau
    world = {tableau.path(row): tableau.world(np.array([row])).tolist() for row in tableau.rows().tolist()}
    return tree_of(tableau), order(editor), world, (tableau.active, tableau.enabled), len(tableau)


def step(editor: Editor, chance: random.Random, number: int) -> None:
    """Do something by chance."""
    tableau = editor.tableau
    all_rows = tableau.rows()
    some = np.array(chance.sample(all_rows.tolist(), min(len(all_rows), chance.randint(1, 3))), np.int32)
    what = chance.randrange(14) if len(all_rows) else 0
    if what == 0:
        editor.create(chance.choice([ROOT, *all_rows.tolist()]), chance.choice(HOSTILE))
    elif what == 1 and len(all_rows) > 4:
        editor.delete(some[:1])
    elif what == 2 and len(all_rows) < 40:
        editor.duplicate(some)
    elif what == 3:
        editor.rename(int(some[0]), chance.choice((*HOSTILE, "cube", "lamp", f"n{number}")))
    elif what in (4, 5):
        parent = chance.choice([ROOT, *all_rows.tolist()])
        editor.reparent(some, parent, keep_place=chance.random() < 0.5)
    elif what == 6:
        editor.add_feature(chance.choice(("light", "shadowCaster", "visibleModel")), some)
    elif what == 7:
        editor.remove_feature(chance.choice(("light", "shadowCaster", "visibleModel")), some)
    elif what == 8:
        editor.set_values(Target("translation"), some, (number, 0.25, -number / 3))
    elif what == 9:
        editor.set_flag(chance.choice(("active", "enabled")), np.append(some, ROOT), chance.random() < 0.5)
    elif what == 10:
        editor.set_values(Target("note", "light"), some, np.array(HOSTILE[number % len(HOSTILE)], object))
        editor.set_component(Target("color", "light"), some, 1, 0.5)
    elif what == 11:
        editor.paste(editor.copy(some), chance.choice([ROOT, int(some[0])]))
    elif what == 12:
        editor.set_flag("enabled", some, chance.random() < 0.5, "light")
    else:
        editor.history.undo() if chance.random() < 0.6 else editor.history.redo()


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("seed", range(amount(8, 300)))
def test_undoing_all_leads_to_the_start_and_redoing_all_to_the_end(
    seed: int, editor: Editor, load: Callable[[str], Scene]
) -> None:
    chance = random.Random(seed)
    editor.tableau.update_world()
    start, text = everything(editor), editor.scene.path.read_text()
    for number in range(chance.randint(1, 25)):
        with contextlib.suppress(EditError):  # a name that is taken, a feature that another needs
            step(editor, chance, number)
    while editor.history.redo_label:
        editor.history.redo()
    editor.tableau.update_world()
    end = everything(editor)
    while editor.history.undo_label:
        editor.history.undo()
    editor.tableau.update_world()
    assert everything(editor) == start
    assert not editor.scene.save()
    assert editor.scene.path.read_text() == text
    while editor.history.redo_label:
        editor.history.redo()
    editor.tableau.update_world()
    assert everything(editor) == end
    editor.scene.save()
    again = load_scene(editor.scene.path, editor.scene.registry)
    assert tree_of(again.tableau) == tree_of(editor.tableau)


def test_a_drag_is_one_change_with_the_values_before_it(editor: Editor) -> None:
    cube = rows(editor, "cube")
    for x in range(10):
        editor.set_values(Target("translation"), cube, (x, 0, 0), merge="drag")
    editor.history.end_merge()
    editor.set_values(Target("translation"), cube, (50, 0, 0), merge="drag")
    assert editor.history.undo() == "Set translation of cube"
    assert editor.tableau["cube"].translation.tolist() == [9, 0, 0]
    editor.history.undo()
    assert editor.tableau["cube"].translation.tolist() == [0, 0.5, 0]
    assert editor.history.undo() == ""


def test_many_objects_get_one_component_and_keep_the_others(editor: Editor) -> None:
    some = rows(editor, "cube", "lamp")
    editor.set_component(Target("translation"), some, 0, 7.0)
    assert editor.tableau.translation[some].tolist() == [[7, 0.5, 0], [7, 3, 0]]
    editor.history.undo()
    assert editor.tableau.translation[some].tolist() == [[0, 0.5, 0], [0, 3, 0]]


def test_a_value_out_of_range_changes_nothing_and_says_why(editor: Editor) -> None:
    with pytest.raises(EditError, match="intensity must be at least 0"):
        editor.set_values(Target("intensity", "light"), rows(editor, "lamp"), -1.0)
    assert editor.tableau["lamp"].light.intensity == 2
    assert editor.history.undo_label == ""


def test_an_object_keeps_its_place_in_the_world_below_its_new_parent(editor: Editor) -> None:
    tableau = editor.tableau
    tableau["lamp"].scale = (2, 2, 2)
    tableau.update_world()
    before = tableau["cube"].world
    editor.reparent(rows(editor, "cube"), tableau["lamp"].row)
    tableau.update_world()
    np.testing.assert_allclose(tableau["lamp/cube"].world, before, atol=1e-6)
    assert tableau["lamp/cube"].translation[1] == pytest.approx(-1.25)


def test_a_feature_brings_what_it_requires_and_an_asset_that_fits(editor: Editor) -> None:
    editor.add_feature("shadowCaster", rows(editor, "lamp", "cube"))
    lamp = editor.tableau["lamp"]
    assert lamp.features.keys() == {"light", "shadowCaster", "visibleModel"}
    assert lamp.visibleModel.asset == editor.tableau["cube"].visibleModel.asset
    with pytest.raises(EditError, match="needs visibleModel"):
        editor.remove_feature("visibleModel", rows(editor, "lamp"))
    editor.history.undo()
    assert lamp.features.keys() == {"light"}


def test_what_is_copied_is_text_that_can_be_pasted_anywhere(editor: Editor) -> None:
    text = editor.copy(rows(editor, "cube", "cube/top", "lamp"))
    assert text.startswith("objects: {\n    cube: {")
    (made, lamp) = editor.paste(text, editor.tableau["camera"].row).tolist()
    assert editor.tableau.path(made) == "camera/cube"
    assert "camera/cube/top" in editor.tableau
    assert editor.tableau.handle(lamp).light.intensity == 2
    assert editor.tableau.name_of(int(editor.paste("lamp: { scale: [2 2 2] }")[0])) == "lamp2"


def test_a_pasted_feature_is_set_or_added(editor: Editor) -> None:
    editor.paste("{ @type: light  intensity: 8  color: [1 0 0] }", editor.tableau["lamp"].row)
    editor.paste("features: [ { @type: light  enabled: false } ]", editor.tableau["camera"].row)
    assert editor.tableau["lamp"].light.color == (1, 0, 0)
    assert not editor.tableau["camera"].light.enabled
    editor.history.undo()
    editor.history.undo()
    assert (editor.tableau["lamp"].light.intensity, editor.tableau["lamp"].light.color) == (2, (1, 1, 1))


@pytest.mark.parametrize(
    "text", ["", "not: [humon", "a: { features: [ { @type: nonsense } ] }", "a: 3", "a: { scale: [x y z] }"]
)
def test_a_text_that_cannot_be_pasted_says_why_and_changes_nothing(editor: Editor, text: str) -> None:
    before = everything(editor)
    with pytest.raises(EditError, match="cannot be pasted") as refused:
        editor.paste(text)
    assert "\n" not in str(refused.value), "no excerpt of a text that is wrapped by others"
    assert everything(editor) == before
    assert editor.history.undo_label == ""


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_is_created_renamed_saved_and_copied(editor: Editor, name: str) -> None:
    row = editor.create(ROOT, name)
    editor.rename(editor.tableau["lamp"].row, name + "x")
    editor.paste(editor.copy(np.array([row], np.int32)), row)
    editor.scene.save()
    again = load_scene(editor.scene.path, editor.scene.registry).tableau
    assert {name, f"{name}/{name}", name + "x"} <= set(tree_of(again))


def test_what_others_have_removed_is_left_out_of_undo(editor: Editor) -> None:
    both = rows(editor, "cube", "lamp")
    editor.set_values(Target("translation"), both, (9, 9, 9))
    editor.tableau.remove("cube")
    editor.tableau.add_object("other", translation=(4, 4, 4))  # at the row of the cube
    assert editor.tableau["other"].row in both.tolist()
    editor.history.undo()
    assert editor.tableau["lamp"].translation.tolist() == [0, 3, 0]
    assert editor.tableau["other"].translation.tolist() == [4, 4, 4]


def test_what_cannot_be_undone_is_said_and_forgotten(editor: Editor) -> None:
    editor.delete(rows(editor, "cube/top"))
    editor.tableau.remove("cube")
    with pytest.raises(EditError, match="cannot be put back"):
        editor.history.undo()
    assert editor.history.undo_label == ""
    assert not editor.history.is_saved


def test_the_oldest_changes_are_forgotten_and_their_rows_used_again(editor: Editor) -> None:
    editor.history.max_bytes = 20_000
    for _ in range(200):
        editor.delete(np.array([editor.create(ROOT, "x" * 50)], np.int32))
    assert editor.history.nbytes < 20_000 + 64 * 3000
    assert len(editor.tableau.level) < 150, "rows of what was forgotten are used again"


@pytest.mark.parametrize("text", ["tableau: { name: nothing }", "tableau: { name: nothing  objects: {} }"])
def test_a_scene_without_objects_is_edited_marked_saved_and_undone(
    load: Callable[[str], Scene], text: str
) -> None:
    editor = Editor(load(f"version: 1\n{text}\n"))
    changes, root = FileChanges(editor.scene), np.array([ROOT], np.int32)
    active = Target("active")
    editor.set_flag("active", root, False)
    assert changes.differs(active, root).tolist() == [True]
    editor.history.undo()
    assert editor.tableau.active
    editor.history.redo()
    assert not editor.tableau.active
    row = np.array([editor.create(ROOT, "first")], np.int32)
    assert changes.marked(row)[int(row[0])], "no file has it"
    assert changes.is_new(np.append(row, row + 5)).tolist() == [True, True]
    assert active.read(editor.tableau, np.append(row, ROOT)).tolist() == [True, False]
    editor.history.undo()
    assert active.has(editor.tableau, np.append(row, ROOT)).tolist() == [False, True]
    editor.history.undo()
    assert editor.tableau.active
    assert not changes.differs(active, root).any()
