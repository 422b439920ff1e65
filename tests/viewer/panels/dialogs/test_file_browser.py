"""What a folder has to open, and opening it by clicks and by typing."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest
from imgui_bundle import imgui
from support.mouse import Mouse, middle, mouse, session_of

from engine.tableau.tableau import Tableau
from viewer.panels.dialogs.file_browser import FileBrowser
from viewer.panels.dialogs.folder_model import distinct_names, matching, read_folder
from viewer.session.preferences import Preferences
from viewer.session.session import Session

__all__ = ["mouse"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.hu", "A.GLB", "b.assets.hu", "b.test.hu", "notes.txt", ".hidden.hu", "x##y %s.obj"):
        (tmp_path / name).write_bytes(b"123")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "inner.gltf").write_bytes(b"")
    os.symlink("nowhere", tmp_path / "lost.hu")
    return tmp_path


def test_a_folder_has_folders_first_then_scenes_and_models(folder: Path) -> None:
    found = read_folder(folder)
    assert [(entry.name, entry.is_folder) for entry in found.entries] == [
        ("models", True),
        ("A.GLB", False),
        ("b.hu", False),
        ("lost.hu", False),
        ("x##y %s.obj", False),
    ]
    assert found.entries[1].size == 3
    assert ".hidden.hu" in [entry.name for entry in read_folder(folder, hidden=True).entries]


def test_a_folder_that_cannot_be_read_is_empty_with_the_reason(folder: Path) -> None:
    assert read_folder(folder / "none").problem == "No such file or directory"
    assert read_folder(folder / "b.hu").problem == "Not a directory"


class Opened:
    """Notes what is opened."""

    is_possible, under_way = True, ""

    def __init__(self) -> None:
        self.files: list[Path] = []

    def open(self, files: Sequence[Path]) -> None:
        self.files += files

    def quit(self) -> None:
        raise AssertionError("nobody quits")


@pytest.fixture
def browsing(mouse: Mouse, folder: Path) -> tuple[Session, Opened, FileBrowser]:
    session, opened = session_of(Tableau()), Opened()
    session.preferences = Preferences(recent=(str(folder / "models" / "inner.gltf"),))
    return session, opened, FileBrowser(session, opened, folder)


def opened_again(mouse: Mouse, browser: FileBrowser) -> None:
    """Open the dialog, and draw until its places are known."""
    browser.open()
    mouse.frame(browser.draw)
    mouse.frame(browser.draw)


def test_a_click_goes_into_a_folder_and_opens_a_file(
    mouse: Mouse, folder: Path, browsing: tuple[Session, Opened, FileBrowser]
) -> None:
    session, opened, browser = browsing
    opened_again(mouse, browser)
    mouse.click(browser.draw, *middle(session.places["open models"]))
    mouse.frame(browser.draw)
    mouse.click(browser.draw, *middle(session.places["open inner.gltf"]))
    assert opened.files == [folder / "models" / "inner.gltf"]
    session.places.clear()
    mouse.frame(browser.draw)
    assert not session.places, "it is closed"


def test_what_was_opened_before_is_opened_by_a_click(
    mouse: Mouse, folder: Path, browsing: tuple[Session, Opened, FileBrowser]
) -> None:
    session, opened, browser = browsing
    opened_again(mouse, browser)
    mouse.click(browser.draw, *middle(session.places["open recent 0"]))
    assert opened.files == [folder / "models" / "inner.gltf"]


def test_pictures_that_can_be_its_sky_are_listed_while_a_model_is_open(
    mouse: Mouse, folder: Path, browsing: tuple[Session, Opened, FileBrowser], monkeypatch: pytest.MonkeyPatch
) -> None:
    session, opened, browser = browsing
    (folder / "noon.HDR").write_bytes(b"")
    scenes = {
        name: SimpleNamespace(parts=[SimpleNamespace(opened=folder / name)]) for name in ("b.hu", "A.GLB")
    }
    for name, with_skies, is_listed in (
        ("b.hu", True, False),
        ("A.GLB", False, False),
        ("A.GLB", True, True),
    ):
        monkeypatch.setattr(session.runtime, "scene", scenes[name], raising=False)
        browser = FileBrowser(session, opened, folder, f"{name} {with_skies}", with_skies=with_skies)
        session.places.clear()
        opened_again(mouse, browser)
        assert ("open noon.HDR" in session.places) == is_listed
        if not is_listed:
            mouse.press(browser.draw, imgui.Key.escape)
    mouse.click(browser.draw, *middle(session.places["open noon.HDR"]))
    assert opened.files == [folder / "noon.HDR"]


def test_a_typed_name_is_opened_and_escape_closes(
    mouse: Mouse, folder: Path, browsing: tuple[Session, Opened, FileBrowser]
) -> None:
    session, opened, browser = browsing
    opened_again(mouse, browser)
    imgui.get_io().add_input_characters_utf8(str(folder / "typed.hu"))
    mouse.frame(browser.draw)
    mouse.press(browser.draw, imgui.Key.enter)
    assert opened.files == [folder / "typed.hu"]
    opened_again(mouse, browser)
    mouse.press(browser.draw, imgui.Key.escape)
    session.places.clear()
    mouse.frame(browser.draw)
    assert not session.places


def test_a_dialog_over_a_scene_that_is_gone_is_closed_by_that_of_the_next_one(
    mouse: Mouse, folder: Path, browsing: tuple[Session, Opened, FileBrowser]
) -> None:
    session, opened, browser = browsing
    opened_again(mouse, browser)
    later = FileBrowser(session, opened, folder)
    for _ in range(2):
        mouse.frame(later.draw)
    session.places.clear()
    mouse.frame(later.draw)
    assert not session.places
    opened_again(mouse, later)
    assert "open path" in session.places


def typed(mouse: Mouse, browser: FileBrowser, text: str) -> None:
    imgui.get_io().add_input_characters_utf8(text)
    for _ in range(3):
        mouse.frame(browser.draw)


def test_a_part_of_a_name_leaves_the_entries_with_it_and_enter_opens_the_only_one(
    mouse: Mouse, folder: Path, browsing: tuple[Session, Opened, FileBrowser]
) -> None:
    session, opened, browser = browsing

    def listed() -> set[str]:
        names = ("models", "A.GLB", "b.hu", "lost.hu", "x##y %s.obj", "inner.gltf")
        return {name for name in names if f"open {name}" in session.places}

    def again(text: str) -> None:
        opened_again(mouse, browser)
        typed(mouse, browser, text)
        session.places.clear()
        mouse.frame(browser.draw)

    again(".HU")
    assert listed() == {"b.hu", "lost.hu"}
    mouse.press(browser.draw, imgui.Key.enter)
    assert opened.files == [], "two are left"
    assert "open path" in session.places
    mouse.press(browser.draw, imgui.Key.escape)
    again("glb")
    assert listed() == {"A.GLB"}
    mouse.press(browser.draw, imgui.Key.enter)
    assert opened.files == [folder / "A.GLB"]
    again("models/inn")
    assert listed() == {"inner.gltf"}
    mouse.press(browser.draw, imgui.Key.enter)
    assert opened.files[1:] == [folder / "models" / "inner.gltf"]
    again("nothing")
    assert listed() == set()
    mouse.press(browser.draw, imgui.Key.enter)
    assert len(opened.files) == 3, "it is refused as any file that is not there"


def test_entries_that_begin_with_a_part_come_before_those_that_contain_it(folder: Path) -> None:
    found = matching(read_folder(folder).entries, "L")
    assert [entry.name for entry in found] == ["lost.hu", "models", "A.GLB"]


def test_files_of_one_name_are_distinct_names_by_their_folders() -> None:
    paths = ("/a/x/cube.hu", "/b/x/cube.hu", "/b/y/cube.hu", "/b/y/fox.glb", "cube.hu")
    found = distinct_names(paths)
    assert [name for name, _ in found] == ["cube.hu", "cube.hu", "cube.hu", "fox.glb", "cube.hu"]
    assert [folder for _, folder in found] == ["a/x", "b/x", "y", "", ""]
