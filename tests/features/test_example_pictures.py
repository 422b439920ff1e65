"""Claims about pictures of the example packages, and of the package that docs/features.md makes."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from support.images import assert_colours
from support.panes import Panes, pane
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

SIZE = (64, 64)
GLOWING = "parameters: {{ emissive: {} baseColor: [0 0 0 {}] metallic: 0 roughness: 1 }}"
MATERIALS = {
    "red": f"{GLOWING.format('[1 0 0]', 0.5)} alphaMode: blend",
    "blue": GLOWING.format("[0 0 1]", 1),
}
DARK = "    none: { features: [{ @type: light  intensity: 0  sky: [0 0 0]  ground: [0 0 0] }] }\n"
Open = Callable[..., Runtime]


def imported(path: Path) -> ModuleType:
    """Import a module from a file."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def feature_of(module: ModuleType) -> Feature:
    """Make the only feature that a module declares."""
    (found,) = (
        one
        for one in vars(module).values()
        if isinstance(one, type) and issubclass(one, Feature) and one.__module__ == module.__name__
    )
    return found()


@pytest.fixture
def example(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Feature]:
    """Makes the feature of an example package by its name, or of the first feature's: haze."""

    def make(name: str) -> Feature:
        monkeypatch.setitem(sys.modules, f"diorama_{name}", ModuleType(""))
        if name != "haze":
            return feature_of(imported(root / "docs" / "features" / name / f"diorama_{name}.py"))
        page = (root / "docs" / "features.md").read_text(encoding="utf-8")
        for path, text in re.findall(r"Write\s+`([^`]+)`:\n\n```\w+\n(.*?)^```$", page, re.M | re.S):
            (tmp_path / "page" / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "page" / path).write_text(text)
        (tmp_path / "page/diorama_haze/__init__.py").rename(tmp_path / "page/diorama_haze/diorama_haze.py")
        return feature_of(imported(tmp_path / "page" / "diorama_haze" / "diorama_haze.py"))

    return make


@pytest.fixture
def shown(root: Path, tmp_path: Path) -> Iterator[Open]:
    """Opens a scene of panes with features beside the builtin ones, with everything uploaded."""
    panes = Panes(root, tmp_path)
    with ExitStack() as stack:

        def show(features: tuple[Feature, ...], objects: str, **materials: str) -> Runtime:
            registry = discover()
            for feature in features:
                registry.register(feature)
            scene = load_scene(panes.scene(MATERIALS | materials, objects), registry)
            library = stack.enter_context(open_library(scene.dbs))
            options = RuntimeOptions(size=SIZE, validate=True, trials=False)
            runtime = stack.enter_context(shared_runtime(scene, library, options))
            runtime.settle()
            assert [str(problem.message) for problem in runtime.problems] == []
            return runtime

        yield show


def picture(runtime: Runtime) -> np.ndarray:
    """Draw a frame; return its colours as int[height, width, 3]."""
    runtime.settle()
    runtime.frame()
    return runtime.read_pixels()[..., :3].astype(int)


@pytest.mark.parametrize("name", ["haze", "fog"])
def test_what_blends_stands_before_fog_where_nothing_is_behind(
    example: Callable[[str], Feature], shown: Open, name: str
) -> None:
    air = f"    air: {{ features: [{{ @type: {name}  color: [0 1 0]  density: 100 }}] }}\n"
    runtime = shown((example(name),), air + pane("red", "red", "translation: [0 0 -1]") + DARK)
    seen = picture(runtime)
    assert_colours(seen[32, 32], (187, 187, 0), why="half of the pane's light over half of the fog's")
    assert_colours(seen[2, 2], (0, 255, 0))
