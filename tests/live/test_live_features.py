"""Shaders in the database of a feature's package are watched as those of the scene."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.live_scene import LiveScene
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import discover
from engine.runtime.live_assets import LiveAssets
from engine.runtime.options import RuntimeOptions
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

MODULE = """
from engine.feature import Feature
from engine.graph import SCENE_COLOR, ColorTarget, FullscreenPass

class Tint(Feature):
    type_name = "tint"
    asset_db = "tint.assets.hu"

    def passes(self, rows):
        return (FullscreenPass("tint", color=(ColorTarget(SCENE_COLOR),), shader="tint/tint"),)
"""
DATABASE = """assetDb: { name: tint  assets: [
    { @type: shader  name: tint  source: tint.fs.glsl  stage: fragment_shader_bit }
] }
"""
SHADER = """#version 450
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() { colour = vec4(COLOUR, 1.0); }
"""
SCENE = """version: 1
tableau: { name: t  objects: {
    camera: { features: [{ @type: camera  toneMapping: none }] }
    all: { features: [{ @type: tint }] }
} }
"""
RED, BLUE = "1.0, 0.0, 0.0", "0.0, 0.0, 1.0"


@pytest.fixture
def live(tmp_path: Path) -> Iterator[LiveScene]:
    """A scene in one colour, that of a shader in the package of a feature."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "tint_feature.py").write_text(MODULE)
    (package / "tint.assets.hu").write_text(DATABASE)
    (package / "tint.fs.glsl").write_text(SHADER.replace("COLOUR", RED))
    (tmp_path / "scene").mkdir()
    (tmp_path / "scene/scene.hu").write_text(SCENE)
    spec = importlib.util.spec_from_file_location("tint_feature", package / "tint_feature.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(__import__("sys").modules, "tint_feature", module)
        spec.loader.exec_module(module)
        registry = discover()
        registry.register(module.Tint())
        scene = load_scene(tmp_path / "scene/scene.hu", registry)
        with open_library(scene.dbs) as library:
            options = RuntimeOptions(size=(16, 16), validate=True)
            with shared_runtime(scene, library, options) as runtime, LiveAssets(runtime) as assets:
                runtime.settle()
                yield LiveScene(package, runtime, assets)
                runtime.wait()


def colour(live: LiveScene) -> tuple[int, ...]:
    return tuple(live.runtime.read_pixels()[8, 8, :3].tolist())


def test_a_shader_of_a_feature_shows_when_it_is_saved_and_never_nothing(live: LiveScene) -> None:
    assert colour(live) == (255, 0, 0)
    live.file("tint.fs.glsl").write_text(SHADER.replace("COLOUR", BLUE))
    seen = set()
    reloads = live.live.reloads
    while live.live.reloads == reloads:
        live.step()
        seen.add(colour(live))
    assert seen == {(255, 0, 0), (0, 0, 255)}
    assert colour(live) == (0, 0, 255)


def test_a_shader_that_does_not_fit_its_pass_stays_as_it_was(live: LiveScene) -> None:
    unfit = SHADER.replace("in vec2 uv", "in vec4 uv").replace("COLOUR", "uv.xyw")
    live.file("tint.fs.glsl").write_text(unfit)
    live.until(lambda: any("tint" in problem.message for problem in live.runtime.problems))
    live.picture()
    assert colour(live) == (255, 0, 0)
    live.file("tint.fs.glsl").write_text(SHADER.replace("COLOUR", BLUE))
    live.until(lambda: colour(live) == (0, 0, 255))


def test_a_pass_keeps_its_shader_when_another_name_is_saved_for_it_and_says_so(live: LiveScene) -> None:
    file = live.file("tint.assets.hu")
    file.write_text(DATABASE.replace("@type: shader  name: tint", "@type: shader  name: tintx"))
    live.until(lambda: bool(misfits(live)))
    live.picture()
    assert colour(live) == (255, 0, 0)
    assert "no shader named 'tint'" in misfits(live)[0]
    (problem,) = (one for one in live.runtime.problems if one.code == "shader.interface")
    line = next(n for n, text in enumerate(file.read_text().splitlines(), 1) if "tintx" in text)
    assert str(problem.position).endswith(f"tint.assets.hu:{line}:5")
    file.write_text(DATABASE)
    live.until(lambda: not misfits(live))
    live.file("tint.fs.glsl").write_text(SHADER.replace("COLOUR", BLUE))
    live.until(lambda: colour(live) == (0, 0, 255))
    assert not misfits(live)


def misfits(live: LiveScene) -> list[str]:
    return [one.message for one in live.runtime.problems if one.code == "shader.interface"]
