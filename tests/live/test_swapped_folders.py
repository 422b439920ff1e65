"""Saves are seen as the system reports them, whatever folders and links took the place of others before."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image
from support.live_scene import PAUSE_S, LiveScene, fresh_picture, live_file

from engine.live import changes

pytestmark = pytest.mark.gpu

SCENE = """include: [texts/b.hu]
tableau: { objects: {
  camera: { translation: [0 0 4]  features: [{ @type: camera }] }
  sky: { features: [{ @type: skybox  asset: [b light] }] }
} }
"""
DB = (
    "assetDb: { name: b  assets: [{ @type: environment  name: light  source: ../pictures/sky/light.png }] }\n"
)


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveScene]:
    """A scene with its sky in a folder of a folder; files are looked at only as changes are reported."""
    monkeypatch.setattr(changes, "RESCAN_S", 600.0)
    for folder in ("assets", "texts", "pictures/sky"):
        (tmp_path / folder).mkdir(parents=True)
    paint(tmp_path / "pictures/sky/light.png", 40)
    (tmp_path / "texts/b.hu").write_text(DB)
    (tmp_path / "s.hu").write_text(SCENE)
    with live_file(tmp_path / "s.hu") as scene:
        yield scene


def paint(path: Path, red: int) -> None:
    other = path.with_suffix(".tmp")
    Image.new("RGB", (8, 4), (red, 90, 200)).save(other, "PNG")
    other.replace(path)


def is_drawn(live: LiveScene) -> None:
    """Draw frames until the picture is another one, that of the scene opened now."""
    wanted = fresh_picture(live.file("s.hu"))
    assert (live.picture() != wanted).any(), "it is seen that something has changed"
    live.until(lambda: not live.live.pending and bool((live.picture() == wanted).all()), 10.0)
    assert not live.live.problems


def linked(folder: Path) -> None:
    """Put a link to it in place of a folder."""
    other = folder.with_name(folder.name + "1")
    folder.rename(other)
    folder.symlink_to(other.name)


def a_folder_again(folder: Path) -> None:
    other = folder.resolve()
    folder.unlink()
    other.rename(folder)


@pytest.mark.parametrize("name", ["pictures/sky", "pictures", "texts"])
def test_saves_in_a_folder_that_became_a_link_and_a_folder_again_are_seen(live: LiveScene, name: str) -> None:
    picture, red = live.file("pictures/sky/light.png"), 50
    for swap in (linked, a_folder_again, linked):
        swap(live.file(name))
        for _ in range(2):
            red += 20
            paint(picture, red)
            is_drawn(live)
    paint(picture.with_name("other.png"), 250)
    live.file("texts/b.hu").write_text(DB.replace("light.png", "other.png"))
    is_drawn(live)


def test_a_folder_in_place_of_the_link_to_it_has_the_files_as_they_were(live: LiveScene) -> None:
    folder = live.file("pictures/sky")
    linked(folder)
    paint(folder / "light.png", 130)
    is_drawn(live)
    before = live.picture()
    a_folder_again(folder)
    for _ in range(40):
        live.step()
        time.sleep(PAUSE_S)
    assert not live.problems
    assert (live.picture() == before).all()


def replaced_by_a_rename(folder: Path) -> None:
    other = folder.with_name("other")
    shutil.copytree(folder, other)
    paint(other / "light.png", 200)
    folder.rename(folder.with_name("old"))
    other.rename(folder)


def removed_and_made_again(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    paint(folder / "light.png", 200)


def led_elsewhere(folder: Path) -> None:
    linked(folder)
    other = folder.with_name("other")
    other.mkdir()
    paint(other / "light.png", 200)
    folder.unlink()
    folder.symlink_to("other")


@pytest.mark.parametrize("change", [replaced_by_a_rename, removed_and_made_again, led_elsewhere])
def test_what_is_in_a_folder_that_took_the_place_of_another_shows(
    live: LiveScene, change: Callable[[Path], None]
) -> None:
    folder = live.file("pictures/sky")
    change(folder)
    is_drawn(live)
    paint(folder / "light.png", 130)
    is_drawn(live)


def test_a_folder_that_comes_after_the_text_that_names_it_is_seen(live: LiveScene) -> None:
    live.file("texts/b.hu").write_text(DB.replace("pictures/sky", "more/skies"))
    live.until(lambda: [problem.code for problem in live.live.problems] == ["asset.broken"])
    live.file("more").mkdir()
    for _ in range(20):
        live.step()
    live.file("more/skies").mkdir()
    for _ in range(20):
        live.step()
    paint(live.file("more/skies/light.png"), 200)
    is_drawn(live)
