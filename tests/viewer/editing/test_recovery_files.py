"""Files of unsaved changes, and their folder, may be anything: what is no such file is reported."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.hostile import hostile_edits
from support.sampling import Sample

from engine.humon import InputError, parse
from engine.tableau import ROOT
from viewer.editing.editor import Editor
from viewer.editing.history import EditError
from viewer.editing.recovery import MAX_BYTES, Found, Recovery

UNSAVED = """version: 1  parts: [ { file: "FILE"  unsaved: {
    flags: { active: false  enabled: true }
    removed: [camera/reticle]
    moved: { lamp: camera/other }
    added: {
        new: { translation: [1 2 3]  features: [{ @type: light  intensity: 3 }]
            objects: { sub: { scale: [1 2 3] } } }
        cube/extra: { scale: [2 2 2] }
    }
    changed: {
        cube: { translation: [1 2 3]  active: false  without: [visibleModel]
            with: [{ @type: light  intensity: 2 }] }
        lamp: { features: { light: { intensity: 4  enabled: false } } }
    }
} } ]
"""
WORDS = (
    *("cube", "lamp", "camera", "camera/reticle", "cube/top", "", "a/b/c", "..", "/", "active", "light"),
    *("visibleModel", "shadowCaster", "[]", "{}", "[1 2]", "[1 1 1e39]", "[0 0 0]", "nan", "x", "-5", "null"),
)


@pytest.fixture
def recovery(editor: Editor, tmp_path: Path) -> Iterator[Recovery]:
    (tmp_path / "state").mkdir()
    made = Recovery(editor, tmp_path / "state", lambda text: None)
    yield made
    made.close()


def found(recovery: Recovery, text: str, path: Path) -> Found:
    return Found(
        path, 0.0, parse(text.replace("FILE", str(recovery._editor.scene.parts[0].files[0].path)), "a.hu")
    )


def swapped(rng: np.random.Generator, text: str) -> str:
    """Put another word in place of one behind the file's name."""
    words = [
        at
        for at in range(text.index('"FILE"') + 6, len(text))
        if text[at].isalnum() and not text[at - 1].isalnum()
    ]
    start = words[int(rng.integers(len(words)))]
    end = next(at for at in range(start, len(text)) if not (text[at].isalnum() or text[at] in "/."))
    return text[:start] + WORDS[int(rng.integers(len(WORDS)))] + text[end:]


def test_damaged_changes_are_done_or_refused_and_a_refusal_changes_nothing(
    recovery: Recovery, tmp_path: Path, sample: Sample
) -> None:
    editor = recovery._editor
    for seed in sample.seeds(40, 1000):
        rng = np.random.default_rng(seed)
        text = UNSAVED
        for _ in range(int(rng.integers(1, 4))):
            text = swapped(rng, text)
        for start, end, value in hostile_edits(rng, text, 1) if rng.random() < 0.3 else ():
            text = text[:start] + value + text[end:]
        before = editor.tableau.names
        try:
            recovery.recover(found(recovery, text, tmp_path / "none"))
        except (InputError, EditError):
            assert editor.tableau.names == before, (seed, text)
            continue
        editor.history.undo()


def test_what_is_removed_and_moved_is_removed(recovery: Recovery, tmp_path: Path) -> None:
    editor = recovery._editor
    text = UNSAVED.replace("removed: [camera/reticle]", "removed: [lamp]")
    before = editor.tableau.names
    recovery.recover(found(recovery, text, tmp_path / "none"))
    assert "lamp" not in editor.tableau
    assert "camera/other" not in editor.tableau
    editor.history.undo()
    assert editor.tableau.names == before


def test_flags_and_features_that_there_are_not_are_left_out(recovery: Recovery, tmp_path: Path) -> None:
    text = UNSAVED.replace("flags: { active: false", "flags: { visible: false  active: false")
    assert (
        recovery.recover(
            found(recovery, text.replace("with: [{ @type: light", "with: [{ @type: fog"), tmp_path / "none")
        )
        == []
    )
    assert not recovery._editor.tableau.active


@pytest.mark.parametrize("kind", ["FIFO", "link", "folder", "large", "binary"])
def test_what_is_no_such_file_is_reported_without_waiting(kind: str, editor: Editor, tmp_path: Path) -> None:
    reported: list[str] = []
    recovery = Recovery(editor, tmp_path / "state", reported.append)
    (tmp_path / "state").mkdir()
    path = tmp_path / "state" / f"{recovery._name}-99999999.hu"
    if kind == "FIFO":
        os.mkfifo(path)
    elif kind == "link":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    elif kind == "large":
        with open(path, "wb") as file:
            file.truncate(MAX_BYTES + 1)
    else:
        path.write_bytes(b"\x7fELF\0\xff" * 100)
    assert recovery.found() == []
    assert len(reported) == 1
    recovery.close()
    assert os.path.lexists(path)


@pytest.mark.parametrize("folder", ["/dev/null/recovery", "file/below", "loop/below"])
def test_a_folder_that_cannot_be_is_reported_once_something_is_to_be_kept(
    folder: str, editor: Editor, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to("loop")
    reported: list[str] = []
    recovery = Recovery(editor, tmp_path / folder, reported.append)
    assert recovery.found() == []
    recovery.close()
    assert reported == []
    recovery = Recovery(editor, tmp_path / folder, reported.append)
    editor.create(ROOT)
    recovery.close()
    assert len(reported) == 1
    assert reported[0].startswith("warning[viewer.recovery]: changes that are not saved are not kept aside: ")


def test_a_file_that_cannot_be_removed_is_reported(editor: Editor, tmp_path: Path) -> None:
    reported: list[str] = []
    recovery = Recovery(editor, tmp_path, reported.append)
    assert recovery._path is not None
    recovery._path.mkdir()
    recovery.discard(found(recovery, UNSAVED, recovery._path))
    assert len(reported) == 1
    assert "cannot be removed" in reported[0]
    recovery.close()
    assert recovery._path.is_dir()
    assert len(reported) == 1, "it has written none"
