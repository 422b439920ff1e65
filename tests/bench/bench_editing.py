"""Editing 10,000 objects at once, undoing that, and a keystroke in the search of 100,000 objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
from harness import Row

from engine.scene.snapshot import Snapshot
from engine.tableau import ROOT, FeatureSchema, Tableau
from engine.tableau.schema import float_field
from viewer.editing.editor import Editor
from viewer.editing.value_edit import Target
from viewer.panels.outliner.outliner_model import OutlinerModel

MANY = 10_000
OBJECTS = 100_000
ROUNDS = 7
TYPED = ("o", "ob", "obj", "object77", "group9", "77")
LIGHT = FeatureSchema("light", (float_field("intensity", 3.0, minimum=0),))


def rows() -> Iterable[Row]:
    """Measure changes of values, of objects and of parents; each with its undo."""
    editor = _editor()
    tableau, history = editor.tableau, editor.history
    every = tableau.rows()[:MANY]

    def move() -> None:
        editor.set_values(Target("translation"), every, np.random.default_rng(1).normal(size=(MANY, 3)))

    yield from _both("values_10k", move, history.undo, 10.0, 5.0)
    yield from _both("delete_10k", lambda: editor.delete(every), history.undo, 50.0, 50.0)
    yield from _both("duplicate_10k", lambda: editor.duplicate(every), history.undo, 150.0, 50.0)
    parent = int(tableau.rows()[-1])
    yield from _both("reparent_10k", lambda: editor.reparent(every, parent), history.undo, 150.0, 100.0)
    yield _row("keystroke_100k", _keystroke(), 8.0)


def _both(
    name: str, do: Callable[[], object], undo: Callable[[], object], aim: float, undo_aim: float
) -> Iterable[Row]:
    done, undone = [], []
    for _ in range(ROUNDS):
        done.append(_timed(do))
        undone.append(_timed(undo))
    yield _row(name, float(np.median(done)), aim)
    yield _row(f"undo_{name}", float(np.median(undone)), undo_aim)


def _timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1e3


def _row(name: str, milliseconds: float, aim: float) -> Row:
    return Row(f"editing.{name}", milliseconds, "ms", aim=f"<= {aim:g} ms", holds=milliseconds <= aim)


def _editor() -> Editor:
    """Return the editor of objects with a light each, in no file."""
    tableau = Tableau([LIGHT])
    tableau.add_feature("light", tableau.add_objects(MANY))
    tableau.add_objects(1)
    part: Any = SimpleNamespace(
        root=ROOT, files=(), dbs=(), saver=SimpleNamespace(before=Snapshot.of(tableau))
    )
    scene: Any = SimpleNamespace(tableau=tableau, parts=(part,), part_of=lambda row: part)
    return Editor(scene)


def _keystroke() -> float:
    tableau = Tableau([LIGHT])
    groups = tableau.add_objects(OBJECTS // 100, prefix="group")
    tableau.add_objects(OBJECTS - len(groups), parent=np.repeat(groups, 99))
    model = OutlinerModel(tableau)
    model.search = "x"
    model.update()

    def typed(text: str) -> float:
        model.search = text
        return _timed(model.update)

    return float(np.median([typed(text) for _ in range(ROUNDS) for text in TYPED]))
