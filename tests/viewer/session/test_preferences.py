"""Preferences come back as they were kept; rubbish gives the defaults and is kept beside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from engine.humon import InputError
from viewer.session.bookmarks import MAX_SCENES, Bookmark, SceneBookmarks, places_of, with_place
from viewer.session.preferences import MAX_RECENT, Preferences, read_preferences, write_preferences

PLACE = Bookmark(1, (1.5, -2.0, 1e-7), 3.25, -0.5, 7.0, 0.0)
FULL = Preferences(
    layout='[Window][a ## "b" %s]\nPos=1,2\n\n[Docking][Data]\nDockSpace ID=0x00000001 Pos=0,0 Size=9,9\n',
    layout_scale=1.25,
    theme="light",
    scale=1.5,
    shown=("outliner", "memory, [all]"),
    recent=("/a/b c.hu", "/ü/日本.glb"),
    bookmarks=(SceneBookmarks("/a/b c.hu", (PLACE, replace(PLACE, number=4, height=3.0))),),
)


def test_preferences_come_back_as_they_were_kept(tmp_path: Path) -> None:
    path = tmp_path / "below" / "viewer.hu"
    for preferences in (FULL, Preferences()):
        write_preferences(path, preferences)
        assert read_preferences(path) == (preferences, None)


def test_where_there_is_no_file_the_defaults_are_used(tmp_path: Path) -> None:
    assert read_preferences(tmp_path / "none.hu") == (Preferences(), None)
    assert read_preferences(None) == (Preferences(), None)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff rubbish",
        b"{ version: 99 }",
        b"{ version: 1 }",
        b"{ version: 1  theme: pink  scale: 1  recent: []  layout: [] }",
        b"{ version: 1  theme: dark  scale: nan  recent: []  layout: [] }",
        b"{ version: 1  theme: dark  scale: 1e9  recent: []  layout: [] }",
        b"{ version: 1  theme: dark  scale: 1  recent: []  layoutScale: 0  layout: [] }",
        b"{ version: 1  theme: dark  scale: 1  recent: { a: 1 }  layout: [[1]] }",
        b"{ version: 1  theme: dark  scale: 1  recent: []  layout: []  bookmarks: [{ scene: a }] }",
        b"{ version: 1  theme: dark  scale: 1  recent: []  layout: []  bookmarks: [{ scene: a  places: [{"
        b" number: 9  target: [0 0 0]  turned: [0 0]  distance: 1  height: 0 }] }] }",
        b"[" * 5000,
    ],
)
def test_rubbish_gives_the_defaults_and_a_copy_is_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "viewer.hu"
    path.write_bytes(content)
    preferences, problem = read_preferences(path)
    assert preferences == Preferences()
    assert problem is not None
    assert problem.code == "viewer.preferences"
    assert (tmp_path / "viewer.bad.hu").read_bytes() == content
    assert str(tmp_path / "viewer.bad.hu") in problem.help


def test_a_folder_in_place_of_the_file_gives_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "viewer.hu").mkdir()
    preferences, problem = read_preferences(tmp_path / "viewer.hu")
    assert preferences == Preferences()
    assert problem is not None


def test_preferences_that_cannot_be_written_are_refused(tmp_path: Path) -> None:
    (tmp_path / "viewer.hu").mkdir()
    with pytest.raises((InputError, OSError)):
        write_preferences(tmp_path / "viewer.hu", FULL)


def test_recent_files_are_the_last_ones_each_once(tmp_path: Path) -> None:
    preferences = Preferences()
    for name in (*(f"{number}.hu" for number in range(MAX_RECENT + 3)), "5.hu"):
        preferences = preferences.opened(tmp_path / name)
    assert len(preferences.recent) == MAX_RECENT
    assert preferences.recent[0] == str(tmp_path / "5.hu")
    assert len(set(preferences.recent)) == MAX_RECENT


def test_bookmarks_are_kept_for_as_many_scenes_as_were_used_last() -> None:
    kept: tuple[SceneBookmarks, ...] = ()
    for number in range(MAX_SCENES + 3):
        kept = with_place(kept, f"/{number}.hu", PLACE)
    kept = with_place(kept, "/5.hu", replace(PLACE, number=2))
    assert len(kept) == MAX_SCENES
    assert kept[0].scene == "/5.hu"
    assert [place.number for place in places_of(kept, "/5.hu")] == [1, 2]
    assert places_of(kept, "/0.hu") == ()
    moved = replace(PLACE, yaw=0.0)
    assert places_of(with_place(kept, "/5.hu", moved), "/5.hu")[0] == moved
