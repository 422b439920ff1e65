"""Claims about passes of plug-ins that name passes which are not there: a warning at the feature."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.random_scenes import profile

from engine.assets import AssetLibrary, open_library
from engine.feature import Feature, discover
from engine.graph import SCENE_COLOR, ClearPass, ColorTarget, Extent, ImageDecl, PrimitivePass, RepeatedPass
from engine.humon import Problem, Severity
from engine.plan import Format
from engine.planning.offline import scene_problems, settled_frame
from engine.scene import load_scene

OWN = ImageDecl("ownView", Format.R16G16B16A16_SFLOAT, Extent(scale=0.5))
COLOR = (ColorTarget(OWN),)
MODEL = "{ @type: visibleModel  asset: [builtin placeholder] }"
SCENE = """version: 1
tableau: { name: t  objects: {
    thing: { features: [MODEL] }
    eye: { features: [{ @type: repeater }] }
} }
"""


class Repeater(Feature):
    """Draws the picture once more."""

    type_name = "repeater"

    def __init__(self) -> None:
        self.declared: Any = ()

    def passes(self, rows):
        return self.declared


class Failing(Feature):
    """Has passes for its rows alone."""

    type_name = "failing"

    def passes(self, rows):
        return (ClearPass("failing", color=COLOR, before=(rows["none"][0],)),)


class Project:
    """A scene with the plug-in, and maybe a model."""

    def __init__(self, folder: Path) -> None:
        self.feature = Repeater()
        self.registry = discover()
        self.registry.register(self.feature)
        self.registry.register(Failing())
        self.path = folder / "scene.hu"
        self.path.write_text(SCENE.replace("MODEL", MODEL))
        self.library: AssetLibrary = open_library(load_scene(self.path, self.registry).dbs)

    def problems(self, *passes: Any, model: str = MODEL) -> list[Problem]:
        """Plan a frame; return what is wrong with it."""
        self.feature.declared = passes
        self.path.write_text(SCENE.replace("MODEL", model))
        scene = load_scene(self.path, self.registry)
        planner, _ = settled_frame(scene, self.library, profile("lavapipe"), (64, 48))
        assert len(scene.tableau.tables["repeater"].rows_active()) == 1, "it is not switched off"
        return [p for p in scene_problems(scene, self.library, planner) if p.code != "feature.absent"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("passes")
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        made = Project(folder)
        yield made
        made.library.close()


def repeating(name: str, **named: Any) -> RepeatedPass:
    return RepeatedPass("again", repeats=name, color=COLOR, **named)


@pytest.mark.parametrize("model", [MODEL, ""], ids=["with models", "without"])
@pytest.mark.parametrize(
    ("name", "said", "hint"),
    [
        ("forwrad", ", and no feature declares such a pass", "did you mean 'forward'? Where it"),
        ("quiteElse", ", and no feature declares such a pass", "blended"),
        ("", ", and no feature declares such a pass", "forward"),
        ("again", ", which repeats 'again' itself", "known: blended, forward"),
    ],
)
def test_a_pass_that_repeats_none_is_a_warning_at_its_feature(project, model, name, said, hint):
    (problem,) = project.problems(repeating(name), model=model)
    assert (problem.code, problem.severity) == ("pass.unknown", Severity.WARNING)
    assert problem.message == f"the pass again of repeater repeats '{name}'{said}"
    assert hint in problem.help
    assert (problem.position.line, problem.position.column) == (4, 25)
    assert project.problems(repeating(name, optional=True), model=model) == []


def test_a_pass_that_repeats_a_repeated_one_is_reported_with_that_one(project):
    first = RepeatedPass("first", repeats="forward", color=COLOR)
    (problem,) = project.problems(first, repeating("first"))
    assert problem.message == "the pass again of repeater repeats 'first', which repeats 'forward' itself"
    assert problem.help == "repeat 'forward'"


def test_only_a_draw_pass_can_be_repeated(project):
    own = ClearPass("own", color=(ColorTarget(SCENE_COLOR),))
    (problem,) = project.problems(own, repeating("own"))
    assert problem.message == "the pass again of repeater repeats 'own', which is a ClearPass, not a DrawPass"
    assert problem.help.startswith("known: blended, forward")


@pytest.mark.parametrize("model", [MODEL, ""], ids=["with models", "without"])
def test_a_pass_that_repeats_one_of_a_feature_that_is_off_is_left_out_in_silence(project, model):
    assert project.problems(repeating("forward", before=("sky",), after=("blended",)), model=model) == []


@pytest.mark.parametrize("member", ["before", "after"])
def test_a_name_in_before_or_after_that_is_nearly_one_of_a_pass_is_a_warning(project, member):
    (problem,) = project.problems(repeating("forward", **{member: ("blendd",)}))
    assert problem.code == "pass.unknown"
    assert problem.message.endswith(f"again of repeater comes {member} 'blendd', and no pass is called so")
    assert problem.help.startswith("did you mean 'blended'?")
    assert problem.position.line == 4


def test_names_of_no_pass_in_before_and_after_may_be_of_what_is_not_installed(project):
    row = [ClearPass(f"row{n}", color=COLOR, before=(f"row{n + 1}",)) for n in range(2)]
    assert project.problems(*row, repeating("forward", after=("unheardOf", "bloom"))) == []


@pytest.mark.parametrize("model", [MODEL, ""], ids=["with models", "without"])
def test_a_name_in_among_that_is_nearly_one_of_a_pass_that_sorts_is_a_warning(project, model):
    def drawn(name: str) -> PrimitivePass:
        shaders = ("screen.vs", "flatShape.fs")
        return PrimitivePass("puffs", color=COLOR, shaders=shaders, among=name)

    (problem,) = project.problems(drawn("blendet"), model=model)
    assert (problem.code, problem.severity) == ("pass.unknown", Severity.WARNING)
    what = "the pass puffs of repeater is drawn among 'blendet', and no pass is called so"
    assert problem.message == what
    assert problem.help.startswith("did you mean 'blended'?")
    assert problem.position.line == 4
    assert project.problems(drawn("ofAnotherPackage"), model=model) == []
