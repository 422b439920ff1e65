"""A scene that goes on under another name: what is offered, said and refused."""

from pathlib import Path

from engine.scene import load_scene
from viewer.editing.editing import Editing
from viewer.editing.editor import Editor
from viewer.editing.recovery import Recovery
from viewer.editing.value_edit import Target

from .test_editor import rows


def nothing(text: str) -> None:
    """Take a report of what went wrong: nothing may."""
    raise AssertionError(text)


def test_what_is_offered_of_the_name_before_stays_for_that(editor: Editor, tmp_path: Path) -> None:
    state = tmp_path / "state"
    crashed = Recovery(editor, state, nothing)
    editor.set_values(Target("translation"), rows(editor, "cube"), (1.0, 2.0, 3.0))
    crashed.poll()
    crashed.wait()
    editing = Editing(load_scene(editor.scene.path, editor.scene.registry), nothing, folder=state)
    assert len(editing.found) == 1
    kept = editing.found[0].path
    moved: list[Path] = []
    editing.has_moved = lambda: moved.append(editing.editor.scene.path)
    other = editor.scene.path.with_name("other.hu")
    assert editing.save_as(other) == []
    assert (moved, editing.message, editing.found) == ([other], "saved as other.hu", [])
    assert kept.exists()
    assert editing.is_saved
    assert editing.save_as(editor.scene.path) == [editor.scene.path]
    assert moved == [other]
    assert editing.save_as(other.with_name("no scene.txt")) is None
    assert editing.was_refused
    assert "no name of a scene" in editing.problems[0].message
    editing.forget_refused()
    assert (editing.problems, editing.message) == ((), "")
    editing.close()
    again = Editing(load_scene(editor.scene.path, editor.scene.registry), nothing, folder=state)
    assert [each.path for each in again.found] == [kept]
    again.close()
