"""Sources are read again where their stamps differ, and cooked again where their bytes do."""

from __future__ import annotations

import os
import time

import pytest
from support.projects import Cooks, Project

from engine.assets.cache import stamps
from engine.assets.cook import cook_database


def test_a_touched_source_is_read_once_but_not_cooked(
    project: Project, cook: Cooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "MIN_AGE_NS", 0)
    cook()
    picture = project.root / "assets/picture.png"
    project.age(picture, 30)
    assert cook() == 0
    cached = cook_database(project.db())
    assert cached.entries[7].sources[0].changed_ns == picture.stat().st_ctime_ns


def test_a_source_that_is_replaced_by_one_of_the_same_size_and_mtime_is_cooked(
    project: Project, cook: Cooks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamps, "MIN_AGE_NS", 0)
    picture = project.root / "assets/bumps.png"
    os.utime(picture, (1e9, 1e9))
    cook()
    content = bytearray(picture.read_bytes())
    content[41] ^= 1
    other = picture.with_name("other")
    other.write_bytes(content)
    os.utime(other, (1e9, 1e9))
    os.replace(other, picture)
    assert cook() == 1


def test_a_change_within_a_tick_of_the_clock_is_detected(project: Project, cook: Cooks) -> None:
    picture = project.root / "assets/bumps.png"
    now = time.time_ns()
    os.utime(picture, ns=(now, now))
    cook()
    content = bytearray(picture.read_bytes())
    size, content[41] = len(content), content[41] ^ 1
    picture.write_bytes(bytes(content))
    os.utime(picture, ns=(now, now))
    assert picture.stat().st_size == size
    assert cook() == 1
