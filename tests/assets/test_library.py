"""The library: records, facts and bytes of assets, and placeholders for broken ones."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from support.projects import TRIANGLE_DB, VERTEX_GLSL, Project

from engine.assets import (
    AssetLibrary,
    AssetRef,
    AssetType,
    IndexFormat,
    IndicesFacts,
    Material,
    Mesh,
    Model,
    ShaderFacts,
    TextureFacts,
    TextureFormat,
    Topology,
    VerticesFacts,
    open_library,
    read_asset_db,
)
from engine.humon import InputError, Problem, Severity, parse

MODEL, MESH, VERTICES, INDICES, MATERIAL, VS, FS, PICTURE, BUMPS = (AssetRef(1, index) for index in range(9))


@pytest.fixture
def opened(project: Project) -> Iterator[Callable[[], AssetLibrary]]:
    """Opens the project's library; closes all of them at the end."""
    libraries: list[AssetLibrary] = []

    def open_it(text: str | None = None) -> AssetLibrary:
        libraries.append(open_library([project.db(text)]))
        return libraries[-1]

    yield open_it
    for library in libraries:
        library.close()


Opened = Callable[..., AssetLibrary]


def warning(library: AssetLibrary, code: str) -> Problem:
    (found,) = [problem for problem in library.problems if problem.code == code]
    assert found.severity is Severity.WARNING
    return found


def test_a_valid_database_has_facts_bytes_and_no_problems(opened: Opened) -> None:
    library = opened()
    assert library.problems == []
    assert isinstance(library.facts(VERTICES), VerticesFacts)
    assert library.facts(INDICES) == IndicesFacts(3, IndexFormat.UINT16, Topology.TRIANGLE_LIST, 2)
    picture = library.facts(PICTURE)
    assert isinstance(picture, TextureFacts)
    assert (picture.width, picture.height, picture.mip_levels) == (4, 8, 4)
    assert picture.mip_offsets == (0, 128, 160, 168)
    assert isinstance(library.facts(VS), ShaderFacts)
    assert library.read(INDICES) == np.array([0, 1, 2], "<u2").tobytes()


def test_colours_are_srgb_by_their_slot_and_numbers_are_not(opened: Opened) -> None:
    library = opened()
    formats = [getattr(library.facts(ref), "format", None) for ref in (PICTURE, BUMPS)]
    assert formats == [TextureFormat.R8G8B8A8_SRGB, TextureFormat.R8G8B8A8_UNORM]


def test_a_source_is_a_range_of_the_database_s_data(opened: Opened) -> None:
    library = opened()
    for ref in (VERTICES, INDICES, VS, PICTURE):
        place = library.source(ref)
        data = library.data(place.db)
        assert place.offset % place.alignment == 0
        assert bytes(data[place.offset : place.offset + place.size]) == library.read(ref)


def test_assets_that_are_made_alike_share_bytes_and_facts(opened: Opened) -> None:
    twin = "{ @type: indices  name: twin  source: thing  indexFormat: uint16 }"
    other = "{ @type: indices  name: other  source: thing  indexFormat: uint32 }"
    library = opened(TRIANGLE_DB.replace("    ]\n}\n", f"{twin}\n{other} ] }}"))
    assert library.facts(AssetRef(1, 9)) is library.facts(INDICES)
    assert library.source(AssetRef(1, 9)) == library.source(INDICES)
    assert library.facts(AssetRef(1, 10)) == IndicesFacts(3, IndexFormat.UINT32, Topology.TRIANGLE_LIST, 2)


def test_records_are_those_of_the_database_where_nothing_is_broken(project: Project, opened: Opened) -> None:
    library = opened()
    assert all(library.record(asset.ref) is asset for asset in library.dbs[1].assets)
    (project.root / "assets/thing.hu").unlink()
    model = opened().record(MODEL)
    assert isinstance(model, Model)
    assert model.mesh == library.placeholder("mesh") != MESH


def test_only_assets_with_data_have_facts(opened: Opened) -> None:
    library = opened()
    for ref in (MODEL, MESH, MATERIAL):
        assert not library.record(ref).type.has_data
        with pytest.raises(KeyError):
            library.facts(ref)
        with pytest.raises(KeyError):
            library.source(ref)


def test_a_missing_texture_is_a_warning_at_its_position_and_a_visible_placeholder(
    project: Project, opened: Opened
) -> None:
    (project.root / "assets/picture.png").unlink()
    library = opened()
    problem = warning(library, "asset.broken")
    assert problem.position is not None
    assert (problem.position.file, problem.position.line) == ("scenes/db.hu", 13)
    assert "picture.png" in problem.message
    stand_in = library.find("builtin", "placeholder", ("texture2d",))
    assert library.usable(PICTURE) == stand_in
    material = library.record(MATERIAL)
    assert isinstance(material, Material)
    assert material.textures == {"albedo": stand_in, "normal": BUMPS}
    facts = library.facts(PICTURE)
    assert isinstance(facts, TextureFacts)
    assert (facts.width, facts.height) == (8, 8)
    texels = np.frombuffer(library.read(PICTURE), np.uint8, 256).reshape(64, 4)
    assert [255, 0, 255, 255] in texels.tolist()


def test_a_missing_normal_map_is_replaced_by_a_flat_one(project: Project, opened: Opened) -> None:
    (project.root / "assets/bumps.png").write_bytes(b"not a picture")
    library = opened()
    assert library.usable(BUMPS) == library.find("builtin", "flatNormal", ("texture2d",))
    assert bytes(library.read(BUMPS)[:4]) == bytes([128, 128, 255, 255])


def test_one_broken_asset_does_not_change_the_others(project: Project, opened: Opened) -> None:
    (project.root / "assets/picture.png").write_bytes(b"")
    library = opened()
    for ref in (MODEL, MESH, VERTICES, INDICES, MATERIAL, VS, FS, BUMPS):
        assert library.usable(ref) == ref


def test_a_mesh_with_a_broken_part_is_replaced_as_a_whole(project: Project, opened: Opened) -> None:
    source = (project.root / "assets/thing.hu").read_text(encoding="utf-8")
    project.write("assets/thing.hu", source.replace("indices: [0 1 2]", "indices: [0 1 2 0]"))
    library = opened()
    model = library.record(MODEL)
    assert isinstance(model, Model)
    assert model.mesh == library.placeholder("mesh")
    assert library.usable(MESH) == library.placeholder("mesh")
    mesh = library.record(model.mesh)
    assert isinstance(mesh, Mesh)
    assert library.usable(INDICES) == mesh.lods[0].indices
    assert library.usable(VERTICES) == VERTICES
    vertices, indices = library.facts(mesh.lods[0].vertices), library.facts(mesh.lods[0].indices)
    assert isinstance(vertices, VerticesFacts)
    assert isinstance(indices, IndicesFacts)
    assert (vertices.count, indices.count) == (24, 36)
    places = {(problem.code, str(problem.position)) for problem in library.problems}
    assert ("mesh.count", f"{_shown(project.root / 'assets/thing.hu')}:6:14") in places


def _shown(path: Path) -> str:
    from engine.assets.roots import display_path

    return display_path(path)


def test_a_glsl_error_is_reported_at_its_line_and_breaks_the_material(
    project: Project, opened: Opened
) -> None:
    project.write("assets/plain.vs.glsl", VERTEX_GLSL.replace("vec4(pos", "vec4(sop"))
    for _ in ("cold", "warm"):
        library = opened()
        problem = next(problem for problem in library.problems if problem.code == "shader.compile")
        assert problem.severity is Severity.WARNING
        assert str(problem.position) == f"{_shown(project.root / 'assets/plain.vs.glsl')}:8:47"
        assert "sop" in problem.excerpt
        assert warning(library, "asset.broken").position is not None
        model = library.record(MODEL)
        assert isinstance(model, Model)
        assert model.material == library.placeholder("material")
        material = library.record(model.material)
        assert isinstance(material, Material)
        assert library.usable(VS) in material.shaders
        assert library.usable(FS) == FS


def test_a_source_shared_by_broken_parts_is_reported_once(project: Project, opened: Opened) -> None:
    project.write("assets/thing.hu", "mesh: {")
    library = opened()
    assert len([problem for problem in library.problems if problem.code == "humon.unclosed"]) == 1
    assert len([problem for problem in library.problems if problem.code == "asset.broken"]) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no FIFOs here")
def test_a_fifo_as_a_source_is_replaced_by_a_placeholder(project: Project, opened: Opened) -> None:
    (project.root / "assets/picture.png").unlink()
    os.mkfifo(project.root / "assets/picture.png")
    library = opened()
    assert "no regular file" in warning(library, "asset.broken").message


def test_every_type_that_is_drawn_has_a_valid_placeholder(opened: Opened) -> None:
    library = opened()
    for kind in AssetType:
        if kind not in (AssetType.SHADER, AssetType.ANIMATION, AssetType.MORPH_TARGETS):
            ref = library.placeholder(kind)
            assert ref.db == 0
            assert library.usable(ref) == ref


def test_derived_fields_that_disagree_are_warnings_and_the_source_wins(opened: Opened) -> None:
    text = TRIANGLE_DB.replace(
        "source: ../assets/picture.png",
        "source: ../assets/picture.png  dims: [4 9]  txData: { cacheSize: 7 }",
    )
    library = opened(text)
    problems = [problem for problem in library.problems if problem.code == "asset.derived"]
    assert {problem.message for problem in problems} == {
        "texture2d 'picture' has dims: [4 9] instead of [4 8]",
        "texture2d 'picture' has cacheSize: 7 instead of 172",
    }
    assert all(problem.position and problem.position.line == 13 for problem in problems)
    facts = library.facts(PICTURE)
    assert isinstance(facts, TextureFacts)
    assert (facts.width, facts.height) == (4, 8)


def test_a_wrong_number_of_bones_is_a_warning_at_the_level_of_detail(opened: Opened) -> None:
    skeleton = "{ @type: skeleton  name: bones  source: thing } ]"
    text = TRIANGLE_DB.replace("numBones: 1 }]", "numBones: 3 }]  skeleton: bones").replace(
        "    ]\n", skeleton
    )
    problem = warning(opened(text), "asset.derived")
    assert problem.message == "mesh 'thing' has numBones: 3 instead of 1"
    assert problem.position is not None
    assert problem.position.line == 6


def test_a_wrong_number_of_blend_weights_is_a_warning_at_the_level_of_detail(opened: Opened) -> None:
    text = TRIANGLE_DB.replace("numBones: 1 }]", "numBlendWeights: 4  numBones: 1 }]")
    problem = warning(opened(text), "asset.derived")
    assert problem.message == "mesh 'thing' has numBlendWeights: 4 instead of 0"
    assert problem.position is not None
    assert problem.position.line == 6


def test_derived_fields_that_agree_give_no_warning(opened: Opened) -> None:
    text = TRIANGLE_DB.replace("source: ../assets/picture.png", "source: ../assets/picture.png  dims: [4 8]")
    assert opened(text).problems == []


def test_warnings_of_an_import_are_reported_again_from_the_cache(project: Project, opened: Opened) -> None:
    source = (project.root / "assets/thing.hu").read_text(encoding="utf-8")
    project.write("assets/thing.hu", source.replace("{ name: root }", "{ name: root  scale: 0 }"))
    for _ in ("cold", "warm"):
        assert warning(opened(), "mesh.transform").position is not None


def test_two_databases_of_one_name_or_cache_are_an_error_that_names_both(project: Project) -> None:
    first = project.db()
    path = project.root / "scenes" / "other.hu"
    for text, code in (
        (TRIANGLE_DB, "asset.name"),
        ("assetDb: { name: other  cacheFile: db.ogCache  assets: [] }", "asset.cache_file"),
    ):
        path.write_text(text, encoding="utf-8")
        second = read_asset_db(parse(text, "scenes/other.hu"), path, 2)
        assert second is not None
        with pytest.raises(InputError) as caught:
            open_library([first, second])
        assert caught.value.problems[0].code == code
        assert "scenes/db.hu" in caught.value.problems[0].message


def test_the_seed_s_assetdb_loads_word_for_word(tmp_path: Path, root: Path) -> None:
    text = (root / "tests/assets/data/seed.hu").read_bytes()
    for name in ("mesh", "material", "shader"):
        folder = tmp_path / "assets" / "builtin" / name
        folder.mkdir(parents=True)
        for path in (root / "assets" / "builtin" / name).iterdir():
            (folder / path.name).write_bytes(path.read_bytes())
    scene = tmp_path / "scenes" / "seed.hu"
    scene.parent.mkdir()
    scene.write_bytes(text)
    db = read_asset_db(parse(text, "seed.hu"), scene, 1)
    assert db is not None
    assert [asset.type.value for asset in db.assets] == [
        *("model", "mesh", "vertices", "indices", "skeleton", "material", "shader", "shader"),
        *["texture2d"] * 4,
    ]
    with open_library([db]) as library:
        sizes = [library.source(AssetRef(1, index)).size for index in (2, 3, 4, 8, 9, 10, 11)]
        assert sizes == [1632, 72, 68, 262144, 262144, 262144, 262144]
        assert all(library.usable(asset.ref) == asset.ref for asset in db.assets)
        assert {problem.code for problem in library.problems} == {"asset.derived"}
        assert not [problem for problem in library.problems if "cacheIndex" in problem.message]
        assert db.cache_file == scene.parent / "assetDb0.ogCache"
