"""A file that differs by letter case from the name in a text is used once it is renamed to that name."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.gltf_files import GltfFile, png
from support.live_scene import UNUSED, LiveScene, fresh_picture, live_file

pytestmark = pytest.mark.gpu

NAMES = [
    "assets/builtin/material/brick-albedo.png",
    "assets/builtin/mesh/cube.hu",
    "assets/builtin/material/surface.fs.glsl",
    "assets/builtin/shader/normalMap.glsl",
    "scenes/cube.assets.hu",
]


def is_said(live: LiveScene) -> bool:
    return any("differs only by letter case" in problem.message for problem in live.live.problems)


@pytest.fixture
def project(root: Path, tmp_path: Path) -> Path:
    for name in ("scenes", "assets"):
        shutil.copytree(root / name, tmp_path / name, ignore=UNUSED)
    (tmp_path / "pyproject.toml").touch()
    return tmp_path


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_is_renamed_to_its_right_name_is_used(project: Path, name: str) -> None:
    right = project / name
    right.rename(right.with_name(right.name.swapcase()))
    opened = project / "scenes/cube.hu"
    with live_file(opened) as live:
        assert is_said(live)
        right.with_name(right.name.swapcase()).rename(right)
        live.until(lambda: not live.live.problems and not live.live.pending)
        found = live.picture()
    assert (found == fresh_picture(opened)).all()


def test_a_folder_that_is_renamed_to_its_right_name_is_used(project: Path) -> None:
    right = project / "assets/builtin/mesh"
    right.rename(right.with_name("Mesh"))
    with live_file(project / "scenes/cube.hu") as live:
        assert is_said(live)
        right.with_name("Mesh").rename(right)
        live.until(lambda: not live.live.problems and not live.live.pending)


def test_a_file_of_a_model_that_is_renamed_to_its_right_name_is_used(tmp_path: Path) -> None:
    file = GltfFile()
    file.node(mesh=file.mesh(file.quad()))
    model, right = file.write(tmp_path / "model.gltf"), tmp_path / "model.bin"
    right.rename(right.with_name("Model.bin"))
    with live_file(model) as live:
        assert live.live.problems
        right.with_name("Model.bin").rename(right)
        live.until(lambda: not live.live.problems and not live.live.pending)


def test_materials_of_an_obj_that_are_renamed_to_their_right_name_are_used(tmp_path: Path) -> None:
    model, right = tmp_path / "model.obj", tmp_path / "paints.mtl"
    model.write_text("mtllib paints.mtl\nusemtl red\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    right.with_name("Paints.mtl").write_text("newmtl red\nKd 1 0 0\n")
    with live_file(model) as live:
        assert live.live.problems
        right.with_name("Paints.mtl").rename(right)
        live.until(lambda: not live.live.problems and not live.live.pending)


def test_a_picture_of_a_model_that_is_renamed_to_its_right_name_is_used(tmp_path: Path) -> None:
    file, right = GltfFile(), tmp_path / "bricks.png"
    image = file.add("images", {"uri": "bricks.png"})
    texture = file.add("textures", {"source": image})
    slot = {"pbrMetallicRoughness": {"baseColorTexture": {"index": texture}}}
    file.node(mesh=file.mesh(file.quad() | {"material": file.add("materials", slot)}))
    model = file.write(tmp_path / "model.gltf")
    right.with_name("Bricks.PNG").write_bytes(png())
    with live_file(model) as live:
        assert live.live.problems
        right.with_name("Bricks.PNG").rename(right)
        live.until(lambda: not live.live.problems and not live.live.pending)
