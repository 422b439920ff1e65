"""Claims about features that conflict on an object, and about more of one than may be active."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.random_scenes import profile

from engine.assets import open_library
from engine.feature import Feature, Registry, discover
from engine.humon import Problem, Severity
from engine.planning.scene import ScenePlanner
from engine.scene import Scene, load_scene


class Sun(Feature):
    """A sun of which there may be two."""

    type_name = "sun"
    at_most = 2


class Night(Feature):
    """Has no sun on its object."""

    type_name = "night"
    conflicts = ("sun", "unheardOf")


class Tide(Feature):
    """Requires what no feature is called."""

    type_name = "tide"
    requires = ("sunn",)


def registry() -> Registry:
    found = discover()
    found.register(Tide())
    found.register(Sun())
    found.register(Night())
    return found


def load(folder: Path, *objects: str) -> Scene:
    """A scene with these objects, from line 3 on."""
    path = folder / "limits.hu"
    path.write_text("version: 1\ntableau: { name: t  objects: {\n" + "\n".join(objects) + "\n} }\n")
    return load_scene(path, registry())


def counted(scene: Scene) -> list[Problem]:
    """The problems about numbers of features now."""
    with open_library(scene.dbs) as library:
        planner = ScenePlanner(scene.tableau, scene.registry, library, profile("lavapipe"), (32, 32))
        planner.needs()
        return [problem for problem in planner.problems if problem.code == "feature.count"]


@pytest.mark.parametrize("order", [("sun", "night"), ("night", "sun")])
def test_of_two_features_that_conflict_the_later_one_is_left_out(tmp_path: Path, order) -> None:
    features = "\n".join(f"    {{ @type: {name} }}" for name in order)
    scene = load(tmp_path, "fine: { features: [{ @type: sun }] }", f"odd: {{ features: [\n{features} ] }}")
    assert list(scene.tableau["odd"].features) == [order[0]]
    assert "sun" in scene.tableau["fine"]
    (problem,) = scene.left_out
    assert (problem.code, problem.severity) == ("feature.conflict", Severity.WARNING)
    assert problem.message == f"{order[1]} on 'odd' conflicts with {order[0]} on the same object"
    assert (problem.position.line, problem.position.column) == (6, 7)
    assert problem.help == f"remove one of them; the other is at {tmp_path / 'limits.hu'}:5:7"


def test_more_than_may_be_active_are_warnings_at_their_lines_while_they_are(tmp_path: Path) -> None:
    objects = (f"s{n}: {{ features: [{{ @type: sun }}] }}" for n in range(4))
    scene = load(tmp_path, *objects, "n: { features: [{ @type: night }] }")
    found = counted(scene)
    assert [(one.severity, one.position.line) for one in found] == [(Severity.WARNING, n) for n in (5, 6)]
    assert found[0].message == "sun on 's2' is one too many: 4 are active, and 2 are allowed"
    assert "switch it off" in found[0].help
    assert f"'s0' ({tmp_path / 'limits.hu'}:3:20)" in found[0].help
    scene.tableau["s0"].active = False
    scene.tableau["s3"].sun.enabled = False  # still active
    assert [one.position.line for one in counted(scene)] == [6]
    scene.tableau["s1"].sun.active = False
    assert counted(scene) == []


def test_a_feature_that_requires_an_unknown_one_is_left_out_with_the_nearest_name(tmp_path: Path) -> None:
    scene = load(tmp_path, "odd: { features: [{ @type: tide }] }")
    assert "tide" not in scene.tableau["odd"]
    (problem,) = scene.left_out
    assert problem.code == "feature.requires"
    assert problem.help == "no feature is called sunn; did you mean 'sun'?"


def test_of_very_many_only_some_are_listed(tmp_path: Path) -> None:
    scene = load(tmp_path, *(f"s{n}: {{ features: [{{ @type: sun }}] }}" for n in range(100)))
    assert len(counted(scene)) == 16
