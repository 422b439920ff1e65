"""Where textures of a glTF file are read: as the record of a mesh says, or else the material in the file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.gltf_files import CORNER_UVS, GltfFile, png
from support.model_opening import OpenedScene, open_scene

from engine.assets import AssetType, Mesh, VerticesFacts
from engine.assets.importers.models import gltf_primitives
from engine.assets.recipes import recipes_of
from engine.cli.main import main
from engine.gltf import Item, Primitive, read_primitive
from engine.scene import load_scene

MOVED = {"KHR_texture_transform": {"scale": [2.5, 1.5], "offset": [0.2, 0.1], "rotation": 0.3}}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model of one mesh whose textures are read in several ways."""
    file = GltfFile()
    file.uses("KHR_texture_transform", "KHR_materials_clearcoat")
    (tmp_path / "a.png").write_bytes(png())
    file.root["images"], file.root["textures"] = [{"uri": "a.png"}], [{"source": 0}]
    use = {"index": 0, "extensions": MOVED}
    coat = {"clearcoatFactor": 1.0, "clearcoatTexture": use, "clearcoatRoughnessTexture": {"index": 0}}
    material = {
        "pbrMetallicRoughness": {"baseColorTexture": use},
        "emissiveTexture": {"index": 0, "texCoord": 1},
        "extensions": {"KHR_materials_clearcoat": coat},
    }
    file.add("materials", material)
    attributes = {"TEXCOORD_1": file.accessor(CORNER_UVS * np.float32(2))}
    file.node(mesh=file.mesh(file.quad(material=0, attributes=attributes), name="pane"))
    (tmp_path / "diorama.project").touch()
    return file.write(tmp_path / "pane.gltf")


@pytest.fixture
def imported(model: Path) -> Path:
    """The scene of the model, with the database beside it."""
    assert main(["import", str(model), "--out", str(model.parent)]) == 0
    return model.with_suffix(".hu")


def change(model: Path, key: str, value: object) -> None:
    """Give the material of a model another value."""
    root = json.loads(model.read_text())
    root["materials"][0][key] = value
    model.write_text(json.dumps(root))


def change_text(imported: Path, old: str, new: str) -> None:
    database = imported.with_suffix(".assets.hu")
    text = database.read_text()
    assert text.count(old) == 1
    database.write_text(text.replace(old, new))


def without_coordinates(imported: Path) -> None:
    """Leave the coordinates of the mesh out of the text of its database."""
    database = imported.with_suffix(".assets.hu")
    before, _, rest = database.read_text().partition("coordinates: {")
    database.write_text(before + rest.partition("}")[2])


def coordinates(opened: OpenedScene) -> dict[str, np.ndarray[tuple[int, ...], np.dtype[np.float32]]]:
    """The coordinates of the vertices, [4, 2] or [4, 4], by attribute."""
    facts, content = opened.facts("vertices", "pane"), opened.content("vertices", "pane")
    assert isinstance(facts, VerticesFacts)
    found = {}
    for at, (name, form) in enumerate(facts.vertex_format):
        if name.startswith("uv_"):
            width = form.size // 4
            found[name] = np.ndarray((4, width), "<f4", content, facts.offsets[at], (facts.stride, 4))
    return found


def test_the_record_has_what_each_attribute_is_made_of(imported: Path) -> None:
    moved = (2.5, 1.5, 0.2, 0.1, 0.3, 0.0)
    for path in (imported, imported.with_suffix(".gltf")):
        (mesh,) = (asset for asset in load_scene(path).dbs[0].assets if isinstance(asset, Mesh))
        assert mesh.coordinates == (
            ("uv_albedo", moved),
            ("uv_clearcoat", (*moved, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0)),
            ("uv_emissive", (1.0, 1.0, 0.0, 0.0, 0.0, 1.0)),
        )


def test_vertices_are_those_that_the_transforms_of_the_material_make(imported: Path) -> None:
    opened = open_scene(imported)
    assert opened.problems == []
    found = coordinates(opened)
    sine, cosine = np.sin(0.3), np.cos(0.3)
    scaled = CORNER_UVS * (2.5, 1.5)
    turned = scaled @ np.array([[cosine, -sine], [sine, cosine]]) + (0.2, 0.1)
    assert found["uv_albedo"] == pytest.approx(turned, abs=1e-6)
    assert found["uv_clearcoat"] == pytest.approx(np.concatenate([turned, CORNER_UVS], axis=1), abs=1e-6)
    assert np.array_equal(found["uv_emissive"], CORNER_UVS * 2)


def test_without_them_they_are_as_the_material_in_the_file_has_them(imported: Path) -> None:
    given = open_scene(imported).content("vertices", "pane")
    without_coordinates(imported)
    opened = open_scene(imported)
    assert opened.problems == []
    assert opened.content("vertices", "pane") == given


@pytest.mark.parametrize("wrong", ["x", {"index": 0, "texCoord": -1}, {"index": 7}])
def test_without_them_what_is_wrong_in_the_material_is_a_fault_of_the_mesh(
    imported: Path, wrong: object
) -> None:
    without_coordinates(imported)
    change(imported.with_suffix(".gltf"), "emissiveTexture", wrong)
    problems = open_scene(imported).problems
    assert any("/materials/0/emissiveTexture" in problem.message for problem in problems)


@pytest.mark.parametrize("wrong", ["x", {"index": 0, "texCoord": 0}, {"index": 7}])
def test_with_them_the_material_in_the_file_says_nothing(imported: Path, wrong: object) -> None:
    given = open_scene(imported).content("vertices", "pane")
    change(imported.with_suffix(".gltf"), "emissiveTexture", wrong)
    opened = open_scene(imported)
    assert opened.problems == []
    assert opened.content("vertices", "pane") == given


def test_other_numbers_in_the_text_make_other_vertices(imported: Path) -> None:
    change_text(imported, "uv_emissive: [1.0 1.0 0.0 0.0 0.0 1.0]", "uv_emissive: [1 2 0.5 0]")
    found = coordinates(open_scene(imported))
    assert np.array_equal(found["uv_emissive"], CORNER_UVS * (1, 2) + (0.5, 0))


@pytest.mark.parametrize(
    ("old", "new", "follow"),
    [
        ("", "", {AssetType.VERTICES}),
        ("[normal r32g32b32_sfloat]", "[normal r32g32b32_sfloat] [tangent r32g32b32a32_sfloat]", None),
        ("lods: [", "simplify: { levels: 2 } lods: [", None),
    ],
)
def test_indices_follow_from_coordinates_where_they_are_for_tangents_or_coarser_levels(
    imported: Path, old: str, new: str, follow: set[AssetType] | None
) -> None:
    if old:
        change_text(imported, old, new)
    before = {recipe.identity for recipe in recipes_of(load_scene(imported).dbs[0]).values()}
    change_text(imported, "uv_emissive: [1.0 1.0", "uv_emissive: [1.5 1.0")
    after = recipes_of(load_scene(imported).dbs[0]).values()
    changed = {recipe.asset.type for recipe in after if recipe.identity not in before}
    assert changed == (follow or {AssetType.VERTICES, AssetType.INDICES})


def test_a_primitive_is_read_once_for_all_that_is_made_of_it(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = json.loads(model.read_text())
    primitive = root["meshes"][0]["primitives"][0]
    primitive["targets"] = [{"POSITION": primitive["attributes"]["POSITION"]}]
    model.write_text(json.dumps(root))
    read: list[Item] = []

    def counted(item: Item) -> Primitive:
        read.append(item)
        return read_primitive(item)

    monkeypatch.setattr(gltf_primitives, "read_primitive", counted)
    opened = open_scene(model)
    assert opened.problems == []
    assert opened.made("morphTargets", "pane")
    assert len(read) == 1
