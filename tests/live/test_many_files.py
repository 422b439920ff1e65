"""Many files that change at once, as by `git checkout`: every change arrives, once, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.limits import limit
from support.textured_cubes import textured_cubes

from engine.assets import open_library
from engine.runtime.live_assets import LiveAssets
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

SIDE = 4


def write(folder: Path, files: int, version: int) -> None:
    """Write all pictures one after the other; each is filled with its number and the version."""
    for number in range(files):
        colours = np.full((SIDE, SIDE, 3), (number % 256, number // 256, version), np.uint8)
        Image.fromarray(colours).save(folder / f"t{number}.png")


@pytest.mark.parametrize(
    "files", [60, pytest.param(1000, marks=[pytest.mark.proof, pytest.mark.timeout(600)])]
)
def test_every_file_of_a_checkout_arrives_once(tmp_path: Path, files: int) -> None:
    write(tmp_path, files, 1)
    text = textured_cubes(files, "t{}.png", "colorSpace: linear  mipLevels: 1")
    (tmp_path / "scene.hu").write_text(text, encoding="utf-8")
    scene = load_scene(tmp_path / "scene.hu")
    with open_library(scene.dbs) as library:
        options = RuntimeOptions(size=(32, 32), validate=False)
        with Runtime(scene, library, options) as runtime, LiveAssets(runtime) as live:
            runtime.settle()
            cache = scene.dbs[0].cache_file.stat()
            before = runtime.memory.statistics.bytes_uploaded
            write(tmp_path, files, 2)

            def arrived() -> bool:
                names = [f"t{number}" for number in range(files)]
                refs = [library.find("db", name, ("texture2d",)) for name in names]
                return all(library.read(ref)[2] == 2 for ref in refs)

            frames = 0
            while not arrived() or live.pending:
                runtime.frame()
                live.poll()
                frames += 1
                assert frames < limit(3000)
            changed = [change for shown in live.shown for change in shown.changes]
            labels = [change.asset for change in changed if change.asset.startswith("texture2d")]
            assert sorted(labels) == sorted(f"texture2d 't{number}'" for number in range(files))
            runtime.settle()
            assert runtime.memory.statistics.bytes_uploaded - before >= files * SIDE * SIDE * 4
            for number in range(files):
                pixel = library.read(library.find("db", f"t{number}", ("texture2d",)))[:4]
                assert tuple(pixel) == (number % 256, number // 256, 2, 255)
            assert scene.dbs[0].cache_file.stat().st_ino == cache.st_ino
            assert not library.problems
