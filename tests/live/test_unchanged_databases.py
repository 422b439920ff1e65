"""A text that changes beside its database: the database is neither read nor cooked again."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image
from support.limits import limit
from support.textured_cubes import textured_cubes

from engine.assets import open_library
from engine.assets.asset_reader import AssetReader
from engine.live import LiveSources, Reload
from engine.scene import load_scene

CUBES = 3


@contextmanager
def watched(folder: Path) -> Iterator[tuple[LiveSources, Path]]:
    for number in range(CUBES):
        Image.new("RGB", (4, 4), (number, 0, 0)).save(folder / f"t{number}.png")
    path = folder / "scene.hu"
    path.write_text(textured_cubes(CUBES, "t{}.png"), encoding="utf-8")
    scene = load_scene(path)
    with open_library(scene.dbs) as library, LiveSources(library, scene) as sources:
        yield sources, path


def saved(sources: LiveSources, path: Path, before: str, after: str) -> Reload:
    """Replace a word in a text and return what comes of it, applied."""
    text = path.read_text(encoding="utf-8")
    assert before in text
    other = path.with_suffix(".tmp")
    other.write_text(text.replace(before, after, 1), encoding="utf-8")
    os.replace(other, path)
    end = time.monotonic() + limit(20.0)
    while (made := sources.take()) is None:
        assert time.monotonic() < end, "nothing came of it"
        time.sleep(0.01)
    if made.update is not None:
        sources._library.apply(made.update)
    return made


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The records that are read."""
    found: list[str] = []
    whole = AssetReader.read

    def noted(self: AssetReader, *arguments: object) -> object:
        made = whole(self, *arguments)  # type: ignore[arg-type]
        found.append(str(made))
        return made

    monkeypatch.setattr(AssetReader, "read", noted)
    return found


def test_a_moved_object_reads_no_asset_again(tmp_path: Path, read: list[str]) -> None:
    with watched(tmp_path) as (sources, path):
        del read[:]
        for x in (1, 2):
            made = saved(
                sources, path, f"camera: {{ translation: [2{x - 1} ", f"camera: {{ translation: [2{x} "
            )
            assert made.scene is not None
            assert made.scene.tableau["camera"].translation[0] == 20 + x
            assert made.update is None
            assert not read


def test_an_asset_that_changes_with_an_object_is_read_again(tmp_path: Path, read: list[str]) -> None:
    with watched(tmp_path) as (sources, path):
        del read[:]
        made = saved(sources, path, "name: t1  source: t1.png", "name: t1  source: t2.png")
        assert read
        assert made.update is not None
        assert {change.asset for change in made.update.changes} >= {"texture2d 't1'"}
        del read[:]
        assert saved(sources, path, "translation: [20 ", "translation: [21 ").update is None
        assert not read


def test_a_database_that_moves_down_its_file_is_read_again(tmp_path: Path, read: list[str]) -> None:
    with watched(tmp_path) as (sources, path):
        del read[:]
        made = saved(sources, path, "version: 1\n", "version: 1\n\n// a line more\n")
        assert read
        assert made.scene is not None
        (db,) = made.scene.dbs
        assert db.position.line == 4
