"""Every way to a file is watched; what a save costs for that does not depend on how many files there are."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from types import FrameType

import pytest
from PIL import Image
from support.limits import limit
from support.textured_cubes import textured_cubes

from engine.assets import open_library
from engine.files.signatures import Signature, signature_of
from engine.live import LiveSources, changes
from engine.live.watched_files import WatchedFiles
from engine.live.whole_caches import WholeCaches
from engine.scene import load_scene


def picture(path: Path, grey: int) -> None:
    other = path.with_suffix(".tmp")
    Image.new("RGB", (4, 4), (grey, grey, grey)).save(other, "PNG")
    os.replace(other, path)


def calls_of_a_save(folder: Path, files: int) -> int:
    """Return how many functions the watching thread calls for one save; before it there was another one."""
    folder.mkdir()
    for number in range(files):
        picture(folder / f"t{number}.png", 1)
    (folder / "scene.hu").write_text(textured_cubes(files, "t{}.png"), encoding="utf-8")
    scene = load_scene(folder / "scene.hu")
    calls = 0

    def count(_frame: FrameType, event: str, _of: object) -> None:
        nonlocal calls
        if threading.current_thread().name == "live sources" and event == "call":
            calls += 1

    with open_library(scene.dbs) as library:
        threading.setprofile(count)
        try:
            sources = LiveSources(library, scene)
        finally:
            threading.setprofile(None)
        with sources:
            made = 0
            for grey in (2, 3):
                time.sleep(0.5)  # the watches are set
                made = calls
                picture(folder / "t7.png", grey)
                end = time.monotonic() + limit(20.0)
                while (reload := sources.take()) is None:
                    assert time.monotonic() < end, "nothing came of it"
                    time.sleep(0.01)
                assert reload.update is not None
                library.apply(reload.update)
            time.sleep(0.3)
            made = calls - made
    return made


def test_a_save_among_many_files_costs_the_watching_thread_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "RESCAN_S", 60.0)
    monkeypatch.setattr(WholeCaches, "add", lambda *_: None)  # what is written behind is of all files
    few, many = (calls_of_a_save(tmp_path / str(files), files) for files in (10, 300))
    assert many < few + 200, f"{few} calls among 10 files, {many} among 300"


def test_folders_are_those_of_all_files_that_were_added(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    files = WatchedFiles([tmp_path / "one" / "a"])
    assert files.folders() == [str(tmp_path / "one")]
    version = files.version
    files.add([tmp_path / "one" / "b"])
    assert files.version == version
    (tmp_path / "two").mkdir()
    files.add([tmp_path / "two" / "a", tmp_path / "missing" / "a"])
    assert files.version != version
    assert files.folders() == [str(tmp_path / "one"), str(tmp_path / "two")]


def test_what_is_reported_is_of_files_by_whichever_links_they_are_named(tmp_path: Path) -> None:
    root, real, linked = tmp_path / "root", tmp_path / "root/real", tmp_path / "root/linked"
    (root / "more").mkdir(parents=True)
    real.mkdir()
    linked.symlink_to("real")
    (real / "a").touch()
    (root / "more/c").touch()
    (real / "b").symlink_to("../more/c")
    (root / "round").symlink_to("round/round")
    a, b, lost = linked / "a", linked / "b", root / "round/d"
    files = WatchedFiles([a, b, lost], [root])
    assert files.folders() == [str(root), str(root / "more"), str(real)]
    assert files.at([real / "a"]) == {a}
    assert files.at([real / "b"]) == files.at([root / "more/c"]) == {b}
    assert not files.at([real / "other", root / "other", tmp_path, root])
    version = files.version
    for way in (linked, real, root / "more", root / "round"):
        assert files.at([way]) == {a, b, lost}
        assert files.version != version
        version = files.version
    linked.unlink()
    linked.symlink_to("more")
    assert files.at([linked]) == {a, b, lost}
    assert files.folders() == [str(root), str(root / "more")]
    (root / "more/a").touch()
    assert files.at([root / "more/a"]) == {a}


def test_a_file_that_becomes_a_link_is_watched_where_it_leads(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").touch()
    path, target = tmp_path / "one/a", tmp_path / "two/a"
    files = WatchedFiles([path])
    path.unlink()
    path.symlink_to(target)
    files.update({path: signature_of(path)})
    assert files.folders() == [str(path.parent), str(target.parent)]
    assert files.at([target]) == files.at([path]) == {path}


def test_new_files_are_taken_once_and_outdated_ones_have_changed(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("a", encoding="utf-8")
    files = WatchedFiles([])
    files.add([path])
    assert files.take_new() == {path: signature_of(path)}
    assert not files.take_new()
    now = {path: signature_of(path)}
    assert not files.changed(now)
    files.outdate([path])
    assert files[path] == Signature(-1)
    assert files.changed(now) == {path}
    files.update(now)
    assert not files.changed(now)
