"""What is done by hand is recorded, and its replay leads to the same objects, values and order."""

import contextlib
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.sampling import amount

from engine.scene import Scene, load_scene
from engine.tableau import ROOT, Tableau
from engine.testing.hu.test_files import read_tests
from engine.testing.scene.structure import Structure
from engine.testing.scripts.recorder import Recorder
from engine.testing.scripts.recording_text import recording_text
from engine.testing.scripts.script import load_script
from viewer.editing.editor import Editor
from viewer.editing.history import EditError
from viewer.editing.value_edit import Target

from .test_editor import rows, step

SIZE = (64, 48)


class Played(Structure):
    """The part of `OpenedScene` that recorded scripts use."""

    def __init__(self, document: Scene) -> None:
        self.document, self.tableau = document, document.tableau

    def __getitem__(self, path: str) -> Any:
        return self.tableau[path]

    def set(self, setting: str) -> None:
        self.document.apply_setting(setting)

    def step(self, seconds: float, count: int = 1) -> None:
        self.tableau.clock.advance(seconds * count)

    def settle(self, max_frames: int = 0) -> None:
        """Nothing is uploaded."""


class Play:
    def __init__(self, scene: Played) -> None:
        self.scene = scene


def whole(tableau: Tableau) -> object:
    """Every object with its values, bit by bit, in order."""

    def below(row: int) -> list[object]:
        return [
            (
                tableau.name_of(each),
                [tableau.value(name, each).tolist() for name in ("translation", "rotation", "scale")],
                [bool(tableau.flags(flag)[each]) for flag in ("active", "enabled")],
                {
                    name: [
                        *(np.asarray(table.column(field)[at]).tolist() for field in table.schema.by_name),
                        *(bool(table.flags(flag)[at]) for flag in ("active", "enabled")),
                    ]
                    for name, table in tableau.tables.items()
                    if (at := table.row_of(each)) is not None
                },
                below(each),
            )
            for each in tableau.rearranging.order(row)
        ]

    return tableau.active, tableau.enabled, below(ROOT)


def replayed(recorder: Recorder, scene: Scene, folder: Path, name: str) -> Tableau:
    path = folder / name
    path.write_text(recording_text(path, scene.path, SIZE, recorder.events()), encoding="utf-8")
    again = Played(load_scene(scene.path, scene.registry))
    if name.endswith(".py"):
        load_script(path)(again)  # type: ignore[arg-type]
    else:
        for one in read_tests(path)[0].steps[:-1]:  # the last one expects, which needs a whole scene
            one.run(Play(again))  # type: ignore[arg-type]
    return again.tableau


EDITS: dict[str, Callable[[Editor], object]] = {
    "delete": lambda editor: editor.delete(rows(editor, "camera", "cube/top")),
    "duplicate": lambda editor: editor.duplicate(rows(editor, "cube")),
    "create": lambda editor: editor.create(rows(editor, "cube")[0], "new", ("light",)),
    "rename": lambda editor: editor.rename(rows(editor, "cube")[0], "a, b##"),
    "re-parent": lambda editor: editor.reparent(rows(editor, "lamp"), rows(editor, "cube")[0]),
    "paste": lambda editor: editor.paste(editor.copy(rows(editor, "cube")), rows(editor, "lamp")[0]),
    "cut": lambda editor: editor.cut(rows(editor, "camera")),
    "add a feature": lambda editor: editor.add_feature("shadowCaster", rows(editor, "lamp")),
    "remove a feature": lambda editor: editor.remove_feature("light", rows(editor, "lamp")),
    "paste a feature": lambda editor: editor.paste("{ @type: light  intensity: 7 }", rows(editor, "cube")[0]),
    "set a value": lambda editor: editor.set_values(Target("intensity", "light"), rows(editor, "lamp"), 9),
}


@pytest.mark.parametrize("name", ["test_edits.py", "edits.test.hu"])
@pytest.mark.parametrize("edit", EDITS)
def test_each_edit_and_its_undo_are_replayed(edit: str, name: str, editor: Editor, tmp_path: Path) -> None:
    scene = editor.scene
    start, recorder = whole(scene.tableau), Recorder(scene, SIZE)
    EDITS[edit](editor)
    recorder.note(SIZE)
    done = whole(scene.tableau)
    assert done != start
    assert whole(replayed(recorder, scene, tmp_path, name)) == done
    editor.history.undo()
    recorder.note(SIZE)
    assert whole(scene.tableau) == start
    assert whole(replayed(recorder, scene, tmp_path, name)) == start


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("name", ["test_edits.py", "edits.test.hu"])
@pytest.mark.parametrize("seed", range(amount(6, 100)))
def test_any_edits_of_one_frame_or_of_many_are_replayed(
    seed: int, name: str, editor: Editor, tmp_path: Path
) -> None:
    chance, recorder = random.Random(seed), Recorder(editor.scene, SIZE)
    for number in range(30):
        with contextlib.suppress(EditError):
            step(editor, chance, number)
        if chance.random() < 0.5:
            recorder.note(SIZE)
    recorder.note(SIZE)
    assert whole(replayed(recorder, editor.scene, tmp_path, name)) == whole(editor.tableau)
