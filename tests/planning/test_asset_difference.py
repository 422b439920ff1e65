"""What cooking leads to is known in bytes before it is done, and is what then happens."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.live_scene import UNUSED

from engine.assets import open_library
from engine.cli.profiles import DEFAULT_PROFILE, find_profile
from engine.planning.what_if.asset_difference import AssetDifference, asset_difference
from engine.scene import load_scene

ALBEDO = "assets/builtin/material/brick-albedo.png"


@pytest.fixture
def folder(tmp_path: Path, root: Path) -> Path:
    """A cooked copy of the cube's scene."""
    for name in ("scenes", "assets"):
        shutil.copytree(root / name, tmp_path / name, ignore=UNUSED)
    open_library(load_scene(tmp_path / "scenes/cube.hu").dbs).close()
    return tmp_path


def found(folder: Path) -> AssetDifference:
    """The difference; no cache may be another afterwards."""
    caches = {path: path.read_bytes() for path in folder.rglob("*.ogCache")}
    difference = asset_difference(load_scene(folder / "scenes/cube.hu"), find_profile(DEFAULT_PROFILE))
    assert {path: path.read_bytes() for path in folder.rglob("*.ogCache")} == caches
    return difference


def repaint(path: Path, size: tuple[int, int] | None = None) -> int:
    """Exchange red and blue, in another size; return the texture's bytes with its mip levels."""
    picture = Image.open(path).convert("RGB")
    picture = picture.resize(size) if size is not None else picture
    Image.fromarray(np.ascontiguousarray(np.asarray(picture)[..., ::-1])).save(path)
    width, height = picture.size
    levels = max(width, height).bit_length()
    return sum(max(width >> level, 1) * max(height >> level, 1) * 4 for level in range(levels))


def test_what_is_up_to_date_differs_in_nothing(folder: Path) -> None:
    difference = found(folder)
    assert difference.changes == ()
    assert (difference.cooked, difference.moved, difference.transferred) == (0, 0, 0)
    assert difference.planned[0] == difference.planned[1] > 0


def test_another_picture_is_cooked_and_transferred_and_nothing_is_moved_or_laid_out(folder: Path) -> None:
    size = repaint(folder / ALBEDO)
    difference = found(folder)
    assert [change.asset for change in difference.changes if change.size] == ["texture2d #8"]
    assert (difference.cooked, difference.transferred) == (size, size)
    assert (difference.laid_out, difference.moved) == (0, 0)
    assert difference.planned[0] == difference.planned[1]


def test_a_picture_of_another_size_is_laid_out_again(folder: Path) -> None:
    size = repaint(folder / ALBEDO, (64, 32))
    difference = found(folder)
    assert (difference.cooked, difference.laid_out, difference.transferred) == (size, size, size)
    assert difference.planned[1] < difference.planned[0]


def test_without_a_cache_all_is_cooked_and_laid_out(folder: Path) -> None:
    for path in (folder / "scenes").glob("*.ogCache"):
        path.unlink()
    difference = found(folder)
    assert difference.laid_out == difference.cooked >= difference.transferred > 0
    open_library(load_scene(folder / "scenes/cube.hu").dbs).close()
    assert found(folder).changes == ()


def test_a_broken_picture_changes_nothing_but_is_listed(folder: Path) -> None:
    (folder / ALBEDO).write_bytes(b"no picture")
    difference = found(folder)
    assert [(change.asset, change.change) for change in difference.changes] == [("texture2d #8", "broken")]
    assert (difference.cooked, difference.transferred) == (0, 0)
