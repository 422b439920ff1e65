"""What is saved, reverted, in conflict and recovered."""

import contextlib
import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.sampling import amount
from support.small_features import ASSETS, tree_of

from engine.humon import InputError
from engine.scene import Scene, load_scene
from engine.tableau import ROOT
from viewer.editing import editing as editing_module
from viewer.editing.clipboard import text_of as clipboard_text
from viewer.editing.editing import Editing
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
    assert text_of(editor) == before


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
    recovery._written = ()
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
    assert text_of(editor) == WRONG.replace("light  intensty", "light  enabled: false  intensty")
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


def order_of(scene: Scene) -> list[str]:
    """The paths of all objects as the outliner lists them."""
    tableau = scene.tableau

    def below(row: int) -> list[str]:
        return [
            path for each in tableau.rearranging.order(row) for path in (tableau.path(each), *below(each))
        ]

    return below(ROOT)


COMMENTED = f"""// head
version: 1
{ASSETS}"""
COMMENTED += """
tableau: { name: nasty  /* n */
    objects: {
        // about a
        "a re": { translation: [0 0.5 0] features: [ { @type: light  intensity: 2.0 } /*after*/ ] } // a side
        // about b
        b: { euler: [0 45 0], objects: { b1: { scale: [5 2.5 0] /* in */ }  "c, d": { /* c's own */ } // side
            // end c
        } }
        "x##y": {
            // above feature
            features: [
                { @type: light  cone: 30 }   // its cone
            ]
        }
        last: { }
        // last words
    }
}
// tail
"""


def test_what_was_deleted_and_saved_comes_back_with_its_text_at_its_place(
    load: Callable[[str], Scene],
) -> None:
    editor = Editor(load(COMMENTED))
    saving = Saving(editor)
    editor.delete(rows(editor, "b/c, d", "x##y"))
    assert saving.save()
    assert not {"c's own", "above feature", "its cone"} & set(text_of(editor).split())
    editor.history.undo()
    assert saving.save()
    assert text_of(editor) == COMMENTED
    editor.history.redo()
    editor.set_values(Target("translation"), rows(editor, "last"), (1, 0, 0))
    assert saving.save()
    editor.history.undo()
    editor.history.undo()
    editor.set_values(Target("cone", "light"), rows(editor, "x##y"), np.radians(31))
    assert saving.save()
    assert text_of(editor) == COMMENTED.replace("cone: 30", "cone: 31")


def test_what_was_deleted_before_another_program_wrote_the_file_comes_back_with_its_text(
    load: Callable[[str], Scene],
) -> None:
    editor = Editor(load(COMMENTED))
    saving = Saving(editor)
    editor.delete(rows(editor, "x##y"))
    assert saving.save()
    rewrite(editor, "// head", "// another head")
    editor.history.undo()
    assert saving.save()
    assert text_of(editor) == COMMENTED.replace("// head", "// another head")


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("seed", range(amount(8, 200)))
def test_undoing_to_a_saved_state_and_saving_gives_its_text_in_the_order_of_the_outliner(
    seed: int, editor: Editor
) -> None:
    chance, saving = random.Random(seed), Saving(editor)
    texts = {0: text_of(editor)}

    def check(count: int) -> None:
        saving.save()
        again = load_scene(editor.scene.path, editor.scene.registry)
        assert tree_of(again.tableau) == tree_of(editor.tableau)
        assert order_of(again) == order_of(editor.scene)
        assert texts.setdefault(count, text_of(editor)) == text_of(editor)

    for number in range(20):
        before = len(editor.history.done)
        with contextlib.suppress(EditError):
            step(editor, chance, number)
        if len(editor.history.done) <= before or editor.history.redo_label:
            texts = {count: text for count, text in texts.items() if count <= len(editor.history.done)}
        if chance.random() < 0.5:
            texts.pop(len(editor.history.done), None)
            check(len(editor.history.done))
    while editor.history.undo_label:
        editor.history.undo()
        if len(editor.history.done) in texts:
            check(len(editor.history.done))
    assert text_of(editor) == texts[0]


def test_a_copy_is_written_like_its_original_and_a_move_in_the_words_of_the_file(
    load: Callable[[str], Scene],
) -> None:
    editor = Editor(load(CUBE))
    saving, cube = Saving(editor), rows(editor, "cube")
    copy = editor.duplicate(cube)
    assert saving.save()
    body = CUBE[CUBE.index("cube: {") : CUBE.index("        ground")]
    assert text_of(editor) == CUBE.replace(
        "        // tail", f"        {body.replace('cube:', 'cube2:')}        // tail"
    )
    editor.set_values(Target("intensity", "light"), copy, 4.5)
    other = editor.duplicate(copy)
    editor.delete(rows(editor, "cube2/lid"))
    assert saving.save()
    text = text_of(editor)
    assert text.count("lid: { scale: [1 1.0 1] }") == 2
    assert text.count("intensity: 4.5  cone: 30 }") == 2
    editor.delete(np.concatenate((copy, other)))
    assert saving.save()
    assert text_of(editor) == CUBE
    editor.reparent(rows(editor, "cube/lid"), rows(editor, "ground")[0])
    assert saving.save()
    assert "lid: { translation: [0 0 -2.8284271]  euler: [0 -77 0]  scale: [1 1.0 1] } } }" in text_of(editor)
    assert "translation: [-2 0 -2]" in text_of(editor)


def test_what_is_copied_and_pasted_is_written_in_the_order_of_its_file(load: Callable[[str], Scene]) -> None:
    editor = Editor(load(CUBE))
    editor.paste(editor.copy(rows(editor, "cube")), int(rows(editor, "ground")[0]))
    assert Saving(editor).save()
    text = text_of(editor)
    pasted = text[text.rindex("visibleModel") :]
    assert "shadowCaster" in pasted
    assert pasted.index("shadowCaster") < pasted.index("light")
    assert text.count("euler: [0 -32 0]") == 2
    assert text.count("asset: [assetDb0 0] }") == 4, "an index stays an index"
    assert text.count("lid: { scale: [1 1.0 1] }") == 2
    assert "rotation" not in text


CUBE = f"""{ASSETS}
tableau: {{
    objects: {{
        cube: {{
            translation: [-2 0 -2]          // metres
            euler: [0 -32 0]                // degrees
            features: [
                {{ @type: visibleModel  enabled: true  asset: [assetDb0 0] }}
                {{ @type: shadowCaster  asset: [assetDb0 0] }}   // its shadow
                {{ @type: light  intensity: 2.0  cone: 30 }}
            ]
            objects: {{ lid: {{ scale: [1 1.0 1] }} }}
        }}
        ground: {{ euler: [0 45 0] }}
        // tail
    }}
}}
"""


def test_a_file_that_is_gone_is_named_and_written_by_the_next_save(editor: Editor) -> None:
    saving, before = Saving(editor), text_of(editor)
    editor.scene.path.unlink()
    with pytest.raises(InputError, match=r"a\.hu is no longer there"):
        saving.save()
    assert saving.save()
    assert text_of(editor) == before


def test_a_camera_that_was_moved_is_not_saved_and_what_is_reverted_whole_is(
    editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, said = editor.scene, list[str]()
    monkeypatch.setattr(editing_module, "CAMERA", "light")  # the lamp moves as cameras do
    editing = Editing(scene, said.append)
    assert editing.is_saved
    scene.tableau["lamp"].translation = (5, 3, 0)
    assert not editing.is_saved
    editing.save()
    assert editing.is_saved
    editing.editor.set_values(Target("translation"), rows(editor, "cube"), (1, 1, 1))
    assert not editing.is_saved
    editing.revert_all()
    assert editing.is_saved
    editing.undo()
    assert not editing.is_saved
    assert not said


def test_a_camera_that_was_moved_alone_survives_a_crash_and_is_no_matter_at_a_clean_end(
    editor: Editor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editing_module, "CAMERA", "light")  # the lamp moves as cameras do
    editing = Editing(editor.scene, pytest.fail, folder=tmp_path / "state")
    editing.recovery.poll()
    editing.recovery.wait()
    assert not (tmp_path / "state").exists()
    editor.tableau["lamp"].translation = (4.0, 5.0, 6.0)
    editing.recovery.poll()
    editing.recovery.wait()
    (file,) = (tmp_path / "state").glob("a-*.hu")
    assert "translation: [4 5 6]" in file.read_text()
    written = os.stat(file).st_mtime_ns
    editing.recovery._next = 0.0
    editing.recovery.poll()
    editing.recovery.wait()
    assert os.stat(file).st_mtime_ns == written, "it is where it was"
    editing.close()
    assert not file.exists()
