"""Claims about plug-ins with broken shaders, or passes in a circle: the cause is named with its place."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from support.random_scenes import profile

from engine.assets import AssetLibrary, open_library
from engine.feature import Feature, discover
from engine.graph import SCENE_COLOR, ColorTarget, DrawPass, FullscreenPass
from engine.humon import Problem
from engine.planning.offline import scene_problems, settled_frame
from engine.scene import load_scene

BROKEN = """#version 450
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() { colour = vec4(uw, 0.0, 1.0); }
"""
SOUND = BROKEN.replace("uw", "uv")
COLOR = (ColorTarget(SCENE_COLOR),)
SCENE = """version: 1
tableau: { name: t  objects: {
    thing: { features: [{ @type: visibleModel  asset: [builtin placeholder] } OTHERS] }
} }
"""


class Tinted(Feature):
    """Draws the picture once more."""

    type_name = "tinted"
    shaders: ClassVar = {"sound.fs": SOUND, "broken.fs": BROKEN}

    def __init__(self) -> None:
        self.declared: Any = ()

    def passes(self, rows):
        return self.declared


class Project:
    """A scene with a model and maybe the plug-in, whose library is cooked once."""

    def __init__(self, folder: Path) -> None:
        self.feature = Tinted()
        self.registry = discover()
        self.registry.register(self.feature)
        self.path = folder / "scene.hu"
        self.path.write_text(SCENE.replace("OTHERS", "{ @type: tinted }"))
        self.library: AssetLibrary = open_library(load_scene(self.path, self.registry).dbs)

    def problems(self, *passes: Any, others: str = "{ @type: tinted }") -> list[Problem]:
        """Plan a frame; return what is wrong with it."""
        self.feature.declared = passes
        self.path.write_text(SCENE.replace("OTHERS", others))
        scene = load_scene(self.path, self.registry)
        planner, _ = settled_frame(scene, self.library, profile("lavapipe"), (64, 48))
        assert len(scene.tableau.tables["visibleModel"].rows_active()) == 1, "the model is drawn"
        return [p for p in scene_problems(scene, self.library, planner) if p.code != "feature.absent"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("shaders")
        patch.setenv("XDG_CACHE_HOME", str(folder / "cache"))
        made = Project(folder)
        yield made
        made.library.close()


@pytest.mark.parametrize(
    "declared",
    [
        FullscreenPass("tint", color=COLOR, shader="tinted/broken.fs"),
        DrawPass("tint", color=COLOR, draws="visibleModel", shaders=("default.vs", "tinted/broken.fs")),
    ],
    ids=lambda declared: type(declared).__name__,
)
def test_a_plug_in_with_a_broken_shader_is_off_for_what_the_compiler_says_at_its_line(project, declared):
    failed, *others = project.problems(declared)
    assert failed.code == "feature.failed"
    said = (
        "tinted on 'thing' is switched off: the pass tint needs shader 'broken.fs', which is broken: 'uw' : "
    )
    assert failed.message.startswith(said)
    assert failed.message.endswith("broken.fs.glsl:4:29)")
    assert failed.help.partition(";")[0]
    assert {problem.code for problem in others} == {"asset.broken", "shader.compile"}


def test_a_broken_shader_of_a_plug_in_is_not_reported_in_a_scene_without_the_plug_in(project):
    assert [problem.render() for problem in project.problems(others="")] == []
    there = project.problems(others="{ @type: tinted  active: false }")
    assert {problem.code for problem in there} == {"asset.broken", "shader.compile"}


def test_passes_that_come_after_each_other_are_named_in_their_circle(project):
    sound = {"color": COLOR, "shader": "tinted/sound.fs"}
    failed, *_ = project.problems(
        FullscreenPass("before", **sound),
        FullscreenPass("one", after=("two", "before"), **sound),
        FullscreenPass("two", after=("three",), **sound),
        FullscreenPass("three", after=("one",), **sound),
        FullscreenPass("behind", after=("one",), **sound),
    )
    assert failed.code == "feature.failed"
    assert failed.message.endswith("is switched off: passes depend on each other: one -> three -> two -> one")
    assert failed.help.startswith("leave out one `after`, `before` or read")


def test_a_shader_that_is_not_there_is_named_with_the_nearest(project):
    failed, *_ = project.problems(FullscreenPass("tint", color=COLOR, shader="tinted/sond.fs"))
    assert failed.message.endswith("assetDb 'feature.tinted' has no shader named 'sond.fs'")
    assert failed.help.startswith("did you mean 'sound.fs'?")
