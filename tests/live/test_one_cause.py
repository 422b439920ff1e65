"""What is wrong with a file is listed once, gone before a scene is opened or while it is drawn."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.gltf_files import GltfFile, png
from support.live_scene import live_file

from engine.assets import open_library
from engine.humon import InputError, Problem
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

DB = "assetDb: { name: db  assets: [ { @type: texture2d  name: pic  source: pic.png } ] }\n"
SCENE = """include: [db.hu]
tableau: { objects: { camera: { translation: [0 0 4]  features: [{ @type: camera }] } } }
"""
OBJ = "mtllib p.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl red\nf 1 2 3\nusemtl blue\nf 1 3 2\n"


def gltf(folder: Path) -> Path:
    file = GltfFile()
    file.root["images"] = [{"uri": "pic.png"}]
    file.root["textures"] = [{"source": 0}]
    file.root["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}]
    for name in ("one", "two"):
        file.node(name=name, mesh=file.mesh(file.quad(material=0)))
    (folder / "pic.png").write_bytes(png())
    return file.write(folder / "m.gltf")


def obj(folder: Path) -> Path:
    (folder / "p.mtl").write_text("newmtl red\nKd 1 0 0\nnewmtl blue\nKd 0 0 1\n")
    (folder / "m.obj").write_text(OBJ)
    return folder / "m.obj"


def scene(folder: Path) -> Path:
    (folder / "db.hu").write_text(DB)
    (folder / "pic.png").write_bytes(png())
    (folder / "s.hu").write_text(SCENE)
    return folder / "s.hu"


def opened(path: Path) -> list[Problem]:
    """The problems of a scene that is opened now."""
    try:
        found = load_scene(path)
    except InputError as error:
        return list(error.problems)
    with open_library(found.dbs) as library:
        return [*found.rejected, *found.warnings, *found.asset_problems(library)]


@pytest.mark.parametrize(
    ("make", "file", "code", "message"),
    [
        (gltf, "m.gltf", "file.missing", "there is no file 'm.gltf'"),
        (gltf, "m.bin", "file.missing", "there is no file 'm.bin' (at /buffers/0/uri"),
        (gltf, "pic.png", "asset.broken", "there is no file 'pic.png'"),
        (obj, "m.obj", "file.missing", "there is no file 'm.obj'"),
        (obj, "p.mtl", "file.missing", "materials are left out: there is no file 'p.mtl'"),
        (scene, "s.hu", "file.missing", "no such file"),
        (scene, "db.hu", "file.missing", "there is no file 'db.hu'"),
        (scene, "pic.png", "asset.broken", "there is no file 'pic.png'"),
    ],
)
def test_a_file_that_is_gone_is_one_problem(
    make: Callable[[Path], Path], file: str, code: str, message: str, tmp_path: Path
) -> None:
    for folder in ("drawn", "opened"):
        (tmp_path / folder).mkdir()
    drawn = make(tmp_path / "drawn")
    with live_file(drawn) as live:
        assert not live.live.problems
        (drawn.parent / file).unlink()
        live.until_reported()
        reports, frames = live.live.problems, 0
        while frames < 10:  # nothing more comes of it
            live.step()
            frames += 1
        found = live.live.problems
        assert found == reports
    fresh = make(tmp_path / "opened")
    (fresh.parent / file).unlink()
    for problems in (found, opened(fresh)):
        assert [problem.code for problem in problems] == [code], problems
        assert message in problems[0].message
        assert problems[0].help
