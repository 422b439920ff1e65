"""What conflicts say of the values of both sides."""

from __future__ import annotations

import numpy as np
import pytest
from support.small_features import OBJECTS_BEFORE_LAMP

from engine.scene.file_update import Conflict
from viewer.editing.conflict_texts import texts_of
from viewer.editing.editor import Editor
from viewer.editing.saving import Saving


@pytest.mark.parametrize(
    ("change", "old", "new", "texts"),
    [
        (
            lambda lamp: setattr(lamp, "translation", (0, 4, 0)),
            "[0 3 0]",
            "[0 5.5 0]",
            ("[0 4 0]", "[0 5.5 0]"),
        ),
        (lambda lamp: lamp.light.__setattr__("intensity", 9), "2.0", "4", ("9", "4")),
        (lambda lamp: setattr(lamp, "active", False), "lamp: {", "lamp: { active: true", None),
    ],
)
def test_a_conflict_has_the_values_of_both_sides_as_files_have_them(
    editor: Editor, change: object, old: str, new: str, texts: tuple[str, str] | None
) -> None:
    assert callable(change)
    change(editor.tableau["lamp"])
    path = editor.scene.path
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    found = [texts_of(editor.scene, each) for each in Saving(editor).take_in()]
    assert found == ([] if texts is None else [texts])


def test_a_conflict_of_an_object_says_what_became_of_it(editor: Editor) -> None:
    editor.tableau["lamp"].light.intensity = 9
    path = editor.scene.path
    text = path.read_text(encoding="utf-8")
    start = text.index(OBJECTS_BEFORE_LAMP) + len(OBJECTS_BEFORE_LAMP)
    path.write_text(text[:start] + "    }\n}\n", encoding="utf-8")
    assert [texts_of(editor.scene, each) for each in Saving(editor).take_in()] == [
        ("changed here", "removed there")
    ]
    made = Conflict("cube", "object", editor.tableau["cube"].row)
    assert texts_of(editor.scene, made) == ("made here", "another of its name")
    turned = Conflict("cube", "rotation", 0, np.array([0.0, 0.0, 0.0, 1.0]), np.array([0.0, 1.0, 0.0, 0.0]))
    assert texts_of(editor.scene, turned)[0] == "euler: [0 0 0]"
