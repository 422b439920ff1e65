"""A cache that another process truncates or overwrites during a cook is cooked again, and not for ever."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.projects import Project

from engine.assets import cook as cook_module
from engine.assets.cache import cache_writer as writer_module
from engine.assets.cache.freshness import CacheState
from engine.assets.cook import CookedDb, cook_database

DATA_ASSETS = 6


def data_of(cooked: CookedDb, index: int) -> bytes:
    return cooked.image.read(cooked.entries[index])


@pytest.mark.parametrize(("check", "is_stale"), [(1, False), (2, True)], ids=["current", "copied"])
def test_a_cache_that_is_truncated_after_it_was_checked_is_cooked_again(
    project: Project, monkeypatch: pytest.MonkeyPatch, check: int, is_stale: bool
) -> None:
    cook_database(project.db()).image.close()
    if is_stale:
        project.picture("assets/picture.png", np.full((8, 4, 4), 9, np.uint8))
    checks: list[Path] = []
    check_cache = cook_module.check_cache

    def truncated(path: Path, *rest: Any) -> CacheState:
        found = check_cache(path, *rest)
        checks.append(path)
        if len(checks) == check:
            os.truncate(path, 5000)
        return found

    monkeypatch.setattr(cook_module, "check_cache", truncated)
    cooked = cook_database(project.db())
    assert (len(checks), cooked.cooked, cooked.problems) == (check, DATA_ASSETS, ())
    monkeypatch.undo()
    again = cook_database(project.db())
    assert [data_of(again, index) for index in again.entries] == [
        data_of(cooked, index) for index in cooked.entries
    ]


def test_a_cache_that_is_overwritten_all_the_time_is_cooked_twice_at_most(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever the cook looks at the file or has written it, another process writes garbage into it."""
    content = {
        index: data_of(cooked, index) for cooked in [cook_database(project.db())] for index in cooked.entries
    }
    path, imported = project.root / "scenes/db.ogCache", []
    path.unlink()

    def then_overwritten(name: str, of: Any) -> None:
        real = getattr(of, name)

        def called(*arguments: Any) -> Any:
            found = real(*arguments)
            path.write_bytes(bytes(range(256)) * 40)
            return found

        monkeypatch.setattr(of, name, called)

    import_all = cook_module._Cook._import
    monkeypatch.setattr(
        cook_module._Cook, "_import", lambda *given: imported.append(len(given[1])) or import_all(*given)
    )
    then_overwritten("check_cache", cook_module)
    then_overwritten("write_cache", writer_module)
    cooked = cook_database(project.db())
    assert {index: data_of(cooked, index) for index in cooked.entries} == content
    assert imported == [DATA_ASSETS] * 2
    assert cooked.image.descriptor is None, "it is in memory"
    assert cooked.problems == ()
