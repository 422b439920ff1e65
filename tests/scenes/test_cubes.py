"""Claims about cubes that passes draw: six views fill the faces, and shaders find each direction in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.shared_runtime import shared_runtime

from engine.assets import open_library
from engine.feature import Feature, discover
from engine.graph import (
    SCENE_COLOR,
    ColorTarget,
    ComputePass,
    DepthTarget,
    Extent,
    FullscreenPass,
    ImageDecl,
    ImageRead,
    RepeatedPass,
    Sampler,
    StorageWrite,
)
from engine.math import cube_views
from engine.plan import Format, FrontFace, ImageUsage
from engine.runtime.options import RuntimeOptions
from engine.runtime.runtime import Runtime
from engine.scene import load_scene

pytestmark = pytest.mark.gpu

SIDE = Extent(width=64, height=64)
FACES = ImageDecl("faces", Format.R16G16B16A16_SFLOAT, SIDE, clear=(0, 0, 0, 0), layers=6, cube=True)
DEPTH = ImageDecl("facesDepth", Format.D32_SFLOAT, SIDE, clear=(0, 0, 0, 0), layers=6)
VIEWS = tuple(f"face.{number}" for number in range(6))

ALL_AROUND = """#version 450
layout(set = 0, binding = 0) uniform samplerCube faces;
layout(location = 0) in vec2 uv;
layout(location = 0) out vec4 colour;
void main() {
    float turn = (uv.x - 0.5) * 6.28318530718, up = (0.5 - uv.y) * 3.14159265359;
    colour = vec4(textureLod(faces, vec3(cos(up) * sin(turn), sin(up), -cos(up) * cos(turn)), LEVEL).a);
}
"""
FILL = """#version 450
layout(local_size_x = 1, local_size_y = 1) in;
layout(set = 0, binding = 0, rgba16f) uniform writeonly imageCube faces;
void main() { imageStore(faces, ivec3(gl_GlobalInvocationID), vec4(gl_GlobalInvocationID.z == 3)); }
"""
SCENE = """version: 1
tableau: { name: t  objects: {
    cube: { scale: [0.3 0.3 0.3]  translation: [0 0 -2]
            features: [{ @type: visibleModel  asset: [builtin placeholder] }] }
    camera: { features: [{ @type: camera  toneMapping: none  antialiasing: none }] }
    sun: { features: [{ @type: light }] }
    eye: { translation: [100 20 -30]  features: [{ @type: around }] }
} }
"""


class Around(Feature):
    """Shows how much is covered in each direction from the object's place, all around."""

    type_name = "around"
    front = FrontFace.CLOCKWISE
    faces = FACES
    level = "0.0"

    @property
    def shaders(self):
        return {"show.fs": ALL_AROUND.replace("LEVEL", self.level), "fill.cs": FILL}

    def passes(self, rows):
        drawn = RepeatedPass(
            "faces",
            repeats="forward",
            color=(ColorTarget(self.faces),),
            depth=DepthTarget(DEPTH),
            views=VIEWS,
            front_face=self.front,
        )
        return drawn, self.shown()

    def shown(self):
        return FullscreenPass(
            "show",
            color=(ColorTarget(SCENE_COLOR),),
            reads=(ImageRead(self.faces, "faces", Sampler(nearest=True)),),
            after=("forward",),
            shader=f"{self.type_name}/show.fs",
        )

    def views(self, frame):
        rows = frame.enabled(self.type_name)
        if not len(rows):
            return {}
        place = frame.world(rows.objects[:1])[0, 3, :3] - frame.origin
        found = {}
        for name, matrix in zip(VIEWS, cube_views(0.01), strict=True):
            moved = matrix.copy()
            moved[3] -= place @ matrix[:3]
            found[name] = {"viewProjection": moved}
        return found


@contextmanager
def opened(folder: Path, feature: Feature, *, trials: bool = False) -> Iterator[Runtime]:
    """The scene with such a feature, under validation."""
    (folder / "scene.hu").write_text(SCENE.replace("around", feature.type_name))
    registry = discover()
    registry.register(feature)
    scene = load_scene(folder / "scene.hu", registry)
    options = RuntimeOptions(size=(256, 128), validate=True, trials=trials)
    with open_library(scene.dbs) as library, shared_runtime(scene, library, options) as runtime:
        yield runtime


def seen(runtime: Runtime) -> np.ndarray:
    """The texels of the picture that are covered."""
    return runtime.read_pixels()[:, :, 1] > 128


def direction(covered: np.ndarray) -> np.ndarray:
    """The mean direction of what is covered."""
    rows, columns = np.nonzero(covered)
    turn = ((columns + 0.5) / covered.shape[1] - 0.5) * 2 * np.pi
    up = (0.5 - (rows + 0.5) / covered.shape[0]) * np.pi
    all_around = np.stack((np.cos(up) * np.sin(turn), np.sin(up), -np.cos(up) * np.cos(turn)), axis=1)
    mean = (all_around * np.cos(up)[:, None]).sum(axis=0)
    return mean / np.linalg.norm(mean)


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runtime]:
    with opened(tmp_path_factory.mktemp("around"), Around()) as runtime:
        runtime.settle()
        yield runtime


@pytest.mark.parametrize(
    "away",
    [
        *((1.0, 0.2, 0.3), (-1.0, 0.3, 0.2), (0.3, 1.0, 0.2), (0.2, -1.0, 0.3), (0.2, 0.3, 1.0)),
        *((0.3, 0.2, -1.0), (1.0, 0.9, -0.4), (-0.6, 0.5, -0.55)),  # the last two across borders of faces
    ],
)
def test_what_faces_show_is_found_in_its_direction(around: Runtime, away: tuple[float, ...]) -> None:
    cube, eye = around.tableau["cube"], around.tableau["eye"]
    cube.translation = np.array(eye.translation) + 2 * np.array(away)
    around.frame()
    found = direction(seen(around))
    assert found @ away / np.linalg.norm(away) > 0.999


def test_front_faces_are_clockwise_in_the_faces_of_a_cube(around: Runtime) -> None:
    cube, eye = around.tableau["cube"], around.tableau["eye"]
    cube.translation = eye.translation  # from inside only backs are seen, which are not drawn
    around.frame()
    assert not seen(around).any()


class Inside(Around):
    """The same with fronts taken for backs."""

    type_name = "inside"
    front = FrontFace.COUNTER_CLOCKWISE


def test_the_front_face_of_a_pass_says_which_side_is_drawn(tmp_path: Path) -> None:
    with opened(tmp_path, Inside()) as runtime:
        runtime.tableau["cube"].translation = runtime.tableau["eye"].translation
        runtime.settle()
        runtime.frame()
        assert seen(runtime).all()
        states = {row.pass_name: row.state for row in runtime.plan.pipelines}
        assert states["faces"].front_face is FrontFace.COUNTER_CLOCKWISE


def test_a_cube_is_planned_as_one_and_goes_with_its_feature(around: Runtime) -> None:
    plan, eye = around.plan, around.tableau["eye"].around
    keys = plan.requirements.keys
    place = plan.memory.subresource_table.row(keys.transient("faces"))
    row = plan.memory.resource(int(place["resource"]))
    assert (bool(row["cube"]), int(row["layers"]), int(row["width"])) == (True, 6, 64)
    assert int(row["usage"]) == ImageUsage.COLOR_ATTACHMENT | ImageUsage.SAMPLED
    text = str(plan)
    at = text.index("transient: faces\n")
    assert "cube: true" in text[at - 900 : at]
    states = {row.pass_name: row.state for row in plan.pipelines}
    assert states["faces"].front_face is FrontFace.CLOCKWISE
    assert states["forward"].front_face is FrontFace.COUNTER_CLOCKWISE
    eye.active = False
    around.settle()
    assert keys.transient("faces") not in around.plan.memory
    assert around.memory.live_bytes == around.plan.planned_bytes < plan.planned_bytes
    eye.active = True
    around.settle()
    assert around.memory.live_bytes == around.plan.planned_bytes
    assert keys.transient("faces") in around.plan.memory
    assert [str(one.message) for one in around.problems] == []


class Levels(Around):
    """The same, with the faces drawn into the second of two mip levels, and the first one only cleared."""

    type_name = "levels"
    faces = replace(FACES, mip_levels=2)
    level = "1.0"

    def passes(self, rows):
        first, show = super().passes(rows)
        small = Extent(width=32, height=32)
        into = ColorTarget(self.faces, level=1)
        depth = DepthTarget(replace(DEPTH, name="smallDepth", extent=small))
        second = replace(first, name="second", color=(into,), depth=depth)
        return replace(first, repeats="forward", views=tuple(f"none.{n}" for n in range(6))), second, show


def test_faces_are_drawn_into_a_mip_level_of_a_cube(tmp_path: Path) -> None:
    with opened(tmp_path, Levels()) as runtime:
        cube, eye = runtime.tableau["cube"], runtime.tableau["eye"]
        away = np.array((-1.0, 0.3, 0.2))
        cube.translation = np.array(eye.translation) + 2 * away
        runtime.settle()
        runtime.frame()
        assert direction(seen(runtime)) @ away / np.linalg.norm(away) > 0.999
        assert [str(one.message) for one in runtime.problems] == []


class Filled(Around):
    """A cube whose face towards -y a compute shader fills."""

    type_name = "filled"

    def passes(self, rows):
        fill = ComputePass(
            "fill", shader="filled/fill.cs", threads=FACES, writes=(StorageWrite(FACES, "faces"),)
        )
        return fill, self.shown()


@pytest.mark.parametrize("trials", [False, True])
def test_a_compute_shader_writes_the_faces_of_a_cube(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trials: bool
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with opened(tmp_path, Filled(), trials=trials) as runtime:
        runtime.settle()
        assert [str(one.message) for one in runtime.problems] == []
        below = seen(runtime)
        assert below[112:].all()  # within 22 degrees of straight down
        assert not below[:64].any()


class Nobody(Around):
    """A cube that nobody draws."""

    type_name = "nobody"

    def passes(self, rows):
        return (self.shown(),)


def test_a_cube_that_nobody_draws_has_a_cube_of_zeros_in_its_place(tmp_path: Path) -> None:
    with opened(tmp_path, Nobody()) as runtime:
        runtime.settle()
        assert not seen(runtime).any()
        (problem,) = runtime.problems
        assert (problem.code, "reads faces" in str(problem.message)) == ("pass.unwritten", True)
