"""What is saved, reverted, in conflict and recovered."""

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.sampling import amount
from support.small_features import tree_of

from engine.humon import InputError
from engine.scene import Scene, load_scene
from engine.tableau import ROOT
from viewer.editing.clipboard import text_of as clipboard_text
from viewer.editing.editor import Editor
from viewer.editing.file_changes import FileChanges
from viewer.editing.history import EditError
from viewer.editing.recovery import Recovery
from viewer.editing.reverting import Reverting
from viewer.editing.saving import Saving
from viewer.editing.value_edit import Target

from .conftest import TEXT
from .test_editor import rows, step


def text_of(editor: Editor) -> str:
    return editor.scene.path.read_text(encoding="utf-8")


def rewrite(editor: Editor, old: str, new: str) -> None:
    """Change the file as another program does."""
    assert text_of(editor).count(old) == 1
    editor.scene.path.write_text(text_of(editor).replace(old, new), encoding="utf-8")


def stir(editor: Editor, seed: int, most: int = 12) -> None:
    chance = random.Random(seed)
    for number in range(chance.randint(1, most)):
        try:
            step(editor, chance, number)
        except EditError:
            continue


def test_what_is_saved_keeps_every_other_byte(editor: Editor) -> None:
    before = text_of(editor)
    editor.set_values(Target("intensity", "light"), rows(editor, "lamp"), 3.5)
    written: list[Path] = []
    saving = Saving(editor, written.append)
    assert not editor.history.is_saved
    assert saving.save()
    assert text_of(editor) == before.replace("2.0", "3.5")
    assert written == [editor.scene.path]
    assert editor.history.is_saved
    editor.history.undo()
    assert not editor.history.is_saved
    assert saving.save()
    assert text_of(editor) == before.replace("2.0", "2")


def test_changed_values_are_marked_and_reverted_one_by_one(editor: Editor) -> None:
    changes = FileChanges(editor.scene)
    reverting = Reverting(editor, changes)
    both = rows(editor, "cube", "lamp")
    editor.set_values(Target("translation"), both[:1], (1, 1, 1))
    editor.set_flag("enabled", both, False)
    new = np.array([editor.create(ROOT)], np.int32)
    assert changes.differs(Target("translation"), both).tolist() == [True, False]
    assert changes.differs(Target("enabled"), both).tolist() == [True, True]
    assert changes.is_new(np.append(both, new)).tolist() == [False, False, True]
    assert changes.is_changed(rows(editor, "cube", "camera", "object")).tolist() == [True, False, True]
    reverting.revert_value(Target("enabled"), both)
    assert editor.tableau["lamp"].enabled
    assert not changes.differs(Target("enabled"), both).any()
    assert changes.differs(Target("translation"), both).tolist() == [True, False]
    editor.history.undo()
    assert not editor.tableau["lamp"].enabled


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("seed", range(amount(6, 300)))
def test_reverting_all_is_the_file_again_and_can_be_undone(seed: int, editor: Editor) -> None:
    start, text = tree_of(editor.tableau), text_of(editor)
    stir(editor, seed)
    end = tree_of(editor.tableau)
    assert Reverting(editor, FileChanges(editor.scene)).revert_all() == 0
    assert tree_of(editor.tableau) == start
    Saving(editor).save()
    assert text_of(editor) == text
    if start != end:
        editor.history.undo()
        assert tree_of(editor.tableau) == end


def test_a_file_that_was_changed_meanwhile_is_taken_in_and_saved_together(editor: Editor) -> None:
    editor.set_values(Target("intensity", "light"), rows(editor, "lamp"), 3.5)
    rewrite(editor, "[0 3 0]", "[0 4 0]  /* higher */")
    assert Saving(editor).save()
    assert editor.tableau["lamp"].translation.tolist() == [0, 4, 0]
    assert "/* higher */" in text_of(editor)
    assert "intensity: 3.5" in text_of(editor)


def test_a_conflict_keeps_both_until_it_is_settled(editor: Editor) -> None:
    saving, lamp = Saving(editor), rows(editor, "lamp")
    editor.set_values(Target("intensity", "light"), lamp, 3.5)
    editor.set_values(Target("note", "light"), lamp, np.array("mine", object))
    rewrite(editor, "intensity: 2.0", 'intensity: 7  note: "theirs"')
    assert not saving.save()
    assert [(each.path, each.what, each.file) for each in saving.conflicts] == [
        ("lamp", "light.intensity", 7),
        ("lamp", "light.note", "theirs"),
    ]
    assert editor.tableau["lamp"].light.intensity == 3.5
    assert "intensity: 7" in text_of(editor), "nothing was written"
    saving.settle(saving.conflicts[1], use_file=True)
    assert editor.tableau["lamp"].light.note == "theirs"
    saving.settle(saving.conflicts[0], use_file=False)
    assert saving.save()
    assert 'intensity: 3.5  note: "theirs"' in text_of(editor)
    assert editor.history.undo() == "Set light.note of lamp"


def test_a_file_with_an_error_is_not_written_over(editor: Editor) -> None:
    editor.set_values(Target("intensity", "light"), rows(editor, "lamp"), 3.5)
    rewrite(editor, "2.0", "two")
    with pytest.raises(InputError, match="number"):
        Saving(editor).save()
    assert "two" in text_of(editor)
    assert editor.tableau["lamp"].light.intensity == 3.5


def crash(editor: Editor, folder: Path) -> Recovery:
    """Write what is not saved, as a process that has crashed since; return the recovery of the next one."""
    recovery = Recovery(editor, folder, pytest.fail)
    recovery._written = -1
    recovery.poll()
    recovery.wait()
    for path in folder.glob("*.hu"):
        scene, _, number = path.stem.rpartition("-")
        path.rename(path.with_stem(f"{scene}-{number.replace(str(os.getpid()), '99999999')}"))
    again = load_scene(editor.scene.path, editor.scene.registry)
    return Recovery(Editor(again), folder, pytest.fail)


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("seed", range(amount(6, 300)))
def test_what_is_not_saved_survives_a_crash(seed: int, editor: Editor, tmp_path: Path) -> None:
    stir(editor, seed, most=20)
    end, text = tree_of(editor.tableau), text_of(editor)
    flags = editor.tableau.active, editor.tableau.enabled
    recovery = crash(editor, tmp_path / "state")
    other = recovery._editor
    for found in recovery.found():
        assert recovery.recover(found) == []
    assert tree_of(other.tableau) == end
    assert (other.tableau.active, other.tableau.enabled) == flags
    assert recovery.found() == [], "it is offered once"
    assert text_of(editor) == text, "recovering saves nothing"
    Saving(other).save()
    assert tree_of(load_scene(other.scene.path, other.scene.registry).tableau) == end


def test_a_clean_end_and_a_save_leave_nothing_to_recover(editor: Editor, tmp_path: Path) -> None:
    recovery = Recovery(editor, tmp_path, pytest.fail)
    editor.create(ROOT)
    recovery.poll()
    recovery.wait()
    (file,) = tmp_path.glob("a-*.hu")
    assert "added" in file.read_text()
    assert recovery.found() == [], "this process is running"
    Saving(editor).save()
    recovery._next = 0.0
    recovery.poll()
    recovery.wait()
    assert not file.exists()
    editor.create(ROOT)
    recovery._next = 0.0
    recovery.poll()
    recovery.wait()
    assert file.exists()
    Saving(editor).save()
    recovery.close()
    assert not file.exists()


def test_what_is_not_saved_when_a_window_closes_is_offered_next_time(editor: Editor, tmp_path: Path) -> None:
    recovery = Recovery(editor, tmp_path, pytest.fail)
    editor.create(ROOT, "late")
    recovery.close()
    (file,) = tmp_path.glob("a-*.hu")
    assert "late" in file.read_text()


def test_what_was_not_saved_is_offered_when_the_same_run_opens_the_scene_again(
    editor: Editor, tmp_path: Path
) -> None:
    first = Recovery(editor, tmp_path, pytest.fail)
    editor.create(ROOT, "late")
    first.close()
    editor.history.clear()
    editor.history.note_saved()
    for _ in range(2):
        again = Recovery(editor, tmp_path, pytest.fail)
        (found,) = again.found()
        assert "late" in found.path.read_text()
        again.close()
    again.discard(found)
    assert not list(tmp_path.glob("a-*"))


def test_rubbish_to_recover_is_reported_and_changes_nothing(
    editor: Editor, load: Callable[[str], Scene], tmp_path: Path
) -> None:
    reported: list[str] = []
    recovery = Recovery(editor, tmp_path / "state", reported.append)
    name = recovery._name
    (tmp_path / "state").mkdir()
    for number, text in enumerate(("[", "version: 9", "\0", "a: 1")):
        (tmp_path / "state" / f"{name}-9999999{number}.hu").write_text(text)
    assert recovery.found() == []
    assert len(reported) == 4
    unsaved = "{ changed: { lamp: { scale: [1 x 1] } } }"
    good = f"version: 1  parts: [ {{ file: '{editor.scene.path}'  unsaved: {unsaved} }} ]"
    (tmp_path / "state" / f"{name}-99999999.hu").write_text(good)
    (found,) = recovery.found()
    before = tree_of(editor.tableau)
    with pytest.raises(EditError, match="cannot be recovered"):
        recovery.recover(found)
    assert tree_of(editor.tableau) == before


def test_a_file_of_changes_that_cannot_be_written_is_reported_once(editor: Editor, tmp_path: Path) -> None:
    reported: list[str] = []
    (tmp_path / "file").write_text("")
    recovery = Recovery(editor, tmp_path / "file" / "below", reported.append)
    editor.create(ROOT)
    recovery.poll()
    recovery.wait()
    assert len(reported) == 1
    assert "not kept aside" in reported[0]


WRONG = TEXT.replace(
    "[ { @type: light  intensity: 2.0 } ]",
    "[ { @type: light  intensty: 1  intensity: 2.0 } { @type: sun } ]  scael: [2 2 2]",
)


def test_objects_with_text_that_is_left_out_are_changed_and_all_is_undone(
    load: Callable[[str], Scene],
) -> None:
    editor = Editor(load(WRONG))
    lamp, saving, history = rows(editor, "lamp"), Saving(editor), editor.history
    assert len(editor.scene.left_out) == 3
    assert "scael" not in clipboard_text(editor.scene, lamp)
    editor.set_flag("enabled", lamp, False, "light")
    assert saving.save()
    assert text_of(editor) == WRONG.replace("2.0 }", "2.0  enabled: false }")
    copy = editor.duplicate(lamp)
    editor.rename(int(copy[0]), "twin")
    editor.add_feature("light", rows(editor, "cube"))
    editor.reparent(lamp, int(rows(editor, "cube")[0]))
    assert saving.save()
    left = "{ @type: sun } ]  scael: [2 2 2]"
    assert text_of(editor).count(left) == 1, "the copy has what is drawn"
    assert editor.scene.tableau["twin"].features.keys() == {"light"}
    while history.undo_label:
        history.undo()
    assert saving.save()
    again = load_scene(editor.scene.path, editor.scene.registry)
    assert tree_of(again.tableau) == tree_of(editor.tableau)
    assert len(again.left_out) == 3
    assert text_of(editor).count(left) == 1
    editor.delete(lamp)
    history.undo()
    assert not saving.save(), "what was put back is where it was"
