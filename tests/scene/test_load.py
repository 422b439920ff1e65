"""Loading: columns hold the values of the file, and errors are reported with their positions."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.sampling import amount

from engine.assets import AssetRef
from engine.assets import names as asset_names
from engine.assets.files import FileGate
from engine.assets.roots import data_root, display_path
from engine.humon import InputError, Position, Severity, suggestion, write
from engine.scene import load_scene
from engine.tableau import NO_ASSET

from .conftest import ASSETS


def problems(load, text, **named):
    """The problems of what is left out of a scene."""
    return load(text, **named).left_out


def refused(load, text, **named):
    """The problems with which a scene is not opened at all."""
    with pytest.raises(InputError) as caught:
        load(text, **named)
    return caught.value.problems


def attempt(load, text):
    """The scene, or None, and the codes of its problems."""
    try:
        scene = load(text)
        return scene, {str(problem.code) for problem in scene.left_out}
    except InputError as error:
        return None, {str(problem.code) for problem in error.problems}


def tableau_of(objects):
    return f"tableau: {{ objects: {{ {objects} }} }}"


def test_objects_transforms_flags_and_features_are_loaded_into_columns(load):
    scene = load(
        ASSETS
        + """tableau: {
    name: view
    enabled: false
    objects: {
        cube: {
            translation: [0, 0.5, 0]
            rotation: [0 0 3 4]
            scale: [1 2 1]
            features: [
                { @type: visibleModel  asset: [assetDb0 0] }
                { @type: shadowCaster  enabled: false  asset: [assetDb0 cube]  bias: 2.5 }
            ]
            objects: { hat: { euler: [0 90 0]  active: false } }
        }
        "a lamp": {
            features: [ { @type: light  cone: 60  color: [1 .5 0]  kind: point  note: "so: it is" } ]
        }
    }
}"""
    )
    tableau = scene.tableau
    assert (tableau.name, tableau.enabled, tableau.active, len(tableau)) == ("view", False, True, 3)
    cube = tableau["cube"]
    assert cube.translation.tolist() == [0, 0.5, 0]
    np.testing.assert_allclose(cube.rotation, (0, 0, 0.6, 0.8), rtol=1e-6)
    assert cube.scale.tolist() == [1, 2, 1]
    assert cube.visibleModel.asset == AssetRef(1, 0).key
    assert cube.shadowCaster.asset == AssetRef(1, 1).key
    assert (cube.shadowCaster.enabled, cube.shadowCaster.active, cube.shadowCaster.bias) == (False, True, 2.5)
    hat = tableau["cube/hat"]
    assert not hat.active
    np.testing.assert_allclose(hat.euler, (0, 90, 0), atol=1e-4)
    light = tableau["a lamp"].light
    assert tableau.tables["light"].column("cone")[light.row] == pytest.approx(np.pi / 3)
    assert light.color == (1, 0.5, 0)
    assert (light.kind, light.note, light.samples, light.soft) == ("point", "so: it is", 4, True)
    assert light.cookie == AssetRef(1, 0).key
    assert scene.asset("assetDb0", "cube", ("mesh",)) == AssetRef(1, 1)


def test_objects_and_features_have_their_lines(load):
    scene = load(
        "tableau: {\n    objects: {\n        lamp: {\n\t\t\tfeatures: [\n"
        "\t\t\t\t{ @type: light }\n            ]\n        }\n    }\n}\n" + ASSETS
    )
    assert scene.tableau["lamp"].position == Position("scenes/a.hu", 3, 9)
    assert scene.tableau["lamp"].light.position == Position("scenes/a.hu", 5, 19)


def test_a_missing_required_feature_is_reported_as_documented(load):
    text = """
    tableau: {
        objects: { cube: { features: [
      { @type: shadowCaster  enabled: true  asset: [assetDb0 1] }
    ] } } }"""
    found = problems(load, ASSETS.replace("\n", " ") + text)
    assert str(InputError(found)).splitlines() == [
        "scenes/a.hu:4:9: warning[feature.requires]: "
        "shadowCaster on 'cube' needs visibleModel on the same object",
        "    { @type: shadowCaster  enabled: true  asset: [assetDb0 1] }",
        "      ^",
        "help: add a visibleModel feature to 'cube', or remove this one",
    ]


WRONG = [
    ("o: { translation: [1 2] }", "value.count", ""),
    ("o: { translation: [1 2 x] }", "value.number", ""),
    ("o: { translation: [1 2 nan] }", "value.range", ""),
    ("o: { translation: [1 2 1e999] }", "value.range", ""),
    ("o: { translation: [1 2 1e39] }", "value.range", ""),
    ("o: { translation: [1 2 " + "7" * 5000 + "] }", "value.range", ""),
    ("o: { translation: [1_0 2 3] }", "value.number", ""),
    ("o: { translation: 5 }", "value.kind", ""),
    ("o: { scale: { } }", "value.kind", ""),
    ("o: { enabled: yes }", "value.boolean", ""),
    ("o: { tranlation: [1 2 3] }", "field.unknown", "translation"),
    ("o: { rotation: [0 0 0 1]  euler: [0 0 0] }", "object.rotation", ""),
    ("o: 5", "value.kind", ""),
    ("o: { objects: [] }", "value.kind", ""),
    ("o: { features: { } }", "value.kind", ""),
    ("o: { features: [ 5 ] }", "value.kind", ""),
    ("o: { features: [ [1] ] }", "value.kind", ""),
    ("o: { features: [ { } ] }", "feature.type", "@type"),
    ("o: { features: [ { @type: lihgt } ] }", "feature.unknown", "light"),
    ("o: { features: [ { @type: light } { @type: light } ] }", "feature.duplicate", "one of each"),
    ("o: { features: [ { @type: light  intensty: 1 } ] }", "field.unknown", "intensity"),
    ("o: { features: [ { @type: light  intensity: -1 } ] }", "value.range", ""),
    ("o: { features: [ { @type: light  intensity: 1e300 } ] }", "value.range", ""),
    ("o: { features: [ { @type: light  cone: 180 } ] }", "value.range", ""),
    ("o: { features: [ { @type: light  color: [1 2 -3] } ] }", "value.range", ""),
    ("o: { features: [ { @type: light  color: [1 2] } ] }", "value.count", ""),
    ("o: { features: [ { @type: light  samples: 1.5 } ] }", "value.number", ""),
    ("o: { features: [ { @type: light  color: [1e39 0 0] } ] }", "value.range", ""),
    ("o: { features: [ { @type: light  samples: 65 } ] }", "value.range", ""),
    ("o: { features: [ { @type: light  soft: 1 } ] }", "value.boolean", ""),
    ("o: { features: [ { @type: light  kind: pont } ] }", "value.choice", "point"),
    ("o: { features: [ { @type: light  note: [a b] } ] }", "value.kind", ""),
    ("o: { features: [ { @type: visibleModel } ] }", "value.missing", "asset: [assetDb0 0]"),
    ("o: { features: [ { @type: visibleModel  asset: 5 } ] }", "asset.reference", "assetDb0"),
    ("o: { features: [ { @type: visibleModel  asset: [assetDb0 99] } ] }", "asset.reference", ""),
    ("o: { features: [ { @type: visibleModel  asset: [assetDb0 1] } ] }", "asset.reference", ""),
    ("o: { features: [ { @type: visibleModel  asset: [assetDb0 cub] } ] }", "asset.reference", "cube"),
    ("o: { features: [ { @type: visibleModel  asset: [assetDb 0] } ] }", "asset.reference", ""),
    ('"": { }', "object.name", ""),
    ('"a/b": { }', "object.name", ""),
    ('"@a": { }', "object.name", ""),
    ("Lamp: { } lamp: { }", "object.name", ""),
    ("caf\u00e9: { } cafe\u0301: { }", "object.name", ""),
]


@pytest.mark.parametrize(
    ("objects", "code", "hint"), WRONG, ids=[code + ":" + o[:40] for o, code, _ in WRONG]
)
def test_what_is_wrong_is_reported_with_code_position_and_hint(load, objects, code, hint):
    (problem, *more) = load(ASSETS + tableau_of(objects)).warnings
    assert not more
    assert (problem.code, problem.severity) == (code, Severity.WARNING)
    assert problem.position.file == "scenes/a.hu"
    assert problem.position.line == ASSETS.count("\n") + 1
    assert hint in problem.help
    assert "^" in problem.excerpt


def test_all_problems_of_all_parts_are_reported_together(load):
    objects = "a: { scale: [1] } b: { features: [ { @type: light  soft: 2 } ] } c: { x: 1 }"
    text = ASSETS + tableau_of(objects) + " foo: 1"
    assert sorted(problem.code for problem in problems(load, text)) == [
        "field.unknown",
        "field.unknown",
        "value.boolean",
        "value.count",
    ]


def test_vectors_of_wrong_lengths_take_no_numbers_from_their_neighbours(load):
    objects = "a: { scale: [1 2] } b: { scale: [1 2 3 4] } c: { scale: [[1] 2] } d: { scale: [1 2 3] }"
    found = problems(load, tableau_of(objects))
    assert [problem.code for problem in found] == ["value.count"] * 3


def test_too_many_problems_end_with_the_number_of_the_others(load):
    found = load(tableau_of(" ".join(f"o{i}: {{ x: 1 }}" for i in range(300)))).warnings
    assert len(found) == 101
    assert found[-1].code == "scene.too_many"
    assert found[-1].message.startswith("200 more")


def test_too_many_problems_of_a_file_that_is_no_scene_are_counted_too(load):
    found = refused(load, " ".join(f"x{i}: 1" for i in range(300)))
    assert (len(found), found[0].code, found[-1].code) == (101, "field.unknown", "scene.too_many")


@pytest.mark.parametrize("part", ["references", "objects"])
def test_names_are_compared_for_hints_of_shown_problems_only(load, monkeypatch, part):
    compared = []

    def counting(name, known):
        compared.append(name)
        return suggestion(name, known)

    monkeypatch.setattr(asset_names, "suggestion", counting)
    wrong = "cub{}" if part == "objects" else "cube"
    objects = " ".join(
        f"o{i}: {{ features: [ {{ @type: visibleModel  asset: [assetDb0 {wrong.format(i)}] }} ] }}"
        for i in range(300)
    )
    models = "".join(f"{{ @type: model  name: m{i}  mesh: cub{i}  material: brick }}\n" for i in range(300))
    database = ASSETS if part == "objects" else ASSETS.replace("    ]\n}", models + "    ]\n}")
    found = load(database + "tableau: { objects: { " + objects + " } }").warnings
    assert [problem.message.rpartition(" ")[2] for problem in found[:100]] == [
        f"'cub{i}'" for i in range(100)
    ]
    assert {problem.help for problem in found[:100]} == {"did you mean 'cube'?"}
    assert found[100].message.startswith("200 more")
    assert len(compared) == 100


@pytest.mark.parametrize(
    ("bad", "code"),
    [
        ("rotation: [0 0 0 0]", "transform.singular"),
        ("scale: [3e38 1 1]", "transform.range"),
        ("translation: [0 3e38 0]", "transform.range"),
    ],
)
def test_an_invalid_transform_is_a_warning_with_its_line(load, bad, code):
    scene = load("tableau: {\n  objects: {\n    o: { " + bad + " }\n  }\n}")
    scene.tableau.update_world()
    (problem,) = scene.tableau.warnings
    assert problem.code == code
    assert problem.severity is Severity.WARNING
    assert problem.position == Position("scenes/a.hu", 3, 5)
    assert problem.excerpt.splitlines()[0].startswith("o: {")
    assert np.isfinite(scene.tableau.placement).all()


@pytest.mark.parametrize("scale", ["0 1 1", "0 0 0", "1e-12 1 1", "-1 1 1"])
def test_a_flat_a_tiny_and_a_mirrored_scale_are_scales(load, scale):
    scene = load("tableau: { objects: { o: { translation: [1 2 3]  scale: [" + scale + "] } } }")
    scene.tableau.update_world()
    assert scene.tableau.warnings == []
    expected = [np.float32(each) for each in scale.split()]
    np.testing.assert_array_equal(np.diag(scene.tableau["o"].world), [*expected, 1])


def test_a_scene_is_loaded_with_and_without_root_braces(load):
    for text in (tableau_of("o: { }"), "{ " + tableau_of("o: { }") + " }"):
        assert "o" in load(text).tableau


def test_each_included_file_is_read_once(load, write):
    write(ASSETS, "scenes/more/assets.hu")
    write("include: [assets.hu]  " + ASSETS.replace("assetDb0", "assetDb1"), "scenes/more/b.hu")
    scene = load(
        "include: [more/b.hu more/assets.hu]\n"
        + tableau_of("o: { features: [ { @type: visibleModel  asset: [assetDb1 0] } ] }")
    )
    assert [db.name for db in scene.dbs] == ["assetDb1", "assetDb0"]
    assert [db.id for db in scene.dbs] == [1, 2]
    assert scene.tableau["o"].visibleModel.asset == AssetRef(1, 0).key
    assert [file.path.name for file in scene.parts[0].files] == ["a.hu", "b.hu", "assets.hu"]


def test_an_include_cycle_is_reported(load, write):
    write("include: [c.hu]  " + ASSETS, "scenes/b.hu")
    write("include: a.hu", "scenes/c.hu")
    (problem,) = problems(load, "include: [b.hu]  " + tableau_of("o: { }"))
    assert problem.code == "include.cycle"
    assert problem.position.file == "scenes/c.hu"
    assert problem.message.endswith("scenes/a.hu -> scenes/b.hu -> scenes/c.hu -> scenes/a.hu")
    (problem,) = problems(load, "include: [a.hu]  " + tableau_of("o: { }"))
    assert "scenes/a.hu -> scenes/a.hu" in problem.message


@pytest.mark.parametrize(
    ("include", "code"),
    [
        ("../../out.hu", "file.outside"),
        ("/etc/passwd", "file.outside"),
        ("'file:a.hu'", "file.outside"),
        ("'C:\\\\a.hu'", "file.outside"),
        ("missing.hu", "file.missing"),
        ("../assets", "file.kind"),
        ("B.hu", "file.case"),
        ("[a]", "value.kind"),
    ],
)
def test_a_forbidden_include_is_rejected_at_its_position(load, write, include, code):
    write(ASSETS, "scenes/b.hu")
    (problem,) = problems(load, f"include: [{include}]\n" + tableau_of("o: { }"))
    assert problem.code == code
    assert (problem.position.file, problem.position.line) == ("scenes/a.hu", 1)


def test_an_include_behind_a_link_that_comes_after_the_check_is_not_read(load, write, tmp_path, monkeypatch):
    write(ASSETS, "scenes/below/other.hu")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/other.hu").write_text(ASSETS)
    stamp = FileGate.stamp

    def swapping(gate, path):
        found = stamp(gate, path)
        folder = path.parent
        folder.rename(tmp_path / "moved")
        folder.symlink_to(tmp_path / "outside")
        return found

    monkeypatch.setattr(FileGate, "stamp", swapping)
    (problem,) = problems(load, "include: below/other.hu\n" + tableau_of("o: { }"))
    assert problem.code == "file.unreadable"
    assert "symbolic link" in problem.message


def test_a_problem_of_an_included_file_is_reported_in_that_file(load, write):
    write("assetDb: { name: x  assets: 5 }", "scenes/b.hu")
    (problem,) = problems(load, "include: [b.hu]\n" + tableau_of("o: { }"))
    assert problem.position.file == "scenes/b.hu"


def test_a_broken_database_reports_only_its_own_problem(load):
    text = ASSETS.replace("name: assetDb0", "nam: assetDb0")
    found = problems(
        load, text + tableau_of("o: { features: [ { @type: visibleModel  asset: [assetDb0 0] } ] }")
    )
    assert {problem.code for problem in found} == {"asset.field", "value.missing"}


def test_features_that_lack_what_was_left_out_are_left_out_without_a_word(load):
    """What names the database by its number might mean another one, as one is missing."""
    text = ASSETS.replace("name: assetDb0", "nam: assetDb0")
    names = ("[assetDb0 0]", "[0 0]", "[nowhere 0]", "[builtin 0]")
    pair = "{{ @type: visibleModel  asset: {0} }} {{ @type: shadowCaster  asset: {0} }}"
    objects = " ".join(f"o{n}: {{ features: [{pair.format(name)}] }}" for n, name in enumerate(names))
    scene = load(text + tableau_of(objects))
    assert {problem.code for problem in scene.left_out} == {"asset.field", "value.missing"}
    assert [child.name for child in scene.tableau.children() if len(child.features)] == ["o3"]
    assert set(scene.tableau["o3"].features) == {"visibleModel", "shadowCaster"}
    scene = load(ASSETS + tableau_of(f"o: {{ features: [{pair.format('[assetDb0 9]')}] }}"))
    assert [problem.code for problem in scene.left_out] == ["asset.reference"] * 2
    assert not len(scene.tableau["o"].features)


def test_only_errors_that_are_known_are_tolerated_again(load, registry):
    """Their lines may move and change, and one that is there twice is another one."""
    known = load(tableau_of("\n  a: { x: 1 }\n  b: { scale: [1] }\n  A: { }\n")).left_out
    assert [problem.code for problem in known] == ["object.name", "field.unknown", "value.count"]
    for text in ("\n\n a: { x: 2 } b: { scale: [2] }\n A: { }", "c: { } b: { scale: [1] }", "d: { }"):
        path = load(tableau_of(text)).path
        assert load_scene(path, registry, tolerated=known).left_out == load_scene(path, registry).left_out
    for text in ("a: { y: 1 }", "a: { x: 1 }  c: { objects: { a: { x: 1 } } }"):
        path = load(tableau_of(text)).path
        with pytest.raises(InputError) as caught:
            load_scene(path, registry, tolerated=known)
        assert {problem.severity for problem in caught.value.problems} == {Severity.ERROR}


def test_a_newer_version_is_rejected_and_the_file_is_unchanged(load, tmp_path):
    text = "version: 2\n" + tableau_of("o: { }")
    (problem,) = refused(load, text)
    assert problem.code == "scene.version"
    assert (tmp_path / "scenes/a.hu").read_text() == text
    assert "o" in load("version: 1\n" + tableau_of("o: { }")).tableau
    assert refused(load, "version: 0\n" + tableau_of("o: { }"))[0].code == "value.range"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("version: 1", "scene.empty"),
        ("", "humon.empty"),
        ("[1 2]", "value.kind"),
        ("tableu: { }", "field.unknown"),
        ("tableau: { objects: { o: { } { } } }", "humon.no_key"),
    ],
)
def test_a_file_that_is_no_scene_is_reported(load, text, code):
    assert code in {problem.code for problem in refused(load, text)}


def test_two_tableaus_and_two_databases_with_one_name_are_reported_with_both_positions(load, write):
    write(ASSETS + tableau_of("p: { }"), "scenes/b.hu")
    found = problems(load, "include: [b.hu]\n" + ASSETS + tableau_of("o: { }"))
    assert sorted(problem.code for problem in found) == ["asset.name", "scene.tableau"]
    assert all("scenes/a.hu:" in problem.message for problem in found)
    assert all(problem.position.file == "scenes/b.hu" for problem in found)


def test_a_scene_without_a_tableau_has_an_empty_one(load):
    scene = load(ASSETS)
    assert len(scene.tableau) == 0
    assert [db.name for db in scene.dbs] == ["assetDb0"]
    assert not scene.save()


def test_a_missing_default_asset_is_reported_where_the_field_is_omitted(load):
    (problem,) = problems(load, tableau_of("o: { features: [ { @type: light } ] }"))
    assert problem.code == "asset.reference"
    assert "cookie is omitted" in problem.message


def test_the_scene_that_ships_loads(root):
    scene = load_scene(root / "scenes/cube.hu")
    assert scene.warnings == []
    assert scene.tableau.warnings == []
    assert {child.name for child in scene.tableau.children()} == {"cube", "ground", "camera", "sun"}
    assert NO_ASSET not in scene.tableau.tables["visibleModel"].column("asset")
    camera = scene.tableau["camera"]
    scene.tableau.update_world()
    towards = -camera.world[2, :3]
    to_cube = scene.tableau["cube"].translation - camera.translation
    assert np.degrees(np.arccos(towards @ to_cube / np.linalg.norm(to_cube))) < 5


numbers = st.floats(-1e6, 1e6, width=32)
names = st.text(st.characters(categories=("L", "Nd", "Zs", "P")), min_size=1, max_size=8).filter(
    lambda name: "/" not in name and name[0] != "@" and name.isprintable()
)
objects = st.recursive(
    st.fixed_dictionaries(
        {},
        optional={
            "translation": st.lists(numbers, min_size=3, max_size=3),
            "scale": st.lists(st.floats(0.5, 8, width=32), min_size=3, max_size=3),
            "enabled": st.booleans(),
            "features": st.just([{"@type": "light", "intensity": 2}]),
        },
    ),
    lambda children: st.fixed_dictionaries(
        {"objects": st.dictionaries(names, children, max_size=3)},
        optional={"translation": st.lists(numbers, min_size=3, max_size=3)},
    ),
    max_leaves=12,
)


def check(tableau, handle, written):
    np.testing.assert_array_equal(handle.translation, np.float32(written.get("translation", (0, 0, 0))))
    np.testing.assert_array_equal(handle.scale, np.float32(written.get("scale", (1, 1, 1))))
    assert handle.enabled == written.get("enabled", True)
    assert ("light" in handle) == ("features" in written)
    children = written.get("objects", {})
    assert [child.name for child in handle.children] == list(children)
    return 1 + sum(
        check(tableau, tableau[f"{handle.path}/{name}"], child) for name, child in children.items()
    )


@given(written=objects)
@settings(max_examples=amount(20, 240), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_written_tree_is_loaded_unchanged(load, written):
    scene, refused = attempt(load, ASSETS + write({"tableau": {"objects": {"top": written}}}))
    if scene is None:
        assert refused == {"object.name"}  # names alike but for case
    else:
        assert check(scene.tableau, scene.tableau["top"], written) == len(scene.tableau)


@given(text=st.text(st.sampled_from("{}[]:@\"' \nab1.-tableauobjcsfr"), max_size=60))
@settings(max_examples=amount(37, 600), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_raises_only_input_errors(load, text):
    scene, refused = attempt(load, "tableau: { objects: { o: { " + text + " } } }")
    assert refused if scene is None else len(scene.tableau) >= 1


@pytest.mark.parametrize(
    ("given", "hint", "included"),
    [
        ("roooms.hu", "did you mean '{}/rooms.hu'?", "did you mean 'rooms.hu'?"),
        ("zzzzzz.hu", "give the path of a scene file (.hu) or of a model (.glb, .gltf, .obj)", ""),
        ("cub.hu", "did you mean '{}/cube.hu'?", ""),  # of the program's own, which nothing can include
    ],
)
def test_a_wrong_name_of_a_scene_or_an_include_has_a_hint_with_the_nearest_file(
    tmp_path, given, hint, included
):
    (tmp_path / "rooms.hu").write_text("tableau: { name: t }")
    (tmp_path / "other.txt").write_text("")
    scene = tmp_path / "scene.hu"
    scene.write_text(f"include: [{given}]\ntableau: {{ name: t }}")
    with pytest.raises(InputError) as raised:
        load_scene(tmp_path / given)
    (problem,), (left_out,) = raised.value.problems, load_scene(scene).left_out
    folder = display_path(data_root() / "scenes") if given == "cub.hu" else tmp_path
    assert (problem.code, problem.help) == ("file.missing", hint.format(folder))
    assert left_out.code == "file.missing"
    assert left_out.help == included if included else "did you mean" not in left_out.help
