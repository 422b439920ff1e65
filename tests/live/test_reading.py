"""A database that is read again lies in the project, whatever its file has become."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.assets.updating.databases_below import find_databases
from engine.humon import InputError, Problem
from engine.live.reading import read_database

TEXT = "assetDb: { name: db  assets: [] }"


@pytest.mark.parametrize("kind", ["link", "folder of a link", "FIFO", "device"])
def test_a_watched_file_that_leads_out_of_the_project_is_not_read_again(kind: str, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/db.hu").write_text(TEXT)
    root = tmp_path / "root"
    (root / "below").mkdir(parents=True)
    path = root / "below/db.hu"
    path.write_text(TEXT)
    assert read_database(path, root, "db", 1, "db.hu").name == "db"
    path.unlink()
    if kind == "link":
        path.symlink_to(tmp_path / "outside/db.hu")
    elif kind == "folder of a link":
        path.parent.rmdir()
        path.parent.symlink_to(tmp_path / "outside")
    elif kind == "FIFO":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    with pytest.raises(InputError) as caught:
        read_database(path, root, "db", 1, "db.hu")
    assert caught.value.problems[0].code.startswith("file.")
    (root / "good.hu").write_text(TEXT.replace("db", "good"))
    found = list(find_databases(root))
    assert [one.name for one in found if not isinstance(one, Problem)] == ["good"]
