"""A scene that was saved under another name is watched there, and no longer where it was."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from support.gltf_files import FACING, QUAD, QUAD_CORNERS, GltfFile
from support.limits import limit
from support.live_scene import LiveScene, fresh_picture, live_file
from support.saves import renamed_over

from engine.scene import load_scene
from engine.scene.save_as import move_to, new_files

pytestmark = pytest.mark.gpu


def quad(height: float) -> bytes:
    """A model of one red quad."""
    file = GltfFile()
    attributes = {
        "POSITION": file.positions(QUAD * np.array([1, height, 1], np.float32)),
        "NORMAL": file.accessor(FACING),
    }
    paint = file.add(
        "materials", {"name": "paint", "pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0, 1]}}
    )
    primitive = {"attributes": attributes, "indices": file.accessor(QUAD_CORNERS), "material": paint}
    file.node(name="quad", mesh=file.mesh(primitive))
    return file.glb()


def save(path: Path, text: str) -> None:
    """Save a text as an editor does."""
    renamed_over(path, text.encode())


def save_as(live: LiveScene, path: Path) -> None:
    """Save the scene that is drawn under another name, and go on with that."""
    scene = live.runtime.scene
    files = new_files(scene, path)
    files.write()
    for each in files.texts:
        live.live.has_written(each)
    move_to(scene, path)
    live.live.follow()


@pytest.mark.parametrize("folder", ["models", "scenes"])
def test_all_files_of_the_new_name_are_watched_and_changes_by_hand_stay(tmp_path: Path, folder: str) -> None:
    (tmp_path / "project/models").mkdir(parents=True)
    model = tmp_path / "project/models/it.glb"
    model.write_bytes(quad(1.0))
    path = tmp_path / "project" / folder / "new.hu"
    assets = path.with_name("new.assets.hu")
    with live_file(model) as live:
        tableau, library = live.runtime.tableau, live.runtime.library
        before = live.picture()
        tableau["model"].translation = (0.25, 0.0, 0.0)
        keys = tableau.tables["visibleModel"].column("asset").copy()
        moved = live.picture()
        save_as(live, path)
        live.until(lambda: library.current[1].db.path == assets)
        assert (live.picture() == moved).all(), "nothing that is seen has changed"
        assert (tableau.tables["visibleModel"].column("asset") == keys).all()
        assert not live.runtime.scene.save()

        save(assets, assets.read_text().replace("[1.0 0.0 0.0 1.0]", "[0 1 0 1]"))
        live.until_reloaded()
        green = live.picture()
        assert (green != moved).any()
        renamed_over(model, quad(0.5))
        live.until_reloaded()
        lower = live.picture()
        assert (lower != green).any()
        assert (lower[..., 1] > lower[..., 0]).any(), "what the text of the database says holds"
        save(path, path.read_text().replace("translation: [0.25", "translation: [-0.25"))
        live.until(lambda: tableau["model"].translation[0] == -0.25)
        assert (live.picture() == fresh_picture(path)).all()
        assert (lower != before).any()
        assert live.problems == []

        tableau["model"].translation = (0.0, 0.0, 0.0)
        assert live.runtime.scene.save()
        live.live.has_written(path)
        again = load_scene(path)
        assert again.tableau["model"].translation.tolist() == [0.0, 0.0, 0.0]


def test_the_cache_is_written_where_the_new_database_has_it(tmp_path: Path) -> None:
    model = tmp_path / "it.glb"
    model.write_bytes(quad(1.0))
    with live_file(model) as live:
        save_as(live, tmp_path / "new.hu")
        cache, until = tmp_path / "new.ogCache", time.monotonic() + limit(30.0)
        while not (cache.is_file() and not live.live.sources.behind.pending):
            assert time.monotonic() < until
            live.step()
            time.sleep(0.05)


def test_the_files_of_before_are_no_longer_those_of_the_scene(tmp_path: Path) -> None:
    model = tmp_path / "it.glb"
    model.write_bytes(quad(1.0))
    first, second = tmp_path / "first.hu", tmp_path / "second.hu"
    with live_file(model) as live:
        tableau = live.runtime.tableau
        for path in (first, second):
            save_as(live, path)
            live.until(lambda path=path: path in live.live.sources._texts)
        assert not second.with_name("second.assets.hu").exists(), (
            "a scene includes the database that is there"
        )
        text = first.read_text()
        assert "camera: {" in text
        save(first, text.replace("camera: {", "camera: { enabled: false", 1))
        for _ in range(20):
            live.step()
            time.sleep(0.05)
        assert tableau["camera"].enabled
        save(second, text.replace("camera: {", "camera: { enabled: false", 1))
        live.until(lambda: not tableau["camera"].enabled)
