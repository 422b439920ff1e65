"""Folders, FIFOs, devices and links in place of a cache, its lock or a source cost a warning or an error."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.projects import Project

from engine.assets import AssetDb, open_library, read_asset_db_file
from engine.humon import InputError

pytestmark = [
    pytest.mark.timeout(60),
    pytest.mark.skipif(os.name != "posix", reason="FIFOs, devices and links of POSIX"),
]
PICTURE_DB = """assetDb: {
    name: db
    assets: [{ @type: texture2d  name: picture  source: ../assets/picture.png }]
}
"""


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_full_folder(path: Path) -> None:
    path.mkdir()
    (path / "content").write_text("kept")


def link_to(name: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.symlink_to(name)

    return make


KINDS: dict[str, Callable[[Path], None]] = {
    "FIFO": make_fifo,
    "folder": make_full_folder,
    "device": link_to("/dev/zero"),
    "link outside": link_to("../../outside"),
    "link to itself": link_to("db.ogCache"),
}


@pytest.fixture
def db(project: Project) -> AssetDb:
    return project.db(PICTURE_DB)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["db.ogCache", "db.ogCache.lock", "db.ogCache.records"])
def test_what_stands_in_place_of_a_cache_its_lock_or_its_records_costs_one_warning(
    project: Project, db: AssetDb, name: str, kind: str
) -> None:
    path = project.root / "scenes" / name
    KINDS[kind](path)
    before = os.lstat(path)
    with open_library([db]) as library:
        assert [problem.code for problem in library.problems] in (["cache.write"], [])
        assert len(library.read(db.assets[0].ref)) == library.source(db.assets[0].ref).size
    assert (os.lstat(path).st_mode, os.lstat(path).st_ino) == (before.st_mode, before.st_ino)
    assert not (project.root.parent / "outside").exists()
    assert not list(project.root.rglob("*.saving"))


@pytest.mark.parametrize("kind", ["FIFO", "folder"])
def test_what_stands_in_place_of_a_source_costs_its_placeholder(project: Project, kind: str) -> None:
    source = project.root / "assets" / "picture.png"
    source.unlink()
    KINDS[kind](source)
    with open_library([project.db(PICTURE_DB)]) as library:
        assert [problem.code for problem in library.problems] == ["asset.broken"]


@pytest.mark.parametrize("kind", ["device", "link outside"])
def test_a_source_that_leads_outside_is_an_error(project: Project, kind: str) -> None:
    source = project.root / "assets" / "picture.png"
    source.unlink()
    KINDS[kind](source)
    with pytest.raises(InputError, match=r"file\.outside"):
        project.db(PICTURE_DB)


def test_a_cache_that_is_a_link_never_replaces_another_file(project: Project) -> None:
    picture = project.root / "assets" / "picture.png"
    before = picture.read_bytes()
    (project.root / "scenes" / "db.ogCache").symlink_to("../assets/picture.png")
    with pytest.raises(InputError, match=r"asset\.cache_file.*link to 'assets/picture\.png'"):
        project.db(PICTURE_DB)
    assert picture.read_bytes() == before


def test_a_cache_may_be_a_link_to_a_cache_of_the_project(project: Project) -> None:
    target = project.root / "assets" / "db.ogCache"
    (project.root / "scenes" / "db.ogCache").symlink_to("../assets/db.ogCache")
    open_library([project.db(PICTURE_DB)]).close()
    assert target.is_file()
    assert (project.root / "scenes" / "db.ogCache").is_symlink()


@pytest.mark.parametrize("kind", ["FIFO", "folder", "device"])
def test_what_stands_in_place_of_a_scene_is_an_error(project: Project, kind: str) -> None:
    path = project.root / "scenes" / "special.hu"
    KINDS[kind](path)
    with pytest.raises(InputError, match=r"file\.kind"):
        read_asset_db_file(path, 1)
