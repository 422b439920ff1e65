"""Reading an assetDb: records, references, names, and their problems."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from support.projects import TRIANGLE_DB, Project

from engine.assets import (
    Asset,
    AssetRef,
    ColorSpace,
    IndexFormat,
    Indices,
    Material,
    Mesh,
    Model,
    Shader,
    ShaderStage,
    Texture2d,
    TextureFormat,
    Topology,
    VertexFormat,
    Vertices,
    find_asset,
    read_asset_db,
    read_asset_db_file,
)
from engine.assets.files import FileGate
from engine.assets.records import origin
from engine.humon import InputError, Problem, Severity, parse


def problems_of(project: Project, text: str) -> tuple[Problem, ...]:
    with pytest.raises(InputError) as caught:
        project.db(text)
    assert all(problem.position is not None and problem.position.line for problem in caught.value.problems)
    return caught.value.problems


def db_of(*assets: str) -> str:
    return "assetDb: { name: db  assets: [\n" + "\n".join(assets) + "\n] }"


def test_every_type_becomes_a_record_with_its_references(project: Project) -> None:
    db = project.db()
    model, mesh, vertices, indices, material, vertex, _, texture, _ = db.assets
    assert isinstance(model, Model)
    assert (model.mesh, model.material) == (AssetRef(1, 1), AssetRef(1, 4))
    assert isinstance(mesh, Mesh)
    assert mesh.lods[0].topology is Topology.TRIANGLE_LIST
    assert (mesh.lods[0].vertices.index, mesh.lods[0].indices.index, mesh.lods[0].num_bones) == (2, 3, 1)
    assert isinstance(vertices, Vertices)
    assert vertices.vertex_format[1] == ("normal", VertexFormat.R32G32B32_SFLOAT)
    assert isinstance(indices, Indices)
    assert indices.index_format is IndexFormat.UINT16
    assert isinstance(material, Material)
    assert {slot: ref.index for slot, ref in material.textures.items()} == {"albedo": 7, "normal": 8}
    assert isinstance(vertex, Shader)
    assert (vertex.stage, vertex.entry_point) == (ShaderStage.VERTEX, "main")
    assert isinstance(texture, Texture2d)
    assert texture.source == (project.root / "assets" / "picture.png").resolve()
    assert texture.mip_levels is None
    assert db.node(model.ref).position.line == 4


def test_a_reference_is_one_number_in_columns() -> None:
    ref = AssetRef(3, 7)
    assert ref.key == 3 << 32 | 7
    assert AssetRef.from_key(ref.key) == ref


def test_index_and_name_style_mean_the_same(project: Project) -> None:
    by_name = project.db()
    by_index = project.db(
        TRIANGLE_DB.replace("mesh: thing  material: plain", "mesh_adbi: 1  material_adbi: 4")
        .replace("shaders: [vs fs]", "shader_adbis: [5, 6]")
        .replace("textures: { albedo: picture  normal: bumps }", "texture_adbis: [[albedo 7] [normal 8]]")
        .replace("vertices: thing  indices: thing", "vertices_adbi: 2  indices_adbi: 3")
        .replace("source: thing", "source_adbi: 1")
    )
    assert by_index.assets[0] == by_name.assets[0]
    for one, other in zip(by_name.assets, by_index.assets, strict=True):
        assert {name: getattr(one, name) for name in one.__slots__} == {
            name: getattr(other, name) for name in other.__slots__
        }


def test_texture_settings_are_read(project: Project) -> None:
    text = db_of(
        "{ @type: texture2d  source: ../assets/bumps.png  dims: [2 2]  mipLevels: 1"
        "  format: r8g8b8a8_srgb  colorSpace: linear }"
    )
    texture = project.db(text).assets[0]
    assert isinstance(texture, Texture2d)
    assert (texture.dims, texture.mip_levels) == ((2, 2), 1)
    assert (texture.format, texture.color_space) == (TextureFormat.R8G8B8A8_SRGB, ColorSpace.LINEAR)


def test_parameters_of_a_material_are_numbers_by_name(project: Project) -> None:
    text = TRIANGLE_DB.replace(
        "shaders: [vs fs]", "shaders: [vs fs]  parameters: { roughness: 0.5  tint: [1 2 3] }"
    )
    material = project.db(text).assets[4]
    assert isinstance(material, Material)
    assert material.parameters == {"roughness": (0.5,), "tint": (1.0, 2.0, 3.0)}


@pytest.mark.parametrize(
    ("asset", "code", "help_part"),
    [
        ("{ @type: texure2d  source: a.png }", "asset.type", "texture2d"),
        ("{ source: a.png }", "asset.type", ""),
        ("{ @type: texture2d  source: a.png  mipLevls: 1 }", "asset.field", "mipLevels"),
        ("{ @type: texture2d }", "value.missing", "source"),
        ("{ @type: texture2d  source: a.png  mipLevels: 0 }", "value.range", ""),
        ("{ @type: texture2d  source: a.png  dims: [1] }", "value.count", ""),
        ("{ @type: texture2d  source: a.png  dims: [1 99999] }", "value.range", ""),
        ("{ @type: texture2d  source: a.png  format: bc9 }", "value.choice", ""),
        ("{ @type: texture2d  source: a.png  format: bc7  compress: true }", "asset.field", "remove"),
        ("{ @type: texture2d  source: a.png  name: 12 }", "asset.name", ""),
        ("{ @type: texture2d  source: a.png  txData: { cacheOfset: 1 } }", "asset.field", "cacheOffset"),
        ("{ @type: texture2d  source: a.png  txData: { cacheOffset: nan } }", "value.range", ""),
        ("{ @type: shader  source: a.glsl  stage: vertex }", "value.choice", "vertex_shader_bit"),
        (
            "{ @type: shader  source: a.glsl  stage: vertex_shader_bit  entryPoint: `a b` }",
            "asset.entry_point",
            "",
        ),
        ("{ @type: model  mesh: none  material: none }", "asset.reference", ""),
        ("{ @type: model  mesh_adbi: 99999999999999999999  material: none }", "asset.reference", ""),
        ("{ @type: mesh  source: a.hu  lods: [] }", "asset.lods", ""),
        ("{ @type: mesh  source: a.hu  lods: {} }", "value.kind", ""),
        ("[ 1 2 ]", "value.kind", ""),
    ],
)
def test_problems_of_an_asset_are_reported_with_their_positions(
    project: Project, asset: str, code: str, help_part: str
) -> None:
    problems = problems_of(project, db_of(asset))
    assert problems[0].code == code
    assert help_part in problems[0].help
    assert problems[0].position is not None
    assert problems[0].position.line == 2


def test_several_errors_are_reported_together(project: Project) -> None:
    text = db_of(
        "{ @type: texture2d }",
        "{ @type: texture2d  source: ../../../x.png }",
        "{ @type: model  mesh: 1  material: 7  colour: red }",
    )
    problems = problems_of(project, text)
    assert {problem.code for problem in problems} == {
        "value.missing",
        "file.outside",
        "asset.reference",
        "asset.field",
    }
    assert {problem.position.line for problem in problems if problem.position} == {2, 3, 4}


def test_a_reference_to_another_type_is_reported_with_that_type(project: Project) -> None:
    text = TRIANGLE_DB.replace("mesh: thing  material: plain", "mesh: thing  material: 1")
    (problem,) = problems_of(project, text)
    assert problem.message == "asset 1 is a mesh, not a material"


def test_an_unknown_name_is_reported_with_the_nearest(project: Project) -> None:
    (problem,) = problems_of(project, TRIANGLE_DB.replace("albedo: picture", "albedo: pictrue"))
    assert "picture" in problem.help


@pytest.mark.parametrize("other", ["brick", "Brick", "BRICK"])
def test_equal_and_similar_names_are_reported_with_both_positions(project: Project, other: str) -> None:
    text = db_of(
        "{ @type: texture2d  name: brick  source: a.png }",
        f"{{ @type: texture2d  name: {other}  source: a.png }}",
    )
    (problem,) = problems_of(project, text)
    assert problem.code == "asset.name"
    assert "scenes/db.hu:2:27" in problem.message
    assert problem.position is not None
    assert problem.position.line == 3


def test_unicode_normal_forms_of_one_name_collide(project: Project) -> None:
    text = db_of(
        "{ @type: texture2d  name: \u00e9  source: a.png }",
        "{ @type: texture2d  name: e\u0301  source: a.png }",
    )
    assert problems_of(project, text)[0].code == "asset.name"


def test_one_name_may_be_used_once_per_type(project: Project) -> None:
    assert [asset.name for asset in project.db().assets[:3]] == ["thing", "thing", "thing"]


def test_sources_that_differ_only_by_case_are_an_error(project: Project) -> None:
    text = db_of("{ @type: texture2d  source: x/a.png }", "{ @type: texture2d  source: x/A.png }")
    assert problems_of(project, text)[0].code == "file.case"


@pytest.mark.parametrize("cache_file", ["db.hu", "../assets/picture.png", "x.ogcache", "x.ogCache.lock"])
def test_a_cache_never_takes_the_name_of_another_file(project: Project, cache_file: str) -> None:
    text = TRIANGLE_DB.replace("name: db", f"name: db  cacheFile: {cache_file}", 1)
    assert problems_of(project, text)[0].code == "asset.cache_file"


def test_a_cache_may_be_named_by_its_suffix_alone(project: Project) -> None:
    text = TRIANGLE_DB.replace("name: db", "name: db  cacheFile: .ogCache", 1)
    assert project.db(text).cache_file.name == ".ogCache"


def test_a_cache_outside_the_root_is_rejected(project: Project) -> None:
    text = TRIANGLE_DB.replace("name: db", "name: db  cacheFile: ../../../x.ogCache", 1)
    assert problems_of(project, text)[0].code == "file.outside"


def test_the_builtin_name_is_reserved(project: Project) -> None:
    assert problems_of(project, "assetDb: { name: builtin  assets: [] }")[0].code == "asset.name"


def test_assets_are_found_by_name_or_index_of_database_and_asset(project: Project) -> None:
    db = project.db()
    assert find_asset([db], "db", "thing", ("model",)) == AssetRef(1, 0)
    assert find_asset([db], "db", "thing", ("mesh",)) == AssetRef(1, 1)
    assert find_asset([db], "0", 4, ("material",)) == AssetRef(1, 4)
    assert find_asset([db], "db", "8", ()) == AssetRef(1, 8)
    for wrong in (
        ("bd", "thing", ("mesh",)),
        ("db", "thnig", ("mesh",)),
        ("db", 0, ("mesh",)),
        ("db", 99, ()),
    ):
        with pytest.raises(KeyError):
            find_asset([db], *wrong)


@pytest.mark.parametrize("digits", ["9" * 20, "9" * 5000, "9" * 1_000_000])
def test_an_index_of_very_many_digits_finds_nothing(project: Project, digits: str) -> None:
    db = project.db()
    for pair in ((digits, "thing"), ("db", digits)):
        with pytest.raises(KeyError) as caught:
            find_asset([db], *pair, ())
        message = caught.value.args[0]
        assert message.startswith(("there is no assetDb '", "assetDb 'db' has no asset "))
        assert len(message) < 250


def test_an_index_may_begin_with_zeros(project: Project) -> None:
    assert find_asset([project.db()], "0" * 5000, "0" * 5000 + "4", ("material",)) == AssetRef(1, 4)


def test_a_reference_of_very_many_digits_is_no_index_of_an_asset(project: Project) -> None:
    (problem,) = problems_of(project, db_of(f"{{ @type: model  name: a  mesh: {'9' * 5000} }}"))[:1]
    assert problem.code == "asset.reference"
    assert len(problem.message) < 200


WRONG = (
    "{ @type: model  name: a  mesh: thnig  material: plain }",
    "{ @type: model  name: b  mesh: thing  material: 1 }",
    "{ @type: vertices  name: THING  source: thing  vertexFormat: [[pos r32g32b32_sfloat] [pos r8_uint]] }",
    "{ @type: vertices  name: v  source: thing  vertexFormat: [[pos r32g32_sfloat] [normal r32g32_float]] }",
    "{ @type: material  name: m  shaders: [vs vs] }",
    "{ @type: mesh  name: n  source: ../assets/Thing.hu  lods: [{ topology: triangle_list  vertics: 2 }] }",
    "{ @type: indices  name: i  source: thing  indexFormt: uint16  `x`: 1 }",
    "{ @type: textur2d }",
)


def test_problems_among_thousands_of_records_are_those_among_a_few(project: Project) -> None:
    def with_records(count: int) -> tuple[Problem, ...]:
        more = "".join(
            f"{{ @type: vertices  name: v{i}  source: thing  vertexFormat: [[pos r32g32b32_sfloat]] }}\n"
            for i in range(count)
        )
        return problems_of(project, TRIANGLE_DB.replace("    ]\n}\n", more + "\n".join(WRONG) + "\n]\n}"))

    few, many = with_records(0), with_records(29_990)
    assert len(few) == 12
    for one, other in zip(few, many, strict=True):
        assert one.position is not None
        moved = replace(one.position, line=one.position.line + 29_990)
        assert replace(one, position=moved) == other


def test_a_source_named_by_many_meshes_is_resolved_once(project: Project) -> None:
    resolved: list[str] = []

    class Counting(FileGate):
        def resolve(self, text: str, base: Path) -> Path:
            resolved.append(text)
            return super().resolve(text, base)

    lod = "{{ topology: line_list  vertices: 0  indices: 1 }}"
    mesh = f"{{{{ @type: mesh  name: m{{}}  source: ../assets/thing.hu  lods: [{lod}] }}}}"
    part = "{ @type: vertices  source: m0  vertexFormat: [[pos r32g32b32_sfloat]] }"
    text = db_of(part, "{ @type: indices  source: m0  indexFormat: uint16 }", *map(mesh.format, range(100)))
    path = project.root / "scenes" / "db.hu"
    db = read_asset_db(parse(text, "db.hu"), path, 1, gate=Counting(project.root))
    assert db is not None
    assert len(db.assets) == 102
    assert resolved == ["db.ogCache", "../assets/thing.hu"]


def test_equal_vertex_formats_are_one_tuple_and_others_are_not(project: Project) -> None:
    written = ["[[pos r32g32b32_sfloat]]", "[[pos r32g32b32_sfloat]]", "[[pos r32g32_sfloat]]"]
    parts = [f"{{ @type: vertices  source: thing  vertexFormat: {each} }}" for each in written]
    first, same, other = project.db(TRIANGLE_DB.replace("    ]\n}\n", "\n".join(parts) + "] }")).assets[-3:]
    assert isinstance(first, Vertices)
    assert isinstance(same, Vertices)
    assert isinstance(other, Vertices)
    assert first.vertex_format is same.vertex_format
    assert other.vertex_format == (("pos", VertexFormat.R32G32_SFLOAT),)


class Walked(tuple[Asset, ...]):
    """Records that count how often they are walked through."""

    walks = 0

    def __iter__(self) -> Iterator[Asset]:
        Walked.walks += 1
        return super().__iter__()

    def __reversed__(self) -> Iterator[Asset]:
        Walked.walks += 1
        return reversed(self[:])


def test_names_are_looked_up_in_an_index_made_once_per_database(project: Project) -> None:
    db = replace(project.db(), assets=Walked(project.db().assets))
    Walked.walks = 0
    for _ in range(50):
        assert find_asset([db], "db", "thing", ("material", "indices")) == AssetRef(1, 3)
        assert find_asset([db], "db", "plain", ()) == AssetRef(1, 4)
    assert Walked.walks == 1


def test_an_empty_name_finds_the_first_asset_without_a_name(project: Project) -> None:
    unnamed = "{ @type: texture2d  source: ../assets/bumps.png }"
    assert find_asset([project.db(db_of(unnamed, unnamed))], "db", "", ("texture2d",)) == AssetRef(1, 0)


LODS = "lods: [{ topology: triangle_list  vertices: thing  indices: thing  numBones: 1 }]"


def with_lods(*sizes: str) -> str:
    level = "{ topology: triangle_list  vertices: thing  indices: thing "
    text = TRIANGLE_DB.replace(LODS, "lods: [ " + " ".join(f"{level} {size} }}" for size in sizes) + " ]")
    assert text != TRIANGLE_DB
    return text


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        (("",), (0.0,)),
        (("", "", "", ""), (0.25, 0.125, 0.0625, 0.0)),
        (("screenSize: 0.5", "", ""), (0.5, 0.25, 0.0)),
        (("screenSize: 2", "screenSize: 0.1", ""), (2.0, 0.1, 0.0)),
    ],
)
def test_levels_of_detail_have_falling_sizes(
    project: Project, sizes: tuple[str, ...], expected: tuple[float, ...]
) -> None:
    (mesh,) = (asset for asset in project.db(with_lods(*sizes)).assets if isinstance(asset, Mesh))
    assert tuple(lod.screen_size for lod in mesh.lods) == expected


@pytest.mark.parametrize(
    ("sizes", "code", "message"),
    [
        (("screenSize: 0.1", "screenSize: 0.2", ""), "asset.lods", "0.2 is not below"),
        (("screenSize: 0.1", "screenSize: 0.1", ""), "asset.lods", "0.1 is not below"),
        (("screenSize: 0", "", ""), "value.range", "from 1e-06 to 1000"),
        (("", "screenSize: 0.1"), "asset.lods", "the last level of detail"),
        (("screenSize: 0.1",), "asset.lods", "the last level of detail"),
        (("screenSize: -1", ""), "value.range", "from 1e-06 to 1000"),
        (("screenSize: nan", ""), "value.range", "finite"),
        (("size: 1", ""), "asset.field", "size"),
        (("",) * 17, "asset.lods", "17 levels"),
    ],
)
def test_wrong_levels_of_detail_are_an_error_at_their_place(
    project: Project, sizes: tuple[str, ...], code: str, message: str
) -> None:
    (problem,) = problems_of(project, with_lods(*sizes))
    assert problem.code == code
    assert message in problem.message
    assert problem.position is not None
    assert problem.position.file == "scenes/db.hu"


def test_of_a_field_that_is_given_twice_the_first_is_used(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    path = tmp_path / "assets/db.hu"
    path.write_text(db_of("{ @type: texture2d  @type: mesh  name: a  source: a.png  name: b }"))
    with pytest.raises(InputError):
        read_asset_db_file(path, 1)
    db = read_asset_db_file(path, 1, tolerated=None)
    (asset,) = db.assets
    assert (asset.type, asset.name) == ("texture2d", "a")
    found = [(each.code, each.severity, each.position and each.position.line) for each in db.left_out]
    assert found == [("humon.duplicate", Severity.WARNING, 2)] * 2


def test_what_an_asset_without_a_name_is_made_from_is_said(project: Project) -> None:
    lods = "lods: [{ topology: triangle_list  vertices: 1  indices: 2 }]"
    db = project.db(
        db_of(
            f"{{ @type: mesh  source: meshes/a.hu  {lods} }}",
            "{ @type: vertices  source: 0  vertexFormat: [[pos r32g32b32_sfloat]] }",
            "{ @type: indices  name: own  source: 0  indexFormat: uint16 }",
            "{ @type: texture2d  source: models/a.glb  part: /images/3 }",
            "{ @type: environment  source: skies/noon.hdr }",
        )
    )
    origins = [origin(record, lambda ref: db.assets[ref.index]) for record in db.assets]
    assert origins == ["a.hu", "of mesh #0, a.hu", "", "a.glb /images/3", "noon.hdr"]
