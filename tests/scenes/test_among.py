"""Claims about pictures with plug-in passes that are drawn among what blends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from support.images import assert_colours
from support.panes import Panes, pane
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.graph import (
    SCENE_COLOR,
    SCENE_DEPTH,
    BufferDecl,
    BufferUse,
    ColorTarget,
    ComputePass,
    DepthTarget,
    PrimitivePass,
)
from engine.graph.view_mode import ViewMode
from engine.plan import Blend
from engine.plan.terms.drawing import ShaderStage
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene
from engine.tableau.schema import color_field

pytestmark = pytest.mark.gpu

INDICES = BufferDecl("puffIndices", 24)
INDEX = """#version 450
layout(local_size_x = 6) in;
layout(set = 0, binding = 0, std430) buffer Indices { uint row[]; } indices;
void main() { indices.row[gl_LocalInvocationIndex] = gl_LocalInvocationIndex; }
"""
VERTEX = """#version 450
struct Puff { vec4 light; };
layout(set = 0, binding = 0, std430) readonly buffer Puffs { Puff row[]; } puffs;
layout(location = 0) out vec4 light;
void main() { // each part has two instances, one for each half of the picture
    vec2 corners[6] = vec2[](vec2(-1, 0), vec2(1, 0), vec2(1, 1), vec2(-1, 0), vec2(1, 1), vec2(-1, 1));
    gl_Position = vec4(corners[gl_VertexIndex] - vec2(0, gl_InstanceIndex % 2), 1.0, 1.0);
    light = puffs.row[gl_InstanceIndex / 2].light;
}
"""
FRAGMENT = """#version 450
layout(location = 0) in vec4 light;
layout(location = 0) out vec4 colour;
void main() { colour = vec4(light.rgb, 1.0); }
"""
PAINTED = "parameters: {{ emissive: {} baseColor: [0 0 0 1] metallic: 0 roughness: 1 }} alphaMode: blend"
DARK = "    none: { features: [{ @type: light  intensity: 0  sky: [0 0 0]  ground: [0 0 0] }] }\n"
Open = Callable[..., Runtime]


class Puffs(Feature):
    """Smoke that hides all that is behind its object."""

    type_name = "puffs"
    fields = (color_field("color", (1.0, 1.0, 1.0)),)
    buffers = ("puffs",)
    is_indexed = False
    shaders: ClassVar = {"puff.vs": VERTEX, "puff.fs": FRAGMENT, "index.cs": INDEX}

    def passes(self, rows):
        """A pass among what blends."""
        puffs = PrimitivePass(
            "puffs",
            color=(ColorTarget(SCENE_COLOR, Blend.PREMULTIPLIED),),
            depth=DepthTarget(SCENE_DEPTH, write=False),
            shaders=("puffs/puff.vs", "puffs/puff.fs"),
            vertices=6,
            instances=2,
            among="blended",
            parts=len(rows),
            indices=INDICES if self.is_indexed else None,
        )
        write = BufferUse(INDICES, "indices", writes=True, stages=ShaderStage.COMPUTE)
        index = ComputePass("indexPuffs", buffers=(write,), shader="puffs/index.cs", threads=(6, 1, 1))
        return (index, puffs) if self.is_indexed else (puffs,)

    def buffer_values(self, frame):
        """Their colours."""
        return {"puffs": {"light": np.insert(frame.enabled("puffs")["color"], 3, 1.0, axis=1)}}


class IndexedPuffs(Puffs):
    """The same with indices."""

    type_name = "puffs"
    is_indexed = True


def puff(name: str, color: str, depth: float) -> str:
    return f"    {name}: {{ translation: [0 0 {depth}] features: [{{ @type: puffs  color: [{color}] }}] }}\n"


TWO = puff("red", "1 0 0", -2) + puff("green", "0 1 0", -3)


@pytest.fixture
def shown(root: Path, tmp_path: Path) -> Iterator[Open]:
    """Opens a scene of panes with a plug-in."""
    with ExitStack() as stack:

        def show(objects: str, feature: Feature | None = None, faults: int = 0) -> Runtime:
            registry = discover()
            registry.register(feature or Puffs())
            materials = {"white": PAINTED.format("[1 1 1]")}
            scene = load_scene(Panes(root, tmp_path).scene(materials, objects + DARK), registry)
            library = stack.enter_context(open_library(scene.dbs))
            options = RuntimeOptions(size=(32, 32), validate=True, trials=False)
            runtime = stack.enter_context(shared_runtime(scene, library, options))
            runtime.settle()
            runtime.frame()
            runtime.settle()
            assert len([one for one in runtime.problems if one.code != "feature.absent"]) == faults
            return runtime

        yield show


def colours(runtime: Runtime) -> np.ndarray:
    """The colours in the middle of both halves, int[2, 3]."""
    runtime.settle()
    runtime.frame()
    return runtime.read_pixels()[[4, 28], 16, :3].astype(int)


def assert_seen(runtime: Runtime, colour: tuple[int, int, int], why: str = "") -> None:
    """Fail if one of the halves of the picture is not of this colour."""
    assert_colours(colours(runtime), (colour, colour), why=why)


@pytest.mark.parametrize("feature", [Puffs, IndexedPuffs])
def test_parts_are_sorted_among_themselves_where_nothing_else_blends(shown: Open, feature: Any) -> None:
    runtime = shown(TWO, feature())
    assert "blended" not in [p.declaration.name for p in runtime.needs.graph.passes]
    assert_seen(runtime, (255, 0, 0), why="it is nearer")
    runtime.tableau["green"].translation = (0, 0, -1)
    assert_seen(runtime, (0, 255, 0))
    runtime.tableau["green"].puffs.enabled = False
    assert_seen(runtime, (255, 0, 0))
    runtime.tableau["red"].puffs.enabled = False
    assert_seen(runtime, (0, 0, 0), why="none is left to draw")


@pytest.mark.parametrize("feature", [Puffs, IndexedPuffs])
def test_parts_and_objects_that_blend_hide_each_other_by_distance(shown: Open, feature: Any) -> None:
    runtime = shown(TWO + pane("pane", "white", "scale: [9 9 1] translation: [0 0 -2.5]"), feature())
    assert_seen(runtime, (255, 0, 0))
    runtime.tableau["pane"].translation = (0, 0, -1)
    assert_seen(runtime, (255, 255, 255))
    runtime.tableau["green"].translation = (0, 0, -0.5)
    assert_seen(runtime, (0, 255, 0))
    runtime.tableau["pane"].visibleModel.active = False
    assert_seen(runtime, (0, 255, 0), why="no other pass is there to draw them")
    runtime.tableau["pane"].visibleModel.active = True
    runtime.tableau["green"].puffs.active = False
    assert_seen(runtime, (255, 255, 255))


def test_a_frame_records_nothing_while_the_order_stays(shown: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = shown(TWO + pane("pane", "white", "scale: [9 9 1] translation: [0 0 -2.5]"))
    for _ in range(4):
        runtime.frame()
    renderer, recorded = runtime.renderer, []
    monkeypatch.setattr(renderer, "_record_again", lambda: recorded.append(1))
    runtime.tableau["red"].translation = (0, 0, -2.2)
    runtime.frame()
    runtime.tableau["camera"].translation = (0, 0, 0.2)
    runtime.frame()
    assert recorded == []
    runtime.tableau["red"].translation = (0, 0, -2.6)
    runtime.frame()
    assert recorded == [1]


class Lost(Puffs):
    """Puffs whose places are none."""

    type_name = "puffs"
    answer: Any = ()

    def places(self, frame):
        """What a test says."""
        return self.answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "what `places` returns is None, not points"),
        (np.zeros(3), "not points"),
        ([["a", "b", "c"]], "not points"),
        (np.zeros((3, 3)), "`places` returns 3 places, and a pass has 2 parts"),
    ],
)
def test_places_that_are_none_switch_the_feature_off(shown: Open, answer: Any, said: str) -> None:
    feature = Lost()
    feature.answer = answer
    runtime = shown(TWO + pane("pane", "white", "scale: [9 9 1] translation: [0 0 -9]"), feature, faults=1)
    (problem,) = [one for one in runtime.problems if one.code == "feature.failed"]
    assert said in problem.message
    assert_seen(runtime, (255, 255, 255), why="the rest is drawn")


def test_places_beyond_numbers_are_drawn_somewhere(shown: Open) -> None:
    feature = Lost()
    feature.answer = np.array([[np.nan, np.inf, -np.inf], [0.0, 0.0, -3.0]])
    runtime = shown(TWO + pane("pane", "white", "scale: [9 9 1] translation: [0 0 -9]"), feature)
    assert colours(runtime).max() == 255


class Eager(Puffs):
    """Puffs that wish to be drawn after all else, or before it."""

    type_name = "puffs"

    def __init__(self, **wishes: tuple[str, ...]) -> None:
        self.wishes: Any = wishes

    def passes(self, rows):
        """The same pass, with its wishes."""
        return (replace(super().passes(rows)[0], **self.wishes),)


@pytest.mark.parametrize("wishes", [{"after": ("toneMap",)}, {"before": ("forward", "sky")}])
def test_no_wish_of_a_guest_takes_glass_out_of_the_picture(shown: Open, wishes: Any) -> None:
    glass = pane("pane", "white", "scale: [9 9 1] translation: [0 0 -2.5]")
    runtime = shown(TWO + glass, Eager(**wishes), faults=1)
    (problem,) = [one for one in runtime.problems if one.code == "feature.failed"]
    assert problem.message.startswith("puffs on 'red' and 1 more is switched off: passes depend on")
    assert "puffs (among blended)" in problem.message
    assert_seen(runtime, (255, 255, 255), why="the rest is drawn")


def test_a_map_shows_parts_among_what_blends_in_it(shown: Open) -> None:
    eye = "    eye: { features: [{ @type: camera  toneMapping: none  background: [0 0 0] } { @type: areaMap"
    plain = "extent: 8 size: 32 offsetX: 0 offsetY: 0 border: 0 radius: 0 marker: 0"
    inset = f"{eye} {plain} background: [0 0 0] }}] }}\n"
    flat = pane("pane", "white", "scale: [9 9 1] translation: [0 -2.5 0] euler: [-90 0 0]")
    low = puff("red", "1 0 0", 0).replace("[0 0 0]", "[0 -4 0]")
    high = puff("green", "0 1 0", 0).replace("[0 0 0]", "[0 -1 0]")
    runtime = shown(flat + low + high + inset)
    runtime.tableau["camera"].camera.enabled = False
    assert "areaMapBlended puffs" in [p.declaration.name for p in runtime.needs.graph.passes]
    assert_seen(runtime, (0, 255, 0))
    runtime.tableau["green"].translation = (0, -3, 0)
    assert_seen(runtime, (255, 255, 255), why="the pane is above both")
    runtime.tableau["pane"].translation = (0, -3.5, 0)
    assert_seen(runtime, (0, 255, 0))


def test_parts_move_with_the_clock(shown: Open) -> None:
    class Falling(Lost):
        """Puffs of which the first one comes towards the eye."""

        type_name = "puffs"

        def places(self, frame):
            """A metre a second."""
            return [[0.0, 0.0, frame.time - 5.0], [0.0, 0.0, -4.0]]

    runtime = shown(TWO + pane("pane", "white", "scale: [9 9 1] translation: [0 0 -9]"), Falling())
    assert_seen(runtime, (0, 255, 0))
    runtime.tableau.clock.set(2.0)
    assert_seen(runtime, (255, 0, 0), why="it has come before the other one")


def test_what_is_drawn_among_others_begins_no_rendering_of_its_own(shown: Open) -> None:
    runtime = shown(TWO + pane("pane", "white", "scale: [9 9 1] translation: [0 0 -9]"))
    assert rendered(runtime)["puffs"] == 0
    assert rendered(runtime)["blended"] == 1
    runtime.tableau["pane"].visibleModel.active = False
    runtime.settle()
    assert rendered(runtime)["puffs"] == 1


def rendered(runtime: Runtime) -> dict[str, int]:
    """How often each pass begins to render in a frame."""
    renderer = runtime.renderer
    info = renderer._recorder._info(renderer.graph, renderer._images[0])
    return {known.name: len(known.rendering) for known in info.passes}


@pytest.mark.parametrize(
    ("mode", "colour"),
    [
        (ViewMode.LINES, (255, 0, 0)),
        (ViewMode.WIREFRAME, (255, 0, 0)),
        (ViewMode.RED, (255, 255, 255)),
        (ViewMode.EMISSIVE, (255, 255, 255)),
    ],
)
def test_view_modes_show_parts_where_they_show_light(
    shown: Open, mode: ViewMode, colour: tuple[int, int, int]
) -> None:
    runtime = shown(TWO + pane("pane", "white", "scale: [9 9 1] translation: [0 0 -2.5]"))
    runtime.planner.show(mode)
    assert_seen(runtime, colour)
    assert [one for one in runtime.problems if one.code != "feature.absent"] == []
