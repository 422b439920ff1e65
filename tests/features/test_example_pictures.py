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
from support.flat_scenes import copy_builtin, flat_scene, rows
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
SMOKED = "parameters: { baseColor: [0 0 0 0.99]  metallic: 0  roughness: 1 } alphaMode: blend"
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
def panes(root: Path, tmp_path: Path) -> Panes:
    return Panes(root, tmp_path)


@pytest.fixture
def shown(panes: Panes) -> Iterator[Open]:
    """Opens a scene of panes with features beside the builtin ones, with everything uploaded."""
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
            assert [str(one.message) for one in runtime.problems if one.code != "feature.absent"] == []
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
    air = f"    air: {{ features: [{{ @type: {name}  color: [0 1 0]  density: 1 }}] }}\n"
    runtime = shown((example(name),), air + pane("red", "red", "translation: [0 0 -0.001]") + DARK)
    seen = picture(runtime)
    assert_colours(seen[32, 32], (187, 187, 0), why="half of the pane's light over half of the fog's")
    assert_colours(seen[2, 2], (0, 255, 0))


SEEN_FROM = {
    "orthographic": {"projection": "orthographic"},
    "perspective": {"projection": "perspective", "near": 0.5, "fovY": 53.0},
    "with a far plane": {"projection": "perspective", "near": 0.5, "far": 6.0, "fovY": 53.0},
}


@pytest.mark.parametrize("lens", SEEN_FROM)
@pytest.mark.parametrize("name", ["haze", "fog"])
def test_what_blends_is_as_far_in_the_fog_as_what_does_not(
    example: Callable[[str], Feature], shown: Open, panes: Panes, name: str, lens: str
) -> None:
    air = f"    air: {{ features: [{{ @type: {name}  color: [0 1 0]  density: 0.3 }}] }}\n"
    solid = GLOWING.format("[1 0 0]", 1)
    things = pane("left", "solid", "translation: [-1 0 2] scale: [2 9 1]")
    things += pane("right", "glass", "translation: [1 0 2] scale: [2 9 1]")
    runtime = shown((example(name),), air + things + DARK, solid=solid, glass=f"{solid} alphaMode: blend")
    runtime.tableau["camera"].translation = (0, 0, 5)
    for field, value in SEEN_FROM[lens].items():
        setattr(runtime.tableau["camera"].camera, field, value)
    seen = picture(runtime)
    light = np.array((1, 0, 0)) * np.exp(-0.9) + np.array((0, 1, 0)) * (1 - np.exp(-0.9))
    shades = 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    for place in (seen[32, 12], seen[32, 52], seen[60, 20], seen[60, 44]):
        assert_colours(place, shades.round(), why="three metres of fog")
    runtime.tableau["left"].visibleModel.enabled = False
    assert_colours(picture(runtime)[32, 12], (0, 255, 0), why="nothing is there, however near the far plane")


def block(name: str, more: str, features: str) -> str:
    """Return an object with a visible model of that name, which hides what is behind, and more features."""
    model = "{ @type: visibleModel  asset: [db blue] }"
    return f"    {name}: {{ {more} features: [{model} {features}] }}\n"


def test_each_line_around_an_object_has_the_colour_and_width_of_its_row(
    example: Callable[[str], Feature], shown: Open
) -> None:
    lines = "{ @type: outline  width: 1  color: [0 1 0] }", "{ @type: outline  width: 6  color: [1 0 0] }"
    left = block("left", "translation: [-0.5 0 0] scale: [0.4 0.4 1]", lines[0])
    right = block("right", "translation: [0.5 0 0] scale: [0.4 0.4 1]", lines[1])
    runtime = shown((example("outline"),), left + right + DARK)
    seen = picture(runtime)
    green, red = (seen[..., 1] > 128).sum(axis=1)[32], (seen[..., 0] > 128).sum(axis=1)[32]
    assert (green, red) == (2, 12), "on both sides of each"
    runtime.tableau["right"].outline.enabled = False
    assert not (picture(runtime)[..., 0] > 0).any()
    runtime.tableau["left"].outline.color = (0, 0.5, 0.5)
    assert (abs(picture(runtime)[32, :, 2].astype(int) - 188) <= 1).sum() == 2  # drivers round otherwise


def test_a_line_around_an_object_follows_the_holes_of_a_material(
    example: Callable[[str], Feature], shown: Open, panes: Panes
) -> None:
    panes_of = {"mask": "textures: { albedo: holed } alphaMode: mask"}
    panes.picture("holed", [[(255, 255, 255, 255), (255, 255, 255, 0)]])
    line = "{ @type: outline width: 2 color: [1 0 0] }"
    thing = f"    p: {{ features: [{{ @type: visibleModel  asset: [db mask] }} {line}] }}\n"
    seen = picture(shown((example("outline"),), thing + DARK, **panes_of))
    line_at = np.flatnonzero(seen[32, :, 0] > 128)
    assert line_at.min() in (14, 15)
    assert 30 <= line_at.max() <= 36, "the right half is a hole"


def grown(mask: np.ndarray, steps: int) -> np.ndarray:
    """A mask with all that is so many pixels beside it or nearer."""
    for _ in range(steps):
        padded = np.pad(mask, 1)
        mask = mask | padded[2:, 1:-1] | padded[:-2, 1:-1] | padded[1:-1, 2:] | padded[1:-1, :-2]
    return mask


@pytest.mark.parametrize("feature", ["skin", "morph { weights: [1] }"])
def test_a_line_around_an_object_follows_bones_and_morph_targets(
    example: Callable[[str], Feature], tmp_path: Path, feature: str
) -> None:
    name, _, fields = feature.partition(" ")
    pos = np.array([(x, y, 0.0) for y in (0.0, 1.0, 2.0) for x in (-0.3, 0.3)])
    triangles = "indices: [[0 1 3] [0 3 2] [2 3 5] [2 5 4]]"
    bones = "bones: [{ name: low } { name: up  parent: low  translation: [0 1 0] }]"
    targets = "targets: { wide: { vertices: [4 5] pos: [[1.2 0 0] [1.2 0 0]] } }"
    copy_builtin(tmp_path)
    (tmp_path / "strip.hu").write_text(
        f"mesh: {{ name: strip  vertices: {{ pos: {rows(pos)} normal: {rows(np.tile((0, 0, 1), (6, 1)))} "
        f"uv_albedo: {rows(pos[:, :2])} frameIdxs: [0 0 0 0 1 1] frameWeights: [1 1 1 1 1 1] }} "
        f"{triangles} {bones} {targets} }}"
    )
    assets = (
        "{ @type: skeleton  name: strip  source: strip } { @type: morphTargets  name: strip  source: strip }"
    )
    form = "[frameIdxs r8_uint] [frameWeights r32_sfloat] [morph r32_uint]"
    bent = "low: { objects: { up: { translation: [0 1 0]  euler: [0 0 -50] } } }" if name == "skin" else ""
    line = "{ @type: outline  width: 2  color: [0 1 0] }"
    thing = f"{{ @type: visibleModel  asset: [own strip] }} {{ @type: {name} {fields.strip('{} ')} }} {line}"
    objects = f"strip: {{ features: [{thing}]  objects: {{ {bent} }} }}"
    mesh = "skeleton: strip  targets: strip"
    (tmp_path / "scene.hu").write_text(
        flat_scene("strip", mesh, form, assets, "translation: [0 1 5]", objects)
    )
    registry = discover()
    registry.register(example("outline"))
    scene = load_scene(tmp_path / "scene.hu", registry)
    options = RuntimeOptions(size=SIZE, validate=True, trials=False)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        seen = picture(runtime)
        assert [str(one.message) for one in runtime.problems if one.code != "feature.absent"] == []
    model, lined = seen[..., 0] > 128, (seen[..., 0] == 0) & (seen[..., 1] > 128)
    assert model[:, 40:].any(), "it is not drawn as the mesh was made"
    assert not (lined & ~grown(model, 4)).any()
    assert not (grown(model, 1) & ~model & ~lined & (seen[..., 1] == 0)).any()


def test_every_fountain_has_sparks_of_its_own(example: Callable[[str], Feature], shown: Open) -> None:
    fountains = "".join(
        f"    {name}: {{ translation: [{x} -1 -2] features: [{{ @type: particles  speed: 0.9 }}] }}\n"
        for name, x in (("left", -0.6), ("right", 0.6))
    )
    runtime = shown((example("particles"),), fountains + DARK)

    def sides() -> list[bool]:
        seen = picture(runtime)
        return [bool((half > 8).any()) for half in (seen[:, :24], seen[:, 40:])]

    assert sides() == [True, True]
    runtime.tableau["left"].particles.enabled = False
    assert sides() == [False, True]
    runtime.tableau["right"].particles.active = False
    runtime.tableau["left"].particles.enabled = True
    assert sides() == [True, False]


def test_sparks_are_seen_through_what_blends(example: Callable[[str], Feature], shown: Open) -> None:
    fountain = "    f: { translation: [0 -1 -2] features: [{ @type: particles  speed: 0.9 }] }\n"
    bare = picture(shown((example("particles"),), fountain + DARK))
    before = fountain + pane("dark", "dark", "scale: [9 9 1]") + DARK
    behind = picture(shown((example("particles"),), before, dark=SMOKED))
    assert bare.max() == 255
    assert 0 < behind.sum() < 0.5 * bare.sum(), "a hundredth of their light"


def fountain(name: str, place: str) -> str:
    """Return a fountain whose sparks stay below the middle of the picture's height."""
    return f"    {name}: {{ translation: [{place}] features: [{{ @type: particles  speed: 0.9 }}] }}\n"


def dark_pane(depth: float) -> str:
    """Return a pane over the whole picture that lets a hundredth of the light behind it through."""
    return pane("dark", "dark", f"scale: [9 9 1] translation: [0 0 {depth}]")


def test_sparks_hide_what_blends_behind_them_as_they_stand(
    example: Callable[[str], Feature], shown: Open
) -> None:
    bare = picture(shown((example("particles"),), fountain("f", "0 -1 -2") + DARK))
    runtime = shown((example("particles"),), fountain("f", "0 -1 -2") + dark_pane(-4) + DARK, dark=SMOKED)
    assert (picture(runtime) == bare).all(), "the pane stands behind them"
    runtime.tableau["dark"].translation = (0, 0, -1)
    assert picture(runtime).sum() < 0.5 * bare.sum(), "a hundredth of their light"
    runtime.tableau["f"].translation = (0, -1, -0.5)
    assert (picture(runtime) == bare).all(), "they stand before it again"


def test_each_fountain_stands_by_itself_among_what_blends(
    example: Callable[[str], Feature], shown: Open
) -> None:
    fountains = fountain("left", "-0.6 -1 -2") + fountain("right", "0.6 -1 -3")
    bare = picture(shown((example("particles"),), fountains + DARK))
    both = f"{SMOKED} doubleSided: true"
    runtime = shown((example("particles"),), fountains + dark_pane(-2.5) + DARK, dark=both)
    seen = picture(runtime)
    assert (seen[:, :24] == bare[:, :24]).all()
    assert seen[:, 40:].sum() < 0.5 * bare[:, 40:].sum()
    runtime.tableau["camera"].euler = (0, 180, 0)
    runtime.tableau["camera"].translation = (0, 0, -5)
    seen = picture(runtime)
    assert seen[:, :24].sum() > 2 * seen[:, 40:].sum() > 0, "seen from behind it is the other way round"


def test_sparks_fade_in_fog_as_far_as_they_are(example: Callable[[str], Feature], shown: Open) -> None:
    air = "    air: { features: [{ @type: fog  color: [0 0 0]  density: 1  start: 1 }] }\n"
    air += block("solid", "translation: [9 0 0]", "")
    features = example("fog"), example("particles")
    runtime = shown(features, air + fountain("f", "0 -1 -1") + DARK)
    near = picture(runtime)
    runtime.tableau["air"].fog.enabled = False
    assert picture(runtime).sum() > near.sum() > 0.7 * picture(runtime).sum(), "half of them are before it"
    runtime.tableau["f"].translation = (0, -1, -9)
    bare = picture(runtime)
    runtime.tableau["air"].fog.enabled = True
    assert 0 < picture(runtime).sum() < 0.2 * bare.sum(), "eight metres leave a three-thousandth of each"


@pytest.mark.parametrize("glass", ["", "glass"])
def test_sparks_are_mirrored_with_what_else_blends(
    example: Callable[[str], Feature], shown: Open, glass: str
) -> None:
    things = "    m: { translation: [0 -0.6 0] features: [{ @type: water  ripples: 0 }] }\n"
    things += "    f: { translation: [0 -0.4 -1] features: [{ @type: particles  speed: 1.5 }] }\n" + DARK
    things += block("solid", "translation: [9 0 0]", "")
    things += pane("red", "red", "translation: [0 0 -3] scale: [3 3 1]") if glass else ""
    runtime = shown((example("water"), example("particles")), things)
    camera = runtime.tableau["camera"]
    camera.camera.projection, camera.translation, camera.euler = "perspective", (0, 0, 3), (-12, 0, 0)
    seen = picture(runtime)
    passes = [one.declaration.name for one in runtime.needs.graph.passes]
    assert passes.index("waterBlended sparks") < passes.index("water")
    runtime.tableau["f"].particles.enabled = False
    lit = (seen - picture(runtime)).max(axis=2).max(axis=1)
    assert lit[:28].max() > 200, "sparks"
    assert 100 < lit[32:].max() < 200, "below the fountain their mirror image"


def test_each_object_stands_in_a_wind_of_its_own(example: Callable[[str], Feature], shown: Open) -> None:
    def swaying(name: str, x: float, more: str) -> str:
        wind = f"{{ @type: wind  asset: [db blue]  speed: 0  heading: 0  {more} }}"
        return f"    {name}: {{ translation: [{x} 0 0] scale: [0.5 0.5 1] features: [{wind}] }}\n"

    things = swaying("left", -0.5, "strength: 0  color: [1 0 0]")
    things += swaying("right", 0.25, "strength: 1  color: [0 1 0]")
    seen = picture(shown((example("wind"),), things + "    sun: { features: [{ @type: light }] }\n"))
    red, green = np.flatnonzero(seen[26, :, 0] > 60), np.flatnonzero(seen[26, :, 1] > 60)
    assert red.mean() == pytest.approx(15.5, abs=1), "where it stands"
    assert green.mean() > 42, "bent to the right"


@pytest.mark.parametrize("name", ["water", "mirror"])
def test_what_blends_is_mirrored(example: Callable[[str], Feature], shown: Open, name: str) -> None:
    asset = "asset: [db blue]" if name == "mirror" else ""
    mirroring = f"    m: {{ translation: [0 -0.6 0] features: [{{ @type: {name}  {asset} }}] }}\n"
    things = mirroring + pane("red", "red", "translation: [0 0 -1]")
    runtime = shown((example(name),), things + "    sun: { features: [{ @type: light }] }\n")
    picture(runtime)
    passes = [one.declaration.name for one in runtime.needs.graph.passes]
    assert passes.index(f"{name}Blended") < passes.index(name)
    runtime.tableau["red"].visibleModel.active = False
    picture(runtime)
    assert f"{name}Blended" not in [one.declaration.name for one in runtime.needs.graph.passes]
