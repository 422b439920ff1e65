"""Saving under another name with mouse and keys: a model becomes a scene, with which the window goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support.display import Display
from support.gltf_files import png
from support.hand import Hand
from support.saves import renamed_over
from support.window_frames import open_window, settle, until

from engine.scene import load_scene
from viewer.arguments import Options
from viewer.editing import recovery

if TYPE_CHECKING:
    from viewer.run.windowed import WindowFrames

pytestmark = pytest.mark.gpu

OBJ = "mtllib it.mtl\no thing\nv 0 0 0\nv 1 0 0\nv 0 1 0\nvt 0 0\nusemtl red\nf 1/1 2/1 3/1\n"
MTL = "newmtl red\nKd 1 0 0\nmap_Kd picture.png\n"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model with its material and picture, in a project."""
    folder = tmp_path / "project" / "assets"
    folder.mkdir(parents=True)
    (tmp_path / "project" / "scenes").mkdir()
    (folder / "it.obj").write_text(OBJ)
    (folder / "it.mtl").write_text(MTL)
    (folder / "picture.png").write_bytes(png())
    return folder / "it.obj"


@pytest.fixture
def frames(model: Path, display: Display) -> Iterator[WindowFrames]:
    with open_window(Options(scene=model, size=(960, 420)), bottom=0.7) as made:
        yield made


def hint(hand: Hand) -> str:
    """What the dialog says."""
    return hand.frames.dialogs.saving._hint


@pytest.fixture
def hand(frames: WindowFrames, display: Display) -> Hand:
    return Hand(frames, display)


def is_open(hand: Hand) -> bool:
    hand.draw(2)
    return "button save as" in hand.frames.session.places


def test_a_model_is_saved_as_a_scene_and_the_window_goes_on_with_it(
    frames: WindowFrames, hand: Hand, display: Display, model: Path
) -> None:
    session, tableau = frames.session, frames.runtime.tableau
    path = model.parents[1] / "scenes" / "kitchen.hu"
    hand.click("switch model//enabled")
    assert not tableau["model"].enabled
    assert not session.editing.is_saved
    hand.keys("ctrl+s")
    assert is_open(hand)
    assert session.places["open path"]
    assert frames.dialogs.saving.chosen == model.with_name("it.hu")
    hand.type("../scenes/kitchen")
    hand.keys("Return")
    assert not is_open(hand)
    assert session.editing.message == "saved as kitchen.hu"
    assert sorted(os.listdir(path.parent))[:2] == ["kitchen.assets.hu", "kitchen.hu"]
    assert not load_scene(path).tableau["model"].enabled
    assert session.editing.is_saved
    assert model.read_text() == OBJ

    assert display.window("kitchen.hu")[0] == hand.number, "the title"
    assert session.preferences.recent[:2] == (str(path), str(model))
    assert frames.runtime.scene.path == path
    hand.click("menu File")
    opened = [name for name in session.places if name.startswith("menu File/Open ")]
    assert [name.endswith("it.obj") for name in opened] == [True], "the model can be opened again"
    hand.keys("Escape")

    hand.keys("ctrl+o")
    assert frames.dialogs.browser._path.path == path.parent, "other files are looked for beside it"
    hand.keys("Escape")
    hand.keys("ctrl+z")
    assert tableau["model"].enabled, "what was done before can be undone"
    assert not session.editing.is_saved
    hand.keys("ctrl+s")
    assert not is_open(hand)
    assert load_scene(path).tableau["model"].enabled
    hand.keys("ctrl+shift+z", "ctrl+s")
    assert not load_scene(path).tableau["model"].enabled

    settle(frames)
    library = frames.runtime.library
    assets = path.with_name("kitchen.assets.hu")
    until(frames, lambda: library.current[1].db.path == assets, "the database is that of the new file")
    renamed_over(path, path.read_text().replace("enabled: false", "enabled: true", 1).encode())
    until(frames, lambda: bool(tableau["model"].enabled), "what is saved by others is taken over")
    until(frames, lambda: frames.session.statistics.problems == (), "nothing is wrong")


def test_nothing_that_is_there_is_replaced_without_being_asked(
    frames: WindowFrames, hand: Hand, model: Path
) -> None:
    scenes = model.parents[1] / "scenes"
    mine, beside = scenes / "mine.hu", scenes / "mine.assets.hu"
    mine.write_text("version: 1\ntableau: { name: mine }\n")
    kept = mine.read_bytes()
    hand.keys("ctrl+shift+s")
    hand.type(str(mine))
    hand.keys("Return")
    assert is_open(hand)
    assert hint(hand) == "mine.hu is there already: replace?"
    assert mine.read_bytes() == kept
    hand.keys("Escape")
    assert not is_open(hand)
    assert (mine.read_bytes(), beside.exists()) == (kept, False)
    hand.keys("ctrl+shift+s")
    hand.type(str(mine))
    hand.keys("Return")
    hand.type("other")
    assert hint(hand) == "", "another name is asked about by itself"
    hand.keys("ctrl+a")
    hand.type(str(mine))
    hand.keys("Return")
    assert "replace?" in hint(hand)
    hand.draw()
    hand.keys("Return")
    assert not is_open(hand)
    assert "model" in load_scene(mine).tableau
    assert beside.exists()


def test_why_a_scene_cannot_be_saved_is_said_in_the_dialog(
    frames: WindowFrames, hand: Hand, model: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere" / "assets").mkdir(parents=True)
    before = frames.runtime.scene.path
    for typed, message in (
        (str(tmp_path / "elsewhere" / "other.hu"), "outside of the project"),
        (str(model.with_name("it.assets.hu")), "no name of a scene"),
        (str(model.parents[1]) + "/", "type a name"),
    ):
        hand.keys("ctrl+s")
        hand.type(typed)
        hand.keys("Return")
        assert is_open(hand)
        assert message in hint(hand)
        hand.keys("Escape")
        assert frames.session.editing.problems == (), "it was given up"
    assert os.listdir(tmp_path / "elsewhere") == ["assets"]
    assert frames.runtime.scene.path == before
    assert frames.runtime.scene.parts[0].opened == model


def test_folders_and_names_are_chosen_by_clicks(frames: WindowFrames, hand: Hand, model: Path) -> None:
    scenes = model.parents[1] / "scenes"
    (scenes / "there.hu").write_text("version: 1\ntableau: { name: mine }\n")
    hand.keys("ctrl+s")
    hand.click("open up")
    hand.click("open scenes")
    assert frames.dialogs.saving.chosen == scenes / "it.hu", "the name stays"
    hand.click("open there.hu")
    assert frames.dialogs.saving.chosen == scenes / "there.hu"
    hand.click("button save as")
    assert "replace?" in hint(hand)
    hand.click("button cancel")
    assert not is_open(hand)


def test_what_is_not_saved_is_kept_aside_by_the_new_name(
    frames: WindowFrames, hand: Hand, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "INTERVAL_S", 0.0)
    kept = frames.session.editing.recovery
    assert kept._folder is not None
    hand.click("switch model//enabled")
    until(frames, lambda: any(kept._folder.glob("it-*.hu")), "the change is kept aside")
    path = model.parents[1] / "scenes" / "kitchen.hu"
    hand.keys("ctrl+s")
    hand.type(str(path))
    hand.keys("Return")
    assert not list(kept._folder.glob("*.hu")), "all is saved"
    hand.click("switch model//enabled")
    until(frames, lambda: any(kept._folder.glob("kitchen-*.hu")), "the next change, by the new name")
    assert not list(kept._folder.glob("it-*.hu"))
