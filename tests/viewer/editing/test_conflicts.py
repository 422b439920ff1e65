"""What was changed here and in a file: listed until it is settled, or until both are alike."""

import numpy as np
import pytest

from viewer.editing.editor import Editor
from viewer.editing.saving import Saving
from viewer.editing.value_edit import Target

from .test_editor import rows
from .test_saving import rewrite, text_of


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


def test_a_conflict_ends_where_the_scene_is_as_the_file_is(editor: Editor) -> None:
    saving, lamp = Saving(editor), rows(editor, "lamp")
    editor.set_values(Target("intensity", "light"), lamp, 3.5)
    rewrite(editor, "intensity: 2.0", "intensity: 7")
    assert not saving.save()
    saving.add([])
    assert len(saving.conflicts) == 1
    rewrite(editor, "intensity: 7", "intensity: 3.5")
    saving.add(saving.take_in())
    assert not saving.conflicts, "the file has what was set here"
    editor.set_values(Target("intensity", "light"), lamp, 4.5)
    rewrite(editor, "intensity: 3.5", "intensity: 5")
    saving.add(saving.take_in())
    assert len(saving.conflicts) == 1
    editor.set_values(Target("intensity", "light"), lamp, 5)
    saving.add([])
    assert not saving.conflicts, "what the file has was set here"


@pytest.mark.parametrize("use_file", [True, False])
def test_an_object_that_comes_back_in_its_file_is_not_lost_when_the_conflict_is_settled(
    editor: Editor, use_file: bool
) -> None:
    saving, lamp = Saving(editor), rows(editor, "lamp")
    editor.set_values(Target("intensity", "light"), lamp, 3.5)
    rewrite(editor, "lamp: {", "limp: {")
    saving.add(saving.take_in())
    assert [(each.path, each.what) for each in saving.conflicts] == [("lamp", "object")]
    rewrite(editor, "limp: {", "lamp: {")
    saving.add(saving.take_in())
    assert [(each.path, each.what) for each in saving.conflicts] == [("lamp", "object")]
    saving.settle(saving.conflicts[0], use_file)
    assert editor.tableau["lamp"].light.intensity == (2.0 if use_file else 3.5)
    assert not saving.conflicts
    saving.save()
    assert ("intensity: 2.0" if use_file else "intensity: 3.5") in text_of(editor)
    assert "lamp: {" in text_of(editor)
    assert "limp" not in text_of(editor)


def test_an_object_that_comes_back_as_it_is_here_is_no_conflict(editor: Editor) -> None:
    saving, lamp = Saving(editor), rows(editor, "lamp")
    editor.set_values(Target("intensity", "light"), lamp, 3.5)
    rewrite(editor, "lamp: {", "limp: {")
    saving.add(saving.take_in())
    rewrite(editor, "limp: {", "lamp: {")
    rewrite(editor, "intensity: 2.0", "intensity: 3.5")
    saving.add(saving.take_in())
    assert not saving.conflicts
