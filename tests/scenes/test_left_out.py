"""Claims about scenes whose text is wrong: the smallest thing around what is wrong is left out, and reported.

The plan is that of the scene as if that had not been written.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.random_scenes import profile
from support.small_features import tree_of

from engine.humon import Severity
from engine.plan.text.plan_text import plan_text
from engine.planning.offline import PlannedScene, plan_scene
from engine.scene import load_scene
from viewer.main import main

SEEN = "{ @type: visibleModel  asset: [builtin placeholder] }"
GOOD = (
    f"good: {{ features: [{SEEN}] }}",
    "sun: { features: [{ @type: light }] }",
    "camera: { translation: [0 0 4]  features: [{ @type: camera }] }",
)
LINE = 6
"""The line of the object that is wrong, before the good ones; that of the head is 3."""


def of(*features: str) -> str:
    return f"o: {{ translation: [2 0 0]  features: [{' '.join(features)}] }}"


def lit(value: str = "") -> str:
    return of(f"{{ @type: light  {value} }}", SEEN)


Pair = tuple[str, str]

FIRST = "the first is used now"
WRONG_OBJECTS = [  # what is written, what is left of it, and how it is reported
    (of("{ @type: light  intensty: 3 }", SEEN), of("{ @type: light }", SEEN), "field.unknown", "intensity"),
    (lit("intensity: -1"), lit("intensity: 0"), "value.range", "the nearest, 0, is used now"),
    (lit("cascades: 9"), lit("cascades: 4"), "value.range", "the nearest, 4, is used now"),
    (lit("intensity: nan"), lit(), "value.range", "its default, 3, is used now"),
    (lit("intensity: much"), lit(), "value.number", "its default, 3, is used now"),
    (lit("color: [1 1]"), lit(), "value.count", "its default, [1 1 1], is used now"),
    (lit("color: [1 2 -3]"), lit("color: [1 2 0]"), "value.range", "the nearest, [1 2 0], is used now"),
    (lit("kind: pint"), lit(), "value.choice", "did you mean 'point'? its default, directional, is used now"),
    (lit("enabled: no"), lit(), "value.boolean", "its default, true, is used now"),
    (
        of("{ @type: shadowCaster  active: 1 }", SEEN),
        of("{ @type: shadowCaster }", SEEN),
        "value.boolean",
        "true",
    ),
    (
        of(SEEN.replace("r]", "r]  material: [builtin plaeholder]")),
        of(SEEN),
        "asset.reference",
        "did you mean 'placeholder'? none is used now",
    ),
    (
        of("{ @type: shadowCaster  asset: [nowhere cube] }", SEEN),
        of("{ @type: shadowCaster }", SEEN),
        "asset.reference",
        "none is used now",
    ),
    (of("{ @type: shadowCaster  asset: [nowhere cube] }"), of(), "asset.reference", "none is used now"),
    (of("{ @type: shadowCaster }", "{ @type: visibleModel  asset: [a b] }"), of(), "asset.reference", ""),
    (of("{ @type: shadowCaster }", "{ @type: visibleModle  asset: [a b] }"), of(), "feature.unknown", ""),
    (of(SEEN, SEEN.replace("r }", "r  active: false }")), of(SEEN), "feature.duplicate", "one of each type"),
    (of("{ @type: visibleModle }", SEEN), of(SEEN), "feature.unknown", "visibleModel"),
    (of("{ asset: [builtin placeholder] }", SEEN), of(SEEN), "feature.type", "@type"),
    (of("visibleModel", SEEN), of(SEEN), "value.kind", "a dict"),
    (of("{ @type: visibleModel }"), of(), "value.missing", "add `asset"),
    (of("{ @type: visibleModel  asset: [builtin placehodler] }"), of(), "asset.reference", "placeholder"),
    (of("{ @type: visibleModel  asset: [nowhere cube] }"), of(), "asset.reference", "nowhere"),
    ("o: { features: 5  objects: { p: {} } }", "o: { objects: { p: {} } }", "value.kind", "a list"),
    (f"o: {{ features: [{SEEN}]  objects: [1] }}", f"o: {{ features: [{SEEN}] }}", "value.kind", "a dict"),
    (
        of(SEEN).replace("[2 0 0]", "[2 0]"),
        of(SEEN).replace("[2 0 0]", "[0 0 0]"),
        "value.count",
        "3 numbers",
    ),
    (of(SEEN).replace("translation", "scael"), of(SEEN).replace("[2 0", "[0 0"), "field.unknown", "scale"),
    (
        of(SEEN).replace("]", "]  rotation: [0 0 0 1]  euler: [0 90 0]", 1),
        of(SEEN),
        "object.rotation",
        "remove one",
    ),
    (of(SEEN).replace("]", "]  active: no", 1), of(SEEN), "value.boolean", "true or false"),
    ("o: 5", "", "value.kind", "a dict"),
    (f'"a/b": {{ features: [{SEEN}] }}', "", "object.name", "rename"),
    (f"{of(SEEN)} o: {{ features: [{SEEN}]  objects: {{ p: {{ }} }} }}", of(SEEN), "humon.duplicate", FIRST),
    (lit("intensity: 5  intensity: -7"), lit("intensity: 5"), "humon.duplicate", FIRST),
    (lit("@type: camera"), lit(), "humon.duplicate", FIRST),
    (of(SEEN).replace("]", "]  translation: [3 0 0]", 1), of(SEEN), "humon.duplicate", FIRST),
    (of(SEEN).replace(" }] }", " }]  features: 5 }"), of(SEEN), "humon.duplicate", FIRST),
    (f"{of(SEEN)} O: {{ features: [{SEEN}] }}", of(SEEN), "object.name", "letter case"),
]
WRONG_HEADS = [
    ("include: [none.hu]", "", "file.missing", ""),
    ("include: [../none.hu]", "", "file.outside", ""),
    ("include: [torn.hu]", "", "humon.unclosed", "never closed"),
    ("include: [newer.hu]", "", "scene.version", "newer Diorama"),
    ("include: [scene.hu]", "", "include.cycle", "remove one"),
    ("include: [other.hu]", "", "scene.tableau", "python -m viewer A.hu B.hu"),
    ("tableaux: {}", "", "field.unknown", "tableau"),
    ("assetDb: 5", "", "value.kind", "a dict"),
    (
        "assetDb: { name: own  name: x  assets: [] }",
        "assetDb: { name: own  assets: [] }",
        "humon.duplicate",
        FIRST,
    ),
    ("version: 5  include: []", "include: []", "humon.duplicate", FIRST),
    ("assetDb: { assets: [] }", "", "value.missing", "name"),
    ("assetDb: { name: own }", "", "value.missing", "assets"),
    (
        "assetDb: { name: own  assets: []  nmae: x }",
        "assetDb: { name: own  assets: [] }",
        "asset.field",
        "name",
    ),
    ("assetDb: { name: own  assets: []  cacheFile: a.txt }", "", "asset.cache_file", "never replaces"),
    (
        "assetDb: { name: own  assets: [{ @type: environment  sources: [a b c] }] }",
        "",
        "environment.faces",
        "",
    ),
    ("assetDb: { name: own  assets: [{ @type: sky }] }", "", "asset.type", "environment"),
]


def written(folder: Path, head: str, objects: str, others: tuple[str, ...] = GOOD) -> Path:
    """Write the good objects below a head and an object, into a folder of its own."""
    folder.mkdir()
    (folder / "assets").mkdir()
    (folder / "torn.hu").write_text("tableau: {\n")
    (folder / "newer.hu").write_text("version: 99\ntableau: {}\n")
    (folder / "other.hu").write_text("tableau: {}\n")
    rows = ["version: 1", "// head", head, "tableau: {", "objects: {", objects, *others, "} }"]
    path = folder / "scene.hu"
    path.write_text("\n".join(rows) + "\n")
    return path


def planned(folder: Path, head: str, objects: str) -> PlannedScene:
    return plan_scene(written(folder, head, objects), profile("lavapipe"), (32, 24))


def check(folder: Path, wrong: Pair, left: Pair, problem_of: Pair, line: int) -> None:
    found = planned(folder / "wrong", *wrong)
    known = planned(folder / "left", *left)
    (problem,) = [one for one in found.problems if one not in known.problems]
    assert (problem.code, problem.severity) == (problem_of[0], Severity.WARNING)
    assert problem_of[1] in f"{problem.message} {problem.help}"
    if Path(problem.position.file).name == "scene.hu":
        assert problem.position.line == line
    assert text(found, folder / "wrong") == text(known, folder / "left")
    scenes = [load_scene(folder / name / "scene.hu") for name in ("wrong", "left")]
    assert tree_of(scenes[0].tableau) == tree_of(scenes[1].tableau)


def text(planned: PlannedScene, folder: Path) -> str:
    """The plan with the lines of what needs it, without their columns."""
    return re.sub(r"(\.hu:\d+):\d+", r"\1", plan_text(planned.plan).replace(str(folder), ""))


@pytest.mark.parametrize(
    ("wrong", "left", "code", "hint"), WRONG_OBJECTS, ids=[one[0][:60] for one in WRONG_OBJECTS]
)
def test_what_is_wrong_in_an_object_costs_only_that(tmp_path, wrong, left, code, hint):
    check(tmp_path, ("", wrong), ("", left), (code, hint), LINE)


@pytest.mark.parametrize(
    ("wrong", "left", "code", "hint"), WRONG_HEADS, ids=[one[0][:60] for one in WRONG_HEADS]
)
def test_what_is_wrong_beside_the_objects_costs_none_of_them(tmp_path, wrong, left, code, hint):
    check(tmp_path, (wrong, of(SEEN)), (left, of(SEEN)), (code, hint), 3)


BROKEN = "builtin placeholdre"
FOLLOWED = [  # what is wrong, and what would be wrong without it, were it not for that
    (of("{ @type: shadowCaster }", f"{{ @type: visibleModel  asset: [{BROKEN}] }}"), GOOD),
    (of("{ @type: shadowCaster  asset: [builtin no] }"), GOOD),
    (of("{ @type: morph }", f"{{ @type: visibleModel  asset: [{BROKEN}] }}"), GOOD),
    (of("{ @type: skin }", f"{{ @type: visibleModel  asset: [{BROKEN}] }}"), GOOD),
    (of("{ @type: skin }", "{ @type: visibleModle  asset: [builtin placeholder] }"), GOOD),
    (of("{ @type: camrea }"), GOOD[:2]),
    (of("{ asset: [builtin placeholder] }"), GOOD[1:]),
    (of("{ @type: visibleModel  aset: [builtin placeholder] }"), GOOD),
    (of("{ @type: shadowCaster  aset: [builtin placeholder] }"), GOOD),
    ("o: { features: 5 }", GOOD[1:]),
    ("o: { featrues: [] }", GOOD[1:]),
    ("o: { object: {} }", GOOD[1:]),
    ("o: { objects: 5 }", GOOD[1:]),
    ('"a/b": { features: [{ @type: camera }] }', GOOD[:2]),
    ("o: 5", GOOD[1:]),
    (of(f"{{ @type: visibleModel  asset: [{BROKEN}] }}"), GOOD[1:]),
]


@pytest.mark.parametrize(("wrong", "others"), FOLLOWED, ids=[one[0][:60] for one in FOLLOWED])
def test_what_follows_from_something_wrong_is_no_second_problem(tmp_path, wrong, others):
    found = plan_scene(written(tmp_path / "wrong", "", wrong, others), profile("lavapipe"), (32, 24))
    (problem,) = found.problems
    assert problem.position is not None
    assert problem.position.line == LINE


def test_all_that_follows_from_a_missing_tableau_is_one_problem(tmp_path):
    scene = tmp_path / "scene.hu"
    for text in ("tableau: 5", "include: [none.hu]", "include: [] tableaux: {}", "tableau: { object: {} }"):
        scene.write_text(text)
        assert len(plan_scene(scene, profile("lavapipe"), (32, 24)).problems) == 1


@pytest.mark.parametrize("name", ["skin", "morph"])
def test_a_missing_mesh_is_one_problem_however_many_objects_bend_or_morph_it(root, tmp_path, name):
    """They draw its placeholder, which has other bones and no targets."""
    mesh = {"skin": "creatures/tentacle.hu", "morph": "flowers/flower.hu"}[name]
    (tmp_path / "scenes").mkdir()
    shutil.copytree(root / "assets", tmp_path / "assets", ignore=shutil.ignore_patterns("*.ogCache*"))
    for file in (f"{name}.hu", f"{name}.assets.hu"):
        text = (root / "scenes" / file).read_text()
        (tmp_path / "scenes" / file).write_text(text.replace("environment/sky.hdr", "no.hdr"))
    (tmp_path / "assets" / mesh).unlink()
    found = plan_scene(tmp_path / "scenes" / f"{name}.hu", profile("lavapipe"), (32, 24))
    assert sorted({each.code for each in found.problems}) == ["asset.broken"]
    assert len(found.problems) == 2


@pytest.mark.gpu
def test_a_scene_with_much_that_is_wrong_is_drawn_as_without_it_and_ends_as_with_a_broken_asset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    wrong = f"{of('{ @type: light  intensity: -1 }', SEEN, SEEN)} p: 5"
    left = of("{ @type: light  intensity: 0 }", SEEN)
    shown = []
    for name, head, objects in (("wrong", "include: [none.hu]", wrong), ("left", "", left)):
        scene, picture = written(tmp_path / name, head, objects), tmp_path / f"{name}.png"
        assert main([str(scene), "--headless", "--size", "64x48", "--screenshot", str(picture)]) == 0
        shown.append(np.asarray(Image.open(picture)))
        said = capsys.readouterr().err
        assert len(re.findall(r"warning\[(value|feature|file)\.", said)) == (4 if name == "wrong" else 0), (
            said
        )
    np.testing.assert_array_equal(*shown)
    assert len(np.unique(shown[0].reshape(-1, shown[0].shape[-1]), axis=0)) > 20, "the objects are drawn"
