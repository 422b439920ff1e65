"""Claims about each field of objects and features: a wrong value costs itself, and is one problem."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.random_scenes import profile
from support.scene_mutations import small_scenes
from support.small_features import tree_of

from engine.assets import open_library
from engine.feature import discover
from engine.humon import InputError, Node, Problem, Severity, boolean, parse
from engine.planning.offline import find_problems
from engine.scene import Scene, load_scene
from engine.scene.values import AssetNames, read_value
from engine.scene.vectors import read_vector
from engine.tableau.activity import FLAGS
from engine.tableau.schema import Names

HEAD = "include: [sky.assets.hu cube.assets.hu morph.assets.hu]\ntableau: { objects: {"
SKY = """assetDb: { name: tableauAssets  assets: [
    { @type: environment  name: sky  source: ../assets/builtin/environment/sky.hdr }
] }
"""
OBJECTS: dict[str, dict[str, dict[str, str]]] = {
    "cube": {
        "visibleModel": {"asset": "[assetDb0 0]"},
        "shadowCaster": {"asset": "[assetDb0 1]"},
        "spin": {"speed": "20"},
    },
    "flower": {
        "visibleModel": {"asset": "[morphAssets flower]", "material": "[morphAssets cream]"},
        "shadowCaster": {"asset": "[morphAssets flower]"},
        "morph": {"weights": "[0.5 0.5 0 0]"},
        "animation": {"clip": "[morphAssets bloom]", "second": "[morphAssets bloom]", "blend": "0.5"},
    },
    "sky": {"skybox": {"asset": "[tableauAssets sky]", "intensity": "0.8"}},
    "camera": {
        "camera": {"fovY": "45", "toneMapping": "agx"},
        "reticle": {"kind": "cross", "size": "26"},
        "healthBar": {"value": "72", "maximum": "100"},
        "areaMap": {"extent": "12", "turned": "true"},
    },
    "sun": {"light": {"kind": "directional", "color": "[1 0.9 0.76]", "intensity": "4"}},
}
"""Every feature but skins, as in scenes/tableau.hu and scenes/morph.hu."""
WRONG = (
    *("xyzzy", '""', "true", "nan", "-inf", "1e39", "-1e9", "1.5e300", "7" * 70, "0x10", "none"),
    *("{ }", "{ a: 1 }", "[]", "[1]", "[1 2 x]", "[-7 -7 -7]", "[1 nan 0]", "[1 2 3 4 5]", "[[1] 2 3]"),
    *("[nowhere cube]", "[assetDb0 nothing]", "[assetDb0 -1]", "[morphAssets 99999999999999999999]"),
    *("[assetDb0 brick-]", "[assetDb0]", "[[assetDb0] cube]", "[tableauAssets sky]", "[assetDb0 1]"),
)


VECTORS = {"translation": 3, "rotation": 4, "euler": 3, "scale": 3}


class Case(NamedTuple):
    """A wrong value of a field, of a feature of an object; without a feature, of the object."""

    path: str
    feature: str
    field: str
    value: str


def text_of(case: Case | None = None) -> tuple[str, int, int]:
    """The scene with a wrong value, and the line and column of that."""
    lines, place = HEAD.splitlines(), (0, 0)

    def add(start: str, end: str, here: tuple[str, str]) -> None:
        nonlocal place
        if case is not None and here == case[:2]:
            start += f"{case.field}: "
            place = len(lines) + 1, len(start) + 1
            end = f"{case.value}  {end}"
        lines.append(start + end)

    for path, features in OBJECTS.items():
        add(f"{path}: {{ ", "features: [", (path, ""))
        for name, given in features.items():
            wrong = case.field if case is not None and case[:2] == (path, name) else ""
            others = {key: value for key, value in given.items() if key != wrong}
            add(
                f"    {{ @type: {name}  ",
                "  ".join(f"{key}: {value}" for key, value in others.items()) + " }",
                (path, name),
            )
        lines.append("] }")
    return "\n".join([*lines, "} }", ""]), *place


class Fields:
    """The scene in a project of its own, and what is found in it with one wrong value."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "wrong.hu"
        self.scene = self.load()
        self.good = tree_of(self.scene.tableau)
        assert not self.scene.warnings

    def load(self, case: Case | None = None) -> Scene:
        self.path.write_text(text_of(case)[0])
        return load_scene(self.path)

    def cases(self) -> list[tuple[Case, Callable[[Node], object]]]:
        """Every value of every field, with what reads it; most are wrong."""
        names, schemas = AssetNames(self.scene.dbs), {one.type_name: one for one in discover().schemas}
        found = []
        for path, features in OBJECTS.items():
            for name in ("", *features):
                specs = schemas[name].fields if name else ()
                readers = {
                    spec.name: partial(read_value, spec=spec, assets=names)
                    for spec in specs
                    if spec.names is Names.NOTHING
                }
                readers |= dict.fromkeys(FLAGS, boolean)
                if not name:
                    readers |= {key: partial(read_vector, width=width) for key, width in VECTORS.items()}
                found += [
                    (Case(path, name, field, value), read)
                    for field, read in readers.items()
                    for value in WRONG
                ]
        return found

    def check(self, case: Case, scene: Scene, problems: Sequence[Problem]) -> None:
        """The wrong value is one problem, at its place and with a hint, and all others are as without it."""
        (problem,) = problems
        _, line, column = text_of(case)
        assert problem.position is not None
        assert problem.position.line == line
        assert column <= problem.position.column < column + len(case.value)
        assert problem.help
        assert problem.severity is Severity.WARNING
        table = scene.tableau.tables.get(case.feature)
        spec = table.schema.by_name.get(case.field) if table is not None else None
        now = tree_of(scene.tableau)
        assert now.keys() == self.good.keys()
        for path, (*rest, features) in now.items():
            *before, wanted = self.good[path]
            assert rest == before
            if spec is not None and spec.required and path == case.path:
                wanted = {name: fields for name, fields in wanted.items() if name != case.feature}
            assert features.keys() == wanted.keys()
            for name, fields in features.items():
                changed = {key for key, value in fields.items() if value != wanted[name][key]}
                assert changed <= ({case.field} if (path, name) == case[:2] else set())


def is_wrong(read: Callable[[Node], object], value: str) -> bool:
    try:
        read(parse(f"x: {value}", "").root["x"])
    except InputError:
        return True
    return False


@pytest.fixture
def fields(root: Path, tmp_path: Path) -> Fields:
    (tmp_path / "assets").mkdir()
    (tmp_path / "scenes").mkdir()
    for name in ("cube", "morph"):
        shutil.copy(root / f"scenes/{name}.assets.hu", tmp_path / "scenes")
    (tmp_path / "scenes/sky.assets.hu").write_text(SKY)
    return Fields(tmp_path / "scenes")


def test_a_wrong_value_costs_itself_and_is_one_problem_at_its_place_with_a_hint(
    fields: Fields, sample: Any
) -> None:
    cases = fields.cases()
    for number in sample.of(range(len(cases)), 20):
        case, read = cases[number]
        if is_wrong(read, case.value):
            scene = fields.load(case)
            fields.check(case, scene, scene.warnings)


@pytest.mark.proof(short=True)
def test_nothing_follows_from_a_wrong_value_in_a_scene_that_is_planned(
    root: Path, tmp_path: Path, sample: Any
) -> None:
    scenes = small_scenes(tmp_path)[0].parent
    (scenes / "sky.assets.hu").write_text(SKY)
    fields = Fields(scenes)
    cases = fields.cases()
    with open_library(fields.scene.dbs) as library:
        for number in sample.of(range(len(cases)), 20):
            case, read = cases[number]
            if is_wrong(read, case.value):
                scene = fields.load(case)
                fields.check(case, scene, find_problems(scene, library, profile("lavapipe")))
